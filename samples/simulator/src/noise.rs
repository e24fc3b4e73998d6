//! Writes the lines of everything else that runs on a terminal.

use crate::fleet::Vendor;
use crate::time::{MS, Micros};
use crate::world::World;
use std::fmt::Write as _;
use std::io;

impl World {
    /// `n` lines spread over a span.
    pub fn noise_lines(&mut self, term: usize, from: Micros, span: i64, n: u32) -> io::Result<()> {
        if self.logs[term].is_none() || span <= 0 {
            return Ok(());
        }
        let vendor = self.fleet.terminals[term].vendor;
        let mut text = String::new();
        let mut t = from;
        for _ in 0..n {
            let r = self.rng.draw();
            let (a, b, c) = (r & 0xFFFF, (r >> 16) & 0xFFF, (r >> 28) & 0xFF);
            t = if r.is_multiple_of(3) {
                (t + MS).min(from + span)
            } else {
                from + self.rng.range(0, span)
            };
            text.clear();
            let (level, tag) = match vendor {
                Vendor::A => android(r >> 40, a, b, c, &mut text),
                Vendor::B => chinese(r >> 40, a, b, c, &mut text),
                Vendor::C => middleware(r >> 40, a, b, c, &mut text),
            };
            self.line(term, t, level, tag, &text)?;
        }
        Ok(())
    }
}

fn middleware(k: u64, a: u64, b: u64, c: u64, s: &mut String) -> (char, &'static str) {
    let (level, tag) = match k % 7 {
        0 => {
            let _ = write!(s, "heap {a} of 65536 kB, {c} threads");
            ('D', "core")
        }
        1 => {
            let _ = write!(s, "screen saver frame {b}");
            ('D', "display")
        }
        2 => {
            let _ = write!(s, "watchdog fed, slot {c}");
            ('D', "core")
        }
        3 => {
            let _ = write!(s, "basket {a} lines {}", c % 30);
            ('I', "till")
        }
        4 => {
            let _ = write!(s, "flash wear level {} permille", b % 1000);
            ('D', "core")
        }
        5 => {
            let _ = write!(s, "paper {} mm left", b * 7);
            ('I', "prn")
        }
        _ => {
            let _ = write!(s, "task scheduler tick {a}");
            ('D', "core")
        }
    };
    (level, tag)
}

fn android(k: u64, a: u64, b: u64, c: u64, s: &mut String) -> (char, &'static str) {
    match k % 16 {
        0 => {
            let _ = write!(
                s,
                "acquire lock=0x{a:x}, flags=0x1, tag=\"*job*/com.vendor.mdm\", uid=10{b:03}, pid={a}"
            );
            ('D', "PowerManagerService")
        }
        1 => {
            let _ = write!(
                s,
                "onReceive: action: android.intent.action.BATTERY_CHANGED level={}",
                c % 101
            );
            ('I', "BatteryReceiver")
        }
        2 => {
            let _ = write!(
                s,
                "GC freed {a}({b}KB) AllocSpace objects, {c}(1MB) LOS objects, 49% free, 8MB/16MB, paused {b}us total {a}us"
            );
            ('I', "art")
        }
        3 => {
            let _ = write!(
                s,
                "setSystemUiVisibility vis={a:x} mask=ffffffff oldVal={b:x} newVal=508 diff=500"
            );
            ('D', "PhoneStatusBar")
        }
        4 => {
            let _ = write!(
                s,
                "notifyUiVisibilityChanged:vis=0x{a:x}, SystemUiVisibility:0x{b:x}"
            );
            ('D', "StatusBarManagerService")
        }
        5 => {
            let _ = write!(
                s,
                "CHG [online: 1, type: 4, vol: 5000000, time: {a}], BAT [present: 1, vol: 4{b:03}000, temp: {c}]"
            );
            ('I', "BMS")
        }
        6 => {
            let _ = write!(
                s,
                "Skipped {} frames!  The application may be doing too much work on its main thread.",
                c % 60 + 30
            );
            ('I', "Choreographer")
        }
        7 => {
            let _ = write!(
                s,
                "out_set_parameters: enter: usecase(1: low-latency-playback) kvpairs: routing={c}"
            );
            ('D', "audio_hw_primary")
        }
        8 => {
            let _ = write!(
                s,
                "scan results: {} APs, connected bssid 02:00:00:00:{:02x}:{:02x}",
                c % 20 + 1,
                a & 0xFF,
                b & 0xFF
            );
            ('D', "WifiService")
        }
        9 => {
            let _ = write!(s, "heartbeat ok, {b} ms, queue={}", c % 3);
            ('D', "MdmAgent")
        }
        10 => {
            let _ = write!(s, "PN54X - I2C Read successful.....len = {}", c % 40);
            ('D', "NxpTml")
        }
        11 => {
            let _ = write!(s, "Posting delayed message {a} what={c} obj=null");
            ('V', "HandlerThread")
        }
        12 => {
            let _ = write!(
                s,
                "Start proc {a}:com.vendor.launcher/u0a{c} for service com.vendor.launcher/.TickService"
            );
            ('I', "ActivityManager")
        }
        13 => {
            let _ = write!(s, "upload statistics page={c} cost={b}ms ok");
            ('I', "StatSdk")
        }
        14 => {
            let _ = write!(s, "sensor light value={b}.{c}");
            ('V', "SensorService")
        }
        _ => {
            let _ = write!(s, "[0x{a:04x}] wake reason qpnp_rtc_alarm, suspend {b} ms");
            ('D', "kernel_power")
        }
    }
}

fn chinese(k: u64, a: u64, b: u64, c: u64, s: &mut String) -> (char, &'static str) {
    match k % 8 {
        0 => {
            let _ = write!(s, "心跳检测正常 耗时{b}毫秒");
            ('D', "系统")
        }
        1 => {
            let _ = write!(s, "电量:{}% 温度:{}", c % 101, 20 + c % 15);
            ('D', "电源")
        }
        2 => {
            let _ = write!(s, "内存剩余 {a}KB 存储剩余 {b}MB");
            ('D', "系统")
        }
        3 => {
            let _ = write!(s, "屏幕点击 x={} y={}", b % 720, a % 1280);
            ('D', "界面")
        }
        4 => {
            let _ = write!(s, "打印机状态:{} 纸张正常", c % 2);
            ('D', "打印")
        }
        5 => {
            let _ = write!(s, "广告页切换 序号={c}");
            ('I', "界面")
        }
        6 => {
            let _ = write!(s, "TMS轮询 任务数=0 版本={}.{}.{}", c % 9, b % 9, a % 9);
            ('I', "远程")
        }
        _ => {
            let _ = write!(s, "看门狗 喂狗 {a}");
            ('D', "系统")
        }
    }
}
