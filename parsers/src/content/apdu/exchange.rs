//! A command and its answer on one line: `00A4… -> 6F…9000`, `C=80A8… R=77…`, `00B2011400 | 6A83`, or nothing but a blank between.

use super::{ApduLine, ends_in_status, is_answer, is_command, millis, status_apart};
use crate::hex::{self, Area};

/// Characters between a command and its answer: marks, a name or two.
const GAP: usize = 40;

/// The exchange that the longest run of hex of a line belongs to: as its command, as its answer, or as both in a row.
pub(super) fn around(text: &[u8], area: &Area, bytes: &[u8]) -> Option<ApduLine> {
    let told = millis(text);
    if let Some(at) = cut(bytes) {
        let (command, answer) = bytes.split_at(at);
        return Some(made(command.to_vec(), answer.to_vec(), None, told));
    }
    if is_command(bytes, true) && bytes.len() >= 5 {
        let rest = text.get(area.end..)?;
        let (found, answer) = first_run(rest)?;
        let sw = status_apart(rest.get(found.end..)?);
        let whole = is_answer(&answer) || sw.is_some() && super::starts_template(&answer);
        // What a remark says of the command is no answer: `(2PAY.SYS.DDF01)`, `Le=00`.
        return (found.start <= GAP && whole).then(|| made(bytes.to_vec(), answer, sw, told));
    }
    if !super::starts_template(bytes) {
        return None;
    }
    let sw = status_apart(text.get(area.end..)?);
    if !ends_in_status(bytes) && sw.is_none() {
        return None;
    }
    let head = text.get(..area.start)?;
    let (found, command) = last_command(head)?;
    (area.start - found.end <= GAP).then(|| {
        let sw = sw.filter(|_| !super::is_template_answer(bytes, false));
        made(command, bytes.to_vec(), sw, told)
    })
}

/// As [`around`], of a line that begins with hex.
pub(super) fn begins(text: &[u8]) -> Option<ApduLine> {
    let mut bytes = Vec::new();
    let area = hex::longest_run_into(text, 0, &mut bytes)?;
    around(text, &area, &bytes)
}

fn made(command: Vec<u8>, answer: Vec<u8>, sw: Option<u16>, micros: Option<u32>) -> ApduLine {
    ApduLine::Exchange {
        command,
        answer,
        sw,
        micros,
    }
}

/// Where the command ends in bytes that are a command and its answer in a row (ISO/IEC 7816-4, 5.1: header, Lc, data, Le).
fn cut(bytes: &[u8]) -> Option<usize> {
    let [_, _, _, _, lc, ..] = bytes else {
        return None;
    };
    let lc = usize::from(*lc);
    let ends = if lc == 0 {
        [5, 5]
    } else {
        [5 + lc + 1, 5 + lc]
    };
    ends.into_iter().find(|at| {
        let (Some(command), Some(answer)) = (bytes.get(..*at), bytes.get(*at..)) else {
            return false;
        };
        is_command(command, true)
            && (super::is_template_answer(answer, false)
                || answer.len() == 2 && ends_in_status(answer) && command.len() > 5)
    })
}

/// The first run of hex that stands apart, with its bytes.
fn first_run(text: &[u8]) -> Option<(Area, Vec<u8>)> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let start = from + rest.iter().position(u8::is_ascii_hexdigit)?;
        let word = text.get(start..)?;
        let length = word
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        let apart = start == 0 || !text.get(start - 1).is_some_and(u8::is_ascii_alphanumeric);
        let mut bytes = Vec::new();
        if apart && length >= 2 {
            let end = hex::decode_run(text, start, 70_000, &mut bytes);
            if bytes.len() >= 2 {
                let area = Area {
                    start,
                    end,
                    bytes: bytes.len(),
                };
                return Some((area, bytes));
            }
        }
        from = start + length.max(1);
        if from > GAP {
            return None;
        }
    }
}

/// The last run of hex before an answer that is a command.
fn last_command(head: &[u8]) -> Option<(Area, Vec<u8>)> {
    let from = head.len().saturating_sub(600);
    let mut bytes = Vec::new();
    let mut found = None;
    let mut at = 0;
    let head_only = head.get(from..)?;
    while let Some(start) = head_only
        .get(at..)
        .and_then(|rest| rest.iter().position(u8::is_ascii_alphanumeric))
        .map(|offset| at + offset)
    {
        bytes.clear();
        let end = hex::decode_run(head_only, start, 300, &mut bytes);
        if bytes.len() >= 5 && is_command(&bytes, true) {
            let area = Area {
                start: from + start,
                end: from + end,
                bytes: bytes.len(),
            };
            found = Some((area, bytes.clone()));
        }
        let word = head_only.get(start..).map_or(0, |w| {
            w.iter().take_while(|b| b.is_ascii_alphanumeric()).count()
        });
        at = end.max(start + word.max(1));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::apdu::{Labels, Way, read};

    const FCI: &str = "6F2F840E325041592E5359532E4444463031A51DBF0C1A61184F07A0000000031010500A564953412044454249548701019000";

    fn reads(line: &str) -> Option<(Vec<u8>, Vec<u8>, Option<u16>)> {
        let labels = Labels::new().unwrap();
        let twice = [false, true].map(|open| read(&labels, line.as_bytes(), open));
        assert_eq!(twice[0], twice[1], "{line}");
        match twice.into_iter().next().flatten()? {
            ApduLine::Exchange {
                command,
                answer,
                sw,
                ..
            } => Some((command, answer, sw)),
            _ => None,
        }
    }

    #[test]
    fn a_command_and_its_answer_on_one_line() {
        let ppse = "00A404000E325041592E5359532E444446303100";
        let spaced = |hex: &str| {
            let pairs: Vec<&str> = hex
                .as_bytes()
                .chunks(2)
                .map(|p| core::str::from_utf8(p).unwrap())
                .collect();
            pairs.join(" ")
        };
        for line in [
            format!("{ppse} | {FCI}"),
            format!("Nfc {ppse} -> {FCI}"),
            format!("{ppse}={FCI}"),
            format!("Apdu: {ppse} {FCI}"),
            format!("APDU;{ppse}/{FCI}"),
            format!("PPSE\tC={ppse}\tR={FCI}"),
            format!("CardChannel PPSE >{ppse} <{FCI}"),
            format!("{{\"cmd\":\"{ppse}\",\"rsp\":\"{FCI}\"}}"),
            format!("{} : {}", spaced(ppse), spaced(FCI)),
            format!("{} {}", spaced(ppse), spaced(FCI)),
            format!(
                "transceive({}) => {} (31ms)",
                ppse.to_lowercase(),
                FCI.to_lowercase()
            ),
        ] {
            let (command, answer, sw) = reads(&line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!((command.len(), answer.len(), sw), (20, 51, None), "{line}");
        }
        for (line, answer) in [
            ("00B2010C00 -> 6A83", 2),
            ("80A8000002830000 | SW 6985", 2),
            ("apdu GPO 80A8000002830000 6985", 2),
        ] {
            let read = reads(line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(read.1.len(), answer, "{line}");
        }
    }

    /// Bytes behind arrows and borders of columns, and a status word in a line with longer hex elsewhere.
    #[test]
    fn bytes_need_no_word_where_an_answer_is_awaited() {
        let labels = Labels::new().unwrap();
        let ppse = "00A404000E325041592E5359532E444446303100";
        let dated = "{\"ts\":\"2026-11-08T19:23:11.400\",\"msg\":\"rx 6986\"}";
        for (line, want) in [
            (format!("TLVLink: >{ppse}"), Some((Way::Command, 20))),
            (format!("L1|>|{ppse}"), Some((Way::Command, 20))),
            (format!("LECTOR;ENV;{ppse}"), Some((Way::Command, 20))),
            (format!("TLVLink: <{FCI}"), Some((Way::Answer, 51))),
            (format!("L1|<|{FCI}"), Some((Way::Answer, 51))),
            (dated.to_owned(), Some((Way::Answer, 2))),
            (format!("uuid-{FCI}"), None),
            ("port 6986 rx".to_owned(), None),
        ] {
            let got = match read(&labels, line.as_bytes(), true) {
                Some(ApduLine::Bytes { way, bytes, .. }) => Some((way, bytes.len())),
                _ => None,
            };
            assert_eq!(got, want, "{line}");
        }
        assert_eq!(read(&labels, dated.as_bytes(), false), None);
    }

    #[test]
    fn a_command_with_a_remark_is_a_command() {
        let labels = Labels::new().unwrap();
        for line in [
            "=> 00A4040007A000000004101000",
            "=> 00 B2 01 0C 00 (SFI 1, record 1)",
            "C-APDU: 80A8000002830000 Le=00",
            "> 80CA9F1700  // PIN try counter",
        ] {
            let read = read(&labels, line.as_bytes(), false);
            assert!(
                matches!(
                    read,
                    Some(ApduLine::Bytes {
                        way: Way::Command,
                        ..
                    })
                ),
                "{line}: {read:?}"
            );
        }
    }
}
