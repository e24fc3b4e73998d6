use super::*;

fn name(bytes: &[u8]) -> &'static str {
    probe(bytes, &[]).kind.name()
}

#[test]
fn inputs_are_told_by_content() {
    let utf16: Vec<u8> = "07-15 10:56:49.152   889  6213 D NxpNciR : x\r\n"
        .repeat(3)
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let cases: &[(&[u8], &str)] = &[
        (b"", "empty"),
        (&[0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0], "pcap"),
        (&[0xA1, 0xB2, 0x3C, 0x4D, 0, 2, 0, 4], "pcap"),
        (&[0x0A, 0x0D, 0x0D, 0x0A, 0x1C, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A], "pcapng"),
        (b"\n\r\r\nfour line ends", "plain"),
        (b"snoop\0\0\0\0\0\0\x02", "snoop"),
        (&[0x1F, 0x8B, 8, 0, 0], "gzip"),
        (&[0x06, 0x0F, 0x02, 0x19, 0x00], "zvt-packet"),
        (&[0; 4096], "unrecognised"),
        (b"\x7FELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0>\0\x01\0\0\0", "unrecognised"),
        (b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n", "logcat"),
        (&utf16, "logcat"),
        (b"<log realm=\"a\" at=\"2022-09-25T12:16:04.787\">\n  <info>\n    text\n  </info>\n</log>\n", "jpos"),
        (b"00 A4 04 00\n90 00\n", "plain"),
        (b"{\n  \"SaleToPOIRequest\": {\n  }\n}\n", "json"),
    ];
    for (bytes, want) in cases {
        assert_eq!(name(bytes), *want, "{:?}", bytes.get(..12));
    }
}

#[test]
fn padding_of_zeros_is_no_binary() {
    let mut text = b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n".repeat(4);
    text.extend([0; 4096]);
    text.extend(b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n");
    assert_eq!(name(&text), "logcat");
}

#[test]
fn later_samples_count_too() {
    let head = b"banner\nbanner of the device\n".to_vec();
    let later = vec![
        b"xx cut\n"
            .iter()
            .copied()
            .chain(b"07-15 10:56:49.152   889  6213 D NxpNciR : x\n".repeat(20))
            .collect(),
    ];
    assert_eq!(probe(&head, &later).kind.name(), "logcat");
    let why = probe(&head, &later).why;
    assert!(why.contains("20 of 2"), "{why}");
}
