//! Frames of one direction of a TCP connection, whole or in IP fragments, in any order, against an oracle: a map from byte position to
//! the first copy that arrived.

use tapscope_parsers::protocol::net::ip::{Fragments, Whole};
use tapscope_parsers::protocol::net::link::{Datagram, Frame, decode};
use tapscope_parsers::protocol::net::tcp::{Piece, Stream, StreamLimits, segment};

const LIMITS: StreamLimits = StreamLimits {
    pending_bytes: 1 << 20,
    pending_segments: 4096,
};

/// What arrived, and what was handed on.
#[derive(Default)]
struct Seen {
    first: Vec<Option<u8>>,
    /// `None` stands for a byte that was declared missing.
    got: Vec<Option<u8>>,
}

/// Six bytes a segment: position (2), length, contents, how it travels, and what the other side acknowledges then.
pub fn run(data: &[u8]) {
    let Some((origin, segments)) = data.split_first_chunk::<4>() else {
        return;
    };
    let origin = u32::from_le_bytes(*origin);
    let mut seen = Seen {
        first: vec![None; 1 << 12],
        ..Seen::default()
    };
    let mut stream = Stream::default();
    stream.begin(origin);
    let mut fragments = Fragments::default();
    let mut acknowledged = false;
    let (chunks, _) = segments.as_chunks::<6>();
    for (n, &[low, high, length, fill, how, ack]) in chunks.iter().enumerate() {
        let at = usize::from(u16::from_le_bytes([low, high]) % 0x800);
        let bytes: Vec<u8> = (0..length).map(|i| fill.wrapping_add(i)).collect();
        let nanos = n as i64 * 50_000_000;
        let Some(packet) = carried(
            origin.wrapping_add(at as u32),
            &bytes,
            n as u16,
            how,
            &mut fragments,
        ) else {
            panic!("a frame is lost");
        };
        let segment = segment(&packet).unwrap();
        assert_eq!(segment.payload, bytes);
        for (k, byte) in bytes.iter().enumerate() {
            seen.first[at + k].get_or_insert(*byte);
        }
        stream.push(
            segment.sequence,
            segment.payload,
            0,
            (n as u32, nanos),
            &LIMITS,
            &mut |piece| seen.take(piece, true),
        );
        assert_eq!(stream.position(), seen.got.len() as u64);
        assert!(stream.held() <= LIMITS.pending_bytes);
        if ack > 0 {
            acknowledged = true;
            let upto = origin.wrapping_add(u32::from(ack) * 16);
            stream.acknowledged(upto, nanos, &mut |piece| seen.take(piece, true));
        }
    }
    stream.finish(&mut |piece| seen.take(piece, false));
    let end = seen
        .first
        .iter()
        .rposition(Option::is_some)
        .map_or(0, |n| n + 1);
    assert!(seen.got.len() <= end);
    let gaps = seen.got.iter().filter(|byte| byte.is_none()).count() as u64;
    assert_eq!(gaps, stream.gap_bytes);
    if acknowledged {
        // What the other side has is not waited for: it may come too late.
        return;
    }
    assert_eq!(seen.got.len(), end);
    assert_eq!(
        seen.got,
        seen.first[..end],
        "all that arrived, and the first copy wins"
    );
}

impl Seen {
    fn take(&mut self, piece: Piece<'_>, live: bool) {
        match piece {
            Piece::Bytes { data, .. } => {
                for byte in data {
                    let want = self.first.get(self.got.len()).copied().flatten();
                    assert_eq!(Some(*byte), want, "first copy wins");
                    self.got.push(Some(*byte));
                }
            }
            Piece::Gap(n) => {
                for _ in 0..n {
                    let there = self.first.get(self.got.len()).copied().flatten();
                    assert!(
                        there.is_none(),
                        "nothing that arrived is called missing (live: {live})"
                    );
                    self.got.push(None);
                }
            }
        }
    }
}

/// Sends a segment through Ethernet and IP and gives back what came out. Bits of `how`: in fragments, backwards, one twice, VLAN, IPv6,
/// small fragments.
fn carried(
    sequence: u32,
    payload: &[u8],
    id: u16,
    how: u8,
    fragments: &mut Fragments,
) -> Option<Vec<u8>> {
    let mut packet = vec![0x1F, 0x90, 0, 80];
    packet.extend(sequence.to_be_bytes());
    packet.extend([0, 0, 0, 0, 0x50, 0x10, 0xFF, 0xFF, 0, 0, 0, 0]);
    packet.extend(payload);
    let six = how & 16 != 0;
    if how & 1 == 0 {
        let frame = ethernet(six, how & 8 != 0, &ip(six, id, 0, false, false, &packet));
        let Frame::Ip(Datagram {
            payload,
            fragment: None,
            ..
        }) = decode(1, &frame)
        else {
            return None;
        };
        return Some(payload.to_vec());
    }
    let size = if how & 32 != 0 { 8 } else { 64 };
    let count = packet.len().div_ceil(size);
    let mut order: Vec<usize> = (0..count).collect();
    if how & 2 != 0 {
        order.reverse();
    }
    if how & 4 != 0 {
        order.insert(count / 2, order[0]);
    }
    let mut whole: Option<Whole> = None;
    for nth in order {
        let part = &packet[nth * size..packet.len().min((nth + 1) * size)];
        let frame = ethernet(
            six,
            how & 8 != 0,
            &ip(six, id, nth * size, nth + 1 < count, true, part),
        );
        let Frame::Ip(datagram) = decode(1, &frame) else {
            return None;
        };
        // One fragment that is all there is counts as none.
        if datagram.fragment.is_none() {
            return Some(datagram.payload.to_vec());
        }
        whole = fragments.push(&datagram, 1, 0).or(whole);
    }
    let whole = whole?;
    assert_eq!(whole.payload, packet, "fragments give the datagram");
    Some(whole.payload)
}

fn ethernet(six: bool, vlan: bool, packet: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    if vlan {
        frame.extend([0x81, 0, 0, 5]);
    }
    frame.extend(if six { [0x86, 0xDD] } else { [8, 0] });
    frame.extend(packet);
    frame
}

fn ip(six: bool, id: u16, offset: usize, more: bool, fragment: bool, payload: &[u8]) -> Vec<u8> {
    let place = (offset / 8) as u16;
    let mut packet;
    if six {
        let length = payload.len() + if fragment { 8 } else { 0 };
        packet = vec![0x60, 0, 0, 0];
        packet.extend((length as u16).to_be_bytes());
        packet.extend([if fragment { 44 } else { 6 }, 64]);
        packet.extend([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        packet.extend([0xFD, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        if fragment {
            packet.extend([6, 0]);
            packet.extend((place << 3 | u16::from(more)).to_be_bytes());
            packet.extend(u32::from(id).to_be_bytes());
        }
    } else {
        packet = vec![0x45, 0];
        packet.extend(((payload.len() + 20) as u16).to_be_bytes());
        packet.extend(id.to_be_bytes());
        packet.extend((place | if more { 0x2000 } else { 0 }).to_be_bytes());
        packet.extend([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    }
    packet.extend(payload);
    packet
}
