//! Text encodings: told per file on enough evidence, applied per line, so that a lone cut character flips nothing.

use encoding_rs::{BIG5, Decoder, Encoding as Table, GB18030, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;
use std::io::{self, Read};

/// An encoding that logs use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Encoding {
    /// UTF-8, and plain ASCII.
    #[default]
    Utf8,
    /// UTF-16, little-endian.
    Utf16Le,
    /// UTF-16, big-endian.
    Utf16Be,
    /// GB18030, which holds GBK and GB2312.
    Gb18030,
    /// Big5.
    Big5,
    /// ISO 8859-1 as everybody means it: Windows-1252.
    Latin1,
}

impl Encoding {
    /// The name for `sources.parquet`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16Le => "UTF-16LE",
            Self::Utf16Be => "UTF-16BE",
            Self::Gb18030 => "GB18030",
            Self::Big5 => "Big5",
            Self::Latin1 => "windows-1252",
        }
    }

    /// True where a line end is no single byte: such streams go through [`text_reader`] before they are cut into lines.
    #[must_use]
    pub const fn is_wide(self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be)
    }

    fn table(self) -> Option<&'static Table> {
        match self {
            Self::Utf8 => None,
            Self::Utf16Le => Some(UTF_16LE),
            Self::Utf16Be => Some(UTF_16BE),
            Self::Gb18030 => Some(GB18030),
            Self::Big5 => Some(BIG5),
            Self::Latin1 => Some(WINDOWS_1252),
        }
    }
}

/// One line (or record) as text. What is valid UTF-8 is taken as such whatever the file's encoding; what the encoding does not know
/// becomes U+FFFD.
#[must_use]
pub fn decode_line(line: &[u8], encoding: Encoding) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line) {
        return Cow::Borrowed(text);
    }
    match encoding.table() {
        Some(table) if !encoding.is_wide() => table.decode_without_bom_handling(line).0,
        _ => String::from_utf8_lossy(line),
    }
}

/// One line whose file says nothing of it: UTF-8 as far as it goes where a character is only cut, else what its bytes look like:
/// Big5 where enough of them say so, for the two share most of their bytes.
#[must_use]
pub fn line_text(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(line) {
        return Cow::Borrowed(text);
    }
    let mut count = Count::default();
    count.add(line);
    if count.utf8_ok > 0 && count.utf8_ok >= count.utf8_bad {
        return String::from_utf8_lossy(line);
    }
    // Single bytes between letters are accents; pairs of high bytes are Chinese.
    if count.lone_high * 2 > count.gb_pairs + count.gb_bad {
        return WINDOWS_1252.decode_without_bom_handling(line).0;
    }
    if count.gb_pairs >= LEAST && count.verdict() == Encoding::Big5 {
        return BIG5.decode_without_bom_handling(line).0;
    }
    GB18030.decode_without_bom_handling(line).0
}

/// Characters of one line that tell Big5 from GB18030.
const LEAST: u32 = 6;

/// The encoding that samples of one file speak for. Each sample may begin and end inside a character.
#[must_use]
pub fn detect(samples: &[&[u8]]) -> Encoding {
    let head = samples.first().copied().unwrap_or_default();
    match head {
        [0xEF, 0xBB, 0xBF, ..] => return Encoding::Utf8,
        [0xFF, 0xFE, ..] => return Encoding::Utf16Le,
        [0xFE, 0xFF, ..] => return Encoding::Utf16Be,
        _ => {}
    }
    if let Some(wide) = wide(head) {
        return wide;
    }
    let mut count = Count::default();
    for sample in samples {
        count.add(sample);
    }
    count.verdict()
}

/// UTF-16 without a mark: ASCII leaves a zero in every other byte.
fn wide(head: &[u8]) -> Option<Encoding> {
    let pairs = head.get(..4096.min(head.len()))?.chunks_exact(2);
    let all = pairs.len();
    if all < 8 {
        return None;
    }
    let (mut le, mut be, mut wrong) = (0, 0, 0);
    for pair in pairs {
        match pair {
            [0, 0] => wrong += 1,
            [0, b] if b.is_ascii_graphic() || b.is_ascii_whitespace() => be += 1,
            [b, 0] if b.is_ascii_graphic() || b.is_ascii_whitespace() => le += 1,
            _ => {}
        }
    }
    // A third of ASCII is little for a log line with a time, and much for anything that is no text.
    if wrong > 0 {
        None
    } else if le * 3 >= all && be * 20 <= le {
        Some(Encoding::Utf16Le)
    } else if be * 3 >= all && le * 20 <= be {
        Some(Encoding::Utf16Be)
    } else {
        None
    }
}

#[derive(Default)]
struct Count {
    utf8_ok: u32,
    utf8_bad: u32,
    gb_pairs: u32,
    gb_common: u32,
    gb_bad: u32,
    big5_pairs: u32,
    big5_common: u32,
    big5_low_trail: u32,
    big5_bad: u32,
    lone_high: u32,
}

impl Count {
    fn add(&mut self, sample: &[u8]) {
        let chunks = sample.utf8_chunks();
        let mut first = true;
        let total = sample.len();
        let mut at = 0;
        for chunk in chunks {
            self.utf8_ok += u32::try_from(chunk.valid().chars().filter(|c| !c.is_ascii()).count())
                .unwrap_or(u32::MAX);
            at += chunk.valid().len();
            let bad = chunk.invalid();
            let at_edge = (first && at < 3) || at + bad.len() >= total.saturating_sub(3);
            if !bad.is_empty() && !at_edge {
                self.utf8_bad += 1;
            }
            at += bad.len();
            first = first && at < 3;
        }
        for line in sample.split(|b| *b == b'\n') {
            self.add_pairs(line);
        }
    }

    /// Double-byte statistics, line by line, so that one cut character costs no more than its line.
    fn add_pairs(&mut self, line: &[u8]) {
        if line.is_ascii() {
            return;
        }
        let mut at = 0;
        while let Some(lead) = line.get(at).copied() {
            if lead < 0x80 {
                at += 1;
                continue;
            }
            let trail = line.get(at + 1).copied().unwrap_or(0);
            let before = at
                .checked_sub(1)
                .and_then(|i| line.get(i))
                .copied()
                .unwrap_or(0);
            if before < 0x80 && trail < 0x80 {
                self.lone_high += 1;
            }
            if (0x81..=0xFE).contains(&lead) && trail >= 0x40 && trail != 0x7F && trail != 0xFF {
                self.gb_pairs += 1;
                // GB2312 level 1 (the 3,755 common characters) and its punctuation.
                let common =
                    trail >= 0xA1 && (matches!(lead, 0xB0..=0xD7) || matches!(lead, 0xA1 | 0xA3));
                self.gb_common += u32::from(common);
            } else {
                self.gb_bad += 1;
            }
            if (0xA1..=0xF9).contains(&lead)
                && (matches!(trail, 0x40..=0x7E) || matches!(trail, 0xA1..=0xFE))
            {
                self.big5_pairs += 1;
                // Big5 level 1 and its punctuation.
                self.big5_common += u32::from(matches!(lead, 0xA4..=0xC6) || lead == 0xA1);
                self.big5_low_trail += u32::from(trail < 0x80);
            } else {
                self.big5_bad += 1;
            }
            at += if trail >= 0x40 { 2 } else { 1 };
        }
    }

    fn verdict(&self) -> Encoding {
        // A few broken characters are damage, not another encoding.
        if self.utf8_bad == 0 || self.utf8_ok > self.utf8_bad * 10 {
            return Encoding::Utf8;
        }
        let seen = self.gb_pairs + self.gb_bad;
        // Too little to tell: three characters in GBK look like anything.
        if seen < 4 && self.utf8_bad < 4 {
            return if self.lone_high == seen {
                Encoding::Latin1
            } else {
                Encoding::Utf8
            };
        }
        let share = |part: u32, all: u32| u64::from(part) * 100 / u64::from(all.max(1));
        if self.lone_high * 2 > seen {
            return Encoding::Latin1;
        }
        let gb = share(self.gb_common, seen);
        let big5 = share(self.big5_common, self.big5_pairs + self.big5_bad);
        let low = share(self.big5_low_trail, self.big5_pairs);
        if big5 >= 75 && low >= 12 && gb < 70 {
            Encoding::Big5
        } else if gb >= 50 || share(self.gb_bad, seen) < 2 {
            Encoding::Gb18030
        } else {
            Encoding::Latin1
        }
    }
}

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Written {
    /// Its characters.
    pub encoding: Encoding,
    /// Its lines end with CR alone, as some terminals' serial logs do.
    pub lone_returns: bool,
}

impl From<Encoding> for Written {
    fn from(encoding: Encoding) -> Self {
        Self {
            encoding,
            lone_returns: false,
        }
    }
}

/// True where samples of a text, already in UTF-8 or a superset of ASCII, have CR and no LF, but for one at the end.
#[must_use]
pub fn lone_returns(samples: &[&[u8]]) -> bool {
    let feeds = |s: &[u8]| memchr::memchr(b'\n', s.strip_suffix(b"\n").unwrap_or(s)).is_some();
    samples.iter().all(|s| !feeds(s)) && samples.iter().any(|s| memchr::memchr(b'\r', s).is_some())
}

/// A stream as it is searched: in UTF-8 where its bytes could not be searched otherwise, its lines ended by LF. A CR becomes an LF in its place, so that offsets hold.
pub fn text_reader<'r>(reader: Box<dyn Read + 'r>, written: Written) -> Box<dyn Read + 'r> {
    let ends = |inner| -> Box<dyn Read + 'r> {
        if written.lone_returns {
            Box::new(LineFeeds(inner))
        } else {
            inner
        }
    };
    // Only in UTF-16 a line end is more than a byte; in all others no byte of a character is a CR.
    if written.encoding.is_wide() {
        ends(utf8(reader, written.encoding))
    } else {
        utf8(ends(reader), written.encoding)
    }
}

/// Puts LF in the place of CR.
struct LineFeeds<'r>(Box<dyn Read + 'r>);

impl Read for LineFeeds<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.0.read(buffer)?;
        for byte in buffer.iter_mut().take(got).filter(|b| **b == b'\r') {
            *byte = b'\n';
        }
        Ok(got)
    }
}

/// A stream as UTF-8 where its bytes could not be searched as they are: UTF-16 whole, with damaged pairs as U+FFFD; Big5 and
/// Windows-1252 line by line, so that lines in UTF-8 between them stay. UTF-8 and GB18030 pass as they are: anchors are known in both.
fn utf8<'r>(reader: Box<dyn Read + 'r>, encoding: Encoding) -> Box<dyn Read + 'r> {
    match encoding.table() {
        Some(table) if encoding.is_wide() => Box::new(Transcoder {
            inner: reader,
            decoder: table.new_decoder_with_bom_removal(),
            raw: vec![0; 64 * 1024],
            raw_at: 0..0,
            out: Vec::new(),
            out_at: 0,
            ended: false,
        }),
        Some(_) if matches!(encoding, Encoding::Big5 | Encoding::Latin1) => {
            Box::new(LineTranscoder {
                inner: reader,
                encoding,
                raw: Vec::new(),
                out: Vec::new(),
                out_at: 0,
                ended: false,
            })
        }
        _ => reader,
    }
}

/// Bytes that are read at once, and the longest line that is decoded whole.
const STEP: usize = 64 * 1024;
const LONGEST: usize = 1 << 20;

struct LineTranscoder<'r> {
    inner: Box<dyn Read + 'r>,
    encoding: Encoding,
    raw: Vec<u8>,
    out: Vec<u8>,
    out_at: usize,
    ended: bool,
}

impl LineTranscoder<'_> {
    /// Decodes whole lines into `out`; what is left begins the next turn.
    fn refill(&mut self) -> io::Result<()> {
        self.out.clear();
        self.out_at = 0;
        while self.out.is_empty() && !self.ended {
            let got = (&mut self.inner)
                .take(STEP as u64)
                .read_to_end(&mut self.raw)?;
            self.ended = got == 0;
            let end = match memchr::memrchr(b'\n', &self.raw) {
                Some(at) if !self.ended => at + 1,
                None if !self.ended && self.raw.len() < LONGEST => continue,
                _ => self.raw.len(),
            };
            let whole = self.raw.get(..end).unwrap_or_default();
            for line in whole.split_inclusive(|b| *b == b'\n') {
                self.out
                    .extend_from_slice(decode_line(line, self.encoding).as_bytes());
            }
            self.raw.drain(..end);
        }
        Ok(())
    }
}

impl Read for LineTranscoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.out_at >= self.out.len() {
            self.refill()?;
        }
        Ok(hand_over(&self.out, &mut self.out_at, buffer))
    }
}

/// Gives what is ready, and moves on.
fn hand_over(out: &[u8], at: &mut usize, buffer: &mut [u8]) -> usize {
    let ready = out.get(*at..).unwrap_or_default();
    let n = ready.len().min(buffer.len());
    if let (Some(to), Some(from)) = (buffer.get_mut(..n), ready.get(..n)) {
        to.copy_from_slice(from);
    }
    *at += n;
    n
}

struct Transcoder<'r> {
    inner: Box<dyn Read + 'r>,
    decoder: Decoder,
    raw: Vec<u8>,
    raw_at: std::ops::Range<usize>,
    out: Vec<u8>,
    out_at: usize,
    ended: bool,
}

impl Read for Transcoder<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.out_at >= self.out.len() {
            if self.ended {
                return Ok(0);
            }
            if self.raw_at.is_empty() {
                let n = self.inner.read(&mut self.raw)?;
                self.raw_at = 0..n;
                self.ended = n == 0;
            }
            self.out.resize(3 * self.raw.len(), 0);
            let input = self.raw.get(self.raw_at.clone()).unwrap_or_default();
            let (_, read, written, _) =
                self.decoder
                    .decode_to_utf8(input, &mut self.out, self.ended);
            self.raw_at.start += read;
            self.out.truncate(written);
            self.out_at = 0;
        }
        Ok(hand_over(&self.out, &mut self.out_at, buffer))
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_line_by_itself_is_read_in_what_it_looks_like() {
        for text in [
            "交易失敗，請插卡，通訊逾時",
            "請稍候，金額確認中，請重新感應卡片",
        ] {
            let (bytes, _, lossy) = BIG5.encode(text);
            assert!(!lossy);
            assert_eq!(line_text(&bytes), text);
        }
        for text in [
            "交易失败，请插卡，通讯超时",
            "正在等待持卡人挥卡，请稍候",
            "余额不足，请更换卡片后重试",
        ] {
            assert_eq!(line_text(&GB18030.encode(text).0), text);
        }
    }

    use super::*;

    const CHINESE: &str =
        "07-15 10:56:49.152 889 6213 I Pay: 交易失败，请插卡或刷卡，通讯超时，金额 12.00 元\n";

    fn encode(text: &str, table: &'static Table) -> Vec<u8> {
        table.encode(text).0.into_owned()
    }

    fn utf16(text: &str, little: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|u| {
                if little {
                    u.to_le_bytes()
                } else {
                    u.to_be_bytes()
                }
            })
            .collect()
    }

    #[test]
    fn files_speak_their_encoding_at_any_cut() {
        let traditional =
            "07-15 10:56:49.152 I Pay: 交易失敗，請插卡，通訊逾時，請重新感應卡片，金額\n"
                .repeat(4);
        let german = "2024-04-04 13:47:32 DEBUG Zahlung nicht möglich für Händler, Gerät gestört, ungültig\n".repeat(4);
        for (bytes, want) in [
            (CHINESE.repeat(4).into_bytes(), Encoding::Utf8),
            (encode(&CHINESE.repeat(4), GB18030), Encoding::Gb18030),
            (encode(&traditional, BIG5), Encoding::Big5),
            (encode(&german, WINDOWS_1252), Encoding::Latin1),
            (german.clone().into_bytes(), Encoding::Utf8),
        ] {
            for start in 0..8 {
                for end in 0..8 {
                    let cut = &bytes[start..bytes.len() - end];
                    assert_eq!(detect(&[cut]), want, "{start} {end}");
                }
            }
        }
        for little in [true, false] {
            let want = if little {
                Encoding::Utf16Le
            } else {
                Encoding::Utf16Be
            };
            assert_eq!(detect(&[&utf16(CHINESE, little)]), want);
            assert_eq!(
                detect(&[&utf16(&format!("\u{FEFF}{CHINESE}"), little)]),
                want
            );
        }
        assert_eq!(detect(&[b"plain ascii"]), Encoding::Utf8);
        assert_eq!(detect(&[b""]), Encoding::Utf8);
    }

    #[test]
    fn a_lone_broken_character_flips_nothing() {
        let mut bytes = CHINESE.repeat(3).into_bytes();
        let hit = bytes.iter().position(|b| *b > 0x80).unwrap() + 1;
        bytes.remove(hit);
        assert_eq!(detect(&[&bytes]), Encoding::Utf8);
        let mut gbk = encode(&CHINESE.repeat(3), GB18030);
        let hit = gbk.iter().position(|b| *b > 0x80).unwrap() + 1;
        gbk.remove(hit);
        assert_eq!(detect(&[&gbk]), Encoding::Gb18030);
    }

    #[test]
    fn lines_are_decoded_one_by_one() {
        assert_eq!(
            decode_line(&encode("交易失败", GB18030), Encoding::Gb18030),
            "交易失败"
        );
        assert_eq!(
            decode_line("交易失败".as_bytes(), Encoding::Gb18030),
            "交易失败"
        );
        assert_eq!(decode_line(b"f\xFCr", Encoding::Latin1), "für");
        assert_eq!(decode_line(b"f\xFCr", Encoding::Utf8), "f\u{FFFD}r");
    }

    #[test]
    fn wide_streams_become_utf8_whatever_the_reads() {
        let text = format!("\u{FEFF}{}", CHINESE.repeat(2000));
        for little in [true, false] {
            let raw = utf16(&text, little);
            let encoding = if little {
                Encoding::Utf16Le
            } else {
                Encoding::Utf16Be
            };
            let mut out = String::new();
            utf8(Box::new(raw.as_slice()), encoding)
                .read_to_string(&mut out)
                .unwrap();
            assert_eq!(out, CHINESE.repeat(2000));
        }
        let mixed = [
            encode(&"Händler gestört\n".repeat(9000), WINDOWS_1252),
            "für\n".as_bytes().to_vec(),
            vec![0xE4; 3],
        ]
        .concat();
        let mut out = String::new();
        utf8(Box::new(mixed.as_slice()), Encoding::Latin1)
            .read_to_string(&mut out)
            .unwrap();
        assert_eq!(out, format!("{}für\näää", "Händler gestört\n".repeat(9000)));
        let mut out = Vec::new();
        let odd = [0x41, 0, 0x42];
        utf8(Box::new(odd.as_slice()), Encoding::Utf16Le)
            .read_to_end(&mut out)
            .unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "A\u{FFFD}");
    }
}
