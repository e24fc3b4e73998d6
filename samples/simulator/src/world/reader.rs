//! What a terminal records of the dialogue between card and reader.

use super::World;
use crate::emv::Exchange;
use crate::fleet::{TraceMode, Vendor};
use crate::iso::{hex, push_hex};
use crate::time::{MS, Micros};
use std::fmt::Write as _;
use std::io;

impl World {
    fn nci(&mut self, term: usize, t: Micros, out: bool, packet: &[u8]) -> io::Result<()> {
        let text = format!("len = {:3} > {}", packet.len(), hex(packet));
        self.line(term, t, 'D', if out { "NxpNciX" } else { "NxpNciR" }, &text)
    }

    /// A note of the reader's lower layer: activation, collision, removal, field.
    pub fn reader_note(&mut self, term: usize, t: Micros, note: ReaderNote) -> io::Result<()> {
        let tm = &self.fleet.terminals[term];
        match (tm.trace, tm.vendor) {
            (TraceMode::InLog, Vendor::A) if self.logs[term].is_some() => {
                let packets: Vec<(bool, Vec<u8>)> = match note {
                    ReaderNote::FieldOn => vec![
                        (true, vec![0x21, 0x03, 0x05, 0x02, 0x00, 0x01, 0x01, 0x01]),
                        (false, vec![0x41, 0x03, 0x01, 0x00]),
                    ],
                    ReaderNote::Activated { uid, sak } => {
                        let mut p = vec![
                            0x61, 0x05, 0x19, 0x01, 0x02, 0x04, 0x00, 0xFF, 0x01, 0x09, 0x04, 0x00,
                            0x04,
                        ];
                        p.extend_from_slice(&uid);
                        p.extend_from_slice(&[
                            0x01, sak, 0, 0, 0, 0x05, 0x04, 0x78, 0x80, 0x70, 0x02,
                        ]);
                        vec![(false, p)]
                    }
                    ReaderNote::NotIsoDep { uid } => {
                        let mut p = vec![
                            0x61, 0x05, 0x13, 0x01, 0x01, 0x02, 0x00, 0xFF, 0x01, 0x09, 0x04, 0x00,
                            0x04,
                        ];
                        p.extend_from_slice(&uid);
                        p.extend_from_slice(&[0x01, 0x08, 0, 0, 0]);
                        p[2] = (p.len() - 3) as u8;
                        vec![(false, p)]
                    }
                    ReaderNote::Collision { a, b } => {
                        let ntf = |id: u8, u: [u8; 4], more: u8| {
                            let mut p = vec![0x61, 0x03, 0, id, 0x04, 0x00, 0x09, 0x04, 0x00, 0x04];
                            p.extend_from_slice(&u);
                            p.extend_from_slice(&[0x01, 0x20, more]);
                            p[2] = (p.len() - 3) as u8;
                            p
                        };
                        vec![(false, ntf(1, a, 2)), (false, ntf(2, b, 0))]
                    }
                    ReaderNote::NoAts => vec![(false, vec![0x60, 0x07, 0x01, 0xA1])],
                    ReaderNote::Reset => vec![],
                    ReaderNote::Lost => vec![(false, vec![0x60, 0x08, 0x02, 0xB2, 0x00])],
                    ReaderNote::Garbled => vec![(false, vec![0x60, 0x08, 0x02, 0xB0, 0x00])],
                    ReaderNote::Protocol => vec![(false, vec![0x60, 0x08, 0x02, 0xB1, 0x00])],
                    ReaderNote::Off => vec![
                        (true, vec![0x21, 0x06, 0x01, 0x00]),
                        (false, vec![0x41, 0x06, 0x01, 0x00]),
                        (false, vec![0x61, 0x06, 0x02, 0x00, 0x00]),
                    ],
                };
                for (i, (out, p)) in packets.into_iter().enumerate() {
                    self.nci(term, t + i as i64 * 2 * MS, out, &p)?;
                }
            }
            (TraceMode::FileTxRx | TraceMode::FileArrows | TraceMode::FileWords, _) => {
                let s = match note {
                    ReaderNote::FieldOn => "field on, polling A/B".to_string(),
                    ReaderNote::Activated { uid, sak } => format!(
                        "card activated UID={} SAK={sak:02X} ATS=0578807002",
                        hex(&uid)
                    ),
                    ReaderNote::NotIsoDep { uid } => {
                        format!("card found UID={} SAK=08, no ISO 14443-4", hex(&uid))
                    }
                    ReaderNote::Collision { a, b } => {
                        format!("collision: UID={} UID={}", hex(&a), hex(&b))
                    }
                    ReaderNote::NoAts => "ATQA received, no ATS after RATS".into(),
                    ReaderNote::Reset => "contact card reset ATR=3B6800000073C84012009000".into(),
                    ReaderNote::Lost => "no response, timeout".into(),
                    ReaderNote::Garbled => "CRC error".into(),
                    ReaderNote::Protocol => "protocol error, card still present".into(),
                    ReaderNote::Off => "field off".into(),
                };
                self.trace_line(term, t, None, &[], &s)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes a dialogue where this terminal records it; returns when it ended.
    pub fn dialogue(
        &mut self,
        term: usize,
        t: Micros,
        steps: &[Exchange],
        contact: bool,
    ) -> io::Result<Micros> {
        let tm = &self.fleet.terminals[term];
        let (mode, vendor, logged) = (tm.trace, tm.vendor, self.logs[term].is_some());
        let mut t = t;
        for s in steps {
            let end = t + s.ms * MS;
            match mode {
                TraceMode::InLog if logged => {
                    self.saw.apdu = true;
                    if vendor == Vendor::A && contact {
                        let up = format!("icc >> {}", hex(&s.cmd));
                        self.line(term, t, 'D', "IccReader", &up)?;
                        if let Some(r) = &s.rsp {
                            let down = format!("icc << {}", hex(r));
                            self.line(term, end, 'D', "IccReader", &down)?;
                        }
                    } else if vendor == Vendor::A {
                        self.nci(term, t, true, &data_packet(&s.cmd))?;
                        self.nci(
                            term,
                            t + 4 * MS,
                            false,
                            &[0x60, 0x06, 0x03, 0x01, 0x00, 0x01],
                        )?;
                        if let Some(r) = &s.rsp {
                            self.nci(term, end, false, &data_packet(r))?;
                        }
                    } else {
                        let up = format!("=> {}", hex(&s.cmd));
                        self.line(term, t, 'D', "APDU", &up)?;
                        if let Some(r) = &s.rsp {
                            let down = format!("<= {}", hex(r));
                            self.line(term, end, 'D', "APDU", &down)?;
                        }
                    }
                }
                TraceMode::FileTxRx | TraceMode::FileArrows | TraceMode::FileWords => {
                    self.saw.apdu = true;
                    self.trace_line(term, t, Some(true), &s.cmd, "")?;
                    if let Some(r) = &s.rsp {
                        self.trace_line(term, end, Some(false), r, "")?;
                    }
                }
                _ => {}
            }
            t = end + 3 * MS;
        }
        Ok(t)
    }

    fn trace_line(
        &mut self,
        term: usize,
        t: Micros,
        up: Option<bool>,
        bytes: &[u8],
        note: &str,
    ) -> io::Result<()> {
        let Some((id, clock)) = self.traces[term] else {
            return Ok(());
        };
        let c = clock.local(t);
        let s = &mut self.text;
        s.clear();
        let words = self.fleet.terminals[term].trace == TraceMode::FileWords;
        let txrx = words || self.fleet.terminals[term].trace == TraceMode::FileTxRx;
        if txrx {
            let _ = write!(
                s,
                "{}-{:02}-{:02} {:02}:{:02}:{:02}.{:03} ",
                c.y,
                c.mo,
                c.d,
                c.h,
                c.mi,
                c.s,
                c.ms()
            );
        } else {
            let _ = write!(
                s,
                "{}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}+08:00 ",
                c.y, c.mo, c.d, c.h, c.mi, c.s, c.us
            );
        }
        match (up, txrx) {
            (Some(true), _) if words => s.push_str("C-APDU "),
            (Some(false), _) if words => s.push_str("R-APDU "),
            (Some(true), true) => s.push_str("TX: "),
            (Some(false), true) => s.push_str("RX: "),
            (Some(true), false) => s.push_str("=> "),
            (Some(false), false) => s.push_str("<= "),
            (None, _) => s.push_str("-- "),
        }
        if up.is_some() {
            push_hex(s, bytes, if txrx { " " } else { "" });
        }
        s.push_str(note);
        s.push('\n');
        self.buf.clear();
        self.buf.extend_from_slice(s.as_bytes());
        self.sinks.put(id, t, &self.buf)
    }
}

/// What the lower layer of a reader notes.
#[derive(Debug, Clone, Copy)]
pub enum ReaderNote {
    /// Carrier on.
    FieldOn,
    /// ISO-DEP card ready.
    Activated {
        /// Identifier.
        uid: [u8; 4],
        /// Type.
        sak: u8,
    },
    /// A card, but no processor card.
    NotIsoDep {
        /// Identifier.
        uid: [u8; 4],
    },
    /// Two cards.
    Collision {
        /// First.
        a: [u8; 4],
        /// Second.
        b: [u8; 4],
    },
    /// A card that answers the poll, but not the activation.
    NoAts,
    /// Contact card powered up.
    Reset,
    /// Card silent.
    Lost,
    /// Frame garbled.
    Garbled,
    /// Protocol error.
    Protocol,
    /// Carrier off.
    Off,
}

fn data_packet(apdu: &[u8]) -> Vec<u8> {
    let mut p = vec![0x00, 0x00, apdu.len().min(255) as u8];
    p.extend_from_slice(&apdu[..apdu.len().min(255)]);
    p
}
