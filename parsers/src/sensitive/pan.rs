//! A whole card number, on its short way from input to mask and token.

use super::kept_digits;

/// Most digits that are kept: the longest number has 19, fields may hold more.
const MOST: usize = 64;

/// A whole card number: can be masked and given to a keyed hash, and nothing else. Wiped when it goes.
///
/// It cannot be printed, compared with anything that is printed, cloned into another place, or serialised:
///
/// ```compile_fail
/// let pan = tapscope_parsers::sensitive::Pan::from_ascii(b"4111111111111111").unwrap();
/// println!("{pan}");
/// ```
///
/// ```compile_fail
/// let pan = tapscope_parsers::sensitive::Pan::from_ascii(b"4111111111111111").unwrap();
/// println!("{pan:?}");
/// ```
///
/// ```compile_fail
/// let pan = tapscope_parsers::sensitive::Pan::from_ascii(b"4111111111111111").unwrap();
/// let other = pan.clone();
/// ```
///
/// ```
/// let pan = tapscope_parsers::sensitive::Pan::from_ascii(b"4111111111111111").unwrap();
/// assert_eq!(pan.masked(), "411111******1111");
/// assert_eq!(pan.expose(<[u8]>::len), 16);
/// ```
pub struct Pan {
    digits: [u8; MOST],
    count: usize,
}

impl Pan {
    /// From ASCII digits and nothing else; at most 64.
    #[must_use]
    pub fn from_ascii(text: &[u8]) -> Option<Self> {
        if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
            return None;
        }
        let mut digits = [0; MOST];
        digits.get_mut(..text.len())?.copy_from_slice(text);
        Some(Self {
            digits,
            count: text.len(),
        })
    }

    /// First six and last four at most.
    #[must_use]
    pub fn masked(&self) -> String {
        let (first, last) = kept_digits(self.count);
        let tail = self.count.saturating_sub(last);
        self.expose(|digits| {
            let shown = |(at, b): (usize, &u8)| {
                if at < first || at >= tail {
                    char::from(*b)
                } else {
                    '*'
                }
            };
            digits.iter().enumerate().map(shown).collect()
        })
    }

    /// Gives the digits to a function: a keyed hash, and no other.
    pub fn expose<R>(&self, function: impl FnOnce(&[u8]) -> R) -> R {
        function(self.digits.get(..self.count).unwrap_or_default())
    }
}

impl Drop for Pan {
    fn drop(&mut self) {
        // Read again, so that the write is not taken for useless.
        self.digits.fill(0);
        core::hint::black_box(&self.digits);
    }
}
