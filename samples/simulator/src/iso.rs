//! Turns fields into ISO 8583 messages: UnionPay POS (BCD), ASCII with hexadecimal or binary bitmap.

use crate::emv::bcd;
use std::collections::BTreeMap;

/// A field's value.
#[derive(Debug, Clone)]
pub enum Field {
    /// Digits or characters.
    T(String),
    /// Bytes.
    B(Vec<u8>),
}

/// One message.
#[derive(Debug, Clone, Default)]
pub struct Msg {
    /// Message type.
    pub mti: &'static str,
    /// Fields by number.
    pub fields: BTreeMap<u8, Field>,
}

impl Msg {
    /// An empty message.
    #[must_use]
    pub fn new(mti: &'static str) -> Self {
        Self {
            mti,
            fields: BTreeMap::new(),
        }
    }

    /// Sets a text field.
    pub fn t(&mut self, n: u8, v: impl Into<String>) -> &mut Self {
        self.fields.insert(n, Field::T(v.into()));
        self
    }

    /// Sets a byte field.
    pub fn b(&mut self, n: u8, v: Vec<u8>) -> &mut Self {
        self.fields.insert(n, Field::B(v));
        self
    }

    /// A text field's value.
    #[must_use]
    pub fn text(&self, n: u8) -> &str {
        match self.fields.get(&n) {
            Some(Field::T(s)) => s,
            _ => "",
        }
    }

    fn bitmap(&self) -> [u8; 8] {
        let mut m = [0u8; 8];
        for n in self.fields.keys() {
            let i = usize::from(*n) - 1;
            m[i / 8] |= 0x80 >> (i % 8);
        }
        m
    }

    /// UnionPay POS: 2-byte length, TPDU, header, BCD body.
    #[must_use]
    pub fn unionpay(&self, to_host: bool) -> Vec<u8> {
        let mut v = vec![0, 0];
        v.extend_from_slice(if to_host {
            &[0x60, 0x00, 0x03, 0x00, 0x00]
        } else {
            &[0x60, 0x00, 0x00, 0x00, 0x03]
        });
        v.extend_from_slice(&[0x60, 0x31, 0x00, 0x31, 0x10, 0x01]);
        v.extend(bcd(self.mti, 0));
        v.extend_from_slice(&self.bitmap());
        for (n, f) in &self.fields {
            match (n, f) {
                (2 | 32 | 35, Field::T(s)) => {
                    v.extend(bcd(&format!("{:02}", s.len()), 0));
                    v.extend(bcd(s, 0));
                }
                (48 | 60 | 61, Field::T(s)) => {
                    v.extend(bcd(&format!("{:04}", s.len()), 0));
                    v.extend(bcd(s, 0));
                }
                (3 | 4 | 11..=15 | 25 | 26 | 53, Field::T(s)) => v.extend(bcd(s, 0)),
                (22, Field::T(s)) => v.extend(bcd(s, 0)),
                (23, Field::T(s)) => v.extend(bcd(&format!("0{s}"), 0)),
                (44, Field::T(s)) => {
                    v.extend(bcd(&format!("{:02}", s.len()), 0));
                    v.extend_from_slice(s.as_bytes());
                }
                (_, Field::T(s)) if *n >= 54 => {
                    v.extend(bcd(&format!("{:04}", s.len()), 0));
                    v.extend_from_slice(s.as_bytes());
                }
                (_, Field::T(s)) => v.extend_from_slice(s.as_bytes()),
                (52 | 64, Field::B(b)) => v.extend_from_slice(b),
                (_, Field::B(b)) => {
                    v.extend(bcd(&format!("{:04}", b.len()), 0));
                    v.extend_from_slice(b);
                }
            }
        }
        let n = v.len() - 2;
        v[0] = (n >> 8) as u8;
        v[1] = n as u8;
        v
    }

    /// ASCII with a 2-byte length; the bitmap in hexadecimal or binary.
    #[must_use]
    pub fn ascii(&self, hex_bitmap: bool) -> Vec<u8> {
        let mut v = vec![0, 0];
        v.extend_from_slice(self.mti.as_bytes());
        if hex_bitmap {
            for b in self.bitmap() {
                v.extend_from_slice(format!("{b:02X}").as_bytes());
            }
        } else {
            v.extend_from_slice(&self.bitmap());
        }
        for (n, f) in &self.fields {
            let digits = match n {
                2 | 32 | 33 | 35 | 44 | 45 => 2,
                36 | 46..=48 | 54..=63 => 3,
                _ => 0,
            };
            let len = match f {
                Field::T(s) => s.len(),
                Field::B(b) => b.len(),
            };
            if digits > 0 {
                v.extend_from_slice(format!("{len:0digits$}").as_bytes());
            }
            match f {
                Field::T(s) => v.extend_from_slice(s.as_bytes()),
                Field::B(b) if matches!(n, 52 | 64) && hex_bitmap => v.extend(hex(b).into_bytes()),
                Field::B(b) => v.extend_from_slice(b),
            }
        }
        let n = v.len() - 2;
        v[0] = (n >> 8) as u8;
        v[1] = n as u8;
        v
    }
}

/// Upper-case hexadecimal.
#[must_use]
pub fn hex(b: &[u8]) -> String {
    let mut s = String::with_capacity(b.len() * 2);
    push_hex(&mut s, b, "");
    s
}

/// Appends hexadecimal with a separator between bytes.
pub fn push_hex(s: &mut String, b: &[u8], sep: &str) {
    const D: &[u8; 16] = b"0123456789ABCDEF";
    for (i, x) in b.iter().enumerate() {
        if i > 0 {
            s.push_str(sep);
        }
        s.push(char::from(D[usize::from(x >> 4)]));
        s.push(char::from(D[usize::from(x & 15)]));
    }
}
