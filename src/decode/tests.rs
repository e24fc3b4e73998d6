use super::*;
use crate::source::tests::empty_plan;
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
    ];
    for (bytes, want) in cases {
        let (report, seen) = open(&bytes, &empty_plan());
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
            ..empty_plan()
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
    let report = each_stream(&input, &empty_plan(), &mut |_, _| {});
    assert_eq!(report.hashes, hash(&bytes, false));
    assert_eq!(report.streams[0].bytes, LINE.len() as u64 * 100_000);
}

#[test]
fn damage_keeps_what_was_read_at_every_cut() {
    let text: Vec<u8> = (0..2000_u32)
        .flat_map(|n| format!("line {n} {}\n", n.wrapping_mul(2_654_435_761)).into_bytes())
        .collect();
    for bytes in [gzip(&text), zip(&[("a.log", &text), ("b.log", &text)])] {
        for cut in (0..bytes.len())
            .step_by(97)
            .chain(bytes.len() - 40..bytes.len())
        {
            let (report, seen) = open(&bytes[..cut], &empty_plan());
            for (name, content) in &seen {
                assert!(text.starts_with(content) || name == "in", "{name}");
            }
            if cut > 10 && cut + 9 < bytes.len() {
                assert!(!codes(&report).is_empty(), "cut at {cut} is silent");
            }
            assert_eq!(report.hashes, hash(&bytes[..cut], false));
        }
        let mut changed = bytes.clone();
        for at in (0..bytes.len()).step_by(101) {
            changed[at] ^= 0x55;
            let _ = open(&changed, &empty_plan());
            changed[at] = bytes[at];
        }
    }
    let (report, seen) = open(
        &[gzip(LINE), b"trailing rubbish".to_vec()].concat(),
        &empty_plan(),
    );
    assert_eq!(seen[0].1, LINE);
    assert_eq!(codes(&report), ["gzip_damaged"]);
}

#[test]
fn limits_stop_bombs_and_deep_nesting() {
    let mut plan = empty_plan();
    plan.limits.ratio_after = 1 << 20;
    let (report, seen) = open(&gzip(&vec![0; 8 << 20]), &plan);
    assert_eq!(codes(&report), ["decompress_limit"]);
    assert!(seen[0].1.len() < 3 << 20);
    let (report, _) = open(&zip(&[("zeros", &vec![0; 8 << 20]), ("a", LINE)]), &plan);
    assert_eq!(codes(&report), ["decompress_limit"]);
    assert_eq!(report.streams.len(), 2);
    plan.limits.member_bytes = 100;
    assert_eq!(
        codes(&open(&gzip(&LINE.repeat(9)), &plan).0),
        ["decompress_limit"]
    );
    let deep = (0..5).fold(LINE.to_vec(), |bytes, _| gzip(&bytes));
    let (report, seen) = open(&deep, &empty_plan());
    assert_eq!(seen.len(), 0);
    assert_eq!(codes(&report), ["archive_depth"]);
    let mut plan = empty_plan();
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
        let (_, seen) = open(bytes, &empty_plan());
        assert_eq!(seen[0].1, bytes);
    }
}
