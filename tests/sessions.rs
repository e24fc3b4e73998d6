//! Dialogues that run at once are kept apart: readers on one USB bus, cards of one PC/SC client, processes and threads of one log.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod traced;

use tapscope::Analysis;
use tapscope::attribute::Catalogue;
use traced::{analysis, fact, sequence};

/// A tap whose amount and counter tell it from others.
fn tap(amount: u8, counter: u8) -> Vec<(Vec<u8>, Vec<u8>)> {
    let unhex = |text: &str| -> Vec<u8> {
        text.as_bytes()
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    };
    [
        (
            "00A404000E325041592E5359532E444446303100".to_owned(),
            "6F2F840E325041592E5359532E4444463031A51DBF0C1A61184F07A0000000041010500A4D4153544552434152448701019000".to_owned(),
        ),
        (
            "00A4040007A000000004101000".to_owned(),
            "6F208407A0000000041010A515500A4D4153544552434152448701019F38039F33039000".to_owned(),
        ),
        (
            "80A80000058303E0F0C800".to_owned(),
            "770A820219809404080101009000".to_owned(),
        ),
        (
            "00B2010C00".to_owned(),
            "70175A0854133300890100108C099F02069F37049F3602009000".to_owned(),
        ),
        (
            format!("80AE80000C0000000000{amount:02X}AABBCCDD000100"),
            format!("77149F2701809F360200{counter:02X}9F2608FEDCBA98765432109000"),
        ),
    ]
    .into_iter()
    .map(|(command, answer)| (unhex(&command), unhex(&answer)))
    .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02X}")).collect()
}

fn analysed(name: &str, bytes: &[u8]) -> Analysis {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    analysis(&[&path], &Catalogue::load(&[]).unwrap())
}

/// Two whole taps, each with its own counter and all of its records.
fn apart(analysis: &Analysis, name: &str) {
    assert_eq!(sequence(analysis), "P*2 A*2 G*2 R*2 C*2", "{name}");
    let attempts = analysis.correlated.attempts.len();
    assert_eq!(attempts, 2, "{name}");
    let mut counters: Vec<String> = (0..attempts).map(|at| fact(analysis, at, "atc")).collect();
    counters.sort();
    assert_eq!(counters, ["16", "32"], "{name}");
    for at in 0..attempts {
        for (fact_name, want) in [
            ("ppse_selected", "1"),
            ("records_missing", "0"),
            ("cid", "ARQC"),
            ("expected_next", "outcome"),
            ("cdol_fault", ""),
        ] {
            assert_eq!(fact(analysis, at, fact_name), want, "{name}: {fact_name}");
        }
    }
}

/// A packet of Linux usbmon with one message of a card reader (CCID).
fn usb(device: u8, from_device: bool, sequence: u8, apdu: &[u8]) -> Vec<u8> {
    let mut message = vec![if from_device { 0x80 } else { 0x6F }];
    message.extend(u32::try_from(apdu.len()).unwrap().to_le_bytes());
    message.extend([0, sequence, 0, 0, 0]);
    message.extend(apdu);
    let mut packet = vec![0; 64];
    packet[8] = if from_device { b'C' } else { b'S' };
    packet[9] = 3;
    packet[10] = if from_device { 0x81 } else { 0x02 };
    packet[11] = device;
    packet[12] = 1;
    packet[32..36].copy_from_slice(&u32::try_from(message.len()).unwrap().to_le_bytes());
    packet[36..40].copy_from_slice(&u32::try_from(message.len()).unwrap().to_le_bytes());
    packet.extend(message);
    packet
}

#[test]
fn readers_on_one_bus() {
    let mut capture = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0];
    capture.extend([0; 8]);
    capture.extend(65_535_u32.to_le_bytes());
    capture.extend(220_u32.to_le_bytes());
    let mut micros = 0_u32;
    let mut write = |packet: Vec<u8>| {
        micros += 4_000;
        capture.extend(1_700_000_000_u32.to_le_bytes());
        capture.extend(micros.to_le_bytes());
        for _ in 0..2 {
            capture.extend(u32::try_from(packet.len()).unwrap().to_le_bytes());
        }
        capture.extend(packet);
    };
    let (left, right) = (tap(1, 16), tap(2, 32));
    for (sequence, (l, r)) in (0..).zip(left.iter().zip(&right)) {
        write(usb(4, false, sequence, &l.0));
        write(usb(7, false, sequence, &r.0));
        // The second reader is the faster one.
        write(usb(7, true, sequence, &r.1));
        write(usb(4, true, sequence, &l.1));
    }
    let analysis = analysed("usb.pcap", &capture);
    apart(&analysis, "two readers on one bus");
    for at in 0..2 {
        let millis: i64 = fact(&analysis, at, "gpo_ms").parse().unwrap();
        assert!(millis == 4 || millis == 12, "{millis}");
    }
}

#[test]
fn cards_of_one_client() {
    let mut text = String::new();
    let dump = |bytes: &[u8], mark: char| -> String {
        bytes
            .chunks(16)
            .enumerate()
            .map(|(row, chunk)| {
                let pairs: Vec<String> = chunk.iter().map(|b| format!("{b:02X}")).collect();
                format!(" {mark}  {:04X} {}\n", row * 16, pairs.join(" "))
            })
            .collect()
    };
    let (left, right) = (tap(1, 16), tap(2, 32));
    for (l, r) in left.iter().zip(&right) {
        for (card, (command, answer)) in [(0x1BBD_29B6_u32, l), (0x0C6C_5F3B, r)] {
            text.push_str(&format!(
                "SCardTransmit\n i hCard: 0x{card:08X}\n i bSendLength 0x{:08X} ({})\n i bSendBuffer\n{} o bRecvLength 0x{:08X} ({})\n o bRecvBuffer\n{} => Command successful. (SCARD_S_SUCCESS [0x00000000])  [0.010000]\n",
                command.len(),
                command.len(),
                dump(command, 'i'),
                answer.len(),
                answer.len(),
                dump(answer, 'o'),
            ));
        }
    }
    apart(
        &analysed("spy.txt", text.as_bytes()),
        "two cards of one client",
    );
}

#[test]
fn processes_and_threads_of_one_log() {
    for (name, left_of, right_of) in [
        ("two processes", "4503  4511", "5120  5131"),
        ("two threads", "4503  4511", "4503  4512"),
    ] {
        let mut text = String::new();
        let (left, right) = (tap(1, 16), tap(2, 32));
        for (n, (l, r)) in left.iter().zip(&right).enumerate() {
            let at = |millis: usize| format!("11-22 10:00:00.{:03}", 100 + 60 * n + millis);
            for (millis, who, word, bytes) in [
                (0, left_of, "send", &l.0),
                (10, right_of, "send", &r.0),
                (30, right_of, "recv", &r.1),
                (40, left_of, "recv", &l.1),
            ] {
                text.push_str(&format!(
                    "{}  {who} D Reader  : {word}: {}\n",
                    at(millis),
                    hex(bytes)
                ));
            }
        }
        apart(&analysed("pos.log", text.as_bytes()), name);
    }
}
