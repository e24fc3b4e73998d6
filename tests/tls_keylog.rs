//! TLS with secrets: what OpenSSL sealed comes open, and what can be told without them is told.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::panic,
    reason = "tests may say what they mean"
)]

mod common;
mod net;

use std::path::{Path, PathBuf};

use net::{connections, messages, parse, plan, read};
use tapscope::event::{IsoMessage, TlsSeen};
use tapscope::plan::Plan;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/tls")
        .join(name)
}

fn with_keys(bytes: &[u8]) -> Plan {
    let mut plan = plan();
    plan.network.keylog.add(bytes);
    plan
}

fn stans(parsed: &net::Alive) -> Vec<(u16, Option<u32>, Option<String>)> {
    let all = messages(parsed);
    all.iter()
        .map(|(_, e, m)| {
            (
                m.mti,
                e.keys.stan,
                IsoMessage::field(m, 39).map(str::to_owned),
            )
        })
        .collect()
}

#[test]
fn every_suite_comes_open_with_its_secrets() {
    for (name, version, cipher, connections_wanted) in [
        ("tls12_aes128gcm", 0x0303, 0xC02B, 2),
        ("tls12_aes256gcm", 0x0303, 0xC02C, 1),
        ("tls12_chacha20", 0x0303, 0xCCA9, 1),
        ("tls13_aes128gcm", 0x0304, 0x1301, 1),
        ("tls13_default", 0x0304, 0x1302, 2),
        ("tls13_chacha20", 0x0304, 0x1303, 1),
    ] {
        let capture = read(&data(&format!("{name}.pcap")));
        let keys = read(&data(&format!("{name}.keys")));
        let open = parse(&capture, &with_keys(&keys));
        let one = [
            (200, Some(41), None),
            (210, Some(41), Some("51".to_owned())),
            (200, Some(42), None),
            (210, Some(42), Some("51".to_owned())),
        ];
        assert_eq!(
            stans(&open),
            std::iter::repeat_n(one, connections_wanted)
                .flatten()
                .collect::<Vec<_>>(),
            "{name}"
        );
        let found = connections(&open);
        assert_eq!(found.len(), connections_wanted, "{name}");
        for (n, connection) in found.iter().enumerate() {
            assert_eq!(connection.carried, Some("iso8583"), "{name}");
            let tls = connection.tls.as_deref().unwrap();
            assert_eq!(
                (tls.server_version, tls.cipher, tls.decrypted, tls.resumed),
                (Some(version), Some(cipher), true, n == 1),
                "{name}"
            );
            // Inside TLS 1.3 the certificate is read with the handshake's secret.
            if n == 0 {
                certificate(tls, name);
            }
        }
        let acked = messages(&open);
        assert!(
            acked.iter().all(|(_, _, m)| m.acked_after_micros.is_some()),
            "{name}: TCP acknowledged all"
        );
        assert!(open.issues.is_empty(), "{name}: {:?}", open.issues);
    }
}

fn certificate(tls: &TlsSeen, name: &str) {
    assert_eq!(tls.subject.as_deref(), Some("pos.example.test"), "{name}");
    assert_eq!(tls.issuer.as_deref(), Some("Test Issuing CA"), "{name}");
    assert_eq!(
        tls.names,
        ["pos.example.test", "*.pay.example.test"],
        "{name}"
    );
    assert_eq!(tls.certificates, Some(2), "{name}");
    assert_eq!(tls.name_fits, Some(true), "{name}");
    assert!(!tls.lacks_intermediate && !tls.self_issued, "{name}");
    let (from, to) = tls.validity.unwrap();
    assert_eq!(to - from, 3650 * 86_400, "{name}");
}

#[test]
fn without_secrets_sizes_and_times_are_told() {
    for name in ["tls12_aes128gcm", "tls13_default", "tls12_cbc"] {
        let closed = parse(&read(&data(&format!("{name}.pcap"))), &plan());
        assert!(messages(&closed).is_empty());
        let found = connections(&closed);
        let tls = found[0].tls.as_deref().unwrap();
        assert_eq!(found[0].carried, Some("tls"), "{name}");
        assert_eq!(tls.exchanges, 2, "{name}");
        assert_eq!(
            (tls.answer_micros, tls.unanswered_request),
            (Some(1500), None),
            "{name}"
        );
        assert!(tls.request_bytes > 72 && tls.answer_bytes > 72, "{name}");
        assert!(!tls.decrypted);
        if name != "tls13_default" {
            certificate(tls, name);
        }
    }
}

#[test]
fn wrong_secrets_and_other_suites_are_said_and_harmless() {
    let keys = String::from_utf8(read(&data("tls12_aes256gcm.keys"))).unwrap();
    // The last digit of the secret.
    let line = keys
        .lines()
        .find(|l| l.starts_with("CLIENT_RANDOM"))
        .unwrap();
    let last = if line.ends_with('0') { '1' } else { '0' };
    let wrong = format!("{}{last}\n", &line[..line.len() - 1]);
    let capture = read(&data("tls12_aes256gcm.pcap"));
    let parsed = parse(&capture, &with_keys(wrong.as_bytes()));
    assert!(messages(&parsed).is_empty());
    assert_eq!(parsed.issues[0].code, "tls_not_deciphered");
    let parsed = parse(
        &read(&data("tls12_cbc.pcap")),
        &with_keys(&read(&data("tls12_cbc.keys"))),
    );
    assert_eq!(parsed.issues[0].code, "tls_secret_useless");
    assert!(
        parsed.issues[0].text.contains("AEAD"),
        "{}",
        parsed.issues[0].text
    );
    // Secrets of another connection.
    let parsed = parse(&capture, &with_keys(&read(&data("tls12_chacha20.keys"))));
    assert!(messages(&parsed).is_empty() && parsed.issues.is_empty());
}

#[test]
fn damaged_records_lose_what_follows_and_nothing_else() {
    let capture = read(&data("tls13_aes128gcm.pcap"));
    let plan = with_keys(&read(&data("tls13_aes128gcm.keys")));
    for n in (24..capture.len()).step_by(97) {
        let mut changed = capture.clone();
        changed[n] ^= 0x55;
        let parsed = parse(&changed, &plan);
        assert!(messages(&parsed).len() <= 4);
        let cut = parse(&capture[..n], &plan);
        assert!(messages(&cut).len() <= 4);
    }
}

/// A capture of others that holds its own secrets.
#[test]
fn secrets_of_others_open_what_others_captured() {
    let Some(corpus) = common::corpus() else {
        return;
    };
    let parsed = parse(
        &read(&corpus.join("net/fileformat/pcapng_decryption_secrets_block.pcapng")),
        &plan(),
    );
    let found = connections(&parsed);
    let opened = found
        .iter()
        .filter(|c| c.tls.as_ref().is_some_and(|t| t.decrypted));
    assert!(opened.count() >= 1, "{found:?}");
    assert!(parsed.issues.is_empty(), "{:?}", parsed.issues);
}

/// The command says so as well, from end to end.
#[test]
fn the_command_reads_what_is_inside() {
    let temporary = tempfile::tempdir().unwrap();
    let out = temporary.path().join("out");
    let keys = data("tls13_chacha20.keys");
    let output = common::analyze(
        &[&data("tls13_chacha20.pcap")],
        &out,
        &["--keylog", keys.to_str().unwrap()],
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows = common::rows(
        &out,
        "SELECT stan, response_code, terminal_id FROM transactions ORDER BY stan",
    );
    assert_eq!(
        rows,
        [["000041", "51", "10000019"], ["000042", "51", "10000019"]]
    );
    for entry in std::fs::read_dir(&out).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("6212340000001232"));
    }
    let secret = temporary.path().join("no.keys");
    std::fs::write(&secret, "nothing of the kind\n").unwrap();
    let output = common::analyze(
        &[&data("tls13_chacha20.pcap")],
        &temporary.path().join("other"),
        &["--keylog", secret.to_str().unwrap()],
    );
    assert_eq!(output.status.code(), Some(1));
}
