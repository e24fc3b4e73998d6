//! HTTP/1 of one connection: which answers came, how soon, and what payment gateways say in JSON.

use std::collections::VecDeque;

use serde_json::Value;
use tapscope_parsers::protocol::codes;
use tapscope_parsers::protocol::net::http::{self, Body, Head, What};

use super::tls::At;
use crate::event::{Keys, Text};
use crate::parse::edge::Edge;

/// Bytes of one JSON body, and of a head.
const MAX_BODY: usize = 64 << 10;
/// Bytes of a body that may be one message of ISO 8583.
const MAX_MESSAGE: u64 = 8 << 10;
/// Requests that wait for their answer, and exchanges kept of one connection.
const MAX_WAITING: usize = 64;
const MAX_KEPT: usize = 1_000;
/// Levels of JSON that are looked at, and names in all.
const MAX_DEPTH: usize = 5;
const MAX_NAMES: usize = 256;

/// An answer that was seen, with its request.
#[derive(Debug, Clone)]
pub(super) struct WebSeen {
    pub(super) status: u16,
    pub(super) location: Option<Text>,
    pub(super) request: Option<Text>,
    pub(super) result: Option<Text>,
    pub(super) answer_micros: Option<i64>,
    /// What the JSON says about which payment it is.
    pub(super) keys: Option<Box<Keys>>,
    /// It is about a payment.
    pub(super) payment: bool,
    pub(super) at: At,
}

#[derive(Default)]
struct Half {
    buffer: Vec<u8>,
    /// When and where the message in the buffer began.
    since: Option<At>,
    /// Bytes of a body that nobody reads.
    skip: u64,
    lost: bool,
}

struct Asked {
    line: Text,
    at: At,
    found: Found,
}

/// HTTP of one connection.
#[derive(Default)]
pub(super) struct Web {
    halves: [Half; 2],
    asked: VecDeque<Asked>,
    /// The first answer, or the first that tells of trouble.
    telling: Option<WebSeen>,
    pub(super) payments: Vec<WebSeen>,
    /// Bodies that are no text: acquirers take ISO 8583 over HTTP.
    bodies: Vec<(usize, Vec<u8>, At)>,
}

impl Web {
    /// The answer that tells most.
    pub(super) fn seen(&self) -> Option<&WebSeen> {
        self.telling.as_ref()
    }

    /// Bodies that are no text, since they were last asked for.
    pub(super) fn bodies(&mut self) -> Vec<(usize, Vec<u8>, At)> {
        std::mem::take(&mut self.bodies)
    }

    pub(super) fn gap(&mut self, direction: usize) {
        let half = &mut self.halves[direction];
        half.buffer.clear();
        half.skip = 0;
        half.lost = true;
    }

    pub(super) fn push(&mut self, direction: usize, mut data: &[u8], at: At, edge: &Edge) {
        while !data.is_empty() {
            let half = &mut self.halves[direction];
            if half.skip > 0 {
                let n = usize::try_from(half.skip)
                    .unwrap_or(usize::MAX)
                    .min(data.len());
                half.skip -= n as u64;
                data = &data[n..];
                continue;
            }
            if half.buffer.is_empty() {
                if !http::may_begin(data) {
                    return;
                }
                half.since = Some(at);
            }
            let taken = if half.buffer.is_empty() {
                self.message(direction, data, at, edge)
            } else {
                let before = half.buffer.len();
                let room = MAX_BODY.saturating_sub(before);
                half.buffer.extend_from_slice(&data[..data.len().min(room)]);
                let whole = std::mem::take(&mut half.buffer);
                match self.message(direction, &whole, at, edge) {
                    Some(n) => Some(n.saturating_sub(before)),
                    None if whole.len() >= MAX_BODY => Some(data.len()),
                    None => {
                        self.halves[direction].buffer = whole;
                        return;
                    }
                }
            };
            let Some(n) = taken else {
                let half = &mut self.halves[direction];
                half.buffer
                    .extend_from_slice(&data[..data.len().min(MAX_BODY)]);
                return;
            };
            data = &data[n.min(data.len())..];
        }
    }

    /// One message at the start of `b`: bytes done with; `None` where more are needed.
    fn message(&mut self, direction: usize, b: &[u8], at: At, edge: &Edge) -> Option<usize> {
        let Some(head) = http::head(b) else {
            // An answer whose head is not all there tells its status already.
            if b.len() > 16
                && self.telling.is_none()
                && let Some(answer) = http::answer(b)
                && answer.status >= 300
            {
                self.answer(&Head::of_status(answer.status), Found::default(), at, edge);
                return Some(b.len());
            }
            return (b.len() >= MAX_BODY).then_some(b.len());
        };
        let rest = &b[head.bytes..];
        let (found, used) = match (head.json, head.body) {
            (true, Body::Length(n)) if n > 0 && n <= MAX_BODY as u64 => {
                let n = usize::try_from(n).ok()?;
                (read(rest.get(..n)?, edge), n)
            }
            (true, Body::Chunked) => match http::chunks(rest, MAX_BODY) {
                http::Chunks::Whole { body, used } => (read(&body, edge), used),
                http::Chunks::More => return None,
                http::Chunks::Bad => (Found::default(), rest.len()),
            },
            (_, Body::Length(n))
                if n <= MAX_MESSAGE && rest.len() as u64 >= n && is_binary(rest) =>
            {
                let n = usize::try_from(n).ok()?;
                let since = self.halves[direction].since.unwrap_or(at);
                self.bodies
                    .push((direction, rest.get(..n)?.to_vec(), since));
                (Found::default(), n)
            }
            // Too little of it to tell, or not all of it.
            (_, Body::Length(n))
                if n <= MAX_MESSAGE && (is_binary(rest) || (rest.len() as u64) < n.min(8)) =>
            {
                return None;
            }
            (_, Body::Length(n)) => {
                let here = usize::try_from(n).unwrap_or(usize::MAX).min(rest.len());
                self.halves[direction].skip = n - here as u64;
                (Found::default(), here)
            }
            (_, Body::Chunked | Body::Unknown) => (Found::default(), rest.len()),
        };
        let since = self.halves[direction].since.unwrap_or(at);
        match head.what {
            What::Request { method, path } => {
                if self.asked.len() < MAX_WAITING {
                    let line = [method, b" ", path].concat();
                    self.asked.push_back(Asked {
                        line: edge.bytes_as_text(&line),
                        at: since,
                        found,
                    });
                }
            }
            What::Answer { status: 100..=199 } => {}
            What::Answer { .. } => self.answer(&head, found, since, edge),
        }
        Some(head.bytes + used)
    }

    fn answer(&mut self, head: &Head<'_>, found: Found, at: At, edge: &Edge) {
        let What::Answer { status } = head.what else {
            return;
        };
        let asked = self.asked.pop_front();
        let answer_micros = asked
            .as_ref()
            .map(|a| at.nanos.saturating_sub(a.at.nanos).max(0) / 1000);
        let result = found.result();
        let line = asked.as_ref().map(|a| a.line.clone());
        let merged = match asked {
            Some(asked) => asked.found.and(found),
            None => found,
        };
        let seen = WebSeen {
            status,
            location: head.location.map(|l| edge.bytes_as_text(l)),
            request: line,
            result,
            answer_micros,
            payment: merged.is_payment(),
            keys: merged.is_payment().then(|| Box::new(merged.keys)),
            at,
        };
        if seen.payment && self.payments.len() < MAX_KEPT {
            self.payments.push(seen.clone());
        }
        let worse = |s: u16| s >= 300;
        if self
            .telling
            .as_ref()
            .is_none_or(|before| worse(seen.status) && !worse(before.status))
        {
            self.telling = Some(seen);
        }
    }
}

/// True where a body does not begin like text: a length, a TPDU or a packed message type does.
fn is_binary(body: &[u8]) -> bool {
    body.iter().take(8).any(|b| *b < 0x09 || *b >= 0x80)
}

/// What a JSON body says of a payment.
#[derive(Debug, Default)]
struct Found {
    keys: Keys,
    code: Option<Text>,
    words: Option<Text>,
}

impl Found {
    fn is_payment(&self) -> bool {
        let keys = &self.keys;
        let which = keys.stan.is_some() || keys.rrn.is_some() || keys.amount_minor.is_some();
        which && (keys.terminal.is_some() || keys.merchant.is_some() || keys.card.is_some())
    }

    fn result(&self) -> Option<Text> {
        match (&self.code, &self.words) {
            (Some(code), Some(words)) => Some(Text::from(format!("{code}: {words}"))),
            (one, other) => one.clone().or_else(|| other.clone()),
        }
    }

    /// The request's keys, filled up from the answer's.
    fn and(self, answer: Self) -> Self {
        let (a, b) = (self.keys, answer.keys);
        Self {
            keys: Keys {
                terminal: a.terminal.or(b.terminal),
                merchant: a.merchant.or(b.merchant),
                stan: a.stan.or(b.stan),
                rrn: a.rrn.or(b.rrn),
                auth_code: a.auth_code.or(b.auth_code),
                amount_minor: a.amount_minor.or(b.amount_minor),
                currency: a.currency.or(b.currency),
                card: a.card.or(b.card),
                ..Keys::default()
            },
            code: answer.code,
            words: answer.words,
        }
    }
}

fn read(body: &[u8], edge: &Edge) -> Found {
    let mut found = Found::default();
    if let Ok(value) = serde_json::from_slice::<Value>(body) {
        let mut left = MAX_NAMES;
        walk(&value, 0, &mut left, &mut found, edge);
    }
    found
}

fn walk(value: &Value, depth: usize, left: &mut usize, found: &mut Found, edge: &Edge) {
    let Value::Object(map) = value else {
        if let (Value::Array(list), true) = (value, depth < MAX_DEPTH) {
            for one in list.iter().take(16) {
                walk(one, depth + 1, left, found, edge);
            }
        }
        return;
    };
    for (name, value) in map {
        if *left == 0 {
            return;
        }
        *left -= 1;
        match value {
            Value::String(text) => take(name, text, found, edge),
            Value::Number(number) => take(name, &number.to_string(), found, edge),
            _ if depth < MAX_DEPTH => walk(value, depth + 1, left, found, edge),
            _ => {}
        }
    }
}

/// One name and value; names as gateways in use write them, without regard to case and joints.
fn take(name: &str, value: &str, found: &mut Found, edge: &Edge) {
    let name: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .take(40)
        .collect();
    let value = value.trim();
    if value.is_empty() {
        return;
    }
    let keys = &mut found.keys;
    let put = |slot: &mut Option<Text>| {
        if slot.is_none() && value.len() <= 64 {
            *slot = Some(edge.text(value));
        }
    };
    match name.as_str() {
        "stan"
        | "traceno"
        | "tracenumber"
        | "systemtraceno"
        | "systemtraceauditnumber"
        | "posflowno"
        | "voucherno" => {
            let digits = value.len() <= 6 && value.bytes().all(|b| b.is_ascii_digit());
            keys.stan = keys.stan.or(digits.then(|| value.parse().ok()).flatten());
        }
        "rrn"
        | "refno"
        | "referenceno"
        | "retrievalreferencenumber"
        | "referencenumber"
        | "retrefno" => put(&mut keys.rrn),
        "tid" | "terminalid" | "terminalno" | "termid" | "termno" | "posid" | "deviceno" => {
            put(&mut keys.terminal);
        }
        "mid" | "merchantid" | "merchantno" | "merid" | "merno" | "mchid" | "mercid" => {
            put(&mut keys.merchant);
        }
        "authcode" | "approvalcode" | "authno" | "authorizationcode" => put(&mut keys.auth_code),
        "amount" | "txnamt" | "transamount" | "transamt" | "orderamount" | "totalfee"
        | "tradeamount" | "amountminor" | "totalamount" => {
            keys.amount_minor = keys.amount_minor.or_else(|| minor(value));
        }
        "currency" | "currencycode" | "ccy" => {
            let known = match value.parse() {
                Ok(number) => codes::currency(number),
                Err(_) => codes::currency_by_letters(value.as_bytes()),
            };
            keys.currency = keys.currency.or(known.map(|c| c.letters));
        }
        "pan" | "cardno" | "cardnumber" | "primaryaccountnumber" | "accno"
            if keys.card.is_none() && (12..=24).contains(&value.len()) =>
        {
            keys.card = Some(Box::new(edge.card(value.as_bytes())));
        }
        "respcode" | "responsecode" | "returncode" | "retcode" | "resultcode" | "errcode"
        | "errorcode" | "code" | "rspcode" | "subcode" => put(&mut found.code),
        "respmsg" | "message" | "msg" | "errmsg" | "errormsg" | "returnmsg" | "resultmsg"
        | "errormessage" | "responsemessage" | "submsg" | "rspmsg" | "errcodedes"
            if found.words.is_none() && value.len() <= 256 =>
        {
            found.words = Some(edge.text(value));
        }
        _ => {}
    }
}

/// Whole numbers are minor units, as gateways have them; with a point they are units.
fn minor(value: &str) -> Option<i64> {
    let Some((units, cents)) = value.split_once('.') else {
        return value
            .parse()
            .ok()
            .filter(|n| (0..1_000_000_000_000).contains(n));
    };
    if cents.is_empty() || cents.len() > 2 || !cents.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let cents: i64 = format!("{cents:0<2}").parse().ok()?;
    let units: i64 = units
        .parse()
        .ok()
        .filter(|n| (0..10_000_000_000).contains(n))?;
    Some(units * 100 + cents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_of_a_gateway_gives_keys_and_result() {
        let edge = Edge::new(Some([3; 32]));
        let request = br#"{"head":{"merchant_id":"M77"},"terminalId":"10000019","traceNo":"000321","amount":"12.34","cardNo":"6212340000001232"}"#;
        let answer = br#"{"respCode":"51","respMsg":"Insufficient funds","rrn":"123456789012"}"#;
        let mut stream = format!(
            "POST /gw/pay?x=1 HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            request.len()
        )
        .into_bytes();
        stream.extend(request);
        let mut back = b"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for part in answer.chunks(20) {
            back.extend(format!("{:x}\r\n", part.len()).bytes());
            back.extend(part);
            back.extend(b"\r\n");
        }
        back.extend(b"0\r\n\r\n");
        for cut in [1usize, 7, 30, 90, 4096] {
            let mut web = Web::default();
            for round in 0..2 {
                let at = |frame, nanos| At { frame, nanos };
                for part in stream.chunks(cut) {
                    web.push(0, part, at(4, 1_000_000), &edge);
                }
                for part in back.chunks(cut) {
                    web.push(1, part, at(6, 251_000_000), &edge);
                }
                assert_eq!(web.payments.len(), round + 1, "pieces of {cut}");
            }
            let seen = &web.payments[0];
            let keys = seen.keys.as_ref().unwrap();
            assert_eq!(
                (keys.stan, keys.amount_minor, keys.terminal.as_deref()),
                (Some(321), Some(1234), Some("10000019"))
            );
            assert_eq!(keys.card.as_ref().unwrap().masked, "621234******1232");
            assert_eq!(keys.rrn.as_deref(), Some("123456789012"));
            assert_eq!(seen.request.as_deref(), Some("POST /gw/pay"));
            assert_eq!(seen.result.as_deref(), Some("51: Insufficient funds"));
            assert_eq!(seen.answer_micros, Some(250_000));
        }
    }

    /// Acquirers in China take ISO 8583 as the body of a request (`application/x-iso8583`, `x-ISO-TPDU/x-auth`).
    #[test]
    fn bodies_that_are_no_text_are_kept_for_iso8583() {
        use tapscope_parsers::hex;
        use tapscope_parsers::protocol::iso8583::detect_bare;
        let edge = Edge::new(Some([3; 32]));
        let body = hex::decode_all(
            b"6000030000603200320000\
              0200302004802000811100000000000000420000006100720012303030303030303138383430303030373031353031393030303139313536",
        );
        let body = body.unwrap();
        let head = format!(
            "POST /mpos/unp HTTP/1.1\r\nContent-Type: application/x-iso8583\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let stream = [head.as_bytes(), &body].concat();
        for cut in [1usize, 40, head.len(), 4096] {
            let mut web = Web::default();
            let at = At { frame: 4, nanos: 1 };
            let mut kept = Vec::new();
            for part in stream.chunks(cut) {
                web.push(0, part, at, &edge);
                kept.extend(web.bodies());
            }
            let [(0, found, _)] = kept.as_slice() else {
                panic!("{} bodies in pieces of {cut}", kept.len());
            };
            assert_eq!(*found, body);
        }
        assert!(detect_bare(&body).is_some_and(|(_, message)| message.mti == 200));
    }
}
