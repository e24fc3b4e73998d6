//! What a line says by its build rather than by a phrase: a response code under a short label, a card's answer on the air, a sale that begins.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::key_value::{Key, Pair, spoken_amount};

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

/// Names of a sale.
const SALES: &[&str] = &[
    "sale",
    "purchase",
    "zahlung",
    "kauf",
    "vente",
    "paiement",
    "achat",
    "venta",
    "pago",
    "compra",
    "vendita",
    "pagamento",
    "acquisto",
    "venda",
    "betaling",
    "verkoop",
    "reservierung",
    "vorautorisierung",
    "demande",
    "richiesta",
    "satis",
    "satış",
    "bilet",
    "消费",
    "收款",
    "销售",
    "刷卡",
];

/// What begins a sale whatever else is named: a till that hands over, a machine that asks for a price, a kernel that starts.
const OPENERS: &[&str] = &[
    "preauth",
    "pre-auth",
    "vend req",
    "-> payment",
    "=> payment",
    "=> paiement",
    "-> paiement",
    "ready for tap",
    "start amt",
    "arm amount",
    "승인요청",
    "주문",
];

static SALE: LazyLock<Words> = LazyLock::new(|| Words::new(SALES));

static OPENER: LazyLock<Words> = LazyLock::new(|| Words::new(OPENERS));

/// What is taken back, or over.
static NO_OPENER: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "void", "refund", "storno", "revers", "cancel", "denied", "success", "취소", "撤销", "退货",
    ])
});

/// What has an amount and the name of a sale, and opens none: sums, slips, prices, other kinds of payment.
static NO_OPENING: LazyLock<Words> = LazyLock::new(|| {
    Words::new(&[
        "total", "sum", "batch", "settle", "report", "count", "print", "prn", "receipt", "slip",
        "ticket", "beleg", "bon", "summe", "umsatz", "rabatt", "price", "preis", "cash", "bar",
        "espèces", "especes", "efectivo", "contant", "void", "refund", "storno", "revers", "合计",
        "汇总", "打印", "小票", "撤销", "退货", "冲正", "现金", "结束", "完成", "end", "ended",
        "done", "ok", "finished", "成功", "失败", "iade", "iptal",
    ])
});

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
            _ if word.len() <= 8 => {
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

/// Short names of a response code, in a line that names the answer: code réponse, Antwortcode, yanıt kodu.
const ANSWERED: &[&str] = &[
    "rc", "resp", "rsp", "code", "kod", "kode", "ac", "cr", "yk", "bmp39", "de39",
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

/// True for `SALE 4,50 EUR`, `TXN|BEGIN|消费|18.00`: a line with the name of a sale and an amount, and no word for its end.
#[must_use]
pub fn opens_sale(text: &[u8]) -> bool {
    if text.len() > 160 {
        return false;
    }
    let opens =
        OPENER.occur(text) && !NO_OPENER.occur(text) || SALE.stand(text) && !NO_OPENING.stand(text);
    opens && spoken_amount(text).is_some_and(|minor| minor > 0)
}

/// True for `"oda":"fail"`, `cda=KO`: the result of offline data authentication under its name (EMV Book 2, 5 and 6).
#[must_use]
pub fn authentication_failed(text: &[u8]) -> bool {
    words(text).any(|(at, word)| {
        let named = [&b"oda"[..], b"sda", b"dda", b"cda", b"fdda"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name));
        let rest = text.get(at + word.len()..).unwrap_or_default();
        let marks = rest
            .iter()
            .take_while(|b| matches!(b, b'"' | b':' | b'=' | b' '))
            .count();
        let marked = rest
            .get(..marks)
            .is_some_and(|m| m.iter().any(|b| matches!(b, b':' | b'=')));
        let value = rest.get(marks..).unwrap_or_default();
        let value = value
            .iter()
            .take_while(|b| b.is_ascii_alphabetic())
            .map(u8::to_ascii_lowercase)
            .collect::<Vec<u8>>();
        named
            && marked
            && matches!(
                value.as_slice(),
                b"fail" | b"failed" | b"failure" | b"ko" | b"nok"
            )
    })
}

/// True for `AT+CSQ -> 5,4`, `+CSQ: 7,99`: a modem that hears its cell at -95 dBm or less (3GPP TS 27.007, 8.5); 99 is not known.
#[must_use]
pub fn modem_hears_little(text: &[u8]) -> bool {
    memchr::memmem::find_iter(text, b"CSQ").any(|at| {
        let rest = text.get(at + 3..).unwrap_or_default();
        let marks = rest
            .iter()
            .take(8)
            .take_while(|b| matches!(b, b' ' | b':' | b'=' | b'-' | b'>' | b'?' | b'"'))
            .count();
        matches!(rest.get(marks..), Some([b'0'..=b'9', b',', ..])) && marks > 0
    })
}

/// True for `Fatal signal 6 (SIGABRT) … in tid 655 (worker), pid 612 (paysrvd)`: what fell is a program of the system. The name of an
/// application's process is that of its package, which has dots.
#[must_use]
pub fn falls_as_daemon(text: &[u8]) -> bool {
    let name = || {
        let at = memchr::memmem::find(text, b", pid ")?;
        let rest = text.get(at + 6..)?;
        let open = rest
            .iter()
            .position(|b| !b.is_ascii_digit() && *b != b' ')?;
        let name = rest.get(open..)?.strip_prefix(b"(")?;
        name.get(..memchr::memchr(b')', name)?)
    };
    memchr::memmem::find(text, b"Fatal signal").is_some()
        && name().is_some_and(|name| !name.is_empty() && !name.contains(&b'.'))
}

/// The signal for what a card answered on the air, by `ATQA=0044 SAK=20`: bit 6 of the SAK says whether it speaks ISO/IEC 14443-4 (ISO/IEC 14443-3, 6.5.3.4).
#[must_use]
pub fn answered_on_air(text: &[u8]) -> Option<&'static str> {
    let Some(sak) = labelled_byte(text, b"sak") else {
        return labelled_byte(text, b"atqa").map(|_| "card_detected");
    };
    match sak {
        // The identifier goes on: no answer yet.
        sak if sak & 0x04 != 0 => None,
        sak if sak & 0x20 != 0 => Some("card_detected"),
        _ => Some("card_not_contactless"),
    }
}

/// The first byte in hex behind a label that stands by itself: `sak=20`, `SAK 0x08`, `ATQA: 0044`.
fn labelled_byte(text: &[u8], label: &[u8]) -> Option<u8> {
    let first = *label.first()?;
    memchr::memchr2_iter(first, first.to_ascii_uppercase(), text).find_map(|at| {
        let word = text.get(at..at + label.len())?;
        let before = at.checked_sub(1).and_then(|i| text.get(i));
        if !word.eq_ignore_ascii_case(label) || before.is_some_and(u8::is_ascii_alphanumeric) {
            return None;
        }
        let rest = text.get(at + label.len()..)?;
        let marks = rest
            .iter()
            .take(5)
            .take_while(|b| matches!(b, b'=' | b':' | b' ' | b'[' | b'(' | b'"'))
            .count();
        let value = rest.get(marks..).filter(|_| marks > 0)?;
        let value = value
            .strip_prefix(b"0x")
            .or_else(|| value.strip_prefix(b"0X"))
            .unwrap_or(value);
        let digits = value.iter().take_while(|b| b.is_ascii_hexdigit()).count();
        let bounded = !value.get(digits).is_some_and(u8::is_ascii_alphanumeric);
        if !matches!(digits, 2 | 4) || !bounded {
            return None;
        }
        u8::from_str_radix(std::str::from_utf8(value.get(..2)?).ok()?, 16).ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sale_opens_with_its_name_and_an_amount() {
        for text in [
            "SALE 4,50 EUR",
            "TXN|BEGIN|消费|18.00",
            "交易 消费 11.50",
            "Zahlung 12,75 EUR angefordert",
            "sale 45.00",
            "vente 12.30",
            "pump 07 preauth EUR 150.00",
            "basket 5501 total 9.50 GBP -> payment",
            "GMP3 <- SATIS 1.120,00 TL fiş 0190",
            "Reservierung LP-2 60,00 EUR, warte auf Karte",
            "<< 13 00 00 12 00 07 2C VEND REQ price=1.80 item=7",
            "주문 0312 합계 8,900원",
            "trx 4411 96.20 ready for tap",
        ] {
            assert!(opens_sale(text.as_bytes()), "{text}");
        }
        for text in [
            "SALE TOTAL 120.50",
            "wholesale 4.50",
            "sale started",
            "PRN receipt SALE 4.50",
            "消费撤销 18.00",
            "sale ended 4.50",
            "刷卡 失败 E21 票价 2.00",
            "preauth 150.00 cancelled",
        ] {
            assert!(!opens_sale(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn authentication_fails_under_its_name() {
        assert!(authentication_failed(
            br#"{"ev":"tap","oda":"fail","res":"STAFF"}"#
        ));
        assert!(authentication_failed(b"CDA=KO tvr=0400000000"));
        assert!(!authentication_failed(br#"{"oda":"ok"}"#));
        assert!(!authentication_failed(b"oda failures today"));
    }

    #[test]
    fn a_modem_says_how_it_hears() {
        for (text, want) in [
            ("[MOD] AT+CSQ -> 5,4", true),
            ("+CSQ: 7,99", true),
            ("+CSQ: 17,99", false),
            ("+CSQ: 99,99", false),
            ("AT+CSQ", false),
        ] {
            assert_eq!(modem_hears_little(text.as_bytes()), want, "{text}");
        }
    }

    #[test]
    fn a_daemon_falls_by_its_name() {
        let text = "Fatal signal 6 (SIGABRT), code -1 (SI_QUEUE) in tid 655 (picc_worker), pid 612 (paysrvd)";
        assert!(falls_as_daemon(text.as_bytes()));
        let text =
            "Fatal signal 11 (SIGSEGV), code 1 in tid 8190 (Thread-3), pid 8123 (x.cobrafacil.tap)";
        assert!(!falls_as_daemon(text.as_bytes()));
    }

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

    #[test]
    fn a_card_on_the_air_is_one_that_speaks_or_not() {
        for (text, want) in [
            ("rf.up atqa=0044 sak=20 uidlen=7", Some("card_detected")),
            ("ICC type A SAK: 0x28", Some("card_detected")),
            ("ATQA 0400, SAK 08", Some("card_not_contactless")),
            ("RF|REQA|ATQA=0344", Some("card_detected")),
            ("cascade sak=04", None),
            ("task=20", None),
            ("sakura 20", None),
        ] {
            assert_eq!(answered_on_air(text.as_bytes()), want, "{text}");
        }
    }
}
