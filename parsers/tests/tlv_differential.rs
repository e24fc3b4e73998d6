//! Holds our reader of data objects against an independent one (`ber-tlv` of the Python package index), object by object, on
//! generated and real strings.
//!
//! Needs `python3` with that package; says loudly when it is not there. Known differences are left out of the generator and named here:
//! an indefinite length (`80`) is refused by name here and read as a length of no bytes there; `FF` between objects is padding here.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "tests may say what they mean"
)]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tapscope_parsers::hex;
use tapscope_parsers::protocol::emv::tlv;

/// Reads hex lines; writes each as `depth:TAG:value` words, templates without a value, or as `!` where it refuses.
const PEER: &str = r"
import sys
from ber_tlv.tlv import Tlv, Tag
def show(data, depth, out):
    # One level at a time: the package's own descent looks into values that are no templates.
    for tag, value in Tlv.parse(data, False):
        if Tag.isConstructed(tag):
            out.append('%d:%X:' % (depth, tag))
            show(value, depth + 1, out)
        else:
            out.append('%d:%X:%s' % (depth, tag, bytes(value).hex().upper()))
for line in sys.stdin:
    try:
        out = []
        show(bytes.fromhex(line.strip()), 0, out)
        print(' '.join(out))
    except Exception:
        print('!')
";

fn python() -> Option<Command> {
    let works = Command::new("python3")
        .args(["-c", "import ber_tlv.tlv"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if works {
        let mut command = Command::new("python3");
        command.args(["-c", PEER]);
        return Some(command);
    }
    eprintln!("SKIPPED: python3 with ber-tlv is not here (pip install ber-tlv)");
    None
}

fn ours(bytes: &[u8]) -> String {
    let mut walk = tlv::walk(bytes);
    let mut words = Vec::new();
    for object in walk.by_ref() {
        let value: String = if object.constructed {
            String::new()
        } else {
            object.value.iter().map(|b| format!("{b:02X}")).collect()
        };
        words.push(format!("{}:{:X}:{value}", object.depth, object.tag));
    }
    if walk.damage().is_some() {
        return "!".to_owned();
    }
    words.join(" ")
}

/// Steele and Vigna's splitmix64: the same strings in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % sides
    }

    fn byte(&mut self) -> u8 {
        u8::try_from(self.roll(256)).unwrap()
    }

    fn tag(&mut self, constructed: bool) -> Vec<u8> {
        let class = [0x40, 0x80, 0xC0][usize::try_from(self.roll(3)).unwrap()];
        let form = if constructed { 0x20 } else { 0 };
        let mut tag = match self.roll(3) {
            0 => vec![class | form | u8::try_from(1 + self.roll(29)).unwrap()],
            more => {
                let mut tag = vec![class | form | 0x1F];
                if more == 2 {
                    for _ in 0..self.roll(2) {
                        tag.push(0x80 | u8::try_from(1 + self.roll(126)).unwrap());
                    }
                }
                tag.push(u8::try_from(1 + self.roll(126)).unwrap());
                tag
            }
        };
        // What begins with FF may be padding: another class then.
        if tag[0] == 0xFF {
            tag[0] = 0xBF;
        }
        tag
    }

    fn object(&mut self, depth: u64, out: &mut Vec<u8>) {
        let constructed = depth < 5 && self.roll(3) == 0;
        let mut value = Vec::new();
        if constructed {
            for _ in 0..self.roll(5) {
                self.object(depth + 1, &mut value);
            }
        } else {
            let most = if self.roll(12) == 0 { 400 } else { 40 };
            for _ in 0..self.roll(most) {
                value.push(self.byte());
            }
        }
        out.extend(self.tag(constructed));
        let length = value.len();
        let bytes = u32::try_from(length).unwrap().to_be_bytes();
        match (length, self.roll(4)) {
            (0..=0x7F, 1..) => out.push(bytes[3]),
            (0..=0xFF, 0..=2) => out.extend([0x81, bytes[3]]),
            (_, 3) => out.extend([0x83, bytes[1], bytes[2], bytes[3]]),
            _ => out.extend([0x82, bytes[2], bytes[3]]),
        }
        out.extend(value);
        // Padding between objects (EMV Book 3, annex B1).
        if self.roll(10) == 0 {
            out.push(0);
        }
    }
}

fn generated(count: usize) -> Vec<Vec<u8>> {
    let mut dice = Dice(20_261_122);
    (0..count)
        .map(|n| {
            let mut bytes = Vec::new();
            for _ in 0..=dice.roll(4) {
                dice.object(0, &mut bytes);
            }
            // A tenth is cut somewhere.
            if n % 10 == 9 {
                bytes.truncate(usize::try_from(dice.roll(bytes.len() as u64 + 1)).unwrap());
            }
            bytes
        })
        .collect()
}

/// Data of the answers in the corpus' hex pairs.
fn real() -> Vec<Vec<u8>> {
    let root = std::env::var_os("TAPSCOPE_CORPUS").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    let Ok(folder) = std::fs::read_dir(root.join("apdu")) else {
        eprintln!("SKIPPED: no corpus; generated strings only");
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let mut all = Vec::new();
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else {
            continue;
        };
        for line in text.lines() {
            let line = line.trim();
            let line = line.strip_prefix("resp:").unwrap_or(line);
            let line = line.strip_prefix("< ").unwrap_or(line);
            if let Some(bytes) = hex::decode_all(line.as_bytes())
                && let Some(data) = bytes.strip_suffix(&[0x90, 0x00])
                && matches!(data.first(), Some(0x6F | 0x70 | 0x77))
            {
                all.push(data.to_vec());
            }
        }
    }
    all
}

#[test]
fn objects_are_those_of_an_independent_reader() {
    let Some(mut peer) = python() else { return };
    let mut strings = generated(4000);
    let made = strings.len();
    strings.extend(real());
    let found = strings.len() - made;
    let mut child = peer
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = strings
        .iter()
        .map(|bytes| bytes.iter().map(|b| format!("{b:02X}")).collect::<String>() + "\n")
        .collect();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let theirs: Vec<&str> = text.lines().collect();
    assert_eq!(theirs.len(), strings.len());
    let mut refused = 0;
    let mut differ = Vec::new();
    for (bytes, theirs) in strings.iter().zip(&theirs) {
        let seen = ours(bytes);
        refused += usize::from(seen == "!");
        if seen != *theirs {
            let hex: String = bytes.iter().map(|b| format!("{b:02X}")).collect();
            differ.push(format!("{hex}\n  ours   {seen}\n  theirs {theirs}"));
        }
    }
    println!("{made} generated and {found} real strings, {refused} refused by both");
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ[..differ.len().min(5)].join("\n")
    );
    assert!(refused > 100 && refused < 500, "{refused}");
}
