//! Text encodings: what a stream decodes to does not depend on how its bytes arrive. The first byte says in which pieces they do.

use std::io::Read;
use tapscope_pipeline::decode::encoding::{decode_line, detect, utf8_reader};

/// Gives at most so many bytes at a time.
struct Dripping<'a>(&'a [u8], usize);

impl Read for Dripping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let n = self.1.min(buffer.len()).min(self.0.len());
        buffer[..n].copy_from_slice(&self.0[..n]);
        self.0 = &self.0[n..];
        Ok(n)
    }
}

fn decoded(
    bytes: &[u8],
    step: usize,
    encoding: tapscope_pipeline::decode::encoding::Encoding,
) -> Vec<u8> {
    let mut out = Vec::new();
    utf8_reader(Box::new(Dripping(bytes, step)), encoding)
        .read_to_end(&mut out)
        .unwrap();
    out
}

/// Decodes whole and in pieces.
pub fn run(data: &[u8]) {
    let Some((&step, bytes)) = data.split_first() else {
        return;
    };
    let head = &bytes[..bytes.len().min(64)];
    for encoding in [detect(&[bytes]), detect(&[head])] {
        let whole = decoded(bytes, bytes.len().max(1), encoding);
        assert_eq!(whole, decoded(bytes, usize::from(step % 7) + 1, encoding));
        for line in bytes.split(|b| *b == b'\n') {
            let _ = decode_line(line, encoding);
        }
    }
}
