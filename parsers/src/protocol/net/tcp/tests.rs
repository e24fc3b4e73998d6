use super::*;
use proptest::prelude::*;

const LIMITS: StreamLimits = StreamLimits {
    pending_bytes: 1 << 20,
    pending_segments: 4096,
};

#[derive(Default)]
struct Got {
    bytes: Vec<u8>,
    frames: Vec<u32>,
    gaps: u64,
}

impl Got {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Bytes { data, frame, .. } => {
                self.bytes.extend_from_slice(data);
                self.frames.push(frame);
            }
            Piece::Gap(n) => {
                self.gaps += n;
                self.bytes.extend(std::iter::repeat_n(0xEE, n as usize));
            }
        }
    }
}

fn run(segments: &[(u32, &[u8])]) -> (Stream, Got, Vec<Fate>) {
    let mut stream = Stream::default();
    stream.begin(segments.iter().map(|s| s.0).min().unwrap_or(0));
    let mut got = Got::default();
    let mut fates = Vec::new();
    for (i, (seq, data)) in segments.iter().enumerate() {
        let frame = u32::try_from(i).unwrap() + 1;
        fates.push(stream.push(*seq, data, 0, (frame, 0), &LIMITS, &mut |p| got.take(p)));
    }
    stream.finish(&mut |p| got.take(p));
    (stream, got, fates)
}

#[test]
fn last_part_first_then_resend_and_overlap() {
    let (stream, got, fates) = run(&[
        (104, b"efgh"),
        (100, b"abcd"),
        (100, b"abcd"),
        (106, b"ghij"),
    ]);
    assert_eq!(got.bytes, b"abcdefghij");
    assert_eq!(got.frames, [2, 1, 4]);
    assert_eq!(fates, [Fate::Early, Fate::Filled, Fate::Again, Fate::New]);
    assert_eq!(stream.conflicts, 0);
}

#[test]
fn first_copy_wins_and_the_other_is_counted() {
    let (stream, got, _) = run(&[(1, b"aaaa"), (1, b"bbbb"), (5, b"c")]);
    assert_eq!(got.bytes, b"aaaac");
    assert_eq!(stream.conflicts, 1);
    let (stream, got, _) = run(&[(1, b"a"), (4, b"dd"), (3, b"xyz"), (2, b"b")]);
    assert_eq!(got.bytes, b"abxdd");
    assert_eq!(stream.conflicts, 1);
}

#[test]
fn sequence_numbers_wrap() {
    let (_, got, _) = run(&[(0, b"")]);
    assert!(got.bytes.is_empty());
    let mut stream = Stream::default();
    let mut got = Got::default();
    stream.begin(u32::MAX - 1);
    for (seq, data) in [(u32::MAX - 1, &b"ab"[..]), (2, b"ef"), (0, b"cd")] {
        stream.push(seq, data, 0, (1, 0), &LIMITS, &mut |p| got.take(p));
    }
    assert_eq!(got.bytes, b"abcdef");
    assert_eq!(stream.position(), 6);
}

#[test]
fn a_hole_that_was_acknowledged_becomes_a_gap() {
    let mut stream = Stream::default();
    let mut got = Got::default();
    stream.begin(0);
    stream.push(0, b"ab", 0, (1, 0), &LIMITS, &mut |p| got.take(p));
    stream.push(4, b"ef", 0, (2, 0), &LIMITS, &mut |p| got.take(p));
    stream.acknowledged(6, 0, &mut |p| got.take(p));
    assert_eq!(got.gaps, 0, "patience first: captures swap neighbours");
    stream.acknowledged(6, HOLE_PATIENCE + 1, &mut |p| got.take(p));
    assert_eq!((got.gaps, stream.gap_bytes), (2, 2));
    assert_eq!(got.bytes, b"ab\xEE\xEEef");
}

/// Found by fuzzing: the segment that ended the wait lay in the hole itself, and its bytes were lost.
#[test]
fn what_arrives_as_a_hole_is_given_up_is_kept() {
    let mut stream = Stream::default();
    let mut got = Got::default();
    stream.begin(0);
    stream.push(6, b"gh", 0, (1, 0), &LIMITS, &mut |p| got.take(p));
    stream.acknowledged(8, 0, &mut |p| got.take(p));
    let late = (2, HOLE_PATIENCE + 1);
    stream.push(3, b"def", 0, late, &LIMITS, &mut |p| got.take(p));
    assert_eq!(got.bytes, b"\xEE\xEE\xEEdefgh");
    assert_eq!((got.gaps, got.frames), (3, vec![2, 1]));
}

#[test]
fn limits_hold() {
    let tight = StreamLimits {
        pending_bytes: 10,
        pending_segments: 100,
    };
    let mut stream = Stream::default();
    let mut got = Got::default();
    stream.begin(0);
    for i in 1..1000u32 {
        stream.push(i * 10, b"12345", 0, (i, 0), &tight, &mut |p| got.take(p));
        assert!(stream.held() <= 10);
    }
    assert!(stream.limited > 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Oracle: a map from byte position to the first copy that arrived.
    #[test]
    fn equals_the_byte_map(
        origin in any::<u32>(),
        stream_bytes in proptest::collection::vec(any::<u8>(), 1..400),
        cuts in proptest::collection::vec((0usize..400, 1usize..60, any::<bool>()), 1..120),
    ) {
        let mut first: Vec<Option<u8>> = vec![None; stream_bytes.len()];
        let mut stream = Stream::default();
        stream.begin(origin);
        let mut got = Got::default();
        let mut handed = 0usize;
        for (i, (at, len, alien)) in cuts.iter().enumerate() {
            let at = at % stream_bytes.len();
            let end = (at + len).min(stream_bytes.len());
            let mut data = stream_bytes[at..end].to_vec();
            if *alien {
                for b in &mut data { *b ^= 0x55; }
            }
            for (k, b) in data.iter().enumerate() {
                let slot = &mut first[at + k];
                if slot.is_none() { *slot = Some(*b); }
            }
            let seq = origin.wrapping_add(u32::try_from(at).unwrap());
            stream.push(seq, &data, 0, (u32::try_from(i).unwrap(), 0), &LIMITS, &mut |p| got.take(p));
            // What was handed on is exactly the prefix without holes.
            while handed < first.len() && first[handed].is_some() { handed += 1; }
            prop_assert_eq!(got.bytes.len(), handed);
        }
        stream.finish(&mut |p| got.take(p));
        let last = first.iter().rposition(Option::is_some).map_or(0, |n| n + 1);
        prop_assert_eq!(got.bytes.len(), last);
        for (k, b) in got.bytes.iter().enumerate() {
            prop_assert_eq!(*b, first[k].unwrap_or(0xEE), "at {} of {:?}", k, got.bytes);
        }
        prop_assert_eq!(got.gaps as usize, first[..last].iter().filter(|b| b.is_none()).count());
    }
}
