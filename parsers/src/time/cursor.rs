//! Turns bytes into small numbers, one step at a time: no step can fail other than by `None`.

/// A place in a byte slice. Copying it is how a grammar tries something and steps back.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) const fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let hit = self.peek() == Some(byte);
        self.at += usize::from(hit);
        hit
    }

    pub(super) fn need(&mut self, byte: u8) -> Option<()> {
        self.eat(byte).then_some(())
    }

    /// Eats one of the bytes and says which.
    pub(super) fn one_of(&mut self, set: &[u8]) -> Option<u8> {
        let byte = self.peek().filter(|b| set.contains(b))?;
        self.at += 1;
        Some(byte)
    }

    pub(super) fn literal(&mut self, text: &[u8]) -> bool {
        let hit = self.rest().starts_with(text);
        self.at += if hit { text.len() } else { 0 };
        hit
    }

    pub(super) fn literal_any_case(&mut self, text: &[u8]) -> bool {
        let hit = self
            .rest()
            .get(..text.len())
            .is_some_and(|s| s.eq_ignore_ascii_case(text));
        self.at += if hit { text.len() } else { 0 };
        hit
    }

    /// Eats up to `most` blanks and says how many.
    pub(super) fn blanks(&mut self, most: usize) -> usize {
        let n = self
            .rest()
            .iter()
            .take(most)
            .take_while(|b| **b == b' ')
            .count();
        self.at += n;
        n
    }

    /// A number of `least..=most` digits, and how many there were. Stops after `most`.
    pub(super) fn number(&mut self, least: usize, most: usize) -> Option<(u32, usize)> {
        let mut value = 0_u32;
        let mut digits = 0;
        for byte in self.rest().iter().take(most.min(9)) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            value = value * 10 + u32::from(digit);
            digits += 1;
        }
        if digits < least {
            return None;
        }
        self.at += digits;
        Some((value, digits))
    }

    /// A number of one or two digits that fits the range.
    pub(super) fn small(&mut self, least: u8, most: u8) -> Option<u8> {
        let (value, _) = self.number(1, 2)?;
        in_range(value, least, most)
    }

    /// Exactly two digits that fit the range.
    pub(super) fn pair(&mut self, least: u8, most: u8) -> Option<u8> {
        let (value, _) = self.number(2, 2)?;
        in_range(value, least, most)
    }

    /// True where the next byte is no digit (or there is none).
    pub(super) fn at_digit_end(&self) -> bool {
        !self.peek().is_some_and(|b| b.is_ascii_digit())
    }

    pub(super) fn digits_ahead(&self, most: usize) -> usize {
        self.rest()
            .iter()
            .take(most)
            .take_while(|b| b.is_ascii_digit())
            .count()
    }
}

pub(super) fn in_range(value: u32, least: u8, most: u8) -> Option<u8> {
    u8::try_from(value)
        .ok()
        .filter(|v| (least..=most).contains(v))
}
