//! Trees of well-known dialogues, as text: label, hex, meaning, faults.

use super::*;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
        .collect()
}

fn render(node: &Node, depth: usize, out: &mut String) {
    let fault = node
        .fault
        .map(|f| format!(" !{}@{}", f.code, f.offset))
        .unwrap_or_default();
    out.push_str(&format!("{}{}", "  ".repeat(depth), node.label_en));
    if node.children.is_empty() && !node.hex.is_empty() {
        out.push_str(&format!(" [{}]", node.hex));
    }
    if !node.meaning_en.is_empty() {
        out.push_str(&format!(" = {}", node.meaning_en));
    }
    out.push_str(&fault);
    out.push('\n');
    for child in &node.children {
        render(child, depth + 1, out);
    }
}

/// Reads `kernel=7 command=GPO dol=9F02…`.
fn context<'a>(words: &str, dol: &'a mut Vec<u8>) -> Context<'a> {
    let mut context = Context::default();
    for (name, value) in words.split(' ').filter_map(|word| word.split_once('=')) {
        match name {
            "kernel" => context.kernel = value.parse().ok(),
            "dol" => *dol = bytes(value),
            _ => {
                context.command = Some(match value {
                    "SELECT_PPSE" => iso7816::Kind::SelectPpse,
                    "SELECT_AID" => iso7816::Kind::SelectAid,
                    "GPO" => iso7816::Kind::GetProcessingOptions,
                    "READ_RECORD" => iso7816::Kind::ReadRecord,
                    "GENERATE_AC" => iso7816::Kind::GenerateAc,
                    "ERRD" => iso7816::Kind::ExchangeRelayResistanceData,
                    "VERIFY" => iso7816::Kind::Verify,
                    other => panic!("{other}"),
                });
            }
        }
    }
    if !dol.is_empty() {
        context.dol = Some(dol);
    }
    context
}

/// `trees.txt` holds inputs and their trees. `TAPSCOPE_BLESS=1 cargo test` writes it anew: read the difference before you keep it.
#[test]
fn trees() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/explain/trees.txt");
    let known = std::fs::read_to_string(path).unwrap();
    let mut seen = String::new();
    for block in known.split("### ").skip(1) {
        let head = block.lines().next().unwrap();
        let [kind, hex, words] = head.splitn(3, ' ').collect::<Vec<_>>()[..] else {
            panic!("{head}")
        };
        let kind = match kind {
            "dol-data" => Kind::DolData,
            "unknown" => Kind::Unknown,
            name => Kind::from_name(name).unwrap_or_else(|| panic!("{name}")),
        };
        let mut dol = Vec::new();
        let context = context(words, &mut dol);
        seen += &format!("### {head}\n");
        render(&explain(kind, &bytes(hex), context), 0, &mut seen);
        seen.push('\n');
    }
    if std::env::var_os("TAPSCOPE_BLESS").is_some() {
        std::fs::write(path, &seen).unwrap();
    }
    assert!(seen == known, "trees.txt differs:\n{seen}");
}

#[test]
fn guesses() {
    let rows = [
        ("00A404000E325041592E5359532E444446303100", Kind::Command),
        ("80A80000028300", Kind::Command),
        ("6985", Kind::StatusWord),
        ("3B6500002063CB6800", Kind::Atr),
        ("0A78807002202063CB68", Kind::Ats),
        ("1980", Kind::Value(0x82)),
        ("770A820219809404080101009000", Kind::Response),
        ("9A032511229C0100", Kind::Tlv),
        ("9F66049F02069F0306", Kind::Dol),
        ("0801010010010300", Kind::Value(0x94)),
        ("0000048000", Kind::Value(0x95)),
        ("36004080", Kind::Value(0x9F66)),
        ("30F0F020A8F0FF00", Kind::Value(0xDF8129)),
        ("0003006985FF", Kind::Value(0xDF8115)),
        ("A0000003330101", Kind::Value(0x84)),
        ("1F0302", Kind::Value(0x9F34)),
        ("7012 5A0862123400", Kind::Tlv),
        // Lists, values and cut things that also read as something else.
        ("9F02069F03069F1A02", Kind::Dol),
        ("0400008000", Kind::Value(0x95)),
        ("0578807002", Kind::Ats),
        ("5A08541333", Kind::Tlv),
        ("80A80000068304260000", Kind::Command),
        ("00A404000732504159", Kind::Command),
        ("0200702406C020C09A00164111111111", Kind::Iso8583),
        ("0102030405060708090A", Kind::Unknown),
        ("", Kind::Unknown),
    ];
    for (hex, want) in rows {
        assert_eq!(
            guess(&bytes(hex))[0],
            want,
            "{hex} {:?}",
            guess(&bytes(hex))
        );
        assert_eq!(guess(&bytes(hex)).last(), Some(&Kind::Unknown));
    }
}

#[test]
fn no_tree_shows_a_card_number() {
    let pan = "6212340000001231";
    let track = format!("{pan}D2512201000001234F");
    let inner = format!("5A08{pan}5712{track}5F2003412F429F1F0431323334");
    let record = format!("70{:02X}{inner}", inner.len() / 2);
    for (kind, hex, dol) in [
        (Kind::Tlv, record.clone(), ""),
        (Kind::Response, format!("{record}9000"), ""),
        (Kind::Value(0x5A), pan.to_owned(), ""),
        (Kind::Value(0x57), track.clone(), ""),
        (Kind::DolData, format!("{pan}000000010000"), "5A089F0206"),
        (
            Kind::Command,
            format!("80AE80000E{pan}00000001000000"),
            "5A089F0206",
        ),
        (
            Kind::Command,
            format!("80A8000010830E{pan}00000001000000"),
            "5A089F0206",
        ),
        (Kind::Unknown, format!("00{pan}00"), ""),
        (Kind::Tlv, format!("DF0108{pan}"), ""),
    ] {
        let dol = bytes(dol);
        let context = Context {
            dol: (!dol.is_empty()).then_some(&dol),
            ..Context::default()
        };
        let mut out = String::new();
        render(&explain(kind, &bytes(&hex), context), 0, &mut out);
        assert!(
            !out.contains(pan)
                && !out.contains("000001234")
                && !out.contains("412F42")
                && !out.contains("31323334"),
            "{hex}:\n{out}"
        );
        assert!(out.contains("621234"), "{out}");
    }
}

/// Places of the nodes, and those of the leaves.
fn places(node: &Node, all: &mut Vec<(usize, usize)>, leaves: &mut Vec<(usize, usize)>) {
    // What is within a value of its own is shown with that value.
    let tag = node.label_en.split(' ').next().unwrap_or_default();
    let value = u32::from_str_radix(tag, 16)
        .is_ok_and(|tag| !crate::protocol::emv::tlv::is_constructed(tag));
    let whole = value || node.children.iter().all(|child| child.place.is_none());
    if let Some(place) = node.place {
        all.push(place);
        if whole {
            leaves.push(place);
        }
    }
    for child in &node.children {
        places(child, all, leaves);
    }
}

/// Every byte is in a leaf, or in the tag and length in front of a node.
fn hides_something(bytes: &[u8]) -> Option<usize> {
    let root = explain(Kind::Tlv, bytes, Context::default());
    let (mut all, mut leaves) = (Vec::new(), Vec::new());
    places(&root, &mut all, &mut leaves);
    let mut told = vec![false; bytes.len()];
    for (at, length) in leaves {
        told[at..at + length].fill(true);
    }
    (0..bytes.len()).find(|&at| {
        let header = all
            .iter()
            .any(|&(start, _)| start > at && start - at <= 9 && !told[at..start].contains(&true));
        !told[at] && !header
    })
}

#[test]
fn damaged_objects_hide_nothing() {
    let sound = bytes("6F108407A0000000031010A5059F380295058F0101770A820219809404080101009F3600");
    assert_eq!(hides_something(&sound), None);
    for at in 0..sound.len() {
        for wrong in [0, 0x1F, 0x5A, 0x7F, 0x80, 0x84, 0xFF] {
            let mut damaged = sound.clone();
            damaged[at] = wrong;
            assert_eq!(hides_something(&damaged), None, "{damaged:02X?}");
        }
        assert_eq!(hides_something(&sound[..at]), None, "cut at {at}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn nothing_is_hidden(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        prop_assert_eq!(hides_something(&bytes), None);
    }

    #[test]
    fn anything_is_taken(bytes in prop::collection::vec(any::<u8>(), 0..300), dol in prop::collection::vec(any::<u8>(), 0..40), kernel in prop::option::of(0u32..12)) {
        let context = Context { kernel, command: None, dol: Some(&dol) };
        for kind in guess(&bytes).into_iter().chain([Kind::Command, Kind::Response, Kind::Tlv, Kind::Dol, Kind::DolData, Kind::StatusWord, Kind::Atr, Kind::Ats]) {
            let _ = explain(kind, &bytes, context);
        }
        for tag in [0x57, 0x5A, 0x56, 0x80, 0x86, 0x8E, 0x94, 0x95, 0x9F10, 0x9F5B, 0x9F6E, 0xDF8116, 0x8A, 0x50] {
            let _ = explain(Kind::Value(tag), &bytes, context);
        }
    }
}
