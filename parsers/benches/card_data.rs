//! Throughput of the masking scan and of the TLV walk, in bytes of input per second on one core.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a bench prints its figures"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use tapscope_parsers::content::apdu;
use tapscope_parsers::protocol::emv::tlv;
use tapscope_parsers::sensitive::{in_bytes, in_text};

/// Nanoseconds that this thread has run: what others do on the machine does not count. Wall time where the system does not tell.
fn clock(start: Instant) -> u128 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| start.elapsed().as_nanos())
}

fn measure(name: &str, bytes: usize, mut run: impl FnMut()) {
    run();
    let start = Instant::now();
    let before = clock(start);
    let mut rounds = 0u32;
    while start.elapsed() < Duration::from_millis(400) {
        for _ in 0..100 {
            run();
        }
        rounds += 100;
    }
    let seconds = (clock(start) - before) as f64 / 1e9;
    let calls = f64::from(rounds);
    println!(
        "{name:<44} {:>8.1} MB/s {:>8.0} ns a call",
        bytes as f64 * calls / seconds / 1e6,
        seconds * 1e9 / calls
    );
}

fn unhex(hex: &str) -> Vec<u8> {
    hex.as_bytes()
        .chunks(2)
        .filter_map(|p| u8::from_str_radix(std::str::from_utf8(p).ok()?, 16).ok())
        .collect()
}

fn main() {
    let record = "70819857116212340000001231D25122010000000000005F200B444F452F4A4F484E2F4D525F24032512315A0862123400000012315F3401018C219F02069F03069F1A0295055F2A029A039C019F37049F35019F45029F4C089F34038D0C910A8A0295059F37049F4C088E0E000000000000000042031E031F039F0D05F8501400009F0E0500000000009F0F05F8701498009F4A01829F0702FF00";
    let spaced = unhex(record)
        .iter()
        .map(|b| format!("{b:02X}"))
        .collect::<Vec<_>>()
        .join(" ");
    let texts = [
        ("words", "PosService: onPollingStarted, waiting for a card to be presented by the customer at the reader".to_owned()),
        ("log line with figures", "2025-11-22 14:30:15.123 4503 4511 I PosApp: amount=100.00 stan=000123 rrn=251122143015 tid=12345678".to_owned()),
        ("JSON", r#"{"ts":1763822000123,"amount":10000,"cardNo":"621234******1231","terminal":"12345678","merchant":"898310148160001"}"#.to_owned()),
        ("Chinese", "交易失败，请重新挥卡，终端号12345678，金额100.00元，应答码51，余额不足".to_owned()),
        ("hex of a record", record.to_owned()),
        ("hex of a record, spaced", spaced),
        ("card number", "sale with card 4111 1111 1111 1111, please wait".to_owned()),
    ];
    for (name, text) in &texts {
        let mut spans = Vec::new();
        measure(&format!("in_text: {name}"), text.len(), || {
            spans.clear();
            in_text(black_box(text.as_bytes()), &mut spans);
            black_box(&spans);
        });
    }
    let bytes = unhex(record);
    let mut spans = Vec::new();
    measure("in_bytes: a record", bytes.len(), || {
        spans.clear();
        in_bytes(black_box(&bytes), &mut spans);
        black_box(&spans);
    });
    // A line of a dialogue, as the text driver reads it.
    let labels = apdu::Labels::new().unwrap();
    for (name, line) in [
        ("answer", format!("transceive recv: {record}9000")),
        ("answer, spaced", format!("SW: {spaced} 90 00 ", spaced = texts[5].1)),
        ("command", "transceive send: 80A80000258323260000800000000088000000000000000156000000000001562611220".to_owned() + "01A2B3C4D000000"),
        ("chatter", "getting scan results, ignore cached 0x00000000".to_owned()),
    ] {
        measure(&format!("apdu::read: {name}"), line.len(), || {
            black_box(apdu::read(&labels, black_box(line.as_bytes()), true));
        });
    }
    measure("tlv::walk: a record", bytes.len(), || {
        black_box(tlv::walk(black_box(&bytes)).count());
    });
    let long: Vec<u8> = bytes.repeat(64 * 1024 / bytes.len());
    measure("tlv::walk: 64 KiB of records", long.len(), || {
        black_box(
            tlv::walk(black_box(&long))
                .map(|o| o.tag as usize ^ o.value.len())
                .sum::<usize>(),
        );
    });
}
