//! Reads a TLS key log: lines of label, client random and secret, as written by browsers and OpenSSL, and as they stand
//! in the decryption-secrets blocks of pcapng files.

use std::collections::HashMap;

/// Longest secret (SHA-512 has none; SHA-384 needs 48).
const MAX_SECRET: usize = 64;
/// Connections whose secrets are kept.
const MAX_ENTRIES: usize = 1 << 20;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Label {
    /// Master secret (up to TLS 1.2).
    Master,
    /// Handshake, from the client.
    ClientHandshake,
    /// Handshake, from the server.
    ServerHandshake,
    /// Application data, from the client.
    ClientTraffic,
    /// Application data, from the server.
    ServerTraffic,
    /// Early data, from the client.
    ClientEarly,
}

fn label(text: &[u8]) -> Option<Label> {
    Some(match text {
        b"CLIENT_RANDOM" => Label::Master,
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => Label::ClientHandshake,
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => Label::ServerHandshake,
        b"CLIENT_TRAFFIC_SECRET_0" => Label::ClientTraffic,
        b"SERVER_TRAFFIC_SECRET_0" => Label::ServerTraffic,
        b"CLIENT_EARLY_TRAFFIC_SECRET" => Label::ClientEarly,
        _ => return None,
    })
}

/// Secrets by connection. Prints nothing of them.
#[derive(Clone, Default)]
pub struct KeyLog {
    secrets: HashMap<[u8; 32], Vec<(Label, Box<[u8]>)>>,
    /// Lines that hold no secret and are no comment.
    pub odd_lines: u64,
}

impl core::fmt::Debug for KeyLog {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "KeyLog of {} connections", self.secrets.len())
    }
}

impl KeyLog {
    /// Adds the lines of a log.
    pub fn add(&mut self, text: &[u8]) {
        for line in text.split(|b| matches!(b, b'\n' | b'\r')) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            if self.line(line).is_none() {
                self.odd_lines += 1;
            }
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<()> {
        let mut words = line.split(|b| *b == b' ').filter(|w| !w.is_empty());
        // Labels of other things (exporter secrets) are fine and of no use.
        let kind = label(words.next()?);
        let random: [u8; 32] = hex(words.next()?)?.try_into().ok()?;
        let secret = hex(words.next()?)?;
        if let Some(kind) = kind
            && self.secrets.len() < MAX_ENTRIES
        {
            let list = self.secrets.entry(random).or_default();
            if list.len() < 16 && !list.iter().any(|(k, _)| *k == kind) {
                list.push((kind, secret.into()));
            }
        }
        Some(())
    }

    /// True where there is no secret at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.secrets.is_empty()
    }

    /// How many connections have secrets here.
    #[must_use]
    pub fn len(&self) -> usize {
        self.secrets.len()
    }

    /// The secret of that connection.
    #[must_use]
    pub fn get(&self, random: &[u8; 32], label: Label) -> Option<&[u8]> {
        let list = self.secrets.get(random)?;
        list.iter().find(|(k, _)| *k == label).map(|(_, s)| &**s)
    }
}

fn hex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || text.len() > 2 * MAX_SECRET {
        return None;
    }
    let (pairs, _) = text.as_chunks::<2>();
    pairs
        .iter()
        .map(|[a, b]| {
            let high = char::from(*a).to_digit(16)?;
            let low = char::from(*b).to_digit(16)?;
            u8::try_from(high << 4 | low).ok()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_all_kinds() {
        let random = "11".repeat(32);
        let text = format!(
            "# comment\nCLIENT_RANDOM {random} {}\r\nEXPORTER_SECRET {random} 00\nrubbish\nCLIENT_RANDOM 12 34\n",
            "ab".repeat(48)
        );
        let mut log = KeyLog::default();
        log.add(text.as_bytes());
        assert_eq!((log.len(), log.odd_lines), (1, 2));
        assert_eq!(
            log.get(&[0x11; 32], Label::Master).map(<[u8]>::len),
            Some(48)
        );
        assert_eq!(log.get(&[0x11; 32], Label::ClientTraffic), None);
        assert!(!format!("{log:?}").contains("ab"));
    }
}
