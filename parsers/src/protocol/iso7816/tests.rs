//! Commands and answers as they are seen in real dialogues.

use super::*;
use crate::protocol::table;
use proptest::prelude::*;

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|p| u8::from_str_radix(std::str::from_utf8(p).unwrap(), 16).unwrap())
        .collect()
}

#[test]
fn commands() {
    // hex, kind, data length, Le, fault, Le missing
    let rows: &[(&str, Kind, usize, Option<u16>, Option<&str>, bool)] = &[
        (
            "00A404000E325041592E5359532E444446303100",
            Kind::SelectPpse,
            14,
            Some(0),
            None,
            false,
        ),
        (
            "00A404000E315041592E5359532E4444463031",
            Kind::SelectPse,
            14,
            None,
            None,
            true,
        ),
        (
            "00A4040007A000000333010100",
            Kind::SelectAid,
            7,
            Some(0),
            None,
            false,
        ),
        (
            "80A8000002830000",
            Kind::GetProcessingOptions,
            2,
            Some(0),
            None,
            false,
        ),
        (
            "80A80000028300",
            Kind::GetProcessingOptions,
            2,
            None,
            None,
            true,
        ),
        ("00B2010C00", Kind::ReadRecord, 0, Some(0), None, false),
        (
            "00B2010C0000",
            Kind::ReadRecord,
            0,
            Some(0),
            Some("lc_zero"),
            false,
        ),
        ("00B2010C", Kind::ReadRecord, 0, None, None, true),
        (
            "80AE80001D00",
            Kind::GenerateAc,
            1,
            None,
            Some("lc_too_long"),
            true,
        ),
        (
            "00A4040002A0000000",
            Kind::SelectAid,
            2,
            None,
            Some("lc_too_short"),
            true,
        ),
        (
            "00A40400000007A0000003330101000100",
            Kind::SelectAid,
            7,
            None,
            Some("lc_too_short"),
            true,
        ),
        (
            "00A40400000007A00000033301010100",
            Kind::SelectAid,
            7,
            Some(0x0100),
            None,
            false,
        ),
        ("00CA9F17000000", Kind::GetData, 0, Some(0), None, false),
        ("80CA9F3600", Kind::GetData, 0, Some(0), None, false),
        (
            "802A8E80080000000000000000",
            Kind::ComputeCryptographicChecksum,
            8,
            None,
            None,
            true,
        ),
        (
            "8424000010000102030405060708090A0B0C0D0E0F",
            Kind::IssuerScript,
            16,
            None,
            None,
            false,
        ),
        ("00C0000020", Kind::GetResponse, 0, Some(0x20), None, false),
        ("FFCA000000", Kind::Other, 0, Some(0), None, false),
    ];
    for &(hex, kind, length, le, fault, le_missing) in rows {
        let bytes = bytes(hex);
        let seen = command(&bytes).unwrap();
        assert_eq!(
            (
                seen.kind(),
                seen.data.len(),
                seen.le,
                seen.fault.map(|f| f.code),
                seen.le_missing()
            ),
            (kind, length, le, fault, le_missing),
            "{hex}"
        );
    }
    assert_eq!(command(&[0, 0xA4, 4]), None);
}

#[test]
fn unlabelled_hex_is_told_apart() {
    for hex in [
        "00A404000E325041592E5359532E444446303100",
        "80A80000028300",
        "00B2010C00",
        "00B2010C0000",
        "80CA9F1700",
        "80EA00000412345678 00",
    ] {
        assert!(looks_like_command(&bytes(hex)), "{hex}");
    }
    for hex in [
        "6F1A840E325041592E5359532E4444463031A5088801015F2D02656E9000",
        "9000",
        "6A82",
        "6985",
        "700E57114111111111111111D2512201009000",
        "770A820219809404080101009000",
        "800E7C000801010010010301180102009000",
        "9F360200019000",
    ] {
        let bytes = bytes(hex);
        assert!(
            looks_like_response(&bytes) && !looks_like_command(&bytes),
            "{hex}"
        );
    }
    for hex in ["26", "9370", "D5039000AA", "0123456789ABCDEF"] {
        assert!(
            !looks_like_response(&bytes(hex)) && !looks_like_command(&bytes(hex)),
            "{hex}"
        );
    }
}

#[test]
fn status_words_are_explained_by_command() {
    let rows: &[(Option<Kind>, u16, Option<(&str, &str)>)] = &[
        (
            Some(Kind::SelectPpse),
            0x6A82,
            Some(("SELECT PPSE", "6A82")),
        ),
        (Some(Kind::SelectAid), 0x6A82, Some(("SELECT AID", "6A82"))),
        (
            Some(Kind::ReadRecord),
            0x6A83,
            Some(("READ RECORD", "6A83")),
        ),
        (
            Some(Kind::GetProcessingOptions),
            0x6984,
            Some(("GET PROCESSING OPTIONS", "6984")),
        ),
        (
            Some(Kind::GetProcessingOptions),
            0x6D00,
            Some(("any", "6D00")),
        ),
        (
            Some(Kind::GetProcessingOptions),
            0x6123,
            Some(("any", "61XX")),
        ),
        (
            Some(Kind::GetProcessingOptions),
            0x6A99,
            Some(("GET PROCESSING OPTIONS", "not 9000")),
        ),
        (
            Some(Kind::Verify),
            0x63C2,
            Some(("VERIFY (contact fallback)", "63CX")),
        ),
        (
            Some(Kind::GenerateAc),
            0x6700,
            Some(("GENERATE AC", "6700")),
        ),
        (None, 0x6700, Some(("any", "6700"))),
        (
            None,
            0x9408,
            Some(("GET RESPONSE / proprietary", "93XX-9FXX")),
        ),
        (None, 0x6A83, None),
        (
            Some(Kind::RecoverAc),
            0x6985,
            Some(("RECOVER AC", "not 9000")),
        ),
    ];
    for &(kind, sw, want) in rows {
        assert_eq!(
            explain(kind, sw).map(|row| (row.command, row.pattern)),
            want,
            "{kind:?} {sw:04X}"
        );
    }
}

#[test]
fn every_row_of_the_table_parses() {
    let (rows, tsv) = status::table();
    assert_eq!(rows.len(), table::lines(tsv));
    let kinds = [
        Kind::SelectPpse,
        Kind::SelectAid,
        Kind::GetProcessingOptions,
        Kind::ReadRecord,
        Kind::GenerateAc,
        Kind::Verify,
        Kind::ComputeCryptographicChecksum,
        Kind::RecoverAc,
        Kind::ExchangeRelayResistanceData,
        Kind::GetData,
        Kind::InternalAuthenticate,
        Kind::ExternalAuthenticate,
    ];
    let mut seen = std::collections::BTreeSet::new();
    for row in rows {
        assert!(seen.insert((row.command, row.pattern)), "twice: {row:?}");
        assert!(!row.source.is_empty(), "{row:?}");
        // Every row is found by a word that it covers, and by its command.
        let sw = match row.pattern {
            "not 9000" => 0x6FAA,
            "93XX-9FXX" => 0x9408,
            pattern => u16::from_str_radix(&pattern.replace('X', "3"), 16).unwrap(),
        };
        let found = [None]
            .into_iter()
            .chain(kinds.map(Some))
            .any(|kind| explain(kind, sw) == Some(row));
        assert!(found, "never found: {row:?}");
    }
}

proptest! {
    #[test]
    fn anything_is_taken(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some(command) = command(&bytes) {
            prop_assert!(command.data_offset + command.data.len() <= bytes.len());
            let _ = command.kind();
        }
        let _ = (looks_like_command(&bytes), looks_like_response(&bytes));
    }
}
