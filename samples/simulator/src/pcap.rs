//! Turns payloads into Ethernet or cooked-Linux frames with right checksums, and frames into pcap
//! and pcapng records.

use crate::time::Micros;

/// How a capture is written.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    /// pcapng instead of pcap.
    pub ng: bool,
    /// Linux cooked (SLL) instead of Ethernet.
    pub cooked: bool,
    /// VLAN number, 0 for none.
    pub vlan: u16,
}

/// File header of a capture.
#[must_use]
pub fn header(f: Format) -> Vec<u8> {
    let link: u32 = if f.cooked { 113 } else { 1 };
    let mut v = Vec::new();
    if f.ng {
        for x in [0x0A0D_0D0Au32, 28, 0x1A2B_3C4D] {
            v.extend_from_slice(&x.to_le_bytes());
        }
        v.extend_from_slice(&[1, 0, 0, 0]);
        v.extend_from_slice(&[0xFF; 8]);
        v.extend_from_slice(&28u32.to_le_bytes());
        for x in [1u32, 20, link, 65_535, 20] {
            v.extend_from_slice(&x.to_le_bytes());
        }
    } else {
        for x in [0xA1B2_C3D4u32, 0x0004_0002, 0, 0, 65_535, link] {
            v.extend_from_slice(&x.to_le_bytes());
        }
    }
    v
}

/// One record; `shown` is the capture clock's time.
pub fn record(f: Format, shown: Micros, frame: &[u8], out: &mut Vec<u8>) {
    let n = frame.len() as u32;
    if f.ng {
        let pad = (4 - frame.len() % 4) % 4;
        let total = 32 + n + pad as u32;
        let ts = shown as u64;
        for x in [6u32, total, 0, (ts >> 32) as u32, ts as u32, n, n] {
            out.extend_from_slice(&x.to_le_bytes());
        }
        out.extend_from_slice(frame);
        out.extend_from_slice(&[0; 3][..pad]);
        out.extend_from_slice(&total.to_le_bytes());
    } else {
        for x in [(shown / 1_000_000) as u32, (shown % 1_000_000) as u32, n, n] {
            out.extend_from_slice(&x.to_le_bytes());
        }
        out.extend_from_slice(frame);
    }
}

/// Ones' complement sum as used by IP, TCP, UDP and ICMP.
#[must_use]
pub fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for p in parts {
        for c in p.chunks(2) {
            sum += u32::from(c[0]) << 8 | u32::from(c.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xFFFF {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Address.
    pub ip: [u8; 4],
    /// Port.
    pub port: u16,
}

/// Wraps an IPv4 payload into a frame. `up` is from the terminal's side.
#[must_use]
#[allow(clippy::too_many_arguments, reason = "a frame has that many parts")]
pub fn frame(
    f: Format,
    up: bool,
    src: [u8; 4],
    dst: [u8; 4],
    proto: u8,
    ttl: u8,
    ident: u16,
    l4: &[u8],
) -> Vec<u8> {
    let mut v = Vec::with_capacity(l4.len() + 60);
    let inner = [0x02, 0x42, 0x0A, src[2], src[3], 0x11];
    let outer = [0x02, 0x42, 0x0A, 0, 0, 0xFE];
    if f.cooked {
        v.extend_from_slice(&[0, if up { 0 } else { 4 }, 0, 1, 0, 6]);
        v.extend_from_slice(if up { &inner } else { &outer });
        v.extend_from_slice(&[0, 0, 8, 0]);
    } else {
        let (d, s) = if up {
            (outer, inner)
        } else {
            ([0x02, 0x42, 0x0A, dst[2], dst[3], 0x11], outer)
        };
        v.extend_from_slice(&d);
        v.extend_from_slice(&s);
        if f.vlan > 0 {
            v.extend_from_slice(&[0x81, 0]);
            v.extend_from_slice(&f.vlan.to_be_bytes());
        }
        v.extend_from_slice(&[8, 0]);
    }
    let mut ip = [0u8; 20];
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&((20 + l4.len()) as u16).to_be_bytes());
    ip[4..6].copy_from_slice(&ident.to_be_bytes());
    ip[6] = 0x40;
    ip[8] = ttl;
    ip[9] = proto;
    ip[12..16].copy_from_slice(&src);
    ip[16..20].copy_from_slice(&dst);
    let c = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&c.to_be_bytes());
    v.extend_from_slice(&ip);
    v.extend_from_slice(l4);
    if !f.cooked && v.len() < 60 {
        v.resize(60, 0);
    }
    v
}

/// TCP flags.
pub mod flag {
    /// Last data.
    pub const FIN: u8 = 1;
    /// Open.
    pub const SYN: u8 = 2;
    /// Reset.
    pub const RST: u8 = 4;
    /// Push.
    pub const PSH: u8 = 8;
    /// Acknowledge.
    pub const ACK: u8 = 16;
}

/// A TCP segment with checksum.
#[must_use]
pub fn tcp(src: End, dst: End, seq: u32, ack: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let options: &[u8] = if flags & flag::SYN != 0 {
        &[2, 4, 0x05, 0xB4, 1, 3, 3, 7, 4, 2, 1, 1]
    } else {
        &[]
    };
    let mut v = Vec::with_capacity(20 + options.len() + data.len());
    v.extend_from_slice(&src.port.to_be_bytes());
    v.extend_from_slice(&dst.port.to_be_bytes());
    v.extend_from_slice(&seq.to_be_bytes());
    v.extend_from_slice(&ack.to_be_bytes());
    v.push((((20 + options.len()) / 4) << 4) as u8);
    v.push(flags);
    v.extend_from_slice(&if flags & flag::RST != 0 { 0u16 } else { 64_240 }.to_be_bytes());
    v.extend_from_slice(&[0; 4]);
    v.extend_from_slice(options);
    v.extend_from_slice(data);
    let len = (v.len() as u16).to_be_bytes();
    let c = checksum(&[&src.ip, &dst.ip, &[0, 6], &len, &v]);
    v[16..18].copy_from_slice(&c.to_be_bytes());
    v
}

/// A UDP datagram with checksum.
#[must_use]
pub fn udp(src: End, dst: End, data: &[u8]) -> Vec<u8> {
    let mut v = Vec::with_capacity(8 + data.len());
    v.extend_from_slice(&src.port.to_be_bytes());
    v.extend_from_slice(&dst.port.to_be_bytes());
    v.extend_from_slice(&((8 + data.len()) as u16).to_be_bytes());
    v.extend_from_slice(&[0, 0]);
    v.extend_from_slice(data);
    let len = (v.len() as u16).to_be_bytes();
    let c = checksum(&[&src.ip, &dst.ip, &[0, 17], &len, &v]);
    v[6..8].copy_from_slice(&c.to_be_bytes());
    v
}

/// An ICMP unreachable that quotes the refused packet (IP header and 8 bytes).
#[must_use]
pub fn icmp_unreachable(code: u8, quoted: &[u8]) -> Vec<u8> {
    let mut v = vec![3, code, 0, 0, 0, 0, 0, 0];
    v.extend_from_slice(&quoted[..quoted.len().min(28)]);
    let c = checksum(&[&v]);
    v[2..4].copy_from_slice(&c.to_be_bytes());
    v
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_verify() {
        let a = End {
            ip: [10, 1, 2, 3],
            port: 40_000,
        };
        let b = End {
            ip: [10, 8, 0, 5],
            port: 6000,
        };
        for data in [&b""[..], b"x", b"odd", b"even data"] {
            let seg = tcp(a, b, 1, 2, flag::PSH | flag::ACK, data);
            let len = (seg.len() as u16).to_be_bytes();
            assert_eq!(checksum(&[&a.ip, &b.ip, &[0, 6], &len, &seg]), 0);
            let fr = frame(
                Format {
                    ng: false,
                    cooked: false,
                    vlan: 0,
                },
                true,
                a.ip,
                b.ip,
                6,
                64,
                9,
                &seg,
            );
            assert_eq!(checksum(&[&fr[14..34]]), 0);
        }
    }
}
