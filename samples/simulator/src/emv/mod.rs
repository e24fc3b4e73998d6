//! Turns a card, an amount and a mishap into the commands and answers of one presentment.

mod kernel;

use crate::fleet::{Card, Scheme};
use crate::rng::Rng;
use crate::time::Civil;
use kernel::{mastercard, qvsdc, select_aid};

/// Appends a tag, its length in the shortest BER form, and the value.
pub fn put(out: &mut Vec<u8>, tag: u32, value: &[u8]) {
    let bytes = tag.to_be_bytes();
    let skip = bytes.iter().take_while(|b| **b == 0).count().min(3);
    out.extend_from_slice(&bytes[skip..]);
    match value.len() {
        n @ 0..=127 => out.push(n as u8),
        n @ 128..=255 => out.extend_from_slice(&[0x81, n as u8]),
        n => out.extend_from_slice(&[0x82, (n >> 8) as u8, n as u8]),
    }
    out.extend_from_slice(value);
}

fn template(tag: u32, parts: &[(u32, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (t, v) in parts {
        put(&mut body, *t, v);
    }
    let mut out = Vec::new();
    put(&mut out, tag, &body);
    out
}

/// Digits as packed decimal; `pad` fills an odd last nibble.
#[must_use]
pub fn bcd(digits: &str, pad: u8) -> Vec<u8> {
    let nib: Vec<u8> = digits
        .bytes()
        .map(|b| {
            if b == b'D' || b == b'=' {
                0xD
            } else {
                b.wrapping_sub(b'0') & 0xF
            }
        })
        .collect();
    nib.chunks(2)
        .map(|c| (c[0] << 4) | c.get(1).copied().unwrap_or(pad))
        .collect()
}

/// Packed decimal of a number, in so many bytes.
#[must_use]
pub fn bcd_num(mut n: u64, len: usize) -> Vec<u8> {
    let mut v = vec![0; len];
    for b in v.iter_mut().rev() {
        let r = (n % 100) as u8;
        *b = ((r / 10) << 4) | (r % 10);
        n /= 100;
    }
    v
}

/// What goes wrong between card and reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// Nothing.
    None,
    /// No payment directory: 6A82.
    NoPpse,
    /// Directory with a transport application only.
    TransportOnly,
    /// Directory asks for a kernel that the terminal lacks.
    KernelEight,
    /// Card blocked: SELECT answered 6A81.
    CardBlocked,
    /// Application blocked: SELECT answered 6283.
    AppBlocked,
    /// Directory read, but no application in common.
    NoCommonAid,
    /// GPO answered with this status.
    Gpo(u16),
    /// GPO unanswered.
    TornAtGpo,
    /// Last READ RECORD unanswered.
    TornAtRecord,
    /// GENERATE AC unanswered.
    TornAtAc,
    /// READ RECORD answered 6A83.
    RecordError,
    /// A mandatory data object is missing (no CDOL).
    MissingTag,
    /// The card declines: AAC.
    Aac,
    /// The terminal asks for a decline after an expired date (TVR byte 2 bit 7).
    ExpiredAac,
    /// Data authentication failed (TVR byte 1).
    OdaFailed,
    /// Phone wants the cardholder's consent.
    Cdcvm,
    /// Transmission garbled at this step; the exchange ends there.
    RfError(u8),
    /// Protocol fault at the record step while the card stays in the field.
    L1Protocol,
    /// Wrong TTQ: no contactless EMV bit, GPO answered 6985.
    BadTtq,
    /// Offline approval (TC).
    OfflineTc,
    /// The terminal stops after the records (its kernel's limit).
    StopAfterRecords,
    /// Card wants an online PIN that this terminal cannot take.
    CtqPin,
}

/// One command and its answer.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Command bytes.
    pub cmd: Vec<u8>,
    /// Answer with status word, or none.
    pub rsp: Option<Vec<u8>>,
    /// Time to the answer in milliseconds.
    pub ms: i64,
}

/// What one presentment yields.
#[derive(Debug, Clone, Default)]
pub struct Tap {
    /// Dialogue in order.
    pub steps: Vec<Exchange>,
    /// Cryptogram where one was made and read.
    pub cryptogram: Option<[u8; 8]>,
    /// Cryptogram type (80 ARQC, 40 TC, 00 AAC).
    pub cid: u8,
    /// Unpredictable number.
    pub un: [u8; 4],
    /// Terminal verification results.
    pub tvr: [u8; 5],
    /// AIP.
    pub aip: [u8; 2],
    /// Issuer application data.
    pub iad: Vec<u8>,
    /// Transaction counter.
    pub atc: u16,
    /// Outcome reached the end of the dialogue.
    pub complete: bool,
}

/// What the terminal brings to the dialogue.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Minor units.
    pub amount: u64,
    /// Terminal date, as its clock shows.
    pub date: Civil,
    /// Terminal transaction qualifiers.
    pub ttq: [u8; 4],
    /// Card.
    pub card: &'a Card,
    /// Transaction counter of this presentment.
    pub atc: u16,
    /// What goes wrong.
    pub mishap: Mishap,
}

const PPSE: &[u8] = b"2PAY.SYS.DDF01";
const OK: u16 = 0x9000;

fn ok(mut body: Vec<u8>) -> Vec<u8> {
    body.extend_from_slice(&OK.to_be_bytes());
    body
}

fn select(name: &[u8]) -> Vec<u8> {
    let mut c = vec![0x00, 0xA4, 0x04, 0x00, name.len() as u8];
    c.extend_from_slice(name);
    c.push(0);
    c
}

fn read_record(rec: u8, sfi: u8) -> Vec<u8> {
    vec![0x00, 0xB2, rec, (sfi << 3) | 4, 0x00]
}

/// Track 2 equivalent data.
#[must_use]
pub fn track2(card: &Card) -> Vec<u8> {
    bcd(&format!("{}D{}20100000", card.pan, card.expiry), 0xF)
}

/// A whole presentment on the contactless interface.
#[must_use]
pub fn tap(ask: &Ask<'_>, rng: &mut Rng) -> Tap {
    let mut t = Tap {
        atc: ask.atc,
        ..Tap::default()
    };
    t.un.copy_from_slice(&rng.bytes(4));
    let _ = walk(ask, rng, &mut t);
    t
}

fn push(t: &mut Tap, cmd: Vec<u8>, rsp: Vec<u8>, ms: i64) {
    t.steps.push(Exchange {
        cmd,
        rsp: Some(rsp),
        ms,
    });
}

/// Appends an exchange that gets no answer; the dialogue ends.
fn torn(t: &mut Tap, cmd: Vec<u8>, ms: i64) -> Option<()> {
    t.steps.push(Exchange { cmd, rsp: None, ms });
    None
}

fn walk(ask: &Ask<'_>, rng: &mut Rng, t: &mut Tap) -> Option<()> {
    let card = ask.card;
    let m = ask.mishap;
    let aid = card.aid;
    let label: &[u8] = card.scheme.label();
    if m == Mishap::RfError(0) {
        return torn(t, select(PPSE), rng.range(8, 80));
    }
    if m == Mishap::NoPpse {
        push(t, select(PPSE), vec![0x6A, 0x82], rng.range(12, 40));
        return None;
    }
    let app: &[u8] = if m == Mishap::TransportOnly {
        b"\xA0\x00\x00\x06\x32\x01\x01\x05"
    } else {
        aid
    };
    let mut entry = template(
        0x61,
        &[
            (0x4F, app),
            (
                0x50,
                if m == Mishap::TransportOnly {
                    b"MOT_T_EP"
                } else {
                    label
                },
            ),
            (0x87, &[1]),
        ],
    );
    if m == Mishap::KernelEight {
        entry = template(
            0x61,
            &[(0x4F, app), (0x50, label), (0x87, &[1]), (0x9F2A, &[8])],
        );
    } else if card.two_apps {
        let second = match card.scheme {
            Scheme::UnionPay => &b"\xA0\x00\x00\x03\x33\x01\x01\x06"[..],
            Scheme::Visa => b"\xA0\x00\x00\x00\x03\x20\x10",
            Scheme::Mastercard => b"\xA0\x00\x00\x00\x04\x30\x60",
        };
        entry.extend(template(0x61, &[(0x4F, second), (0x87, &[2])]));
    }
    let mut bf0c = Vec::new();
    put(&mut bf0c, 0xBF0C, &entry);
    push(
        t,
        select(PPSE),
        ok(template(0x6F, &[(0x84, PPSE), (0xA5, &bf0c)])),
        rng.range(18, 60),
    );
    if matches!(
        m,
        Mishap::TransportOnly | Mishap::KernelEight | Mishap::NoCommonAid
    ) {
        return None;
    }
    if m == Mishap::RfError(1) {
        return torn(t, select(aid), rng.range(8, 80));
    }
    match m {
        Mishap::CardBlocked => {
            push(t, select(aid), vec![0x6A, 0x81], rng.range(15, 40));
            return None;
        }
        Mishap::AppBlocked => {
            let body = template(0x6F, &[(0x84, aid)]);
            let mut r = body;
            r.extend_from_slice(&[0x62, 0x83]);
            push(t, select(aid), r, rng.range(15, 40));
            return None;
        }
        _ => {}
    }
    select_aid(ask, rng, t);
    match card.scheme {
        Scheme::Mastercard => mastercard(ask, rng, t),
        Scheme::Visa | Scheme::UnionPay => qvsdc(ask, rng, t),
    }
}

/// Amounts, country, TVR, currency, date, type, number: the middle of every DOL here.
fn dol(ask: &Ask<'_>, t: &Tap) -> Vec<u8> {
    let mut d = bcd_num(ask.amount, 6);
    d.extend_from_slice(&[0; 6]);
    d.extend_from_slice(&[0x01, 0x56]);
    d.extend_from_slice(&t.tvr);
    d.extend_from_slice(&[0x01, 0x56]);
    d.extend(date9a(ask.date));
    d.push(0);
    d.extend_from_slice(&t.un);
    d
}

/// Tag 9A of a terminal date.
#[must_use]
pub fn date9a(c: Civil) -> Vec<u8> {
    [c.y % 100, c.mo, c.d]
        .iter()
        .map(|v| (((*v / 10) << 4) | (*v % 10)) as u8)
        .collect()
}

fn expiry_date(card: &Card) -> Vec<u8> {
    let mut v = bcd(&card.expiry, 0);
    v.push(match &card.expiry[2..] {
        "02" => 0x28,
        "04" | "06" | "09" | "11" => 0x30,
        _ => 0x31,
    });
    v
}

/// The contact chip after a tap that went wrong.
#[must_use]
pub fn contact(ask: &Ask<'_>, rng: &mut Rng) -> Tap {
    let card = ask.card;
    let mut t = Tap {
        atc: ask.atc,
        aip: [0x7C, 0],
        cid: 0x80,
        ..Tap::default()
    };
    t.un.copy_from_slice(&rng.bytes(4));
    push(&mut t, select(b"1PAY.SYS.DDF01"), vec![0x6A, 0x82], 18);
    let label = card.scheme.label();
    let a5 = {
        let mut v = Vec::new();
        put(&mut v, 0x50, label);
        put(&mut v, 0x87, &[1]);
        v
    };
    push(
        &mut t,
        select(card.aid),
        ok(template(0x6F, &[(0x84, card.aid), (0xA5, &a5)])),
        41,
    );
    let gpo = ok(template(
        0x77,
        &[(0x82, &t.aip), (0x94, &[0x08, 0x01, 0x01, 0x00])],
    ));
    push(&mut t, vec![0x80, 0xA8, 0, 0, 2, 0x83, 0, 0], gpo, 60);
    let rec: Vec<(u32, Vec<u8>)> = vec![
        (0x57, track2(card)),
        (0x5A, bcd(&card.pan, 0xF)),
        (0x5F24, expiry_date(card)),
        (0x5F34, vec![card.psn]),
        (
            0x8C,
            b"\x9F\x02\x06\x9F\x03\x06\x9F\x1A\x02\x95\x05\x5F\x2A\x02\x9A\x03\x9C\x01\x9F\x37\x04"
                .to_vec(),
        ),
        (0x8E, vec![0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x03, 0x1F, 0x03]),
    ];
    let refs: Vec<(u32, &[u8])> = rec.iter().map(|(a, b)| (*a, b.as_slice())).collect();
    push(&mut t, read_record(1, 1), ok(template(0x70, &refs)), 95);
    t.tvr = [0x80, 0, 0, 0, 0];
    let d = dol(ask, &t);
    let mut cmd = vec![0x80, 0xAE, 0x80, 0, d.len() as u8];
    cmd.extend(&d);
    cmd.push(0);
    let mut ac = [0; 8];
    ac.copy_from_slice(&rng.bytes(8));
    t.iad = vec![0x07, 0x01, 0x01, 0x03, 0xA0, 0, 0, 0x01];
    let answer = ok(template(
        0x77,
        &[
            (0x9F27, &[0x80]),
            (0x9F36, &t.atc.to_be_bytes()),
            (0x9F26, &ac),
            (0x9F10, &t.iad),
        ],
    ));
    push(&mut t, cmd, answer, 210);
    t.cryptogram = Some(ac);
    t.complete = true;
    t
}

/// Field 55 of the request that carries this cryptogram.
#[must_use]
pub fn field55(ask: &Ask<'_>, t: &Tap, serial: &str, stan: u32) -> Vec<u8> {
    let mut f = Vec::new();
    put(&mut f, 0x9F26, &t.cryptogram.unwrap_or_default());
    put(&mut f, 0x9F27, &[t.cid]);
    put(&mut f, 0x9F10, &t.iad);
    put(&mut f, 0x9F37, &t.un);
    put(&mut f, 0x9F36, &t.atc.to_be_bytes());
    put(&mut f, 0x95, &t.tvr);
    put(&mut f, 0x9A, &date9a(ask.date));
    put(&mut f, 0x9C, &[0]);
    put(&mut f, 0x9F02, &bcd_num(ask.amount, 6));
    put(&mut f, 0x5F2A, &[0x01, 0x56]);
    put(&mut f, 0x82, &t.aip);
    put(&mut f, 0x9F1A, &[0x01, 0x56]);
    put(&mut f, 0x9F03, &[0; 6]);
    put(&mut f, 0x9F33, &[0xE0, 0xF0, 0xC8]);
    put(&mut f, 0x9F34, &[0x1F, 0x03, 0x00]);
    put(&mut f, 0x9F35, &[0x22]);
    put(
        &mut f,
        0x9F1E,
        &serial.as_bytes()[serial.len().saturating_sub(8)..],
    );
    put(&mut f, 0x84, ask.card.aid);
    put(&mut f, 0x9F09, &[0x00, 0x8C]);
    put(&mut f, 0x9F41, &bcd_num(u64::from(stan), 4));
    f
}
