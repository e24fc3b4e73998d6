//! Turns a line of an NFC stack's log into an NCI frame (NFC Forum NCI): NXP, Samsung, ST, kernel driver.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;

use super::ContentKind;
use crate::hex;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "nci",
    title: "NCI frames in logs of Android NFC stacks",
    anchors: &[
        "NxpNciX",
        "NxpNciR",
        "data_trace:",
        "nfc write:",
        "nfc nRead:",
        "StNfcHal",
        "NciX:",
        "NciR:",
        "BEGIN:NFCSNOOP",
    ],
};

/// A frame as logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// True from host to controller.
    pub to_controller: bool,
    /// True for the kernel driver's copy of a frame.
    pub kernel: bool,
    /// The frame.
    pub bytes: Vec<u8>,
    /// False where fewer bytes stand there than the line announces.
    pub whole: bool,
}

/// What loggers of NFC stacks call frames.
static STACKS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::new([
        "NciX",
        "NciR",
        "data_trace",
        "StNfcHal",
        "nfc write",
        "nfc nRead",
    ])
    .ok()
});

/// Reads a line; `tag` is the log's own tag, `text` the message (tags with colons may have been cut elsewhere, so both are looked at).
#[must_use]
pub fn read(tag: &[u8], text: &[u8]) -> Option<Logged> {
    // Loggers of NFC stacks begin so: most lines are done here.
    if !matches!(tag.first(), None | Some(b'N' | b'n' | b'S')) {
        return None;
    }
    if tag.is_empty() && !could_be(text) {
        return None;
    }
    let names = STACKS.as_ref()?;
    if !names.is_match(tag) && !names.is_match(text) {
        return None;
    }
    let has = |name: &[u8]| {
        memchr::memmem::find(tag, name).is_some() || memchr::memmem::find(text, name).is_some()
    };
    let (to_controller, kernel, hex_from) = if has(b"NciX") {
        (true, false, behind(text, &[b"=>", b"<=", b">"])?)
    } else if has(b"NciR") {
        (false, false, behind(text, &[b"<=", b"=>", b">"])?)
    } else if has(b"data_trace") {
        let at = behind(text, &[b")"])?;
        (memchr::memmem::find(text, b"Send(").is_some(), false, at)
    } else if has(b"StNfcHal") {
        if let Some(at) = memchr::memmem::find(text, b" Tx ") {
            (true, false, at + 4)
        } else {
            (false, false, memchr::memmem::find(text, b" Rx ")? + 4)
        }
    } else if has(b"nfc write") || has(b"nfc nRead") {
        let area = hex::longest_run(text, 0)?;
        (has(b"nfc write"), true, area.start)
    } else {
        return None;
    };
    let skip = text
        .get(hex_from..)?
        .iter()
        .take_while(|b| **b == b' ')
        .count();
    let mut bytes = Vec::new();
    let end = hex::decode_run(text, hex_from + skip, 300, &mut bytes);
    // Samsung puts a gap behind the header.
    if let [_, _, length] = bytes.as_slice()
        && *length > 0
    {
        let tail = text
            .get(end..)
            .map_or(0, |t| t.iter().take_while(|b| **b == b' ').count());
        hex::decode_run(text, end + tail, 300, &mut bytes);
    }
    let length = usize::from(*bytes.get(2)?);
    let whole = bytes.len() == length + 3;
    Some(Logged {
        to_controller,
        kernel,
        bytes,
        whole,
    })
}

/// Cheap: every name below has a `c` with such neighbours.
fn could_be(text: &[u8]) -> bool {
    memchr::memchr_iter(b'c', text).any(|at| {
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        matches!(
            (before, text.get(at + 1)),
            (Some(b'N'), Some(b'i')) | (Some(b'f'), Some(b' ' | b'H')) | (Some(b'a'), Some(b'e'))
        )
    })
}

fn behind(text: &[u8], marks: &[&[u8]]) -> Option<usize> {
    marks
        .iter()
        .find_map(|mark| memchr::memmem::rfind(text, mark).map(|at| at + mark.len()))
}

/// What a frame says, as far as it bears on a tap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame<'a> {
    /// Payload for or from the card; `more` where a further packet follows.
    Data {
        /// Packet boundary flag.
        more: bool,
        /// Payload.
        payload: &'a [u8],
    },
    /// RF_DISCOVER_CMD: polling starts.
    DiscoverStart,
    /// RF_DISCOVER_NTF: one of several found; `more` follow.
    Discovered {
        /// Protocol: 04 is ISO-DEP.
        protocol: u8,
        /// Technology and mode.
        mode: u8,
        /// NFCID1 of type A.
        uid: Option<&'a [u8]>,
        /// SAK of type A.
        sak: Option<u8>,
        /// True while more notifications follow.
        more: bool,
    },
    /// RF_INTF_ACTIVATED_NTF.
    Activated {
        /// 01 frame, 02 ISO-DEP, 03 NFC-DEP.
        interface: u8,
        /// 04 is ISO-DEP.
        protocol: u8,
        /// Below 80 the device polls, from there it listens (card emulation).
        mode: u8,
        /// NFCID1 of type A.
        uid: Option<&'a [u8]>,
        /// SAK of type A.
        sak: Option<u8>,
    },
    /// RF_DEACTIVATE_NTF: type and reason (02 is RF link loss).
    Deactivated {
        /// 00 idle, 01 sleep, 02 sleep AF, 03 discovery.
        kind: u8,
        /// 00 by the host, 01 by the remote, 02 link loss, 03 bad AFI.
        reason: u8,
    },
    /// RF_DISCOVER_SELECT_CMD with the interface chosen.
    Selected {
        /// 01 frame, 02 ISO-DEP.
        interface: u8,
    },
    /// CORE_INTERFACE_ERROR_NTF: B0 transmission, B1 protocol, B2 timeout.
    InterfaceError(u8),
    /// CORE_GENERIC_ERROR_NTF: A0 already started, A1 target activation failed, A2 tear down.
    GenericError(u8),
    /// RF_FIELD_INFO_NTF (card emulation): a remote field went on or off.
    RemoteField(bool),
    /// Anything else.
    Other,
}

/// Reads a frame (NCI 2.x, chapters 3, 7, 8).
#[must_use]
pub fn frame(bytes: &[u8]) -> Frame<'_> {
    let [first, oid, _, payload @ ..] = bytes else {
        return Frame::Other;
    };
    let more = first & 0x10 != 0;
    match (first >> 5, first & 0x0F, *oid) {
        (0, _, _) => Frame::Data { more, payload },
        (1, 1, 3) => Frame::DiscoverStart,
        (1, 1, 4) => payload
            .get(2)
            .map_or(Frame::Other, |interface| Frame::Selected {
                interface: *interface,
            }),
        (3, 1, 3) => match payload {
            [_, protocol, mode, rest @ ..] => {
                let (uid, sak) = technology(*mode, rest.get(1..).unwrap_or_default());
                Frame::Discovered {
                    protocol: *protocol,
                    mode: *mode,
                    uid,
                    sak,
                    more: payload.last() == Some(&2),
                }
            }
            _ => Frame::Other,
        },
        (3, 1, 5) => match payload {
            [_, interface, protocol, mode, _, _, _, rest @ ..] => {
                let (uid, sak) = technology(*mode, rest);
                Frame::Activated {
                    interface: *interface,
                    protocol: *protocol,
                    mode: *mode,
                    uid,
                    sak,
                }
            }
            _ => Frame::Other,
        },
        (3, 1, 6) => match payload {
            [kind, reason, ..] => Frame::Deactivated {
                kind: *kind,
                reason: *reason,
            },
            _ => Frame::Other,
        },
        (3, 1, 7) => Frame::RemoteField(payload.first().is_some_and(|b| b & 1 == 1)),
        (3, 0, 7) => payload
            .first()
            .map_or(Frame::Other, |status| Frame::GenericError(*status)),
        (3, 0, 8) => payload
            .first()
            .map_or(Frame::Other, |status| Frame::InterfaceError(*status)),
        _ => Frame::Other,
    }
}

/// Technology specific parameters of type A polling: ATQA, length, NFCID1, length, SAK.
fn technology(mode: u8, parameters: &[u8]) -> (Option<&[u8]>, Option<u8>) {
    if mode != 0 {
        return (None, None);
    }
    let [_, _, length, rest @ ..] = parameters else {
        return (None, None);
    };
    let uid = rest
        .get(..usize::from(*length))
        .filter(|uid| matches!(uid.len(), 4 | 7 | 10));
    let sak = rest
        .get(usize::from(*length)..)
        .and_then(|tail| match tail {
            [1, sak, ..] => Some(*sak),
            _ => None,
        });
    (uid, sak)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stack_is_read() {
        let cases: &[(&[u8], &[u8], bool, bool, usize)] = &[
            (
                b"NxpNciX",
                b"len =  16 > 00000D00A4040007A000000004101000",
                true,
                false,
                16,
            ),
            (b"NxpNciR", b"len =   6 > 600603010001", false, false, 6),
            (b"NxpNciX", b"len =   8 => 00000580CA9F7F00", true, false, 8),
            (b"NxpNciR", b"len =   6 <= 600603010001", false, false, 6),
            (
                b"SecHAL",
                b"data_trace:  Send(  4) 21 06 01   00 ",
                true,
                false,
                4,
            ),
            (
                b"SecHAL",
                b"data_trace:  Recv(  4) 41 06 01   00 ",
                false,
                false,
                4,
            ),
            (
                b"nfc nRead",
                b"CORE_CONN_CREDITS_NTF              600603010001",
                false,
                true,
                6,
            ),
            (
                b"",
                b"nfc write: DATA:                              0000051000000000",
                true,
                true,
                8,
            ),
            (b"StNfcHal", b"(#0003A) Rx 41 03 01 00", false, false, 4),
        ];
        for (tag, text, to_controller, kernel, length) in cases {
            let got =
                read(tag, text).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(text)));
            assert_eq!(
                (got.to_controller, got.kernel, got.bytes.len(), got.whole),
                (*to_controller, *kernel, *length, true)
            );
        }
        assert_eq!(read(b"NxpTml", b"PN54X - Write requested....."), None);
    }

    #[test]
    fn frames_say_what_they_are() {
        let activated =
            hex::decode_all(b"61051901020400FF010904000408A1B2C30120000000050478807002").unwrap();
        let Frame::Activated {
            interface,
            mode,
            uid,
            sak,
            ..
        } = frame(&activated)
        else {
            panic!()
        };
        assert_eq!(
            (interface, mode, uid, sak),
            (2, 0, Some(&[8, 0xA1, 0xB2, 0xC3][..]), Some(0x20))
        );
        assert_eq!(
            frame(&[0x61, 6, 2, 3, 2]),
            Frame::Deactivated { kind: 3, reason: 2 }
        );
        assert_eq!(frame(&[0x60, 8, 2, 0xB2, 0]), Frame::InterfaceError(0xB2));
        assert_eq!(frame(&[0x60, 7, 1, 0xA1]), Frame::GenericError(0xA1));
        assert_eq!(
            frame(&[0x10, 0, 2, 1, 2]),
            Frame::Data {
                more: true,
                payload: &[1, 2]
            }
        );
    }
}
