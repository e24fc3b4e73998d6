use super::*;
use crate::plan::Plan;
use std::io::Write as _;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A ustar header and its content.
fn tar_member(name: &str, kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    header[156] = kind;
    header[257..263].copy_from_slice(b"ustar\0");
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|b| u32::from(*b)).sum();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    let mut out = header.to_vec();
    out.extend(bytes);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = tar_member("folder/", b'5', b"");
    for (name, bytes) in members {
        if name.len() > 90 {
            let path = format!("path={name}\n");
            let length = path.len() + 4;
            out.extend(tar_member(
                "pax",
                b'x',
                format!("{length} {path}").as_bytes(),
            ));
            out.extend(tar_member("short", b'0', bytes));
        } else {
            out.extend(tar_member(name, b'0', bytes));
        }
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

fn xz(bytes: &[u8]) -> Vec<u8> {
    liblzma::encode_all(bytes, 1).unwrap()
}

fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn lz4(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Path, content and fault codes of every stream of a file with these bytes.
fn open(bytes: &[u8], plan: &Plan) -> (InputReport, Vec<(String, Vec<u8>)>) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in");
    std::fs::write(&path, bytes).unwrap();
    let input = Input {
        shown: Text::new("in"),
        size: bytes.len() as u64,
        stdin: false,
        path,
    };
    let mut seen = Vec::new();
    let report = each_stream(&input, plan, &mut |info, reader| {
        let mut content = Vec::new();
        reader.read_to_end(&mut content).unwrap();
        assert!(content.starts_with(info.head));
        seen.push((info.path.to_string(), content));
    });
    (report, seen)
}

fn codes(report: &InputReport) -> Vec<&'static str> {
    report
        .streams
        .iter()
        .flat_map(|s| s.faults.iter().map(|f| f.code))
        .collect()
}

const LINE: &[u8] = b"07-15 10:56:49.152   889  6213 D NxpNciR : len =   6 > 600603010001\n";

#[test]
fn wrappings_come_off_in_any_nesting() {
    let text = LINE.repeat(5000);
    let twice: Vec<u8> = [gzip(&text), gzip(LINE)].concat();
    let both = [text.clone(), LINE.to_vec()].concat();
    let long = format!("deep/{}/c.log", "x".repeat(85));
    let long_shown = format!("in!{long}");
    let inner = zip(&[("b.log", &text), ("日志\n.log", LINE)]);
    let cases: Vec<(Vec<u8>, Vec<(&str, &[u8])>)> = vec![
        (text.clone(), vec![("in", &text)]),
        (gzip(&text), vec![("in", &text)]),
        (twice, vec![("in", &both)]),
        (gzip(&gzip(&text)), vec![("in", &text)]),
        (
            inner.clone(),
            vec![("in!b.log", &text), ("in!日志\\x0a.log", LINE)],
        ),
        (
            gzip(&inner),
            vec![("in!b.log", &text), ("in!日志\\x0a.log", LINE)],
        ),
        (
            zip(&[("x.gz", &gzip(&text)), ("y.zip", &inner)]),
            vec![
                ("in!x.gz", &text),
                ("in!y.zip!b.log", &text),
                ("in!y.zip!日志\\x0a.log", LINE),
            ],
        ),
        (Vec::new(), vec![("in", b"")]),
        (zstd(&text), vec![("in", &text)]),
        (xz(&text), vec![("in", &text)]),
        (bzip2(&text), vec![("in", &text)]),
        (lz4(&text), vec![("in", &text)]),
        ([zstd(&text), zstd(LINE)].concat(), vec![("in", &both)]),
        ([xz(&text), xz(LINE)].concat(), vec![("in", &both)]),
        ([bzip2(&text), bzip2(LINE)].concat(), vec![("in", &both)]),
        ([lz4(&text), lz4(LINE)].concat(), vec![("in", &both)]),
        (
            gzip(&tar(&[("a.log", &text), (&long, LINE), ("empty", b"")])),
            vec![("in!a.log", &text), (&long_shown, LINE), ("in!empty", b"")],
        ),
        (tar(&[("b.xz", &xz(LINE))]), vec![("in!b.xz", LINE)]),
    ];
    for (bytes, want) in cases {
        let (report, seen) = open(&bytes, &Plan::default());
        let want: Vec<(String, Vec<u8>)> = want
            .into_iter()
            .map(|(n, b)| (n.to_owned(), b.to_vec()))
            .collect();
        assert_eq!(seen, want);
        assert_eq!(codes(&report), Vec::<&str>::new());
        assert_eq!(report.hashes, hash(&bytes, false));
        for (stream, (name, content)) in report.streams.iter().zip(&seen) {
            assert_eq!(stream.path, name.as_str());
            assert_eq!(stream.bytes, content.len() as u64);
        }
    }
    let (report, _) = open(
        &zip(&[("x.gz", &gzip(&text)), ("y", LINE)]),
        &Plan {
            custody: true,
            ..Plan::default()
        },
    );
    assert_eq!(report.streams[0].hashes, hash(&gzip(&text), true));
    assert_eq!(report.streams[1].hashes, hash(LINE, true));
}

#[test]
fn a_visitor_that_reads_nothing_changes_no_hash() {
    let bytes = gzip(&LINE.repeat(100_000));
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("in");
    std::fs::write(&path, &bytes).unwrap();
    let input = Input {
        shown: Text::new("in"),
        size: bytes.len() as u64,
        stdin: false,
        path,
    };
    let report = each_stream(&input, &Plan::default(), &mut |_, _| {});
    assert_eq!(report.hashes, hash(&bytes, false));
    assert_eq!(report.streams[0].bytes, LINE.len() as u64 * 100_000);
}

#[test]
fn damage_keeps_what_was_read_at_every_cut() {
    let text: Vec<u8> = (0..2000_u32)
        .flat_map(|n| format!("line {n} {}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    for bytes in [
        gzip(&text),
        zip(&[("a.log", &text), ("b.log", &text)]),
        zstd(&text),
        xz(&text),
        bzip2(&text),
        lz4(&text),
        tar(&[("a.log", &text), ("b.log", &text)]),
    ] {
        for cut in (0..bytes.len())
            .step_by(97)
            .chain(bytes.len() - 40..bytes.len())
        {
            let (report, seen) = open(&bytes[..cut], &Plan::default());
            for (name, content) in &seen {
                assert!(text.starts_with(content) || name == "in", "{name}");
            }
            // A tar may end without its closing zeros, and between two members.
            let silent_tar = bytes.get(257..262) == Some(b"ustar")
                && (cut + 2048 > bytes.len() || cut % 512 == 0 || cut < 512);
            if cut > 10 && cut + 9 < bytes.len() && !silent_tar {
                assert!(
                    !codes(&report).is_empty(),
                    "cut at {cut} of {} is silent: {:x?}",
                    bytes.len(),
                    &bytes[..4]
                );
            }
            assert_eq!(report.hashes, hash(&bytes[..cut], false));
        }
        let mut changed = bytes.clone();
        for at in (0..bytes.len()).step_by(101) {
            changed[at] ^= 0x55;
            let _ = open(&changed, &Plan::default());
            changed[at] = bytes[at];
        }
    }
    let (report, seen) = open(
        &[gzip(LINE), b"trailing rubbish".to_vec()].concat(),
        &Plan::default(),
    );
    assert_eq!(seen[0].1, LINE);
    assert_eq!(codes(&report), ["gzip_damaged"]);
}

#[test]
fn limits_stop_bombs_and_deep_nesting() {
    let mut plan = Plan::default();
    plan.limits.ratio_after = 1 << 20;
    let (report, seen) = open(&gzip(&vec![0; 8 << 20]), &plan);
    assert_eq!(codes(&report), ["decompress_limit"]);
    assert!(seen[0].1.len() < 3 << 20);
    for bomb in [
        zstd(&vec![0; 8 << 20]),
        xz(&vec![0; 8 << 20]),
        bzip2(&vec![0; 8 << 20]),
        lz4(&vec![0; 64 << 20]),
    ] {
        let (report, seen) = open(&bomb, &plan);
        assert_eq!(codes(&report), ["decompress_limit"], "{:x?}", &bomb[..4]);
        assert!(seen[0].1.len() < 60 << 20);
    }
    let (report, _) = open(&zip(&[("zeros", &vec![0; 8 << 20]), ("a", LINE)]), &plan);
    assert_eq!(codes(&report), ["decompress_limit"]);
    assert_eq!(report.streams.len(), 2);
    plan.limits.member_bytes = 100;
    assert_eq!(
        codes(&open(&gzip(&LINE.repeat(9)), &plan).0),
        ["decompress_limit"]
    );
    let deep = (0..5).fold(LINE.to_vec(), |bytes, _| gzip(&bytes));
    let (report, seen) = open(&deep, &Plan::default());
    assert_eq!(seen.len(), 0);
    assert_eq!(codes(&report), ["archive_depth"]);
    let mut plan = Plan::default();
    plan.limits.archive_members = 2;
    let (report, seen) = open(&zip(&[("a", LINE), ("b", LINE), ("c", LINE)]), &plan);
    assert_eq!(seen.len(), 2);
    assert_eq!(codes(&report), ["archive_members"]);
}

#[test]
fn what_is_not_wrapped_is_not_taken_for_it() {
    for bytes in [
        &b"PK is no zip"[..],
        b"\x1F\x8B\x07x",
        b"BZh rumours",
        b"\x1F\x8B",
    ] {
        assert_eq!(wrapping(bytes), Wrapping::None);
        let (_, seen) = open(bytes, &Plan::default());
        assert_eq!(seen[0].1, bytes);
    }
}
