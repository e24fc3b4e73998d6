//! Turns a byte string into its BER-TLV data objects (EMV Book 3, Annex B), without recursion and without copying.
//!
//! What can be read is given; what cannot is a [`Damage`]. Limits: depth 16, 4,096 objects, 64 KiB a value.
//! EMV knows no indefinite length: it is refused by name, not followed.

use crate::damage::Damage;

/// How deep objects may be nested.
pub const MAX_DEPTH: usize = 16;
/// How many objects one byte string may hold.
pub const MAX_OBJECTS: usize = 4096;
/// How long one value may be.
pub const MAX_VALUE: usize = 64 << 10;

/// One data object, borrowed from its byte string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Object<'a> {
    /// The tag as a number: 0x9F26.
    pub tag: u32,
    /// The value; shorter than announced where `complete` is false.
    pub value: &'a [u8],
    /// Offset of the tag in the whole byte string.
    pub offset: usize,
    /// Offset of the value in the whole byte string.
    pub value_offset: usize,
    /// How many objects it stands in.
    pub depth: u8,
    /// True where the value is itself a string of objects.
    pub constructed: bool,
    /// False where the byte string ended before the value did.
    pub complete: bool,
}

/// True where the tag's first byte says that the value is a string of objects.
#[must_use]
pub fn is_constructed(tag: u32) -> bool {
    let first = match tag {
        0..=0xFF => tag,
        0x100..=0xFFFF => tag >> 8,
        0x1_0000..=0xFF_FFFF => tag >> 16,
        _ => tag >> 24,
    };
    first & 0x20 != 0
}

/// Reads one tag; gives it and what follows.
fn tag(bytes: &[u8]) -> Result<(u32, &[u8]), &'static str> {
    let (&first, mut rest) = bytes.split_first().ok_or("tlv_truncated")?;
    let mut tag = u32::from(first);
    if first & 0x1F != 0x1F {
        return Ok((tag, rest));
    }
    for _ in 0..3 {
        let (&next, after) = rest.split_first().ok_or("tlv_truncated")?;
        tag = tag << 8 | u32::from(next);
        rest = after;
        if next & 0x80 == 0 {
            return Ok((tag, rest));
        }
    }
    Err("tlv_tag_too_long")
}

/// Reads one tag of at most four bytes; gives it and what follows.
#[must_use]
pub fn take_tag(bytes: &[u8]) -> Option<(u32, &[u8])> {
    tag(bytes).ok()
}

/// Reads one length; gives it and what follows.
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), &'static str> {
    let (&first, rest) = bytes.split_first().ok_or("tlv_truncated")?;
    let count = match first {
        0..=0x7F => return Ok((usize::from(first), rest)),
        0x80 => return Err("tlv_indefinite_length"),
        0x81..=0x84 => usize::from(first & 0x7F),
        _ => return Err("tlv_length_form"),
    };
    let (digits, after) = rest.split_at_checked(count).ok_or("tlv_truncated")?;
    let length = digits
        .iter()
        .fold(0usize, |sum, &b| sum << 8 | usize::from(b));
    Ok((length, after))
}

/// What the grammar wanted where the damage of this name stands.
fn expected(code: &'static str) -> &'static str {
    match code {
        "tlv_truncated" => "the rest of the data object",
        "tlv_tag_too_long" => "a tag of at most four bytes",
        "tlv_indefinite_length" => "a definite length (EMV Book 3, Annex B2)",
        "tlv_length_form" => "a length of at most four bytes",
        "tlv_value_too_long" => "a value of at most 64 KiB",
        "tlv_overrun" => "a value that ends within its template",
        "tlv_too_deep" => "at most 16 levels",
        _ => "at most 4096 objects",
    }
}

/// Walks the objects of a byte string in their order, a template before its content.
#[derive(Debug, Clone)]
pub struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Ends of the templates that are open.
    ends: [usize; MAX_DEPTH],
    depth: usize,
    left: usize,
    damage: Option<Damage>,
}

impl<'a> Walk<'a> {
    /// A walk over a byte string.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            ends: [0; MAX_DEPTH],
            depth: 0,
            left: MAX_OBJECTS,
            damage: None,
        }
    }

    /// The first thing that could not be read; complete only after the last object was taken.
    #[must_use]
    pub fn damage(&self) -> Option<Damage> {
        self.damage
    }

    /// Where the walk stands in the byte string.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    fn note(&mut self, code: &'static str, offset: usize) {
        if self.damage.is_none() {
            self.damage = Some(Damage {
                code,
                offset,
                expected: expected(code),
            });
        }
    }

    fn stop(&mut self, code: &'static str, offset: usize) {
        self.note(code, offset);
        self.at = self.bytes.len();
        self.depth = 0;
    }

    /// End of the innermost open template, after those that are done have been closed.
    fn end(&mut self) -> usize {
        while let Some(&end) = self
            .depth
            .checked_sub(1)
            .and_then(|level| self.ends.get(level))
        {
            if self.at < end {
                return end;
            }
            self.depth -= 1;
        }
        self.bytes.len()
    }

    /// Skips `00` and `FF` between objects. `FF` can begin a tag (FF805D), so one alone is padding only before `00` or the end.
    fn skip_padding(&mut self, end: usize) {
        while let Some(rest) = self.bytes.get(self.at..end) {
            self.at += match rest {
                [0x00, ..] | [0xFF] | [0xFF, 0x00, ..] => 1,
                [0xFF, 0xFF, ..] => rest.iter().take_while(|&&b| b == 0xFF).count(),
                _ => break,
            };
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Object<'a>;

    #[inline]
    fn next(&mut self) -> Option<Object<'a>> {
        // Each round moves past at least one byte or closes a template.
        loop {
            let end = self.end();
            self.skip_padding(end);
            if self.at >= end {
                if self.at >= self.bytes.len() && self.depth == 0 {
                    return None;
                }
                continue;
            }
            let offset = self.at;
            if self.left == 0 {
                self.stop("tlv_too_many", offset);
                return None;
            }
            self.left -= 1;
            let scope = self.bytes.get(offset..end)?;
            let head =
                tag(scope).and_then(|(tag, rest)| length(rest).map(|(n, rest)| (tag, n, rest)));
            match head {
                Ok((tag, announced, rest)) => return self.object(tag, announced, rest, end),
                Err("tlv_truncated") => {
                    // The rest of this template is unreadable; its neighbours are not.
                    self.note("tlv_truncated", offset);
                    self.at = end;
                }
                Err(code) => {
                    self.stop(code, offset);
                    return None;
                }
            }
        }
    }
}

impl<'a> Walk<'a> {
    #[inline]
    fn object(
        &mut self,
        tag: u32,
        announced: usize,
        rest: &'a [u8],
        end: usize,
    ) -> Option<Object<'a>> {
        let offset = self.at;
        if announced > MAX_VALUE && announced <= rest.len() {
            self.stop("tlv_value_too_long", offset);
            return None;
        }
        let complete = announced <= rest.len();
        if !complete {
            let code = if end < self.bytes.len() {
                "tlv_overrun"
            } else {
                "tlv_truncated"
            };
            self.note(code, offset);
        }
        let value = rest
            .get(..announced.min(rest.len()).min(MAX_VALUE))
            .unwrap_or(rest);
        let value_offset = end - rest.len();
        let value_end = if complete {
            value_offset + value.len()
        } else {
            end
        };
        let depth = self.depth;
        let constructed = is_constructed(tag);
        self.at = value_end;
        if constructed {
            if let Some(slot) = self.ends.get_mut(depth) {
                *slot = value_end;
                self.depth += 1;
                self.at = value_offset;
            } else {
                self.note("tlv_too_deep", offset);
            }
        }
        Some(Object {
            tag,
            value,
            offset,
            value_offset,
            depth: u8::try_from(depth).unwrap_or(u8::MAX),
            constructed,
            complete,
        })
    }
}

/// All objects in their order, with what could not be read.
#[must_use]
pub fn walk(bytes: &[u8]) -> Walk<'_> {
    Walk::new(bytes)
}

/// Value of the first object with this tag, at any depth.
#[must_use]
pub fn find(bytes: &[u8], tag: u32) -> Option<&[u8]> {
    walk(bytes).find(|o| o.tag == tag).map(|o| o.value)
}

/// Value at the end of a path of tags: `[0x6F, 0xA5, 0x9F38]`. Steps over what stands beside the path.
#[must_use]
pub fn find_path<'a>(bytes: &'a [u8], path: &[u32]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |scope, &tag| {
        siblings(scope).find(|o| o.tag == tag).map(|o| o.value)
    })
}

/// Objects of the first level only; templates are not entered.
pub fn siblings(bytes: &[u8]) -> impl Iterator<Item = Object<'_>> {
    let mut walk = Walk::new(bytes);
    std::iter::from_fn(move || {
        let object = walk.next()?;
        if object.constructed {
            walk.at = object.value_offset + object.value.len();
            walk.depth = 0;
        }
        Some(object)
    })
}

/// True where the byte string is objects from its first byte to its last, with at least one of them.
#[must_use]
pub fn is_whole(bytes: &[u8]) -> bool {
    let mut walk = Walk::new(bytes);
    let mut any = false;
    for _ in walk.by_ref() {
        any = true;
    }
    any && walk.damage.is_none()
}
