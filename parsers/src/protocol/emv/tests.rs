//! Values from the specifications' own examples and from published dialogues; tables held row by row.

use super::*;
use crate::protocol::table;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn tables_are_read_whole() {
    let (rows, tsv) = tags::table();
    assert_eq!(rows.len(), table::lines(tsv));
    let mut seen = BTreeSet::new();
    for row in rows {
        assert!(seen.insert((row.tag, row.scheme, row.en)), "twice: {row:?}");
        assert!(
            !row.source.is_empty() && !row.en.is_empty() && !row.zh.is_empty(),
            "{row:?}"
        );
        // Every tag can be written and read as a tag.
        let bytes: Vec<u8> = row
            .tag
            .to_be_bytes()
            .into_iter()
            .skip_while(|&b| b == 0)
            .collect();
        assert_eq!(tlv::take_tag(&bytes), Some((row.tag, &[][..])), "{row:?}");
    }
    let (rows, tsv) = aid::table();
    assert_eq!(rows.len(), table::lines(tsv));
    for row in rows {
        assert_eq!(aid::lookup(&row.prefix), Some(row));
        assert!(!row.source.is_empty(), "{row:?}");
    }
    let (rows, tsv) = bits::table();
    assert_eq!(rows.len(), table::lines(tsv));
    let mut seen = BTreeSet::new();
    for row in rows {
        assert!(
            seen.insert((row.field, row.variant, row.byte, row.mask, row.value)),
            "twice: {row:?}"
        );
        assert!(
            !row.source.is_empty() && !row.en.is_empty() && !row.zh.is_empty(),
            "{row:?}"
        );
        assert!(
            row.byte >= 1 && row.mask != 0 && row.value.is_none_or(|v| v & !row.mask == 0),
            "{row:?}"
        );
    }
}

#[test]
fn no_table_names_its_making() {
    for tsv in [tags::table().1, aid::table().1, bits::table().1] {
        for word in [
            "public code",
            "file id",
            "synthesis",
            "own knowledge",
            "/work",
        ] {
            assert!(!tsv.contains(word), "{word}");
        }
    }
}

#[test]
fn objects_in_their_order() {
    let fci = hex(
        "6F23 840E 325041592E5359532E4444463031 A511 BF0C0E 610C 4F07 A0000003330101 8701 01 9000",
    );
    let seen: Vec<(u32, u8, usize, bool)> = tlv::walk(&fci[..fci.len() - 2])
        .map(|o| (o.tag, o.depth, o.value.len(), o.complete))
        .collect();
    assert_eq!(
        seen,
        [
            (0x6F, 0, 35, true),
            (0x84, 1, 14, true),
            (0xA5, 1, 17, true),
            (0xBF0C, 2, 14, true),
            (0x61, 3, 12, true),
            (0x4F, 4, 7, true),
            (0x87, 4, 1, true),
        ]
    );
    assert_eq!(tlv::find(&fci, 0x87), Some(&[1][..]));
    assert_eq!(
        tlv::find_path(&fci, &[0x6F, 0xA5, 0xBF0C, 0x61, 0x4F]),
        Some(&hex("A0000003330101")[..])
    );
    assert_eq!(tlv::find_path(&fci, &[0x6F, 0x4F]), None);
    assert!(tlv::is_whole(&fci[..fci.len() - 2]));
}

/// Odd strings, what is read of them, and the damage by name and offset.
#[test]
fn damage_is_located() {
    let rows: &[(&str, &[(u32, usize)], Option<(&str, usize)>)] = &[
        ("", &[], None),
        ("0000", &[], None),
        ("FFFF", &[], None),
        (
            "00 9A03251122 FF FF 9C0100 00",
            &[(0x9A, 3), (0x9C, 1)],
            None,
        ),
        // FF begins a private tag.
        ("FF805D0100", &[(0xFF805D, 1), (0x00, 0)], None),
        ("9A03 2511", &[(0x9A, 2)], Some(("tlv_truncated", 0))),
        ("9A", &[], Some(("tlv_truncated", 0))),
        ("9F", &[], Some(("tlv_truncated", 0))),
        ("5A20 62123400", &[(0x5A, 4)], Some(("tlv_truncated", 0))),
        ("5A81FF 6212", &[(0x5A, 2)], Some(("tlv_truncated", 0))),
        (
            "7080 9A03251122 0000",
            &[],
            Some(("tlv_indefinite_length", 0)),
        ),
        ("9A89", &[], Some(("tlv_length_form", 0))),
        ("9F8181818100", &[], Some(("tlv_tag_too_long", 0))),
        (
            "7009 9A03251122 9C05 0011 9A03251123",
            &[(0x70, 9), (0x9A, 3), (0x9C, 2), (0x9A, 3)],
            Some(("tlv_overrun", 7)),
        ),
        (
            "7003 9A0325 9C0101",
            &[(0x70, 3), (0x9A, 1), (0x9C, 1)],
            Some(("tlv_overrun", 2)),
        ),
        (
            "7001 9F 9C0101",
            &[(0x70, 1), (0x9C, 1)],
            Some(("tlv_truncated", 2)),
        ),
        ("5A8400010001 00", &[(0x5A, 1)], Some(("tlv_truncated", 0))),
    ];
    for &(text, objects, damage) in rows {
        let bytes = hex(text);
        let mut walk = tlv::walk(&bytes);
        let seen: Vec<(u32, usize)> = walk.by_ref().map(|o| (o.tag, o.value.len())).collect();
        let objects: Vec<(u32, usize)> = objects
            .iter()
            .copied()
            .filter(|&(tag, _)| tag != 0)
            .collect();
        assert_eq!(seen, objects, "{text}");
        assert_eq!(walk.damage().map(|d| (d.code, d.offset)), damage, "{text}");
    }
}

#[test]
fn limits_hold() {
    let deep = [0x70u8, 0x80].repeat(10_000);
    let mut walk = tlv::walk(&deep);
    assert_eq!(walk.by_ref().count(), 0);
    assert_eq!(walk.damage().map(|d| d.code), Some("tlv_indefinite_length"));

    // Ten thousand templates, each in the one before.
    let mut nested: Vec<u8> = Vec::new();
    for _ in 0..10_000 {
        let length = u16::try_from(nested.len()).unwrap().to_be_bytes();
        nested = [&[0x70, 0x82], &length[..], &nested].concat();
    }
    let mut walk = tlv::walk(&nested);
    assert_eq!(walk.by_ref().map(|o| o.depth).max(), Some(16));
    assert_eq!(walk.damage().map(|d| d.code), Some("tlv_too_deep"));

    let many = [0x9C, 0x01, 0x00].repeat(5000);
    let mut walk = tlv::walk(&many);
    assert_eq!(walk.by_ref().count(), tlv::MAX_OBJECTS);
    assert_eq!(walk.damage().map(|d| d.code), Some("tlv_too_many"));

    let long = [&[0x9C, 0x83, 0x01, 0x00, 0x01][..], &[0; 70_000]].concat();
    let mut walk = tlv::walk(&long);
    assert_eq!(walk.by_ref().count(), 0);
    assert_eq!(walk.damage().map(|d| d.code), Some("tlv_value_too_long"));
}

#[test]
fn data_object_lists() {
    let pdol = hex("9F6604 9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704");
    assert_eq!(dol::data_length(&pdol), 33);
    let data = hex("36004000 000000010000 000000000000 0156 0000000000 0156 251122 00 12345678");
    let (values, damage) = dol::split(&pdol, &data);
    assert_eq!((values.len(), damage), (9, None));
    assert_eq!(values[1], (0x9F02, &hex("000000010000")[..]));
    assert_eq!(values[8], (0x9F37, &hex("12345678")[..]));

    let (values, damage) = dol::split(&pdol, &data[..32]);
    assert_eq!(
        (values.len(), damage.map(|d| (d.code, d.offset))),
        (9, Some(("dol_data_short", 29)))
    );
    let longer = [&data[..], &[0]].concat();
    let (values, damage) = dol::split(&pdol, &longer);
    assert_eq!(
        (values.len(), damage.map(|d| (d.code, d.offset))),
        (9, Some(("dol_data_long", 33)))
    );
    for (list, code, offset) in [
        ("9A03 9C01 9A03", "dol_repeated_tag", 4),
        ("9A03 9F", "dol_truncated", 2),
        ("9A03 9F02", "dol_truncated", 2),
        ("9AFF", "dol_length_form", 0),
    ] {
        assert_eq!(
            dol::entries(&hex(list)).1.map(|d| (d.code, d.offset)),
            Some((code, offset)),
            "{list}"
        );
    }
    let endless = [0x9A, 0x03].repeat(10_000);
    assert_eq!(dol::entries(&endless).0.len(), 126);
}

#[test]
fn file_locators() {
    let (entries, damage) = afl::entries(&hex("08010100 10010301 18010200"));
    assert_eq!(damage, None);
    assert_eq!(
        entries
            .iter()
            .map(|e| (e.sfi, e.first, e.last, e.signed, e.records()))
            .collect::<Vec<_>>(),
        [(1, 1, 1, 0, 1), (2, 1, 3, 1, 3), (3, 1, 2, 0, 2)]
    );
    for (value, code, offset) in [
        ("080101", "afl_length", 0),
        ("", "afl_length", 0),
        ("00010100", "afl_sfi", 0),
        ("08000100", "afl_records", 1),
        ("08010100 10030100", "afl_records", 5),
        ("08010102", "afl_records", 1),
    ] {
        assert_eq!(
            afl::entries(&hex(value)).1.map(|d| (d.code, d.offset)),
            Some((code, offset)),
            "{value}"
        );
    }
}

#[test]
fn records_read_against_the_locator() {
    let (entries, _) = afl::entries(&hex("08010100 10010300"));
    let compare = |read: &[(u8, u8)]| afl::compare(&entries, read);
    assert_eq!(
        compare(&[(1, 1), (2, 1), (2, 2), (2, 3)]),
        afl::Reading::default()
    );
    let cut = compare(&[(1, 1), (2, 1)]);
    assert_eq!(
        (cut.missing, cut.out_of_order),
        (vec![(2, 2), (2, 3)], false)
    );
    let odd = compare(&[(2, 1), (1, 1), (1, 1), (2, 2), (2, 3), (3, 1)]);
    assert_eq!(
        (odd.missing, odd.extra, odd.out_of_order),
        (vec![], vec![(3, 1)], true)
    );
}

#[test]
fn a_card_gives_its_lists_and_the_reader_follows_them() {
    use crate::protocol::iso7816::{Kind, command};
    let fci = hex("6F15 8407A0000003330101 A50A 9F3807 9F6604 9F0206 00");
    let record = hex("7012 8C06 9F0206 9F1A02 8D08 8A02 9F0206 9F1A02");
    let mut lists = dialogue::Lists::default();
    lists.observe(Kind::SelectAid, &fci);
    let gpo = hex("80A800000C 830A 36004080 000000010000 00");
    let gpo = command(&gpo).unwrap();
    let (list, data) = lists.list_for(&gpo).unwrap();
    assert_eq!((dol::data_length(list), data.len()), (10, 10));
    lists.observe(Kind::ReadRecord, &record);
    let first = hex("80AE800008 000000010000 0156 00");
    let first = command(&first).unwrap();
    assert_eq!(
        lists
            .list_for(&first)
            .map(|(list, _)| dol::data_length(list)),
        Some(8)
    );
    let answer = hex("800B8000010102030405060708");
    lists.observe(Kind::GenerateAc, &answer);
    assert_eq!(
        lists
            .list_for(&first)
            .map(|(list, _)| dol::data_length(list)),
        Some(10)
    );
    // A new selection forgets them.
    lists.observe(Kind::SelectAid, &[]);
    assert_eq!(lists.list_for(&first), None);
    let ccc = hex("802A8E8004 00000123 00");
    assert_eq!(
        lists
            .list_for(&command(&ccc).unwrap())
            .map(|(list, _)| list.to_vec()),
        Some(hex("9F6A04"))
    );
}

#[test]
fn applications() {
    let of = |text: &str| aid::lookup(&hex(text)).map(|a| (a.scheme, a.kernel));
    assert_eq!(of("A000000333010101"), Some(("UnionPay", Some(7))));
    assert_eq!(of("A00000033301010199"), Some(("UnionPay", Some(7))));
    assert_eq!(of("A0000003330102"), Some(("UnionPay", Some(7))));
    assert_eq!(of("A0000000041010"), Some(("Mastercard", Some(2))));
    assert_eq!(of("A0000000031010"), Some(("Visa", Some(3))));
    assert_eq!(of("A0000006581010"), Some(("Mir", Some(810_643))));
    assert_eq!(of("A000000999"), None);
    assert_eq!(aid::scheme(&hex("A0000000039999")), Some("Visa"));
    assert_eq!(aid::scheme(&hex("325041592E5359532E4444463031")), None);
    assert_eq!(aid::requested_kernel(&[0x07]), Some(7));
    assert_eq!(
        aid::requested_kernel(&hex("8106430000000000")),
        Some(0x0081_0643)
    );
    assert_eq!(aid::requested_kernel(&[]), None);
}

#[test]
fn same_tag_by_kernel() {
    let name = |tag, kernel, length| tags::lookup(tag, kernel, length).map(|t| t.en);
    assert_eq!(
        name(0x9F66, Some(7), Some(4)),
        Some("Terminal transaction qualifiers (TTQ)")
    );
    assert_eq!(
        name(0x9F66, None, Some(4)),
        Some("Terminal transaction qualifiers (TTQ)")
    );
    assert_eq!(name(0x9F66, Some(2), Some(2)), Some("PUNATC (track 2)"));
    assert_eq!(name(0x9F6B, Some(7), Some(6)), Some("Card CVM limit"));
    assert_eq!(name(0x9F6B, Some(2), Some(19)), Some("Track 2 data"));
    assert_eq!(
        name(0x9F02, Some(8), Some(6)),
        Some("Amount authorised (numeric)")
    );
    assert_eq!(name(0xDEAD, None, None), None);
}

#[test]
fn bit_fields() {
    let say = |tag, kernel, value: &str| -> Vec<&str> {
        bits::describe_tag(tag, kernel, &hex(value))
            .iter()
            .map(|m| m.bit.en)
            .collect()
    };
    assert_eq!(
        say(0x95, Some(7), "0040048000"),
        [
            "Expired application",
            "Online CVM captured (online PIN entered)",
            "Transaction exceeds floor limit"
        ]
    );
    assert_eq!(
        say(0x95, Some(2), "0000000009"),
        [
            "Relay resistance threshold exceeded",
            "Relay resistance protocol not performed"
        ]
    );
    assert_eq!(
        say(0x95, Some(8), "8000000080"),
        [
            "Local authentication was not performed",
            "Kernel 8 processing and TVR format"
        ]
    );
    assert_eq!(
        say(0x9F0E, None, "0010000000"),
        ["Requested service not allowed for card product"]
    );
    assert_eq!(
        say(0x9F27, None, "80"),
        ["ARQC - go online", "Reason: No information"]
    );
    assert_eq!(say(0x9F27, None, "02")[1], "Reason: PIN try limit exceeded");
    assert_eq!(
        say(0x9F66, Some(7), "36004080"),
        [
            "EMV mode (qVSDC / qPBOC) supported",
            "EMV contact chip supported",
            "Online PIN supported",
            "Signature supported",
            "Consumer device CVM supported",
            "fDDA v1.0 (version 01) supported",
        ]
    );
    assert_eq!(
        say(0x9F6C, Some(7), "8080"),
        ["Online PIN required", "Consumer device CVM performed"]
    );
    assert_eq!(
        say(0x9F34, None, "1F0302"),
        [
            "No CVM required",
            "Condition: Terminal supports the CVM",
            "Result: Successful"
        ]
    );
    assert_eq!(
        say(0xDF8129, Some(2), "30F0F020A8F0FF00"),
        [
            "ONLINE REQUEST",
            "START N/A",
            "ONLINE RESPONSE DATA N/A",
            "CVM: ONLINE PIN",
            "UI REQUEST ON OUTCOME PRESENT",
            "DATA RECORD PRESENT",
            "RECEIPT: YES",
            "ALTERNATE INTERFACE: N/A",
            "FIELD OFF REQUEST N/A",
            "REMOVAL TIMEOUT, units of 100 ms",
        ]
    );
    assert_eq!(
        say(0xDF8115, Some(2), "0003006985FF")[1],
        "L2: STATUS BYTES"
    );
    assert_eq!(
        say(0xDF8116, None, "2002")[..2],
        ["SEE PHONE", "Status: READY TO READ"]
    );
    assert_eq!(say(0x9F33, None, "E0F8C8").len(), 11);
    let outcome = bits::describe_tag(0xDF8129, Some(2), &hex("4010F0F000F00A14"));
    let numbers: Vec<Option<u8>> = outcome.iter().map(|m| m.number).collect();
    assert_eq!(&numbers[numbers.len() - 2..], [Some(10), Some(20)]);
    assert!(bits::is_bit_field(0x95) && bits::is_bit_field(0x9F0D) && !bits::is_bit_field(0x9F26));
    assert!(say(0x9F66, Some(2), "36004080").is_empty());
}

#[test]
fn issuer_application_data() {
    use issuer_data::{Layout, issuer_data};
    let of = |text: &str| {
        let bytes = hex(text);
        issuer_data(&bytes).map(|d| {
            (
                d.layout,
                d.key_index,
                d.cryptogram_version,
                d.cvr.to_vec(),
                d.algorithm,
            )
        })
    };
    assert_eq!(
        of("07000103A0A80201"),
        Some((Layout::UnionPay, 0, 1, hex("03A0A802"), Some(1)))
    );
    assert_eq!(
        of("06010A03A0A000"),
        Some((Layout::Vis, 1, 0x0A, hex("03A0A000"), None))
    );
    assert_eq!(
        of("0110A04003223000000000000000000000FF"),
        Some((Layout::MChip, 1, 0x10, hex("A04003223000"), None))
    );
    assert_eq!(of("0102"), None);
    let cvr = bits::describe(bits::Field::CvrVis, None, &hex("03A0A802"));
    let said: Vec<&str> = cvr.iter().map(|m| m.bit.en).collect();
    assert_eq!(
        said,
        [
            "Second GENERATE AC: not requested",
            "First GENERATE AC: ARQC",
            "Last online transaction not completed",
            "Exceeded velocity checking counters",
            "Issuer authentication failure on last online transaction",
            "Number of issuer script commands",
            "Offline DDA performed",
        ]
    );
}

/// What each layout says: first and second cryptogram, PIN, and the flags that are set.
#[test]
fn verification_results() {
    let rows = [
        // UnionPay: ARQC, last online transaction not completed, one script, script failed.
        (
            "07010103A08018010A01",
            "ARQC not_requested not_performed",
            "incomplete script_failed",
            Some(1),
            None,
        ),
        // Visa: AAC now, offline PIN failed, tries used up, velocity.
        (
            "06010A03866000",
            "AAC not_requested failed",
            "pin_limit offline_limit",
            Some(0),
            None,
        ),
        // The same with TC in the second, online impossible, authentication of the issuer failed.
        (
            "06010A036D0800",
            "ARQC TC ok",
            "unable issuer_auth",
            Some(0),
            None,
        ),
        // Visa for mobile devices: no offline PIN, the device verified its holder.
        (
            "1F220152A400000F000000000000000000000000000000000000000000000000",
            "ARQC not_requested -",
            "device",
            Some(0),
            None,
        ),
        // M/Chip: ARQC, PIN failed, three tries, last online not completed, script failed, go online next.
        (
            "0110A00013900900DAC0000000000000000F",
            "ARQC not_requested failed",
            "incomplete online_next script_failed",
            Some(1),
            Some(3),
        ),
        // M/Chip: TC, PIN good, date check failed.
        (
            "0110990003000000DAC0000000000000000F",
            "TC not_requested ok",
            "date",
            Some(0),
            Some(3),
        ),
        // Common core: ARQC, PIN failed, limit, last online not completed, scripts 2, failed.
        (
            "0FA501A03F80280000000000000000000F000000000000000000000000000000",
            "ARQC not_requested failed",
            "incomplete pin_limit offline_limit script_failed",
            Some(2),
            Some(3),
        ),
    ];
    for (text, want, flags, scripts, tries) in rows {
        let bytes = hex(text);
        let said = issuer_data::issuer_data(&bytes).unwrap().verification();
        let line = format!(
            "{} {} {}",
            said.first.unwrap_or("-"),
            said.second.unwrap_or("-"),
            said.pin.unwrap_or("-")
        );
        assert_eq!(line, want, "{text}");
        let set: Vec<&str> = [
            ("incomplete", said.last_online_incomplete),
            ("unable", said.unable_online),
            ("pin_limit", said.pin_try_limit),
            ("issuer_auth", said.issuer_authentication_failed),
            ("offline_limit", said.offline_limit),
            ("online_next", said.go_online_next),
            ("script_failed", said.script_failed),
            ("device", said.device_verified),
            ("date", said.date_check_failed),
            ("before", said.authentication_failed_before),
            ("new", said.new_card),
        ]
        .into_iter()
        .filter(|(_, flag)| *flag == Some(true))
        .map(|(name, _)| name)
        .collect();
        assert_eq!(set.join(" "), flags, "{text}");
        assert_eq!((said.scripts, said.pin_tries), (scripts, tries), "{text}");
    }
}

#[test]
fn plain_values() {
    assert_eq!(value::number(&hex("000000010050")), Some(10_050));
    assert_eq!(value::number(&hex("00000001005A")), None);
    assert_eq!(value::date(&hex("251122")), Some((25, 11, 22)));
    assert_eq!(value::date(&hex("251322")), None);
    assert_eq!(value::time(&hex("235959")), Some((23, 59, 59)));
    assert_eq!(value::time(&hex("245959")), None);
    let track = value::track2(&hex("4111111111111111D25122010000000000000F")).unwrap();
    assert_eq!(
        (track.digits, track.expiry, track.service_code),
        (16, Some(*b"2512"), Some(*b"201"))
    );
    let bare = value::track2(&hex("6212340000000001231F")).unwrap();
    assert_eq!(
        (bare.digits, bare.expiry, bare.service_code),
        (19, None, None)
    );
    assert_eq!(value::track2(&hex("D2512")), None);
    let (x, y, rules) = value::cvm_list(&hex("00000000 00000000 4203 1E03 1F00")).unwrap();
    assert_eq!(
        (x, y, rules.len(), rules[0].code, rules[2].condition),
        (0, 0, 3, 0x42, 0)
    );
    assert_eq!(value::cvm_list(&hex("00000000 00000000")), None);
}

/// Objects to encode: the encoder below is the test's own.
#[derive(Debug, Clone)]
enum Node {
    Leaf(u32, Vec<u8>),
    Template(u32, Vec<Node>),
}

fn node() -> impl Strategy<Value = Node> {
    let leaf_tag = prop::sample::select(vec![
        0x5A_u32, 0x9A, 0x9F02, 0x9F26, 0xDF8129, 0x5F34, 0x82, 0xC1, 0x9F8210,
    ]);
    let template_tag =
        prop::sample::select(vec![0x70_u32, 0x77, 0x6F, 0xA5, 0xBF0C, 0xE1, 0xFF8105]);
    let leaf = (leaf_tag, prop::collection::vec(any::<u8>(), 0..300))
        .prop_map(|(tag, value)| Node::Leaf(tag, value));
    leaf.prop_recursive(6, 40, 6, move |inner| {
        (template_tag.clone(), prop::collection::vec(inner, 0..6))
            .prop_map(|(tag, nodes)| Node::Template(tag, nodes))
    })
}

fn encode(node: &Node, out: &mut Vec<u8>) {
    let (tag, value) = match node {
        Node::Leaf(tag, value) => (*tag, value.clone()),
        Node::Template(tag, nodes) => {
            let mut value = Vec::new();
            nodes.iter().for_each(|n| encode(n, &mut value));
            (*tag, value)
        }
    };
    out.extend(tag.to_be_bytes().into_iter().skip_while(|&b| b == 0));
    match value.len() {
        n @ 0..=127 => out.push(u8::try_from(n).unwrap()),
        n @ 128..=255 => out.extend([0x81, u8::try_from(n).unwrap()]),
        n => {
            out.push(0x82);
            out.extend(u16::try_from(n).unwrap().to_be_bytes());
        }
    }
    out.extend(value);
}

fn flatten(node: &Node, depth: u8, out: &mut Vec<(u32, u8, Option<Vec<u8>>)>) {
    match node {
        Node::Leaf(tag, value) => out.push((*tag, depth, Some(value.clone()))),
        Node::Template(tag, nodes) => {
            out.push((*tag, depth, None));
            nodes.iter().for_each(|n| flatten(n, depth + 1, out));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(500) })]

    #[test]
    fn what_is_encoded_is_read(nodes in prop::collection::vec(node(), 1..4)) {
        let (mut bytes, mut want) = (Vec::new(), Vec::new());
        for node in &nodes {
            encode(node, &mut bytes);
            flatten(node, 0, &mut want);
        }
        let mut walk = tlv::walk(&bytes);
        let seen: Vec<_> = walk.by_ref().map(|o| (o.tag, o.depth, (!o.constructed).then(|| o.value.to_vec()))).collect();
        prop_assert_eq!(seen, want);
        prop_assert_eq!(walk.damage(), None);
    }

    /// A prefix gives what stands before the cut, and says that it is cut.
    #[test]
    fn prefixes_give_what_stands_before_the_cut(nodes in prop::collection::vec(node(), 1..3), cut in any::<prop::sample::Index>()) {
        let mut bytes = Vec::new();
        nodes.iter().for_each(|n| encode(n, &mut bytes));
        let whole: Vec<_> = tlv::walk(&bytes).collect();
        let cut = cut.index(bytes.len() + 1);
        let mut walk = tlv::walk(&bytes[..cut]);
        let seen: Vec<_> = walk.by_ref().collect();
        for object in &seen {
            prop_assert!(whole.iter().any(|w| (w.tag, w.offset, w.depth) == (object.tag, object.offset, object.depth) && w.value.starts_with(object.value)));
        }
        let complete = whole.iter().filter(|w| w.value_offset + w.value.len() <= cut).count();
        prop_assert!(seen.len() >= complete);
    }

    #[test]
    fn anything_is_taken(bytes in prop::collection::vec(any::<u8>(), 0..400), list in prop::collection::vec(any::<u8>(), 0..60)) {
        let objects = tlv::walk(&bytes).count();
        prop_assert!(objects <= bytes.len());
        let _ = (tlv::is_whole(&bytes), tlv::siblings(&bytes).count(), tlv::find_path(&bytes, &[0x70, 0x57]));
        let (values, _) = dol::split(&list, &bytes);
        prop_assert!(values.iter().map(|(_, v)| v.len()).sum::<usize>() <= bytes.len());
        let _ = (afl::entries(&bytes), issuer_data::issuer_data(&bytes), value::track2(&bytes), value::cvm_list(&bytes), value::number(&bytes));
        for tag in [0x95, 0x9F66, 0x9F6C, 0xDF8129, 0x9F34, 0x82] {
            for kernel in [None, Some(2), Some(3), Some(7), Some(8)] {
                let _ = bits::describe_tag(tag, kernel, &bytes);
            }
        }
        let _ = aid::lookup(&bytes);
    }
}
