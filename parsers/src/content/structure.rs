//! What a line says by its build rather than by a phrase: a response code under a short label, a card's answer on the air, a sale that begins.

mod device;
mod sales;

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::key_value::{Key, Pair};

pub use device::{
    answered_on_air, authentication_failed, falls_as_daemon, modem_hears_little,
    names_contactless_slot,
};
use sales::{OPENERS, SALES};
pub use sales::{ends_sale_well, opens_sale};

/// Short labels of a response code (ISO 8583, field 39) and of the terminal's verification results (tag 95), which other software has too.
const LABELS: &[&str] = &[
    " rc=",
    " rc:",
    " rc ",
    "\"rc\"",
    "_rc",
    "resp=",
    "resp:",
    " 39=",
    " 39:",
    " 95=",
    " 95:",
    " tid ",
    "csq ",
    "csq:",
    "csq=",
    "\"oda\"",
    "oda=",
    "dda=",
    "sda=",
    "cda=",
    "bmp39",
    "bmp 39",
    " yk=",
    " cr=",
    " ac=",
    " rta=",
    "c.r.",
    "응답코드",
    "tvr",
    " 1110 ",
    " 1210 ",
    " 0200",
    "|0200|",
    " 0100",
    "|0100|",
    " 0210",
    "|0210|",
    " 0110",
    "|0110|",
];

/// Anchors of what this file reads: words of general computing, looked for beside payments. A name of a sale stands before an amount or a
/// border.
pub fn anchors() -> impl Iterator<Item = String> {
    let openers = OPENERS.iter().map(ToString::to_string);
    let sales = SALES.iter().flat_map(|name| {
        let ends: &[&str] = if name.is_ascii() {
            &[" ", ":", "|", "="]
        } else {
            &[""]
        };
        ends.iter().map(move |end| format!("{name}{end}"))
    });
    let labels = LABELS.iter().map(ToString::to_string);
    labels.chain(openers).chain(sales)
}

/// Finds whole words, in either case.
struct Words(Option<AhoCorasick>);

impl Words {
    fn new(words: &[&str]) -> Self {
        Self(
            AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::DFA))
                .build(words)
                .ok(),
        )
    }

    /// True where one of them stands in a text.
    fn occur(&self, text: &[u8]) -> bool {
        self.0.as_ref().is_some_and(|words| words.is_match(text))
    }

    /// True where one of them stands as a word of its own; Chinese knows no borders.
    fn stand(&self, text: &[u8]) -> bool {
        let letter = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphabetic);
        self.0.as_ref().is_some_and(|words| {
            words.find_overlapping_iter(text).any(|hit| {
                let before = hit.start().checked_sub(1).and_then(|at| text.get(at));
                !text.get(hit.start()).is_some_and(u8::is_ascii)
                    || !letter(before) && !letter(text.get(hit.end()))
            })
        })
    }
}

/// What a line that tells a host's answer names.
static HOSTS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "host",
        "gateway",
        "gw",
        "auth",
        "issuer",
        "acquir",
        "bank",
        "switch",
        "0110",
        "0210",
        "resp",
        "answer",
        "online",
        "iso",
        "antwort",
        "réponse",
        "reponse",
        "respuesta",
        "risposta",
        "resposta",
        "主机",
        "后台",
        "应答",
    ])
});

static ARROWS: LazyLock<Words> =
    LazyLock::new(|| Words::new(&["->", "<-", "=>", "<=", ">>", "<<"]));

/// Which way a message went.
static WAYS: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "send",
        "sent",
        "sending",
        "tx",
        "out",
        "in",
        "recv",
        "received",
        "rx",
        "rcv",
        "fwd",
        "post",
        "kirim",
        "terima",
        "sende",
        "empfangen",
        "envoi",
        "envio",
        "发送",
        "上送",
        "接收",
        "收到",
        "返回",
        "转发",
    ])
});

/// What a host answers that is no sale's answer: taking back, signing on, downloads.
static NO_SALE: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "revers",
        "void",
        "sign on",
        "sign-on",
        "signon",
        "logon",
        "echo",
        "settle",
        "param",
        "tms",
        "冲正",
        "撤销",
        "签到",
        "结算",
        "эхо",
        "Эхо",
        "ЭХО",
        "망취소",
        "storno",
        "telecollecte",
        "télécollecte",
    ])
});

/// True for a line about something else than a sale, by its words or the type of the message (ISO 8583, the second digit).
fn is_no_sale(text: &[u8]) -> bool {
    let other = |word: &[u8]| matches!(word, [b'0' | b'1', b'4' | b'5' | b'8', b'0'..=b'3', b'0']);
    NO_SALE.occur(text) || words(text).any(|(_, word)| other(word))
}

/// True for `host rc=00`, `0210 39=51`: a response code under a label that other software has too, in a line that speaks of a host's
/// answer.
#[must_use]
pub fn answers(pairs: &[Pair<'_>], text: &[u8]) -> bool {
    let two = |p: &&Pair<'_>| p.value.len() == 2 && p.value.iter().all(u8::is_ascii_alphanumeric);
    let code = pairs
        .iter()
        .filter(|p| p.key == Key::ResponseCode)
        .find(two);
    code.is_some_and(|code| {
        let label = text.get(code.at..).unwrap_or_default();
        let beside = pairs.iter().any(|p| p.payment && p.key != Key::Uid);
        (beside || label.starts_with(b"39") || HOSTS.occur(text)) && !is_no_sale(text)
    })
}

/// The signal for a message that a line names by its type, with one of its fields beside it: `-> 0200 trace=000090`, `OUT|0110|stan=004400`.
#[must_use]
pub fn names_message(pairs: &[Pair<'_>], text: &[u8]) -> Option<&'static str> {
    let field = |p: &Pair<'_>| {
        let digits = p.value.iter().filter(|b| b.is_ascii_digit()).count();
        matches!(p.key, Key::Stan | Key::Rrn | Key::EntryMode) && digits >= 3
            || matches!(p.key, Key::Terminal | Key::Card) && digits >= 6
    };
    if !pairs.iter().any(field) || is_no_sale(text) {
        return None;
    }
    // Built, or only spoken of, it went nowhere.
    if !(ARROWS.occur(text) || WAYS.stand(text)) {
        return None;
    }
    words(text).find_map(|(at, word)| {
        let apart = at.checked_sub(1).and_then(|i| text.get(i)) != Some(&b'=');
        match word {
            b"0100" | b"0200" if apart => Some("request_sent"),
            b"0110" | b"0210" if apart => Some("response_received"),
            _ => None,
        }
    })
}

/// The response code that a line tells without a label's mark: `0210 stan 000311 RC 57`, `NET|0110|stan=004402|039=57` behind the message
/// type of an answer, `DECLINED 57` behind the word. `000` and `0000` are `00` (ISO 8583:1993, data element 39; Korean networks).
#[must_use]
pub fn spoken_code<'a>(pairs: &[Pair<'_>], text: &'a [u8]) -> Option<(usize, &'a [u8])> {
    if is_no_sale(text) {
        return None;
    }
    for mark in [&b"C.R. "[..], "응답코드".as_bytes()] {
        if let Some(at) = memchr::memmem::find(text, mark)
            && let Some(code) = code_behind(text, at + mark.len() - 1, true)
                .or_else(|| code_behind(text, at + mark.len(), true))
        {
            return Some((at, code));
        }
    }
    // A trace number is of a message too; a request has no code yet.
    let mut answer = pairs
        .iter()
        .any(|p| matches!(p.key, Key::Stan | Key::AuthCode))
        && !words(text).any(|(_, word)| matches!(word, b"0100" | b"0200" | b"1100" | b"1200"));
    for (at, word) in words(text) {
        let behind = text.get(at + word.len());
        let label = match word {
            b"0110" | b"0210" | b"1110" | b"1210" => {
                answer = true;
                false
            }
            b"39" => answer && behind == Some(&b'='),
            // A switch lists its fields by three digits: `0110 stan 004126 039 00 038 551900`.
            b"039" => answer && matches!(behind, Some(b'=' | b' ')),
            _ if word.len() <= 9 => {
                let known = |names: &[&str]| {
                    names
                        .iter()
                        .any(|n| word.eq_ignore_ascii_case(n.as_bytes()))
                };
                answer && known(ANSWERED) || known(&["declined", "refused", "denied"])
            }
            _ => false,
        };
        if label && let Some(code) = code_behind(text, at + word.len(), answer) {
            return Some((at, code));
        }
    }
    None
}

/// True for a line about a key machine's command: `"hsm":"ps10k-02","cmd":"M8","resp":"M9"`. Its response codes are those of the machine.
#[must_use]
pub fn commands_key_machine(text: &[u8]) -> bool {
    MACHINES.occur(text) && COMMANDS.occur(text)
}

static MACHINES: LazyLock<Words> = LazyLock::new(|| Words::new(&["hsm", "payshield", "keysecure"]));

static COMMANDS: LazyLock<Words> =
    LazyLock::new(|| Words::new(&["\"cmd\"", "cmd=", "\"resp\"", " resp=", "command code"]));

/// Short names of a response code, in a line that names the answer: code réponse, Antwortcode, yanıt kodu.
const ANSWERED: &[&str] = &[
    "rc",
    "resp",
    "rsp",
    "code",
    "antwort",
    "respuesta",
    "reponse",
    "risposta",
    "resposta",
    "odpowiedz",
    "odpoved",
    "valasz",
    "svar",
    "kod",
    "kode",
    "ac",
    "cr",
    "yk",
    "rta",
    "bmp39",
    "de39",
];

/// Two characters behind one to three marks that end there: a count, an amount or a date goes on.
fn code_behind(text: &[u8], from: usize, answer: bool) -> Option<&[u8]> {
    let rest = text.get(from..)?;
    let marks = rest
        .iter()
        .take_while(|b| matches!(b, b' ' | b'=' | b':' | b'(' | b'['))
        .count();
    let rest = rest.get(marks..).filter(|_| (1..=3).contains(&marks))?;
    let code = rest.get(..2)?;
    let zeros = rest.iter().take_while(|b| **b == b'0').count();
    let length = if answer && matches!(zeros, 3 | 4) {
        zeros
    } else {
        2
    };
    let ends = match rest.get(length..) {
        None | Some([] | [b')' | b']' | b'|' | b';', ..]) => true,
        Some([b' ', next, ..]) => !next.is_ascii_alphanumeric() || answer,
        Some([b',' | b'.', next, ..]) => !next.is_ascii_digit(),
        Some([b',' | b'.' | b' ']) => true,
        _ => false,
    };
    let shape = code.first()?.is_ascii_digit()
        && (code.get(1)?.is_ascii_digit() || code.get(1)?.is_ascii_uppercase());
    (ends && shape).then_some(code)
}

/// What a kernel's outcome says, written as data objects in hex: `DF8129 08 …`, the outcome parameter set, `DF8116 16 …`, the user
/// interface request, `DF8115 06 …`, the error indication (EMV Book C-2, A.1.43, A.1.99, A.1.62).
pub fn outcome_objects(text: &[u8]) -> impl Iterator<Item = Pair<'_>> {
    OBJECTS.iter().filter_map(|(object, key, bytes)| {
        let at = text
            .windows(object.len())
            .position(|part| part.eq_ignore_ascii_case(object))?;
        let from = at + object.len();
        let value = text.get(from..from + bytes * 2)?;
        let hex = value.iter().all(u8::is_ascii_hexdigit);
        hex.then_some(Pair {
            key: *key,
            value,
            after: &[],
            payment: true,
            at,
        })
    })
}

/// Tag and length, what it is, and its bytes.
const OBJECTS: &[(&[u8], Key, usize)] = &[
    (b"DF812908", Key::Ops, 8),
    (b"DF811616", Key::Ui, 22),
    (b"DF811506", Key::ErrorIndication, 6),
];

/// Words of letters and digits, with where they begin.
fn words(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.iter().position(u8::is_ascii_alphanumeric)?;
        let rest = text.get(start..)?;
        let length = rest
            .iter()
            .take_while(|b| b.is_ascii_alphanumeric())
            .count();
        at = start + length;
        Some((start, rest.get(..length)?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_without_a_mark() {
        let labels = super::super::key_value::Labels::new().unwrap();
        for (text, want) in [
            ("Terima 0210 stan 000311 RC 57", Some("57")),
            ("IN |NET-VISA|0110|stan=004402|039=57", Some("57")),
            ("OUT|ACQ01|0210|004400|rrn=619218004401|039=1A", Some("1A")),
            ("RX 0210 RC=00", Some("00")),
            ("TXN DECLINED 57 - call your bank", Some("57")),
            ("Declined (05)", Some("05")),
            ("declined 2 times", None),
            ("declined 10.00 EUR", None),
            ("declined 12 Jul", None),
            ("<- 1110 STAN 000611 AC=000 AUT 774120", Some("00")),
            ("Host 0110 stan 004417 YK=00 onay 441902", Some("00")),
            ("IN visa-ep-1 0110 stan 004127 039 82 044 '2'", Some("82")),
            ("[RECV ] 0210 응답코드=0000 승인번호=30118842", Some("00")),
            (
                "TRANSAZIONE NEGATA  C.R. 1A  PAN 411111******1111",
                Some("1A"),
            ),
            ("[HOST] stan 8841 rc 00", Some("00")),
            ("0110 stan 004126 042 NZ0009918820", None),
            ("13:05:25.721 OUT 0210 stan=000552 rta=63", Some("63")),
            ("TRX  STAN 618007 Antwort 88", Some("88")),
            ("TX 0200 RC 57", None),
            ("rc 57", None),
            ("0210 rc", None),
        ] {
            let pairs = labels.read(text.as_bytes());
            let got = spoken_code(&pairs, text.as_bytes()).map(|(_, code)| code);
            assert_eq!(got, want.map(str::as_bytes), "{text}");
        }
    }

    #[test]
    fn what_a_key_machine_answers_is_no_host_s_answer() {
        for (text, want) in [
            (r#"{"hsm":"k2","cmd":"M8","resp":"M9","err":"00"}"#, true),
            ("HSM 2 cmd=KW resp=KX", true),
            ("issuer verified by HSM, rc=88", false),
            (r#"{"cmd":"sale","resp":"00"}"#, false),
        ] {
            assert_eq!(commands_key_machine(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_message_is_named_with_a_field() {
        let labels = super::super::key_value::Labels::new().unwrap();
        for (text, want) in [
            ("-> 0200 trace=000090 f22=051", Some("request_sent")),
            ("OUT|NET-VISA|0100|stan=004402", Some("request_sent")),
            ("IN |NET-VISA|0110|stan=004402", Some("response_received")),
            ("reversal 0400 answers 0200 stan=004402", None),
            ("room 0200 booked", None),
            ("ISO pack 0200 stan=5511 len=386", None),
            ("code=0200 stan=000001", None),
        ] {
            let got = names_message(&labels.read(text.as_bytes()), text.as_bytes());
            assert_eq!(got, want, "{text}");
        }
    }
}
