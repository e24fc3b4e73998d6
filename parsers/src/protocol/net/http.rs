//! Reads the first line and the `Location` of an HTTP/1 answer (RFC 9112).

use memchr::{memchr, memmem};

/// Head of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer<'a> {
    /// Status code.
    pub status: u16,
    /// `Location`, without query and fragment.
    pub location: Option<&'a [u8]>,
}

/// True where the bytes begin like a request of HTTP/1.
#[must_use]
pub fn is_request(b: &[u8]) -> bool {
    [
        &b"GET "[..],
        b"POST ",
        b"PUT ",
        b"HEAD ",
        b"OPTIONS ",
        b"CONNECT ",
        b"DELETE ",
        b"PATCH ",
    ]
    .iter()
    .any(|m| b.starts_with(m))
}

/// Reads the head of an answer, as far as it is there.
#[must_use]
pub fn answer(b: &[u8]) -> Option<Answer<'_>> {
    let rest = b.strip_prefix(b"HTTP/1.")?;
    let digits: &[u8; 3] = rest.get(2..)?.first_chunk()?;
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let status = digits
        .iter()
        .fold(0u16, |n, d| n * 10 + u16::from(d - b'0'));
    let head = b.get(..memmem::find(b, b"\r\n\r\n").unwrap_or(b.len()))?;
    Some(Answer {
        status,
        location: header(head, b"location:"),
    })
}

fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut rest = head;
    while let Some(end) = memchr(b'\n', rest) {
        rest = rest.get(end + 1..)?;
        let Some(start) = rest.get(..name.len()) else {
            break;
        };
        if start.eq_ignore_ascii_case(name) {
            let value = rest.get(name.len()..)?;
            let value = value.get(..memchr(b'\r', value).unwrap_or(value.len()))?;
            let value = value.trim_ascii();
            let end = value
                .iter()
                .position(|b| matches!(b, b'?' | b'#'))
                .unwrap_or(value.len());
            return value.get(..end);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_and_place() {
        let got = answer(
            b"HTTP/1.1 302 Found\r\nServer: x\r\nLOCATION: http://portal.test/login?mac=1\r\n\r\n",
        );
        let got = got.unwrap();
        assert_eq!(got.status, 302);
        assert_eq!(got.location, Some(&b"http://portal.test/login"[..]));
        assert!(answer(b"HTTP/1.1 OK").is_none());
        assert!(answer(b"SSH-2.0").is_none());
    }
}
