//! TCP reassembly against an oracle: a map from byte position to the first copy that arrived.

use tapscope_parsers::protocol::net::tcp::{Piece, Stream, StreamLimits};

const LIMITS: StreamLimits = StreamLimits {
    pending_bytes: 1 << 20,
    pending_segments: 4096,
};

/// Five bytes a segment: position (2), length, contents, and when the other side acknowledges.
pub fn run(data: &[u8]) {
    let Some((origin, segments)) = data.split_first_chunk::<4>() else {
        return;
    };
    let origin = u32::from_le_bytes(*origin);
    let mut first: Vec<Option<u8>> = vec![None; 1 << 12];
    let mut stream = Stream::default();
    stream.begin(origin);
    let mut got: Vec<u8> = Vec::new();
    let mut gaps = 0;
    let (chunks, _) = segments.as_chunks::<5>();
    for (n, &[low, high, length, fill, _]) in chunks.iter().enumerate() {
        let at = usize::from(u16::from_le_bytes([low, high]) % 0x800);
        let bytes: Vec<u8> = (0..length).map(|i| fill.wrapping_add(i)).collect();
        for (k, byte) in bytes.iter().enumerate() {
            first[at + k].get_or_insert(*byte);
        }
        stream.push(origin.wrapping_add(at as u32), &bytes, 0, (n as u32, 0), &LIMITS, &mut |piece| take(piece, &mut got, &mut gaps));
    }
    stream.finish(&mut |piece| take(piece, &mut got, &mut gaps));
    let end = first.iter().rposition(Option::is_some).map_or(0, |n| n + 1);
    assert_eq!(got.len(), end);
    for (k, byte) in got.iter().enumerate() {
        if let Some(want) = first[k] {
            assert_eq!(*byte, want, "first copy wins");
        }
    }
    assert_eq!(gaps, first[..end].iter().filter(|b| b.is_none()).count() as u64);
}

fn take(piece: Piece<'_>, got: &mut Vec<u8>, gaps: &mut u64) {
    match piece {
        Piece::Bytes { data, .. } => got.extend_from_slice(data),
        Piece::Gap(n) => {
            *gaps += n;
            got.extend(std::iter::repeat_n(0, n as usize));
        }
    }
}
