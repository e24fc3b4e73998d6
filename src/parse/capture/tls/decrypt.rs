//! Deciphers TLS 1.2 and 1.3 records with the secrets of a key log (RFC 5246, 5288, 7905, 8446); AEAD suites only.

use aes_gcm::aead::{Aead, KeyInit, Nonce, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Sha256, Sha384};
use tapscope_parsers::protocol::net::tls::handshake_message;
use tapscope_parsers::protocol::net::tls::keylog::{KeyLog, Label};

/// Handshake bytes held while a message is not whole.
const MAX_HANDSHAKE: usize = 1 << 18;
/// Length of the tag that every suite here ends a record with.
const TAG: usize = 16;

/// Secrets of the user's file and of the capture itself.
#[derive(Clone, Copy)]
pub(in crate::parse::capture) struct Secrets<'s> {
    pub(in crate::parse::capture) given: &'s KeyLog,
    pub(in crate::parse::capture) found: &'s KeyLog,
}

impl<'s> Secrets<'s> {
    pub(super) fn is_empty(self) -> bool {
        self.given.is_empty() && self.found.is_empty()
    }

    fn get(self, random: &[u8; 32], label: Label) -> Option<&'s [u8]> {
        self.given
            .get(random, label)
            .or_else(|| self.found.get(random, label))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Aes128,
    Aes256,
    ChaCha,
}

#[derive(Clone, Copy, PartialEq)]
enum Hash {
    Sha256,
    Sha384,
}

/// Cipher and hash of a suite; `None` for those that are no AEAD or not known.
fn suite(number: u16) -> Option<(Kind, Hash)> {
    Some(match number {
        0x009C | 0x009E | 0xC02B | 0xC02F | 0x1301 => (Kind::Aes128, Hash::Sha256),
        0x009D | 0x009F | 0xC02C | 0xC030 | 0x1302 => (Kind::Aes256, Hash::Sha384),
        0xCCA8..=0xCCAA | 0x1303 => (Kind::ChaCha, Hash::Sha256),
        _ => return None,
    })
}

impl Kind {
    fn key_bytes(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes256 | Self::ChaCha => 32,
        }
    }
}

enum Cipher {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

impl Cipher {
    fn new(kind: Kind, key: &[u8]) -> Option<Self> {
        Some(match kind {
            Kind::Aes128 => Self::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Kind::Aes256 => Self::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Kind::ChaCha => Self::ChaCha(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
        })
    }

    fn open(&self, nonce: [u8; 12], aad: &[u8], msg: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg, aad };
        match self {
            Self::Aes128(c) => c.decrypt(&Nonce::<Aes128Gcm>::from(nonce), payload).ok(),
            Self::Aes256(c) => c.decrypt(&Nonce::<Aes256Gcm>::from(nonce), payload).ok(),
            Self::ChaCha(c) => c
                .decrypt(&Nonce::<ChaCha20Poly1305>::from(nonce), payload)
                .ok(),
        }
    }
}

/// Key and counter of one direction.
struct Keys {
    cipher: Cipher,
    /// Twelve bytes, or the first four of them where the record carries the rest.
    iv: [u8; 12],
    explicit: bool,
    sequence: u64,
}

impl Keys {
    fn nonce(&self) -> [u8; 12] {
        let mut nonce = self.iv;
        for (byte, s) in nonce.iter_mut().skip(4).zip(self.sequence.to_be_bytes()) {
            *byte ^= s;
        }
        nonce
    }

    /// A record of TLS 1.2.
    fn open_12(&mut self, kind: u8, version: u16, body: &[u8]) -> Option<Vec<u8>> {
        let (nonce, sealed) = if self.explicit {
            let (explicit, sealed) = body.split_at_checked(8)?;
            let mut nonce = self.iv;
            nonce.get_mut(4..)?.copy_from_slice(explicit);
            (nonce, sealed)
        } else {
            (self.nonce(), body)
        };
        let length = u16::try_from(sealed.len().checked_sub(TAG)?).ok()?;
        let mut aad = self.sequence.to_be_bytes().to_vec();
        aad.push(kind);
        aad.extend(version.to_be_bytes());
        aad.extend(length.to_be_bytes());
        let plain = self.cipher.open(nonce, &aad, sealed)?;
        self.sequence += 1;
        Some(plain)
    }

    /// A record of TLS 1.3: what it holds, and of which type.
    fn open_13(&mut self, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let [a, b] = u16::try_from(body.len()).ok()?.to_be_bytes();
        let mut plain = self.cipher.open(self.nonce(), &[23, 3, 3, a, b], body)?;
        self.sequence += 1;
        // Padding, then the type.
        while plain.last() == Some(&0) {
            plain.pop();
        }
        let kind = plain.pop()?;
        Some((kind, plain))
    }
}

/// One direction.
#[derive(Default)]
struct Direction {
    keys: Option<Keys>,
    /// TLS 1.2: keys that the next change of cipher brings.
    pending: Option<Keys>,
    /// TLS 1.3: the secret of application data, once that is under way.
    secret: Option<Vec<u8>>,
    handshake: Vec<u8>,
    broken: bool,
}

/// What a record held.
pub(super) enum Plain<'a> {
    /// Application data.
    Data(&'a [u8]),
    /// A handshake message: type and body.
    Handshake(u8, &'a [u8]),
    /// An alert: level, description.
    Alert(u8, u8),
}

/// Deciphers one connection.
#[derive(Default)]
pub(super) struct Decryptor {
    random: [u8; 32],
    suite: Option<(Kind, Hash)>,
    thirteen: bool,
    /// From the client, from the server.
    directions: [Direction; 2],
    traffic: [Option<Vec<u8>>; 2],
    /// Records that did not come open.
    pub(super) failed: u32,
    /// Records that did.
    pub(super) opened: u32,
}

impl Decryptor {
    pub(super) fn client_hello(&mut self, random: &[u8; 32]) {
        self.random = *random;
    }

    /// Makes the keys; `None` where there is no secret for this connection, a word where there is one that is of no use.
    pub(super) fn server_hello(
        &mut self,
        version: u16,
        cipher: u16,
        random: &[u8; 32],
        secrets: Secrets<'_>,
    ) -> Option<Result<(), &'static str>> {
        self.thirteen = version >= 0x0304;
        let labels = if self.thirteen {
            &[Label::ClientTraffic, Label::ServerTraffic][..]
        } else {
            &[Label::Master]
        };
        let any = labels
            .iter()
            .any(|l| secrets.get(&self.random, *l).is_some());
        if !any {
            return None;
        }
        let Some((kind, hash)) = suite(cipher) else {
            return Some(Err("the cipher suite is none of the AEAD suites"));
        };
        if version < 0x0303 {
            return Some(Err("the version is older than TLS 1.2"));
        }
        self.suite = Some((kind, hash));
        let made = if self.thirteen {
            self.keys_13(kind, hash, secrets);
            Some(())
        } else {
            self.keys_12(kind, hash, random, secrets)
        };
        Some(made.ok_or("the secret does not have the right length"))
    }

    fn keys_12(
        &mut self,
        kind: Kind,
        hash: Hash,
        server: &[u8; 32],
        secrets: Secrets<'_>,
    ) -> Option<()> {
        let master = secrets.get(&self.random, Label::Master)?;
        let explicit = kind != Kind::ChaCha;
        let (key, iv) = (kind.key_bytes(), if explicit { 4 } else { 12 });
        let seed = [&b"key expansion"[..], server, &self.random].concat();
        let block = prf(hash, master, &seed, 2 * (key + iv))?;
        for (n, direction) in self.directions.iter_mut().enumerate() {
            let from = 2 * key + n * iv;
            let mut whole = [0; 12];
            whole
                .get_mut(..iv)?
                .copy_from_slice(block.get(from..from + iv)?);
            direction.pending = Some(Keys {
                cipher: Cipher::new(kind, block.get(n * key..(n + 1) * key)?)?,
                iv: whole,
                explicit,
                sequence: 0,
            });
        }
        Some(())
    }

    fn keys_13(&mut self, kind: Kind, hash: Hash, secrets: Secrets<'_>) {
        let handshake = [Label::ClientHandshake, Label::ServerHandshake];
        let traffic = [Label::ClientTraffic, Label::ServerTraffic];
        for n in 0..2 {
            self.directions[n].keys = secrets
                .get(&self.random, handshake[n])
                .and_then(|secret| keys_of(kind, hash, secret));
            self.traffic[n] = secrets.get(&self.random, traffic[n]).map(<[u8]>::to_vec);
            self.directions[n].secret = None;
        }
    }

    /// The change of cipher of TLS 1.2.
    pub(super) fn change_cipher(&mut self, from: usize) {
        if !self.thirteen
            && let Some(keys) = self.directions[from].pending.take()
        {
            self.directions[from].keys = Some(keys);
        }
    }

    /// Opens a record and gives out what it held.
    pub(super) fn record(
        &mut self,
        from: usize,
        kind: u8,
        version: u16,
        body: &[u8],
        out: &mut dyn FnMut(Plain<'_>),
    ) {
        if self.directions[from].broken {
            return;
        }
        let opened = if self.thirteen {
            if kind != 23 {
                return;
            }
            self.open_13(from, body)
        } else {
            let keys = self.directions[from].keys.as_mut();
            keys.and_then(|k| k.open_12(kind, version, body))
                .map(|plain| (kind, plain))
        };
        let Some((kind, plain)) = opened else {
            self.failed += 1;
            // Before the application's keys, records of other keys (early data) may pass; after, the count is lost.
            self.directions[from].broken = !self.thirteen || self.directions[from].secret.is_some();
            return;
        };
        self.opened += 1;
        match (kind, plain.as_slice()) {
            (23, data) => out(Plain::Data(data)),
            (21, [level, description]) => out(Plain::Alert(*level, *description)),
            (22, data) => self.handshake(from, data, out),
            _ => {}
        }
    }

    fn open_13(&mut self, from: usize, body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let keys = self.directions[from].keys.as_mut();
        if let Some(opened) = keys.and_then(|k| k.open_13(body)) {
            return Some(opened);
        }
        if self.directions[from].secret.is_some() {
            return None;
        }
        // The handshake's secret may not be in the log, or its end was not seen: is it application data already?
        let (kind, hash) = self.suite?;
        let mut keys = keys_of(kind, hash, self.traffic[from].as_deref()?)?;
        let opened = keys.open_13(body)?;
        let secret = &mut self.directions[from].secret;
        secret.clone_from(&self.traffic[from]);
        self.directions[from].keys = Some(keys);
        Some(opened)
    }

    fn handshake(&mut self, from: usize, data: &[u8], out: &mut dyn FnMut(Plain<'_>)) {
        let mut held = std::mem::take(&mut self.directions[from].handshake);
        if held.len() + data.len() > MAX_HANDSHAKE {
            return;
        }
        held.extend_from_slice(data);
        let mut used = 0;
        while let Some((kind, body, n)) = held.get(used..).and_then(handshake_message) {
            out(Plain::Handshake(kind, body));
            match (self.thirteen, kind) {
                (true, 20) => self.advance(from, false),
                (true, 24) => self.advance(from, true),
                _ => {}
            }
            used += n;
        }
        held.drain(..used);
        self.directions[from].handshake = held;
    }

    /// TLS 1.3: Finished brings the application's keys, a key update the next ones.
    fn advance(&mut self, from: usize, update: bool) {
        let Some((kind, hash)) = self.suite else {
            return;
        };
        let direction = &mut self.directions[from];
        let secret = match (&direction.secret, update) {
            (Some(secret), true) => expand_label(hash, secret, b"traffic upd", hash.bytes()),
            (None, false) => self.traffic[from].clone(),
            _ => return,
        };
        direction.keys = secret.as_deref().and_then(|s| keys_of(kind, hash, s));
        direction.secret = secret;
    }
}

impl Hash {
    fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

fn keys_of(kind: Kind, hash: Hash, secret: &[u8]) -> Option<Keys> {
    let key = expand_label(hash, secret, b"key", kind.key_bytes())?;
    let iv = expand_label(hash, secret, b"iv", 12)?;
    Some(Keys {
        cipher: Cipher::new(kind, &key)?,
        iv: *iv.first_chunk()?,
        explicit: false,
        sequence: 0,
    })
}

/// HKDF-Expand-Label without a context (RFC 8446, 7.1).
fn expand_label(hash: Hash, secret: &[u8], label: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut info = u16::try_from(length).ok()?.to_be_bytes().to_vec();
    info.push(u8::try_from(6 + label.len()).ok()?);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label);
    info.push(0);
    let mut out = vec![0; length];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret)
            .ok()?
            .expand(&info, &mut out),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret)
            .ok()?
            .expand(&info, &mut out),
    }
    .ok()?;
    Some(out)
}

/// The pseudo-random function of TLS 1.2 (RFC 5246, 5); `seed` begins with the label.
fn prf(hash: Hash, secret: &[u8], seed: &[u8], length: usize) -> Option<Vec<u8>> {
    let mac = |parts: &[&[u8]]| -> Option<Vec<u8>> {
        Some(match hash {
            Hash::Sha256 => {
                let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(secret).ok()?;
                parts.iter().for_each(|p| mac.update(p));
                mac.finalize().into_bytes().to_vec()
            }
            Hash::Sha384 => {
                let mut mac = <Hmac<Sha384> as hmac::KeyInit>::new_from_slice(secret).ok()?;
                parts.iter().for_each(|p| mac.update(p));
                mac.finalize().into_bytes().to_vec()
            }
        })
    };
    let mut out = Vec::with_capacity(length + 64);
    let mut a = mac(&[seed])?;
    while out.len() < length {
        out.extend(mac(&[&a, seed])?);
        a = mac(&[&a])?;
    }
    out.truncate(length);
    Some(out)
}
