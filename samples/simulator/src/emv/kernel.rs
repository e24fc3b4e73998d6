//! The part of a presentment that differs by scheme: application, processing options, records, cryptogram.

use super::{
    Ask, Mishap, Tap, bcd, bcd_num, dol, expiry_date, ok, push, put, read_record, select, template,
    torn, track2,
};
use crate::fleet::Scheme;
use crate::rng::Rng;

pub(super) fn qvsdc(ask: &Ask<'_>, rng: &mut Rng, t: &mut Tap) -> Option<()> {
    let card = ask.card;
    let m = ask.mishap;
    let upi = card.scheme == Scheme::UnionPay;
    let mut data = ask.ttq.to_vec();
    data.extend(dol(ask, t));
    if upi {
        data.extend_from_slice(&[0, 0]);
    }
    let mut cmd = vec![
        0x80,
        0xA8,
        0,
        0,
        data.len() as u8 + 2,
        0x83,
        data.len() as u8,
    ];
    cmd.extend(&data);
    cmd.push(0);
    match m {
        Mishap::Gpo(sw) => {
            push(t, cmd, sw.to_be_bytes().to_vec(), rng.range(40, 120));
            return None;
        }
        Mishap::BadTtq => {
            push(t, cmd, vec![0x69, 0x85], rng.range(40, 90));
            return None;
        }
        Mishap::Cdcvm => {
            push(t, cmd, vec![0x69, 0x86], rng.range(60, 140));
            return None;
        }
        Mishap::TornAtGpo | Mishap::RfError(2) => return torn(t, cmd, rng.range(40, 300)),
        _ => {}
    }
    t.cid = match m {
        Mishap::Aac => 0x00,
        Mishap::OfflineTc | Mishap::OdaFailed => 0x40,
        _ => 0x80,
    };
    let mut ac = [0; 8];
    ac.copy_from_slice(&rng.bytes(8));
    t.aip = if upi { [0x7C, 0] } else { [0x20, 0] };
    let cvr = match t.cid {
        0x00 => 0x80,
        0x40 => 0x90,
        _ => 0xA0,
    };
    t.iad = if upi {
        let mut v = vec![
            0x07,
            0x01,
            0x01,
            0x03,
            cvr,
            0x00,
            rng.below(4) as u8,
            0x01,
            0x0A,
            0x01,
            0,
            0,
            0,
            0,
            0,
        ];
        v.extend(rng.bytes(4));
        v
    } else {
        vec![0x06, 0x01, 0x0A, 0x03, cvr, 0, 0]
    };
    let records = if upi {
        t.cid == 0x40 || card.records
    } else {
        true
    };
    let mut parts: Vec<(u32, Vec<u8>)> = vec![(0x82, t.aip.to_vec())];
    let afl: &[u8] = match (upi, records, m) {
        (true, true, _) if t.cid == 0x40 => &[0x08, 0x01, 0x01, 0x00, 0x10, 0x03, 0x04, 0x01],
        (true, true, _) => &[0x08, 0x01, 0x01, 0x00],
        (false, _, _) => &[0x18, 0x01, 0x01, 0x00],
        _ => &[],
    };
    if !afl.is_empty() {
        parts.push((0x94, afl.to_vec()));
    }
    parts.push((0x9F36, t.atc.to_be_bytes().to_vec()));
    parts.push((0x57, track2(card)));
    parts.push((0x9F10, t.iad.clone()));
    parts.push((0x9F26, ac.to_vec()));
    parts.push((0x9F27, vec![t.cid]));
    parts.push((0x5F34, vec![card.psn]));
    let ctq = if m == Mishap::CtqPin {
        [0x80, 0]
    } else if card.phone {
        [0x80 & if m == Mishap::Aac { 0xFF } else { 0 }, 0x80]
    } else if rng.chance(300) {
        [0x02, 0x16]
    } else {
        [0x02, 0x00]
    };
    parts.push((0x9F6C, ctq.to_vec()));
    if !upi {
        parts.push((
            0x9F6E,
            if card.phone {
                vec![0x23, 0x8C, 0, 0]
            } else {
                vec![0x20, 0x70, 0, 0]
            },
        ));
    }
    if t.cid == 0x40 || (upi && m == Mishap::Aac) {
        parts.push((
            0x9F5D,
            bcd_num(
                if m == Mishap::Aac {
                    ask.amount / 3
                } else {
                    ask.amount * 4
                },
                6,
            ),
        ));
    }
    if card.phone {
        parts.push((0x9F19, rng.bytes(6)));
    }
    let refs: Vec<(u32, &[u8])> = parts.iter().map(|(a, b)| (*a, b.as_slice())).collect();
    push(t, cmd, ok(template(0x77, &refs)), rng.range(90, 230));
    if !afl.is_empty() {
        let (sfi, rec) = if upi { (1, 1) } else { (3, 1) };
        let c = read_record(rec, sfi);
        match m {
            Mishap::RecordError => {
                push(t, c, vec![0x6A, 0x83], rng.range(10, 30));
                return None;
            }
            Mishap::TornAtRecord if t.cid != 0x40 => return torn(t, c, rng.range(60, 300)),
            Mishap::RfError(3) => return torn(t, c, rng.range(8, 60)),
            Mishap::L1Protocol => return torn(t, c, rng.range(8, 60)),
            _ => {}
        }
        let mut rec1: Vec<(u32, Vec<u8>)> = vec![
            (0x5F28, vec![0x01, 0x56]),
            (0x5F24, expiry_date(card)),
            (0x9F07, vec![0xFF, 0x00]),
        ];
        if upi {
            rec1.insert(0, (0x5A, bcd(&card.pan, 0xF)));
            rec1.push((0x9F63, rng.bytes(16)));
            rec1.push((0x8F, vec![card.capk]));
        }
        let refs: Vec<(u32, &[u8])> = rec1.iter().map(|(a, b)| (*a, b.as_slice())).collect();
        push(t, c, ok(template(0x70, &refs)), rng.range(15, 45));
        if t.cid == 0x40 && upi {
            let certificate = rng.bytes(144);
            push(
                t,
                read_record(3, 2),
                ok(template(0x70, &[(0x90, &certificate), (0x9F32, &[3])])),
                rng.range(25, 55),
            );
            if m == Mishap::TornAtRecord {
                return torn(t, read_record(4, 2), rng.range(60, 300));
            }
            let icc = rng.bytes(112);
            push(
                t,
                read_record(4, 2),
                ok(template(
                    0x70,
                    &[
                        (0x9F46, &icc),
                        (0x9F47, &[3]),
                        (0x9F69, &[0x01, t.un[0], t.un[1], t.un[2], t.un[3], 0, 0]),
                    ],
                )),
                rng.range(25, 55),
            );
        }
    } else if matches!(
        m,
        Mishap::TornAtRecord | Mishap::RfError(_) | Mishap::L1Protocol | Mishap::RecordError
    ) {
        // No record to lose: the answer of GPO itself did not arrive.
        if let Some(last) = t.steps.last_mut() {
            last.rsp = None;
        }
        return None;
    }
    t.cryptogram = Some(ac);
    t.complete = true;
    if m == Mishap::OdaFailed {
        t.tvr[0] |= 0x08;
    }
    Some(())
}

pub(super) fn mastercard(ask: &Ask<'_>, rng: &mut Rng, t: &mut Tap) -> Option<()> {
    let card = ask.card;
    let m = ask.mishap;
    let gpo: Vec<u8> = if card.two_apps {
        vec![0x80, 0xA8, 0, 0, 5, 0x83, 3, 0xE0, 0xF0, 0xC8, 0]
    } else {
        vec![0x80, 0xA8, 0, 0, 2, 0x83, 0, 0]
    };
    match m {
        Mishap::Gpo(sw) => {
            push(t, gpo, sw.to_be_bytes().to_vec(), rng.range(30, 70));
            return None;
        }
        Mishap::BadTtq => {
            push(t, gpo, vec![0x69, 0x85], rng.range(30, 70));
            return None;
        }
        Mishap::TornAtGpo | Mishap::RfError(2) => return torn(t, gpo, rng.range(40, 300)),
        _ => {}
    }
    t.aip = if card.phone {
        [0x1B, 0x80]
    } else {
        [0x19, 0x80]
    };
    push(
        t,
        gpo,
        ok(template(
            0x77,
            &[(0x82, &t.aip), (0x94, &[0x08, 0x01, 0x01, 0x00])],
        )),
        rng.range(30, 80),
    );
    let c = read_record(1, 1);
    match m {
        Mishap::RecordError => {
            push(t, c, vec![0x6A, 0x83], rng.range(10, 30));
            return None;
        }
        Mishap::TornAtRecord | Mishap::RfError(3) | Mishap::L1Protocol => {
            return torn(t, c, rng.range(60, 300));
        }
        _ => {}
    }
    let mut rec: Vec<(u32, Vec<u8>)> = vec![
        (0x57, track2(card)),
        (0x5A, bcd(&card.pan, 0xF)),
        (0x5F24, expiry_date(card)),
        (0x5F25, vec![0x22, 0x01, 0x01]),
        (0x5F28, vec![0x01, 0x56]),
        (0x5F34, vec![card.psn]),
    ];
    if m != Mishap::MissingTag {
        rec.push((0x8C, b"\x9F\x02\x06\x9F\x03\x06\x9F\x1A\x02\x95\x05\x5F\x2A\x02\x9A\x03\x9C\x01\x9F\x37\x04\x9F\x35\x01\x9F\x45\x02\x9F\x4C\x08\x9F\x34\x03".to_vec()));
    }
    rec.push((
        0x8E,
        vec![0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0x03, 0x1E, 0x03, 0x1F, 0x03],
    ));
    rec.push((0x9F07, vec![0xFF, 0x00]));
    rec.push((0x9F08, vec![0, 2]));
    for tag in [0x9F0D, 0x9F0E, 0x9F0F] {
        rec.push((
            tag,
            if tag == 0x9F0E {
                vec![0; 5]
            } else {
                vec![0xB0, 0x50, 0x80, 0x88, 0]
            },
        ));
    }
    rec.push((0x9F4A, vec![0x82]));
    rec.push((0x8F, vec![card.capk]));
    if card.phone {
        rec.push((0x9F6E, vec![0x01, 0x56, 0, 0, 0x30, 0x38, 0]));
        rec.push((0x9F19, rng.bytes(6)));
    }
    let refs: Vec<(u32, &[u8])> = rec.iter().map(|(a, b)| (*a, b.as_slice())).collect();
    push(t, c, ok(template(0x70, &refs)), rng.range(30, 70));
    if matches!(m, Mishap::MissingTag | Mishap::StopAfterRecords) {
        return None;
    }
    if m == Mishap::ExpiredAac {
        t.tvr = [0, 0x40, 0, 0x80, 0];
    } else if m == Mishap::OdaFailed {
        t.tvr = [0x08, 0, 0, 0, 0];
    } else {
        t.tvr = [0, 0, 0, 0x80, 0];
    }
    let p1 = match m {
        Mishap::ExpiredAac => 0x00,
        Mishap::OfflineTc => 0x40,
        _ => 0x80,
    };
    let mut d = dol(ask, t);
    d.extend_from_slice(&[0x22, 0, 0]);
    d.extend_from_slice(&[0; 8]);
    d.extend_from_slice(&[
        if card.phone { 0x01 } else { 0x1F },
        0x03,
        if card.phone { 2 } else { 0 },
    ]);
    let mut cmd = vec![0x80, 0xAE, p1, 0, d.len() as u8];
    cmd.extend(&d);
    cmd.push(0);
    if m == Mishap::TornAtAc {
        return torn(t, cmd, rng.range(80, 300));
    }
    if m == Mishap::Gpo(0) {
        push(t, cmd, vec![0x69, 0x85], rng.range(60, 120));
        return None;
    }
    t.cid = match m {
        Mishap::Aac | Mishap::ExpiredAac | Mishap::Cdcvm => 0x00,
        Mishap::OfflineTc => 0x40,
        _ => 0x80,
    };
    let mut ac = [0; 8];
    ac.copy_from_slice(&rng.bytes(8));
    t.iad = vec![
        0x01,
        0x10,
        if t.cid == 0 { 0x80 } else { 0xA0 },
        0x00,
        0x03,
        if t.cid == 0 { 0x24 } else { 0x22 },
        0,
        0,
    ];
    t.iad.extend(rng.bytes(2));
    t.iad.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0xFF]);
    let mut parts: Vec<(u32, Vec<u8>)> = vec![
        (0x9F27, vec![t.cid]),
        (0x9F36, t.atc.to_be_bytes().to_vec()),
        (0x9F26, ac.to_vec()),
        (0x9F10, t.iad.clone()),
    ];
    if m == Mishap::Cdcvm {
        parts.push((0xDF4B, vec![0, 0, 1]));
    }
    let refs: Vec<(u32, &[u8])> = parts.iter().map(|(a, b)| (*a, b.as_slice())).collect();
    push(t, cmd, ok(template(0x77, &refs)), rng.range(80, 220));
    t.cryptogram = Some(ac);
    t.complete = true;
    Some(())
}

pub(super) const PDOL_UPI: &[u8] = b"\x9F\x66\x04\x9F\x02\x06\x9F\x03\x06\x9F\x1A\x02\x95\x05\x5F\x2A\x02\x9A\x03\x9C\x01\x9F\x37\x04\xDF\x60\x01\xDF\x69\x01";

pub(super) const PDOL_VISA: &[u8] = b"\x9F\x66\x04\x9F\x02\x06\x9F\x03\x06\x9F\x1A\x02\x95\x05\x5F\x2A\x02\x9A\x03\x9C\x01\x9F\x37\x04";

pub(super) fn select_aid(ask: &Ask<'_>, rng: &mut Rng, t: &mut Tap) {
    let card = ask.card;
    let label = card.scheme.label();
    let a5 = match card.scheme {
        Scheme::UnionPay => {
            let mut log = Vec::new();
            put(&mut log, 0x9F4D, &[0x0B, 0x0A]);
            let mut v = Vec::new();
            for (tag, val) in [
                (0x50, label),
                (0x87, &[1][..]),
                (0x9F38, PDOL_UPI),
                (0x5F2D, b"zhen"),
                (0x9F11, &[1]),
                (0xBF0C, &log),
            ] {
                put(&mut v, tag, val);
            }
            v
        }
        Scheme::Visa => {
            let mut v = Vec::new();
            for (tag, val) in [(0x50, label), (0x87, &[1][..]), (0x9F38, PDOL_VISA)] {
                put(&mut v, tag, val);
            }
            v
        }
        Scheme::Mastercard => {
            let mut v = Vec::new();
            put(&mut v, 0x50, label);
            put(&mut v, 0x87, &[1]);
            if card.two_apps {
                put(&mut v, 0x9F38, &[0x9F, 0x33, 0x03]);
            }
            put(&mut v, 0x5F2D, b"en");
            v
        }
    };
    push(
        t,
        select(card.aid),
        ok(template(0x6F, &[(0x84, card.aid), (0xA5, &a5)])),
        rng.range(20, 60),
    );
}
