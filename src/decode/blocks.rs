//! Turns a stream into blocks that end at record borders, in bounded memory whatever the stream holds.

use std::io::Read;

/// Bytes of a block, about: large enough to share out among threads, small enough for the caches.
pub const BLOCK_BYTES: usize = 4 << 20;

/// Whole records of a text stream.
#[derive(Debug, Default)]
pub struct Block {
    /// Index of the block in its stream.
    pub index: usize,
    /// Offset of its first byte in the decoded stream.
    pub offset: u64,
    /// Number of its first line, from 1.
    pub line: u64,
    /// Its bytes. Ends with a line end, but for the last block of a stream without one.
    pub bytes: Vec<u8>,
    /// Lines in it.
    pub lines: u64,
    /// Lines that were longer than the block could be: their number and how many of their bytes are left out of `bytes`.
    pub cut_lines: Vec<(u64, u64)>,
}

impl Block {
    /// Bytes of the stream that this block stands for and does not hold.
    #[must_use]
    pub fn left_out(&self) -> u64 {
        self.cut_lines.iter().map(|(_, bytes)| bytes).sum()
    }
}

/// Cuts a stream into blocks.
pub struct Blocks<'r> {
    reader: &'r mut dyn Read,
    carry: Vec<u8>,
    spare: Vec<Vec<u8>>,
    next: Block,
    block_bytes: usize,
    line_bytes: usize,
    ended: bool,
    error: Option<std::io::Error>,
}

impl<'r> Blocks<'r> {
    /// Blocks of about `block_bytes`; a line may fill a block before it is cut down to `line_bytes`.
    pub fn new(reader: &'r mut dyn Read, block_bytes: usize, line_bytes: usize) -> Self {
        Self {
            reader,
            carry: Vec::new(),
            spare: Vec::new(),
            next: Block {
                line: 1,
                ..Block::default()
            },
            block_bytes: block_bytes.max(16),
            line_bytes: line_bytes.max(1),
            ended: false,
            error: None,
        }
    }

    /// The read error that ended the stream, if one did. What was read before it is in the blocks.
    pub fn take_error(&mut self) -> Option<std::io::Error> {
        self.error.take()
    }

    /// Takes back a block's buffer, so that the next one need not be allocated.
    pub fn recycle(&mut self, mut bytes: Vec<u8>) {
        if self.spare.len() < 8 {
            bytes.clear();
            self.spare.push(bytes);
        }
    }

    /// The next block; `None` at the end. `split` gives the last record border in a slice, 0 where there is none
    /// (`container::split_point`): then a record may fill two blocks before it is cut at a line end.
    pub fn next_block(&mut self, split: &dyn Fn(&[u8]) -> usize) -> Option<Block> {
        let mut bytes = self.spare.pop().unwrap_or_default();
        bytes.append(&mut self.carry);
        let mut cut_lines = Vec::new();
        let mut room = self.block_bytes;
        let end = loop {
            self.fill(&mut bytes, room);
            if self.ended {
                break bytes.len();
            }
            let border = split(&bytes);
            if border > 0 {
                break border;
            }
            if room == self.block_bytes {
                room = self.block_bytes * 2;
                continue;
            }
            if let Some(at) = memchr::memrchr(b'\n', &bytes) {
                break at + 1;
            }
            self.cut_line(&mut bytes, &mut cut_lines);
            break bytes.len();
        };
        if bytes.is_empty() {
            return None;
        }
        self.carry
            .extend_from_slice(bytes.get(end..).unwrap_or_default());
        bytes.truncate(end);
        let breaks = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let lines = breaks + u64::from(bytes.last() != Some(&b'\n'));
        let block = Block {
            bytes,
            lines,
            cut_lines,
            ..std::mem::take(&mut self.next)
        };
        self.next = Block {
            index: block.index + 1,
            offset: block.offset + block.bytes.len() as u64 + block.left_out(),
            line: block.line + lines,
            ..Block::default()
        };
        Some(block)
    }

    fn fill(&mut self, bytes: &mut Vec<u8>, most: usize) {
        let want = most.saturating_sub(bytes.len());
        if want == 0 || self.ended {
            return;
        }
        bytes.reserve(want);
        // Whatever was read before an error stays in `bytes`.
        match self.reader.take(want as u64).read_to_end(bytes) {
            Ok(got) => self.ended = got < want,
            Err(error) => {
                self.ended = true;
                self.error = Some(error);
            }
        }
    }

    /// The buffer is one line without an end: keeps its start and passes over the rest up to the line end.
    fn cut_line(&mut self, bytes: &mut Vec<u8>, cut_lines: &mut Vec<(u64, u64)>) {
        let keep = self.line_bytes.min(bytes.len());
        let mut left_out = (bytes.len() - keep) as u64;
        bytes.truncate(keep);
        let mut window = Vec::with_capacity(self.block_bytes);
        loop {
            window.clear();
            self.fill(&mut window, self.block_bytes);
            if let Some(at) = memchr::memchr(b'\n', &window) {
                left_out += at as u64;
                bytes.push(b'\n');
                self.carry
                    .extend_from_slice(window.get(at + 1..).unwrap_or_default());
                break;
            }
            left_out += window.len() as u64;
            if self.ended {
                break;
            }
        }
        cut_lines.push((self.next.line, left_out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapscope_parsers::container;

    /// Blocks put together again, with what each says of itself.
    fn joined(text: &[u8], block: usize, line: usize, format: &str) -> (Vec<u8>, Vec<(u64, u64)>) {
        let format = container::by_name(format).unwrap();
        let mut reader = text;
        let mut blocks = Blocks::new(&mut reader, block, line);
        let (mut out, mut cut) = (Vec::new(), Vec::new());
        let (mut offset, mut number, mut index) = (0, 1, 0);
        while let Some(block) = blocks.next_block(&|bytes| container::split_point(format, bytes)) {
            assert_eq!(
                (block.index, block.offset, block.line),
                (index, offset, number)
            );
            offset += block.bytes.len() as u64 + block.left_out();
            number += block.lines;
            index += 1;
            out.extend_from_slice(&block.bytes);
            cut.extend_from_slice(&block.cut_lines);
            blocks.recycle(block.bytes);
        }
        assert_eq!(offset, text.len() as u64);
        (out, cut)
    }

    #[test]
    fn blocks_join_to_the_stream_and_end_at_records() {
        let record = "07-15 10:56:49.152   889  6213 D Tag: x\n  more\n\n00 A4\n";
        let text = record.repeat(50);
        for block in 16..400 {
            let (out, cut) = joined(text.as_bytes(), block, 1000, "logcat");
            assert!(out == text.as_bytes() || !cut.is_empty());
        }
        let mut reader = text.as_bytes();
        let mut blocks = Blocks::new(&mut reader, 200, 1000);
        let format = container::by_name("logcat").unwrap();
        while let Some(block) = blocks.next_block(&|b| container::split_point(format, b)) {
            assert!(block.bytes.starts_with(b"07-15"));
        }
        assert_eq!(joined(b"", 64, 10, "plain").0, b"");
        assert_eq!(joined(b"no end", 64, 10, "plain").0, b"no end");
    }

    #[test]
    fn endless_lines_are_cut_in_bounded_memory() {
        let mut text = b"first\n".to_vec();
        text.resize(10_000, b'x');
        text.extend(b"\nnext\n");
        let (out, cut) = joined(&text, 100, 50, "plain");
        assert_eq!(out.len(), 6 + 50 + 1 + 5);
        assert_eq!(cut, [(2, 10_000 - 6 - 50)]);
        let zeros = vec![0; 100_000];
        let (out, cut) = joined(&zeros, 1000, 50, "plain");
        assert_eq!((out.len(), cut.as_slice()), (50, &[(1, 99_950)][..]));
    }
}
