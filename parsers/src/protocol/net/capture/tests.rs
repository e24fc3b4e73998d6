use super::*;

fn pcap(big: bool, nanos: bool, packets: &[(u32, u32, &[u8])]) -> Vec<u8> {
    let w32 = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let w16 = |n: u16| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut b = Vec::new();
    b.extend(w32(if nanos { 0xa1b2_3c4d } else { 0xa1b2_c3d4 }));
    b.extend(w16(2));
    b.extend(w16(4));
    for n in [0, 0, 65535, 1] {
        b.extend(w32(n));
    }
    for (s, f, data) in packets {
        for n in [*s, *f, data.len() as u32, data.len() as u32] {
            b.extend(w32(n));
        }
        b.extend_from_slice(data);
    }
    b
}

fn block(big: bool, kind: u32, body: &[u8]) -> Vec<u8> {
    let w = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let padded = body.len().next_multiple_of(4);
    let length = (padded + 12) as u32;
    let mut b = Vec::new();
    b.extend(w(kind));
    b.extend(w(length));
    b.extend_from_slice(body);
    b.resize(8 + padded, 0);
    b.extend(w(length));
    b
}

fn pcapng(big: bool, resolution: u8, offset: i64, units: u64) -> Vec<u8> {
    let w32 = |n: u32| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let w16 = |n: u16| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let w64 = |n: i64| {
        if big {
            n.to_be_bytes()
        } else {
            n.to_le_bytes()
        }
    };
    let mut shb = Vec::new();
    shb.extend(w32(0x1A2B_3C4D));
    shb.extend(w16(1));
    shb.extend(w16(0));
    shb.extend(w64(-1));
    let mut idb = Vec::new();
    idb.extend(w16(1));
    idb.extend(w16(0));
    idb.extend(w32(0));
    idb.extend(w16(9));
    idb.extend(w16(1));
    idb.extend([resolution, 0, 0, 0]);
    idb.extend(w16(14));
    idb.extend(w16(8));
    idb.extend(w64(offset));
    idb.extend([0; 4]);
    let mut epb = Vec::new();
    epb.extend(w32(0));
    epb.extend(w32((units >> 32) as u32));
    epb.extend(w32(units as u32));
    epb.extend(w32(5));
    epb.extend(w32(5));
    epb.extend(b"hello");
    let mut spb = Vec::new();
    spb.extend(w32(4));
    spb.extend(b"wxyz");
    let mut opb = Vec::new();
    opb.extend(w16(0));
    opb.extend(w16(0));
    opb.extend(&epb[4..]);
    [
        block(big, 0x0A0D_0D0A, &shb),
        block(big, 1, &idb),
        block(big, 6, &epb),
        block(big, 3, &spb),
        block(big, 2, &opb),
        block(big, 4, &[0; 4]),
    ]
    .concat()
}

/// Feeds in pieces of `step` new bytes and gives frame, time and data of each packet.
fn read(file: &[u8], step: usize) -> (Vec<(u32, Option<i64>, Vec<u8>)>, Reader) {
    let mut reader = Reader::new();
    let mut got = Vec::new();
    let (mut start, mut filled) = (0, 0);
    loop {
        filled = (filled + step).min(file.len());
        let end = filled == file.len();
        let mut out = Vec::new();
        let window = &file[start..filled];
        let used = reader.feed(window, end, &mut out);
        for p in &out {
            got.push((p.frame, p.nanos, p.data(window).to_vec()));
        }
        start += used;
        if end {
            assert_eq!(
                start,
                file.len(),
                "with the end, every byte is accounted for"
            );
            return (got, reader);
        }
    }
}

fn ledger_adds_up(
    file: &[u8],
    reader: &Reader,
    packets: &[(u32, Option<i64>, Vec<u8>)],
    overhead: u64,
) {
    let b = reader.bytes();
    let records: u64 = packets.iter().map(|p| p.2.len() as u64 + overhead).sum();
    assert_eq!(
        b.structure + b.lost + b.foreign + records,
        file.len() as u64
    );
}

#[test]
fn all_byte_orders_and_resolutions_of_pcap() {
    for (big, nanos) in [(false, false), (true, false), (false, true), (true, true)] {
        let file = pcap(big, nanos, &[(10, 7, b"abc"), (11, 8, b"defgh")]);
        for step in [1, 3, 1000] {
            let (got, reader) = read(&file, step);
            let unit = if nanos { 1 } else { 1000 };
            assert_eq!(
                got[0],
                (1, Some(10_000_000_000 + 7 * unit), b"abc".to_vec())
            );
            assert_eq!(
                got[1],
                (2, Some(11_000_000_000 + 8 * unit), b"defgh".to_vec())
            );
            ledger_adds_up(&file, &reader, &got, 16);
        }
    }
}

/// Versions before 2.4 put the original length first, or either.
#[test]
fn lengths_stand_in_the_order_of_the_version() {
    for (minor, swapped, want) in [
        (0, true, true),
        (2, true, true),
        (3, true, true),
        (3, false, true),
        (4, false, true),
        (4, true, false),
        (2, false, false),
    ] {
        for big in [false, true] {
            let mut file = pcap(big, false, &[(10, 7, b"abc"), (11, 8, b"defgh")]);
            let minor = if big { [0, minor] } else { [minor, 0] };
            file[6..8].copy_from_slice(&minor);
            // Each record was cut: 900 bytes on the wire.
            for record in [24, 24 + 16 + 3] {
                let long = if big {
                    900_u32.to_be_bytes()
                } else {
                    900_u32.to_le_bytes()
                };
                let (at, other) = if swapped { (8, 12) } else { (12, 8) };
                let length: [u8; 4] = file[record + 8..record + 12].try_into().unwrap();
                file[record + at..record + at + 4].copy_from_slice(&long);
                file[record + other..record + other + 4].copy_from_slice(&length);
            }
            for step in [1, 7, 1000] {
                let (got, _) = read(&file, step);
                let data: Vec<&[u8]> = got.iter().map(|p| p.2.as_slice()).collect();
                let right = data == [&b"abc"[..], b"defgh"];
                assert_eq!(right, want, "{minor:?} {swapped}");
            }
        }
    }
}

#[test]
fn pcapng_resolution_offset_and_packet_kinds() {
    for big in [false, true] {
        for (resolution, units, nanos) in [
            (6, 1_500_000, 1_500_000_000),
            (9, 1_500_000_000, 1_500_000_000),
            (3, 1500, 1_500_000_000),
            (12, 1_500_000_000_000, 1_500_000_000),
            (0x80 | 10, 1536, 1_500_000_000),
            (0x80 | 20, 3 << 19, 1_500_000_000),
        ] {
            let file = pcapng(big, resolution, 3600, units);
            for step in [4, 1000] {
                let (got, _) = read(&file, step);
                assert_eq!(got.len(), 3, "big {big} resolution {resolution:#x}");
                assert_eq!(
                    got[0],
                    (1, Some(nanos + 3_600_000_000_000), b"hello".to_vec())
                );
                assert_eq!(got[1], (2, None, b"wxyz".to_vec()));
                assert_eq!(got[2].2, b"hello");
            }
        }
    }
}

#[test]
fn sections_change_the_byte_order() {
    let file = [pcapng(false, 6, 0, 1), pcapng(true, 6, 0, 2)].concat();
    let (got, _) = read(&file, 1000);
    assert_eq!(got.len(), 6);
    assert_eq!(got[3].0, 4);
    assert_eq!(got[3].1, Some(2000));
}

#[test]
fn goes_on_behind_damage() {
    let data = [0x11u8; 60];
    let packets: Vec<(u32, u32, &[u8])> =
        (0..40).map(|i| (1_700_000_000 + i, i, &data[..])).collect();
    let good = pcap(false, false, &packets);
    for at in [24, 24 + 76 * 3, 24 + 76 * 20] {
        let mut file = good.clone();
        file[at + 8..at + 12].copy_from_slice(&[0xFF; 4]);
        for step in [97, 100_000] {
            let (got, mut reader) = read(&file, step);
            assert_eq!(got.len(), 39, "one record lost at {at}");
            let issues = reader.take_issues();
            assert_eq!(issues.len(), 1);
            assert_eq!(
                (issues[0].code, issues[0].skipped),
                ("pcap_record_header", 76)
            );
            assert_eq!(issues[0].offset, at as u64);
            ledger_adds_up(&file, &reader, &got, 16);
        }
    }
}

#[test]
fn goes_on_behind_a_damaged_block() {
    let one = pcapng(false, 6, 0, 1);
    let start = one.windows(5).position(|w| w == b"hello").unwrap() - 28;
    let mut file = one[..start].to_vec();
    for _ in 0..10 {
        file.extend_from_slice(&one[start..start + 40]);
    }
    assert_eq!(read(&file, 100_000).0.len(), 10);
    for n in [0, 4, 8] {
        let mut bad = file.clone();
        bad[start + n * 40 + 4] = 0xFD;
        for step in [50, 100_000] {
            let (got, mut reader) = read(&bad, step);
            assert_eq!(got.len(), 9);
            let issues = reader.take_issues();
            assert_eq!((issues.len(), issues[0].skipped), (1, 40));
        }
    }
}

#[test]
fn every_prefix_gives_the_packets_of_the_prefix() {
    let classic = pcap(
        false,
        false,
        &[(10, 7, b"abcdefghijklmnop"), (11, 8, b"defgh")],
    );
    for file in [classic, pcapng(true, 6, 0, 1), pcapng(false, 6, 0, 1)] {
        let all = read(&file, 1000).0;
        for n in 0..file.len() {
            let (got, _) = read(&file[..n], 1000);
            assert_eq!(got[..], all[..got.len()]);
        }
    }
}

#[test]
fn zeros_and_noise_end() {
    let mut file = pcap(false, false, &[(1_700_000_000, 7, &[7; 60])]);
    file.extend(vec![0u8; 100_000]);
    let (got, reader) = read(&file, 5000);
    assert_eq!(got.len(), 1);
    ledger_adds_up(&file, &reader, &got, 16);
    let (got, reader) = read(&vec![0u8; 1000], 100);
    assert!(got.is_empty());
    assert_eq!(reader.bytes().foreign, 1000);
}
