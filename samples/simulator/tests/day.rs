//! A simulated day is whole: the same for the same seed, well-formed at every layer, and its truth
//! speaks of what is there.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use tapscope_simulator::day::{Config, causes, midnight, simulate};
use tapscope_simulator::emv::{Ask, Mishap, contact, field55, tap};
use tapscope_simulator::fleet::{Profile, Scheme, card};
use tapscope_simulator::pcap::checksum;
use tapscope_simulator::rng::Rng;
use tapscope_simulator::scenario::{sample_day, write_all};
use tapscope_simulator::score::compare;
use tapscope_simulator::table::Table;
use tapscope_simulator::time::civil;

fn files(root: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut todo = vec![root.to_path_buf()];
    while let Some(d) = todo.pop() {
        for e in fs::read_dir(&d).unwrap() {
            let p = e.unwrap().path();
            if p.is_dir() {
                todo.push(p);
            } else {
                let name = p
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .replace('\\', "/");
                out.insert(name, fs::read(&p).unwrap());
            }
        }
    }
    out
}

fn config(seed: u64, profile: Profile) -> Config {
    Config {
        transactions: 500,
        seed,
        terminals: 0,
        zero: midnight("2026-03-18").unwrap(),
        profile,
        noise: 3,
        bytes: 0,
        failures: 200,
        only: None,
        rich: true,
    }
}

#[test]
fn same_seed_same_bytes() {
    let (a, b, c) = (
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
        tempfile::tempdir().unwrap(),
    );
    simulate(&config(5, Profile::Skewed), a.path()).unwrap();
    simulate(&config(5, Profile::Skewed), b.path()).unwrap();
    simulate(&config(6, Profile::Skewed), c.path()).unwrap();
    assert!(files(a.path()) == files(b.path()));
    assert!(files(a.path()) != files(c.path()));
}

#[test]
fn shipped_day_is_what_the_simulator_writes() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../day");
    let fresh = tempfile::tempdir().unwrap();
    sample_day(fresh.path()).unwrap();
    let mut there = files(&shipped);
    there.remove("README.md");
    let made = files(fresh.path());
    let (a, b): (Vec<_>, Vec<_>) = (there.keys().collect(), made.keys().collect());
    assert_eq!(
        a, b,
        "run: cargo run -p tapscope-simulator -- sample-day --out samples/day"
    );
    for (name, bytes) in &made {
        assert!(there.get(name) == Some(bytes), "{name} differs");
    }
}

#[test]
fn shipped_scenarios_are_what_the_simulator_writes() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let fresh = tempfile::tempdir().unwrap();
    write_all(fresh.path(), None).unwrap();
    for cause in causes() {
        let name = cause.to_ascii_lowercase();
        assert!(
            files(&fresh.path().join(&name)) == files(&samples.join(&name)),
            "run: cargo run -p tapscope-simulator -- scenarios --out samples --cause {cause}"
        );
    }
}

/// Walks a BER-TLV value to its last byte.
fn walk(b: &[u8]) -> Result<usize, String> {
    let (mut i, mut n) = (0, 0);
    while i < b.len() {
        let first = b[i];
        i += 1;
        if first & 0x1F == 0x1F {
            while *b.get(i).ok_or("tag cut")? & 0x80 != 0 {
                i += 1;
            }
            i += 1;
        }
        let mut len = usize::from(*b.get(i).ok_or("length missing")?);
        i += 1;
        if len > 0x80 {
            let k = len - 0x80;
            len = b
                .get(i..i + k)
                .ok_or("length cut")?
                .iter()
                .fold(0, |a, x| a << 8 | usize::from(*x));
            i += k;
        }
        let value = b
            .get(i..i + len)
            .ok_or_else(|| format!("value of {first:02X} beyond the end"))?;
        n += 1;
        if first & 0x20 != 0 {
            n += walk(value)?;
        }
        i += len;
    }
    Ok(n)
}

#[test]
fn every_answer_is_well_formed() {
    let mishaps = [
        Mishap::None,
        Mishap::NoPpse,
        Mishap::TransportOnly,
        Mishap::KernelEight,
        Mishap::CardBlocked,
        Mishap::AppBlocked,
        Mishap::NoCommonAid,
        Mishap::Gpo(0x6984),
        Mishap::TornAtGpo,
        Mishap::TornAtRecord,
        Mishap::TornAtAc,
        Mishap::RecordError,
        Mishap::MissingTag,
        Mishap::Aac,
        Mishap::ExpiredAac,
        Mishap::OdaFailed,
        Mishap::Cdcvm,
        Mishap::RfError(2),
        Mishap::L1Protocol,
        Mishap::BadTtq,
        Mishap::OfflineTc,
        Mishap::CtqPin,
        Mishap::StopAfterRecords,
    ];
    let mut rng = Rng::new(1);
    let mut tags = 0;
    for scheme in [Scheme::UnionPay, Scheme::Visa, Scheme::Mastercard] {
        for mishap in mishaps {
            for k in 0..30 {
                let c = card(3, k, Some(scheme), false);
                let ask = Ask {
                    amount: 8800 + k,
                    date: civil(midnight("2026-03-18").unwrap()),
                    ttq: [0x36, 0, 0, 0x80],
                    card: &c,
                    atc: 7,
                    mishap,
                };
                let mut all = tap(&ask, &mut rng).steps;
                if mishap == Mishap::None {
                    let t = contact(&ask, &mut rng);
                    tags += walk(&field55(&ask, &t, "VA20000000001", 77)).unwrap();
                    all.extend(t.steps);
                }
                for (i, s) in all.iter().enumerate() {
                    let lc = s.cmd.get(4).copied().map_or(0, usize::from);
                    assert!(
                        s.cmd[1] == 0xB2 || s.cmd.len() == 6 + lc,
                        "{scheme:?} {mishap:?} {:02X?}",
                        s.cmd
                    );
                    let Some(r) = &s.rsp else {
                        assert_eq!(i + 1, all.len(), "nothing follows silence");
                        continue;
                    };
                    assert!((2..=255).contains(&r.len()));
                    tags += walk(&r[..r.len() - 2])
                        .unwrap_or_else(|e| panic!("{scheme:?} {mishap:?}: {e}"));
                }
            }
        }
    }
    assert!(tags > 40_000, "{tags}");
}

fn le32(b: &[u8], i: usize) -> usize {
    u32::from_le_bytes(b[i..i + 4].try_into().unwrap()) as usize
}

/// Time and IPv4 packet of each frame.
fn packets(b: &[u8]) -> Vec<(u64, &[u8])> {
    let mut out = Vec::new();
    let (ng, cooked) = if b[..4] == [0x0A, 0x0D, 0x0D, 0x0A] {
        (true, le32(b, 36) & 0xFFFF == 113)
    } else {
        (false, le32(b, 20) == 113)
    };
    let mut i = if ng { 48 } else { 24 };
    while i < b.len() {
        let (t, at, len, next) = if ng {
            let len = le32(b, i + 20);
            (
                (le32(b, i + 12) as u64) << 32 | le32(b, i + 16) as u64,
                i + 28,
                len,
                i + le32(b, i + 4),
            )
        } else {
            let len = le32(b, i + 8);
            (
                le32(b, i) as u64 * 1_000_000 + le32(b, i + 4) as u64,
                i + 16,
                len,
                i + 16 + len,
            )
        };
        let f = &b[at..at + len];
        let start = match (cooked, &f[12..14]) {
            (true, _) => 16,
            (false, [0x81, 0]) => 18,
            _ => 14,
        };
        out.push((t, &f[start..]));
        i = next;
    }
    assert_eq!(i, b.len());
    out
}

#[test]
fn frames_are_in_order_and_their_sums_right() {
    let d = tempfile::tempdir().unwrap();
    simulate(&config(9, Profile::Tidy), d.path()).unwrap();
    let (mut n, mut tcp) = (0, 0);
    for (name, b) in files(&d.path().join("input")) {
        if !name.contains(".pcap") {
            continue;
        }
        let mut last = 0;
        for (t, ip) in packets(&b) {
            assert!(t + 1 >= last, "{name}: time runs back");
            last = t;
            assert_eq!(checksum(&[&ip[..20]]), 0, "{name}: IP header");
            let total = usize::from(ip[2]) << 8 | usize::from(ip[3]);
            let l4 = &ip[20..total];
            if ip[9] != 1 {
                let len = (l4.len() as u16).to_be_bytes();
                assert_eq!(
                    checksum(&[&ip[12..20], &[0, ip[9]], &len, l4]),
                    0,
                    "{name}: transport"
                );
                tcp += u32::from(ip[9] == 6);
            }
            n += 1;
        }
    }
    assert!(n > 5000 && tcp > 4000, "{n} {tcp}");
}

#[test]
fn labels_speak_of_what_is_there() {
    let d = tempfile::tempdir().unwrap();
    let s = simulate(&config(11, Profile::Sparse), d.path()).unwrap();
    let t = Table::parse(&fs::read_to_string(d.path().join("labels.csv")).unwrap());
    assert_eq!(t.rows.len() as u64, s.attempts);
    let there = files(&d.path().join("input"));
    let zip = there.get("archive.zip").cloned().unwrap_or_default();
    let mut failed = 0;
    for i in 0..t.rows.len() {
        for c in ["log_source", "apdu_source", "net_source"] {
            let f = t.get(i, c);
            let known = match f.strip_prefix("archive.zip!") {
                Some(m) => zip.windows(m.len()).any(|w| w == m.as_bytes()),
                None => f.is_empty() || there.contains_key(f),
            };
            assert!(known, "{c}: {f}");
        }
        let is_failed = t.get(i, "failed") == "true";
        failed += u32::from(is_failed);
        assert_eq!(is_failed, t.get(i, "outcome") != "approved");
        assert!(!is_failed || !t.get(i, "cause").is_empty());
        assert!(is_failed || matches!(t.get(i, "cause"), "" | "USER_DUPLICATE_TAP"));
    }
    assert!(failed > 60, "{failed}");
    assert!(s.tally.len() > 30, "{:?}", s.tally);
}

#[test]
fn truth_scores_full_marks() {
    let d = tempfile::tempdir().unwrap();
    simulate(&config(12, Profile::Skewed), d.path()).unwrap();
    let labels = fs::read_to_string(d.path().join("labels.csv")).unwrap();
    let t = Table::parse(&labels);
    let mut tx = String::from(
        "started_at,terminal_id,device,stan,rrn,amount_minor,interface,failed,cause,family,confidence,log_events,apdu_events,net_events\n",
    );
    for i in 0..t.rows.len() {
        let mut row: Vec<&str> = [
            "started_at",
            "terminal_id",
            "device",
            "stan",
            "rrn",
            "amount_minor",
            "interface",
            "failed",
            "cause",
            "family",
        ]
        .iter()
        .map(|c| t.get(i, c))
        .collect();
        let one = |yes: bool| if yes { "1" } else { "0" };
        row.push("1.0");
        row.push(one(
            !t.get(i, "log_source").is_empty() || t.get(i, "host_log") == "true"
        ));
        row.push(one(!t.get(i, "apdu_source").is_empty()));
        row.push(one(!t.get(i, "net_source").is_empty()));
        tx += &(row.join(",") + "\n");
    }
    let s = compare(&labels, &tx).unwrap();
    for (name, r) in [
        ("found", s.found),
        ("precise", s.precise),
        ("links", s.links),
        ("failed", s.failed),
        ("cause", s.cause),
        ("family", s.family),
        ("quiet", s.quiet),
    ] {
        assert_eq!(r.hit, r.of, "{name}\n{s}");
    }
    assert!(s.ece < 1e-9);
}
