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

/// On a serial line a frame comes in pieces: confirmation, head, code, data, checksum.
#[test]
fn frames_of_a_serial_line_are_put_together() {
    let text = "debug\tlibnfc.chip.pn53x\tInListPassiveTarget
debug\tlibnfc.bus.uart\tTX: 00 00 ff 04 fc d4 4a 01 00 e1 00
debug\tlibnfc.bus.uart\tRX: 00 00 ff 00 ff 00
debug\tlibnfc.chip.pn53x\tPN53x ACKed
debug\tlibnfc.bus.uart\tRX: 00 00 ff 0c f4
debug\tlibnfc.bus.uart\tRX: d5 4b
debug\tlibnfc.bus.uart\tRX: 01 01 00 04 20 04 a1 b2 c3 d4
debug\tlibnfc.bus.uart\tRX: cd 00
debug\tlibnfc.bus.uart\tTX: 00 00 ff 08 f8 d4 40 01 00 b2 01 0c 00 2c 00
debug\tlibnfc.bus.uart\tRX: 00 00 ff 00 ff 00
debug\tlibnfc.chip.pn53x\tPN53x ACKed
debug\tlibnfc.bus.uart\tRX: 00 00 ff 08 f8
debug\tlibnfc.bus.uart\tRX: d5 41
debug\tlibnfc.chip.pn53x\tbetween
debug\tlibnfc.bus.uart\tRX: 00 70 01 00 90 00
debug\tlibnfc.bus.uart\tRX: e9 00
";
    let (seen, _) = seen(by_name("libnfc").unwrap(), text.as_bytes());
    let whats: Vec<What> = seen.into_iter().map(|seen| seen.what).collect();
    let apdu = |from_card, bytes: &[u8]| What::Apdu {
        from_card,
        bytes: bytes.to_vec(),
        micros: None,
    };
    assert_eq!(
        whats,
        vec![
            What::Target {
                uid: vec![0xA1, 0xB2, 0xC3, 0xD4],
                sak: Some(0x20)
            },
            apdu(false, &[0, 0xB2, 1, 0x0C, 0]),
            apdu(true, &[0x70, 1, 0, 0x90, 0]),
        ]
    );
}

/// Versions before 1.6 print frames alone on their lines, and answers twice: with the confirmation and without.
#[test]
fn old_frames_stand_alone_on_their_lines() {
    let text = " TX: 00  00  ff  08  f8  d4  40  01  00  b2  01  0c  00  2c  00
 RX: 00  00  ff  00  ff  00  00  00  ff  05  fb  d5  41  00  6a  83  fd  00
 RX: 00  00  ff  05  fb  d5  41  00  6a  83  fd  00
 TX: ff  00  00  00  08  d4  40  01  00  b2  02  0c  00
 RX: d5  41  00  6a  83  90  00
";
    assert_eq!(
        apdus("libnfc", text),
        vec![
            (false, vec![0, 0xB2, 1, 0x0C, 0]),
            (true, vec![0x6A, 0x83]),
            (false, vec![0, 0xB2, 2, 0x0C, 0]),
            (true, vec![0x6A, 0x83]),
        ]
    );
}

/// As the tool prints them: who speaks, colours, blanks in the data, notes behind, wrong parity, a clock of 16 bits.
#[test]
fn a_chameleon_tells_who_speaks() {
    let text = "\u{1b}[91mRDR 65530 ms < +65530 ms>:CODEC RX SNI READER          [e0 80 31 73] \u{1b}[94m RATS \u{1b}[0m
\u{1b}[92mTAG 00004 ms <   +10 ms>:CODEC RX SNI CARD W/PARITY   [05 78 80 70 02 a5 46] \u{1b}[94m  \u{1b}[0m
INF 00005 ms <    +1 ms>:CODEC RX SNI CARD W/PARITY   [05 78!]
INF 00006 ms <    +1 ms>:CODEC RX SNI READER FIELD DETECTED []
INF 00007 ms <    +1 ms>:APP READ                     [04]
RDR 00008 ms <    +1 ms>:CODEC RX W/PARITY            [93 41 00]
  100 ms <    +1 ms>:CODEC TX         (2   bytes) [0400]
";
    let (seen, account) = seen(by_name("chameleon").unwrap(), text.as_bytes());
    assert_eq!(account.understood, text.len());
    let times: Vec<i64> = seen
        .iter()
        .map(|seen| seen.nanos.unwrap() / 1_000_000)
        .collect();
    assert_eq!(times, [65_530, 65_540, 65_541, 65_542, 65_544, 65_545]);
    let radio = |from_card, bytes: &[u8], parity_error| What::Radio {
        from_card,
        bytes: bytes.to_vec(),
        code_kept: true,
        parity_error,
    };
    let whats: Vec<What> = seen.into_iter().map(|seen| seen.what).collect();
    assert_eq!(
        whats,
        vec![
            radio(false, &[0xE0, 0x80, 0x31, 0x73], false),
            radio(true, &[5, 0x78, 0x80, 0x70, 2, 0xA5, 0x46], false),
            radio(true, &[5, 0x78], true),
            What::Field(true),
            // 93 with its parity bit, 20 with its.
            radio(false, &[0x93, 0x20], false),
            radio(true, &[4, 0], false),
        ]
    );
}

#[test]
fn blocks_and_unknown_directions_of_a_contact_line() {
    let t1 = "+0.010000s | CARD>>> | 3B 80 01 81
+0.100000s | CARD<<< | 00 00 05 00 B2 01 0C 00 BA
+0.200000s | CARD>>> | 00 00 02 6A 83 EB
+0.300000s | CARD<<< | 00 60 02 00 B2 D0
+0.310000s | CARD>>> | 00 80 00 80
+0.320000s | CARD<<< | 00 00 03 02 0C 00 0D
+0.400000s | CARD>>> | 00 60 02 70 00 12
+0.410000s | CARD<<< | 00 80 00 80
+0.500000s | CARD>>> | 00 00 02 90 00 92
";
    assert_eq!(
        apdus("scsniff", t1),
        vec![
            (false, vec![0, 0xB2, 1, 0x0C, 0]),
            (true, vec![0x6A, 0x83]),
            // Both sides in two parts.
            (false, vec![0, 0xB2, 2, 0x0C, 0]),
            (true, vec![0x70, 0, 0x90, 0]),
        ]
    );
    let unknown = "+0.1s | CARD>>> | 3B 00
+0.2s | CARD<<< | 00 A4 04 00 02
+0.3s | CARD>>> | A4
+0.4s | CARD<?> | 3F 00
+0.5s | CARD>>> | 90 00
+0.6s | NOISE?? | 00
+0.7s | CARD<<< | 00 CB 01 00 02
+0.8s | CARD>>> | CB
+0.9s | CARD<?> | 11 22
+1.0s | CARD>>> | 90 00
";
    assert_eq!(
        apdus("scsniff", unknown),
        vec![
            (false, vec![0, 0xA4, 4, 0, 2, 0x3F, 0]),
            (true, vec![0x90, 0]),
            (false, vec![0, 0xCB, 1, 0, 2]),
            (true, vec![0x11, 0x22, 0x90, 0]),
        ]
    );
}

#[test]
fn saved_replays_and_resets_of_cardpeek() {
    let replay = "# cardpeek emulator
# version 0
R:3B00
C:00B2010C00:9000:70028F00
C:00B2020C00:6A83:
# end
";
    let (seen_all, _) = seen(by_name("cardpeek").unwrap(), replay.as_bytes());
    assert!(matches!(&seen_all[0].what, What::Reset(atr) if atr == &[0x3B, 0]));
    assert_eq!(
        apdus("cardpeek", replay),
        vec![
            (false, vec![0, 0xB2, 1, 0x0C, 0]),
            (true, vec![0x70, 2, 0x8F, 0, 0x90, 0]),
            (false, vec![0, 0xB2, 2, 0x0C, 0]),
            (true, vec![0x6A, 0x83]),
        ]
    );
    // The reader view, as it prints: sixteen bytes a line, their characters behind.
    let view = "RSET 3B 65 00 00 20 63 CB 68 00                      
SEND 00 B2 01 0C 00                                  
RECV 9000                                                # Normal processing
     70 12 57 10 41 11 11 11 11 11 11 11 D3 01 22 20     p.W.A......... 
     00 00 00 00                                         ....
";
    let (seen_all, _) = seen(by_name("cardpeek").unwrap(), view.as_bytes());
    assert!(matches!(&seen_all[0].what, What::Reset(atr) if atr.len() == 9));
    assert_eq!(apdus("cardpeek", view)[0].1, [0, 0xB2, 1, 0x0C, 0]);
    assert_eq!(apdus("cardpeek", view)[1].1.len(), 22);
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
