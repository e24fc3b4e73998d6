//! Android's NFCSNOOP in `dumpsys nfc` and bug reports: finds the block, takes off base64, and cuts the log within into NCI packets.
//!
//! Decompression is the caller's: [`block`] gives the compressed bytes, [`packets`] takes what was in them.

/// A block found in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// Offset behind its last line.
    pub end: usize,
    /// Microseconds since 1970 of its last packet.
    pub last_micros: u64,
    /// The zlib stream.
    pub compressed: Vec<u8>,
    /// True for the log with vendor packets.
    pub vendor: bool,
}

/// One packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Microseconds since the first packet's predecessor.
    pub micros: u64,
    /// True from the controller to the host.
    pub received: bool,
    /// The NCI packet; data packets may be cut.
    pub bytes: &'a [u8],
}

/// Most bytes of base64 in one block: the service keeps some tens of kilobytes.
const MOST: usize = 8 << 20;

fn sextet(digit: u8) -> Option<u32> {
    let value = match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(u32::from(value))
}

fn base64(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut count) = (0_u32, 0);
    for digit in text {
        match digit {
            b'\r' | b'\n' | b' ' | b'\t' | b'=' => continue,
            _ => {}
        }
        bits = bits << 6 | sextet(*digit)?;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xFF).unwrap_or(0));
        }
    }
    Some(())
}

/// Reads the block whose first line begins `text`; `None` where no whole one stands there.
#[must_use]
pub fn block(text: &[u8]) -> Option<Block> {
    let first = text.get(..memchr::memchr(b'\n', text)?)?;
    let at = memchr::memmem::find(first, b"BEGIN:NFCSNOOP_")?;
    let name = first.get(at..)?;
    let vendor = memchr::memmem::find(name, b"NFCSNOOP_VS").is_some();
    let body = text.get(first.len() + 1..)?;
    let window = body.get(..MOST).unwrap_or(body);
    let stop = memchr::memmem::find(window, b"--- END:NFCSNOOP_")?;
    let mut bytes = Vec::with_capacity(stop / 4 * 3);
    base64(body.get(..stop)?, &mut bytes)?;
    let (&version, rest) = bytes.split_first()?;
    if version != 1 {
        return None;
    }
    let (stamp, compressed) = rest.split_first_chunk::<8>()?;
    let tail = body.get(stop..)?;
    let end = first.len() + 1 + stop + memchr::memchr(b'\n', tail).map_or(tail.len(), |n| n + 1);
    Some(Block {
        end,
        last_micros: u64::from_le_bytes(*stamp),
        compressed: compressed.to_vec(),
        vendor,
    })
}

/// The packets of a log; the last one may be cut, and is left out then.
pub fn packets(log: &[u8]) -> impl Iterator<Item = Packet<'_>> {
    let mut rest = log;
    let mut micros = 0_u64;
    core::iter::from_fn(move || {
        let (head, tail) = rest.split_first_chunk::<7>()?;
        let [l0, l1, d0, d1, d2, d3, received] = *head;
        let length = usize::from(u16::from_le_bytes([l0, l1]));
        micros += u64::from(u32::from_le_bytes([d0, d1, d2, d3]));
        let (bytes, after) = tail.split_at_checked(length)?;
        rest = after;
        Some(Packet {
            micros,
            received: received != 0,
            bytes,
        })
    })
}
