//! Walks JSON text as logs hold it: scalars with their paths, in one pass, tolerant of what follows or is cut.

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scalar<'a> {
    /// The inside of a string, escapes as written.
    Text(&'a [u8]),
    /// A number, `true`, `false` or `null`, as written.
    Bare(&'a [u8]),
}

impl<'a> Scalar<'a> {
    /// The value's bytes as written.
    #[must_use]
    pub const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(bytes) | Self::Bare(bytes) => bytes,
        }
    }
}

/// Deepest nesting that is followed.
const DEPTH: usize = 64;

/// How a walk ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// Offset behind the document.
    pub end: usize,
    /// False where the text ends before the document does.
    pub whole: bool,
}

/// Walks the document that begins at the front of `text` with `{` or `[`; calls `visit` with path (keys only) and value of each scalar.
/// `None` where the text is no JSON.
pub fn walk<'a>(text: &'a [u8], visit: &mut dyn FnMut(&[&'a [u8]], Scalar<'a>)) -> Option<Walked> {
    if !matches!(text.first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut path: Vec<&'a [u8]> = Vec::new();
    // One entry a container: its closing bracket.
    let mut open: Vec<u8> = Vec::new();
    // The key that waits for its value.
    let mut key: Option<&'a [u8]> = None;
    let mut at = 0;
    let mut tokens = 0_usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' | b':' => at += 1,
            b'{' | b'[' => {
                if !open.is_empty() {
                    path.push(key.take().unwrap_or_default());
                }
                open.push(if *byte == b'{' { b'}' } else { b']' });
                if open.len() > DEPTH {
                    return Some(Walked {
                        end: at,
                        whole: false,
                    });
                }
                at += 1;
                tokens += 1;
            }
            b'}' | b']' => {
                if open.pop() != Some(*byte) {
                    return None;
                }
                at += 1;
                if open.is_empty() {
                    return Some(Walked {
                        end: at,
                        whole: true,
                    });
                }
                path.pop();
                key = None;
            }
            b'"' => {
                let inside = text.get(at + 1..)?;
                let Some(length) = end_of_string(inside) else {
                    return Some(Walked {
                        end: text.len(),
                        whole: false,
                    });
                };
                let string = inside.get(..length)?;
                at += length + 2;
                let object = open.last() == Some(&b'}');
                if object && key.is_none() {
                    // A key must be followed by its colon.
                    let rest = text.get(at..)?.trim_ascii_start();
                    match rest.first() {
                        Some(b':') | None => key = Some(string),
                        _ => return None,
                    }
                } else {
                    emit(&mut path, key.take(), Scalar::Text(string), visit);
                }
                tokens += 1;
            }
            b'0'..=b'9' | b'-' | b't' | b'f' | b'n' => {
                let rest = text.get(at..)?;
                let length = rest
                    .iter()
                    .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
                    .count();
                if open.last() == Some(&b'}') && key.is_none() {
                    return None;
                }
                emit(
                    &mut path,
                    key.take(),
                    Scalar::Bare(rest.get(..length)?),
                    visit,
                );
                at += length.max(1);
                tokens += 1;
            }
            // `{` alone is the beginning of many things.
            _ => {
                return (tokens > 2).then_some(Walked {
                    end: at,
                    whole: false,
                });
            }
        }
    }
    Some(Walked {
        end: text.len(),
        whole: false,
    })
}

fn emit<'a>(
    path: &mut Vec<&'a [u8]>,
    key: Option<&'a [u8]>,
    value: Scalar<'a>,
    visit: &mut dyn FnMut(&[&'a [u8]], Scalar<'a>),
) {
    path.push(key.unwrap_or_default());
    visit(path, value);
    path.pop();
}

/// Up to the closing quotation mark.
fn end_of_string(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let step = memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(at + step) == Some(&b'"') {
            return Some(at + step);
        }
        at += step + 2;
    }
}

/// A string's inside without its escapes.
#[must_use]
pub fn unescape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        at += 1;
        if *byte != b'\\' {
            out.push(*byte);
            continue;
        }
        let Some(escaped) = text.get(at) else { break };
        at += 1;
        match escaped {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' | b'f' => out.push(b' '),
            b'u' => {
                let code = text
                    .get(at..at + 4)
                    .and_then(|h| core::str::from_utf8(h).ok())
                    .and_then(|h| u32::from_str_radix(h, 16).ok());
                at += 4;
                let c = code.and_then(char::from_u32).unwrap_or('\u{FFFD}');
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(*other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(text: &str) -> (Vec<(String, String)>, Option<Walked>) {
        let mut out = Vec::new();
        let walked = walk(text.as_bytes(), &mut |path, value| {
            let path: Vec<String> = path
                .iter()
                .map(|p| String::from_utf8_lossy(p).into_owned())
                .collect();
            out.push((
                path.join("."),
                String::from_utf8_lossy(value.bytes()).into_owned(),
            ));
        });
        (out, walked)
    }

    #[test]
    fn scalars_have_paths() {
        let text = r#"{"a":{"b":"x\"y","c":[1,{"d":true}]},"e":null} rest"#;
        let (got, walked) = seen(text);
        let want = [
            ("a.b", "x\\\"y"),
            ("a.c.", "1"),
            ("a.c..d", "true"),
            ("e", "null"),
        ];
        assert_eq!(got, want.map(|(a, b)| (a.to_owned(), b.to_owned())));
        assert_eq!(
            walked,
            Some(Walked {
                end: text.len() - 5,
                whole: true
            })
        );
    }

    #[test]
    fn cut_and_broken_text_is_safe() {
        let text = r#"{"a":{"b":"x","c":[1,{"d":true}]},"e":null}"#;
        for end in 0..text.len() {
            let (_, walked) = seen(&text[..end]);
            assert!(walked.is_none_or(|w| !w.whole), "{end}");
        }
        for text in ["{ text }", "[main] x", "{a:1}", "{\"a\" \"b\"}", "{]"] {
            assert_eq!(seen(text).1.filter(|w| w.whole), None, "{text}");
        }
        assert!(!seen(&"[".repeat(100_000)).1.unwrap().whole);
        assert_eq!(unescape(br#"a\"b\\c\u00e4\n"#), "a\"b\\cä\n".as_bytes());
    }
}
