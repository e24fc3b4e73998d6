//! Tells by its first bytes what a stream is wrapped in.

/// A compression or an archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wrapping {
    /// Neither.
    None,
    /// gzip (RFC 1952), also several members in a row.
    Gzip,
    /// zip (PKWARE APPNOTE).
    Zip,
    /// zstd (RFC 8878).
    Zstd,
    /// xz.
    Xz,
    /// bzip2.
    Bzip2,
    /// lz4 frame.
    Lz4,
    /// tar (POSIX ustar, GNU, pax).
    Tar,
}

impl Wrapping {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
            Self::Tar => "tar",
        }
    }
}

/// What a stream that begins with these bytes is wrapped in. 512 bytes are enough.
#[must_use]
pub fn wrapping(head: &[u8]) -> Wrapping {
    match head {
        // Method 8 is the only one; the top three flag bits are reserved (RFC 1952, 2.3.1).
        [0x1F, 0x8B, 8, flags, ..] if flags & 0xE0 == 0 => Wrapping::Gzip,
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, b'P', b'K', ..] => {
            Wrapping::Zip
        }
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Wrapping::Zstd,
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Wrapping::Xz,
        [
            b'B',
            b'Z',
            b'h',
            b'1'..=b'9',
            0x31,
            0x41,
            0x59,
            0x26,
            0x53,
            0x59,
            ..,
        ]
        | [
            b'B',
            b'Z',
            b'h',
            b'1'..=b'9',
            0x17,
            0x72,
            0x45,
            0x38,
            0x50,
            0x90,
            ..,
        ] => Wrapping::Bzip2,
        [0x04, 0x22, 0x4D, 0x18, ..] => Wrapping::Lz4,
        _ if is_tar(head) => Wrapping::Tar,
        _ => Wrapping::None,
    }
}

/// `ustar` at 257 and a checksum that fits.
fn is_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar") && head.first_chunk::<512>().is_some_and(checksum_fits)
}

/// The header checksum: the sum of all bytes with its own field taken as blanks.
pub(super) fn checksum_fits(header: &[u8; 512]) -> bool {
    let sum: u32 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            if (148..156).contains(&at) {
                u32::from(b' ')
            } else {
                u32::from(*byte)
            }
        })
        .sum();
    let written = header[148..156]
        .iter()
        .skip_while(|b| **b == b' ')
        .take_while(|b| (b'0'..=b'7').contains(*b))
        .fold(0_u32, |v, b| v * 8 + u32::from(b - b'0'));
    sum == written
}
