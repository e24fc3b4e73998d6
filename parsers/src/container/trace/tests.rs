use super::*;

fn seen(format: &TraceFormat, bytes: &[u8]) -> (Vec<Seen>, Account) {
    let mut out = Vec::new();
    let account = (format.read)(bytes, &mut |seen| out.push(seen));
    (out, account)
}

fn sample(format: &TraceFormat) -> Vec<u8> {
    if format.binary {
        crate::hex::decode_all(format.sample.as_bytes()).unwrap()
    } else {
        format.sample.as_bytes().to_vec()
    }
}

#[test]
fn each_format_knows_its_own_sample_and_no_other() {
    for format in TRACES {
        let bytes = sample(format);
        assert!((format.fits)(&bytes), "{}", format.name);
        for other in TRACES.iter().filter(|o| o.name != format.name) {
            assert!(!(other.fits)(&bytes), "{} for {}", other.name, format.name);
        }
        let (seen, account) = seen(format, &bytes);
        assert!(seen.len() >= 2, "{}: {seen:?}", format.name);
        assert_eq!(account.damaged, 0, "{}", format.name);
        assert!(account.records >= 1, "{}", format.name);
        assert!(account.understood + account.foreign <= bytes.len());
        assert!(by_name(format.name).is_some());
    }
    for text in [
        "",
        "hello\nworld\n",
        "{\"frames\": 1}\n",
        "00B2010C00\n6A83\n",
        "a | b | c | d | e\n",
    ] {
        assert!(detect_text(text.as_bytes()).is_none(), "{text}");
    }
}

#[test]
fn every_prefix_of_every_sample_is_read() {
    for format in TRACES {
        let bytes = sample(format);
        for end in 0..=bytes.len() {
            let part = bytes.get(..end).unwrap();
            let _ = (format.fits)(part);
            let (_, account) = seen(format, part);
            assert!(
                account.understood + account.foreign <= end,
                "{} {end}",
                format.name
            );
        }
    }
}

fn apdus(format: &str, text: &str) -> Vec<(bool, Vec<u8>)> {
    seen(by_name(format).unwrap(), text.as_bytes())
        .0
        .into_iter()
        .filter_map(|seen| match seen.what {
            What::Apdu {
                from_card, bytes, ..
            }
            | What::Radio {
                from_card, bytes, ..
            } => Some((from_card, bytes)),
            _ => None,
        })
        .collect()
}

#[test]
fn rows_of_a_table_are_joined_and_marks_taken_off() {
    let text = "\u{1b}[33m      Start |        End | Src | Data | CRC | Annotation\u{1b}[0m
------------+------------+-----+------+-----+------
        0.5 |       77.8 | Rdr |52(7)                          |     | WUPA
      192.7 |      367.3 | Tag |04! 00                          |     |
   26993536 |   27020128 | Rdr |02  00  A4  04  00  0E  32      |     | SELECT
            |            |     |30  31  00 [E0  42]             |  ok |
";
    let (seen, account) = seen(by_name("proxmark-list").unwrap(), text.as_bytes());
    assert_eq!(account.records, 3);
    assert_eq!(seen[0].nanos, Some(500));
    assert_eq!(seen[2].nanos, Some(1_990_673_746));
    assert_eq!(seen[2].place, 5);
    assert!(
        matches!(&seen[1].what, What::Radio { parity_error: true, bytes, .. } if bytes == &[4, 0])
    );
    assert!(matches!(&seen[2].what, What::Radio { bytes, .. } if bytes.len() == 12));
}

#[test]
fn procedure_bytes_are_no_data() {
    let text = "+0.1s | CARD>>> | 3B 00
+0.106063s | CARD<<< | 00 CA 01 00 02
+0.115236s | CARD>>> | CA
+0.120s | CARD>>> | 11 22
+0.128261s | CARD>>> | 90 00
+0.2s | CARD<<< | 00 A4 04 00 02
+0.2s | CARD>>> | 60 A4
+0.2s | CARD<<< | 3F 00
+0.2s | CARD>>> | 61 1A
";
    assert_eq!(
        apdus("scsniff", text),
        vec![
            (false, vec![0, 0xCA, 1, 0, 2]),
            (true, vec![0x11, 0x22, 0x90, 0]),
            (false, vec![0, 0xA4, 4, 0, 2, 0x3F, 0]),
            (true, vec![0x61, 0x1A]),
        ]
    );
}

#[test]
fn readers_dress_is_taken_off() {
    let text = "debug   libnfc.driver.acr122_usb    TX: 6f 13 00 00 00 00 00 00 00 00 ff 00 00 00 0e
d4 40 01 00 a4 04 00 06 f7 52 46 54 41 01
debug   libnfc.driver.acr122_usb    RX: 80 07 00 00 00 00 00 00 00 00 d5 41 00 6a 82 90 00
debug   libnfc.driver.acr122_usb    TX: 6f 0d 00 00 00 00 00 00 00 00 ff 00 00 00 08 d4 40 01 00 b2 01 0c 00
debug   libnfc.driver.acr122_usb    RX: 80 05 00 00 00 00 00 00 00 00 d5 41 27 90 00
";
    let (seen, _) = seen(by_name("libnfc").unwrap(), text.as_bytes());
    assert!(
        matches!(&seen[0].what, What::Apdu { from_card: false, bytes, .. } if bytes.len() == 11)
    );
    assert!(
        matches!(&seen[1].what, What::Apdu { from_card: true, bytes, .. } if bytes == &[0x6A, 0x82])
    );
    assert_eq!(
        seen[3].what,
        What::Failed {
            why: "pn53x_target_gone",
            gone: true
        }
    );
}

#[test]
fn a_card_that_is_gone_is_told() {
    let text = "SCardTransmit
 i hCard: 0x1BBD29B6
 i bSendLength 0x00000005 (5)
 i bSendBuffer
 i  0000 00 B2 01 0C 00                                  .....
 o bRecvLength 0x00000000 (0)
 o bRecvBuffer
 o  NULL
 => The smart card has been removed. (SCARD_W_REMOVED_CARD [0x80100069])  [0.010000]
";
    let (seen, _) = seen(by_name("pcsc-spy").unwrap(), text.as_bytes());
    assert_eq!(seen[0].lane, 0x1BBD_29B6);
    assert_eq!(
        seen[1].what,
        What::Failed {
            why: "SCARD_W_REMOVED_CARD",
            gone: true
        }
    );
}

#[test]
fn data_below_a_status_word_come_before_it() {
    let text = "SEND 00A404000E325041592E5359532E4444463031
     00
RECV 9000                                                # Normal processing
     6F 02 84 00     o...
RECV 6A83
     (nil)
";
    assert_eq!(
        apdus("cardpeek", text)[1],
        (true, vec![0x6F, 2, 0x84, 0, 0x90, 0])
    );
    assert_eq!(apdus("cardpeek", text)[0].1.len(), 20);
    assert_eq!(apdus("cardpeek", text)[2], (true, vec![0x6A, 0x83]));
}

#[test]
fn a_snoop_block_is_found_and_cut() {
    // Version 1, a time, "zlib" bytes of no meaning here.
    let text = "--- BEGIN:NFCSNOOP_LOG_SUMMARY (3 bytes in) ---\nAQEAAAAAAAAAAQID\n--- END:NFCSNOOP_LOG_SUMMARY ---\nrest";
    let block = snoop_block(text.as_bytes()).unwrap();
    assert_eq!(block.last_micros, 1);
    assert_eq!(block.compressed, [1, 2, 3]);
    assert_eq!(text.get(block.end..), Some("rest"));
    let log = [3, 0, 5, 0, 0, 0, 1, 0x61, 6, 0, 1, 0, 2, 0, 0, 0, 0, 7, 9];
    let got: Vec<_> = snoop_packets(&log).collect();
    assert_eq!(got.len(), 2);
    assert_eq!(
        (got[0].micros, got[0].received, got[0].bytes),
        (5, true, &[0x61, 6, 0][..])
    );
    assert_eq!(
        (got[1].micros, got[1].received, got[1].bytes),
        (7, false, &[7][..])
    );
}
