//! Text encodings: what a stream decodes to does not depend on how its bytes arrive. The first two bytes say where it is cut, and in
//! which pieces it comes.

use std::io::Read;
use tapscope::decode::encoding::{Encoding, Written, decode_line, detect, line_text, text_reader};

/// Gives the bytes before the cut, then the rest, at most so many at a time.
struct Dripping<'a>(&'a [u8], &'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() {
            self.0 = std::mem::take(&mut self.1);
        }
        let n = self.2.min(buffer.len()).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn decoded(bytes: &[u8], cut: usize, step: usize, written: Written) -> Vec<u8> {
    let (before, behind) = bytes.split_at(cut);
    let mut out = Vec::new();
    text_reader(Box::new(Dripping(before, behind, step)), written)
        .read_to_end(&mut out)
        .unwrap();
    out
}

const ALL: [Encoding; 6] = [
    Encoding::Utf8,
    Encoding::Utf16Le,
    Encoding::Utf16Be,
    Encoding::Gb18030,
    Encoding::Big5,
    Encoding::Latin1,
];

/// Decodes whole, cut in two, and in small pieces.
pub fn run(data: &[u8]) {
    let Some((&[low, high], bytes)) = data.split_first_chunk::<2>() else {
        return;
    };
    let cut = usize::from(u16::from_le_bytes([low, high])) % (bytes.len() + 1);
    let head = &bytes[..bytes.len().min(64)];
    let told = [
        detect(&[bytes]),
        detect(&[head]),
        detect(&[head, &bytes[cut..]]),
    ];
    for encoding in told.into_iter().chain(ALL) {
        let lone_returns = high & 1 == 1;
        let written = Written {
            encoding,
            lone_returns,
        };
        let whole = decoded(bytes, 0, usize::MAX, written);
        assert!(whole.len() <= bytes.len() * 3 + 3);
        assert_eq!(
            whole,
            decoded(bytes, cut, usize::MAX, written),
            "cut at {cut} as {encoding:?}"
        );
        assert_eq!(
            whole,
            decoded(bytes, cut, usize::from(low % 7) + 1, written),
            "in pieces as {encoding:?}"
        );
        if lone_returns {
            let ends = |bytes: &[u8]| bytes.iter().filter(|b| matches!(b, 13 | 10)).count();
            let kept = decoded(bytes, 0, usize::MAX, encoding.into());
            assert!(!whole.contains(&13), "a CR is left as {encoding:?}");
            assert_eq!(ends(&whole), ends(&kept), "as many ends as {encoding:?}");
        }
        if encoding.is_wide() {
            assert!(
                std::str::from_utf8(&whole).is_ok(),
                "{encoding:?} gives UTF-8"
            );
        }
    }
    for line in bytes.split(|b| *b == b'\n') {
        for encoding in ALL {
            let _ = decode_line(line, encoding);
        }
        let _ = line_text(line);
    }
}
