//! NFCSNOOP blocks in `dumpsys nfc` and bug reports: base64 lines in, NCI frames with their own times out.

use std::io::Read;

use tapscope_parsers::container::trace::{snoop_block, snoop_packets};
use tapscope_parsers::content::nci::Logged;
use tapscope_parsers::time::RawTime;

/// Most bytes of a decompressed log.
const MOST: u64 = 64 << 20;

/// Frames of a block, with their times.
pub(super) struct Snooped {
    /// Time and frame, in their order.
    pub frames: Vec<(RawTime, Logged)>,
    /// Bytes of text that the block takes.
    pub end: usize,
}

/// Reads the block that begins `text`; `None` where there is no whole one.
pub(super) fn read(text: &[u8]) -> Option<Snooped> {
    let block = snoop_block(text)?;
    let mut log = Vec::new();
    // What can be decompressed is kept, whatever ends it.
    let decoder = flate2::read::ZlibDecoder::new(block.compressed.as_slice());
    let _ = decoder.take(MOST).read_to_end(&mut log);
    let whole = snoop_packets(&log).last().map_or(0, |p| p.micros);
    let first = block.last_micros.checked_sub(whole)?;
    let frames = snoop_packets(&log)
        .map(|packet| {
            let micros = i64::try_from(first + packet.micros).unwrap_or(0);
            let time = RawTime {
                epoch_nanos: Some(micros.saturating_mul(1000)),
                resolution_nanos: 1000,
                ..RawTime::default()
            };
            let announced = packet.bytes.get(2).map_or(0, |n| usize::from(*n) + 3);
            let logged = Logged {
                to_controller: !packet.received,
                kernel: block.vendor,
                bytes: packet.bytes.to_vec(),
                whole: packet.bytes.len() == announced,
            };
            (time, logged)
        })
        .collect();
    Some(Snooped {
        frames,
        end: block.end,
    })
}
