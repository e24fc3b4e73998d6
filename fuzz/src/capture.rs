//! Capture files: the first bytes say how the file arrives, the rest is the file.

use tapscope_parsers::protocol::net::capture::Reader;
use tapscope_parsers::protocol::net::{icmp, link, tcp};

/// Reads a file in pieces and whole: the same packets, every byte accounted for.
pub fn run(data: &[u8]) {
    let Some((&step, file)) = data.split_first() else {
        return;
    };
    let whole = read(file, file.len().max(1));
    let pieces = read(file, usize::from(step) + 1);
    assert_eq!(whole, pieces, "packets do not depend on how bytes arrive");
}

fn read(file: &[u8], step: usize) -> Vec<(u32, Option<i64>, u16, Vec<u8>)> {
    let mut reader = Reader::new();
    let mut got = Vec::new();
    let mut records = 0;
    let (mut start, mut filled) = (0, 0);
    loop {
        filled = (filled + step).min(file.len());
        let end = filled == file.len();
        let mut out = Vec::new();
        let window = &file[start..filled];
        let used = reader.feed(window, end, &mut out);
        assert!(used <= window.len());
        for packet in &out {
            records += u64::from(packet.record_len);
            let bytes = packet.data(window);
            assert_eq!(bytes.len(), packet.len as usize);
            frame(packet.link, bytes);
            got.push((packet.frame, packet.nanos, packet.link, bytes.to_vec()));
        }
        start += used;
        if end {
            assert_eq!(start, file.len());
            let bytes = reader.bytes();
            assert_eq!(
                bytes.structure + bytes.lost + bytes.foreign + records,
                file.len() as u64
            );
            return got;
        }
    }
}

/// One frame of any link type.
pub fn frame(link_type: u16, bytes: &[u8]) {
    if let link::Frame::Ip(datagram) = link::decode(link_type, bytes) {
        let _ = (tcp::segment(datagram.payload), tcp::udp(datagram.payload));
        let _ = (
            icmp::parse(false, datagram.payload),
            icmp::parse(true, datagram.payload),
        );
    }
}
