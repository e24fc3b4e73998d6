//! Recognises the label before a value: `pan=`, `"cardNo":"`, `卡号：`, `<field id="35" value="`.

use std::sync::LazyLock;

/// What a label says of the value behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Label {
    /// A card number.
    Pan,
    /// Track data.
    Track,
    /// A PIN, PIN block or password.
    Pin,
    /// A card verification value.
    Cvv,
    /// A number of another kind: kept where it has a length or a date that card numbers rarely have.
    Keep,
}

/// Latin labels, lower case, without separators.
#[rustfmt::skip]
const LATIN: &[(&str, Label)] = &[
    ("pan", Label::Pan), ("cardno", Label::Pan), ("cardnum", Label::Pan), ("cardnumber", Label::Pan),
    ("primaryaccountnumber", Label::Pan), ("accountnumber", Label::Pan), ("accountno", Label::Pan),
    ("acctno", Label::Pan), ("acctnum", Label::Pan), ("account", Label::Pan), ("card", Label::Pan),
    ("f2", Label::Pan), ("f02", Label::Pan), ("f002", Label::Pan), ("de2", Label::Pan), ("de02", Label::Pan),
    ("de002", Label::Pan), ("field2", Label::Pan), ("field02", Label::Pan), ("field002", Label::Pan), ("5a", Label::Pan),
    ("track1", Label::Track), ("track2", Label::Track), ("track3", Label::Track), ("trk1", Label::Track), ("trk2", Label::Track),
    ("trk3", Label::Track), ("trackdata", Label::Track), ("track1data", Label::Track), ("track2data", Label::Track), ("track3data", Label::Track),
    ("track2equivalentdata", Label::Track), ("tracktwo", Label::Track), ("secondtrack", Label::Track),
    ("f35", Label::Track), ("f36", Label::Track), ("f45", Label::Track), ("de35", Label::Track), ("de36", Label::Track), ("de45", Label::Track),
    ("de035", Label::Track), ("de036", Label::Track), ("de045", Label::Track), ("field35", Label::Track), ("field36", Label::Track),
    ("field45", Label::Track), ("field035", Label::Track), ("field036", Label::Track), ("field045", Label::Track),
    ("57", Label::Track), ("9f6b", Label::Track), ("56", Label::Track),
    ("pin", Label::Pin), ("pinblock", Label::Pin), ("pinblk", Label::Pin), ("pindata", Label::Pin), ("epb", Label::Pin),
    ("encryptedpin", Label::Pin), ("pwd", Label::Pin), ("password", Label::Pin), ("passwd", Label::Pin), ("f52", Label::Pin),
    ("de52", Label::Pin), ("de052", Label::Pin), ("field52", Label::Pin), ("field052", Label::Pin),
    ("cvv", Label::Cvv), ("cvv2", Label::Cvv), ("cvc", Label::Cvv), ("cvc2", Label::Cvv), ("cvn", Label::Cvv), ("cvn2", Label::Cvv),
    ("csc", Label::Cvv), ("securitycode", Label::Cvv),
    ("imei", Label::Keep), ("imsi", Label::Keep), ("meid", Label::Keep), ("rrn", Label::Keep), ("refno", Label::Keep),
    ("referenceno", Label::Keep), ("orderno", Label::Keep), ("orderid", Label::Keep), ("order", Label::Keep), ("tradeno", Label::Keep),
    ("traceid", Label::Keep), ("txnid", Label::Keep), ("time", Label::Keep), ("timestamp", Label::Keep),
];

/// The Latin labels by their last character: most words end in none of them.
static BY_LAST: LazyLock<Vec<Vec<(&'static str, Label)>>> = LazyLock::new(|| {
    let mut lists = vec![Vec::new(); 128];
    for &(name, label) in LATIN {
        if let Some(list) = name
            .bytes()
            .last()
            .and_then(|last| lists.get_mut(usize::from(last)))
        {
            list.push((name, label));
        }
    }
    lists
});

/// Chinese labels, in UTF-8.
#[rustfmt::skip]
const CHINESE: &[(&str, Label)] = &[
    ("卡号", Label::Pan), ("主账号", Label::Pan), ("账号", Label::Pan), ("帐号", Label::Pan), ("卡號", Label::Pan),
    ("磁道", Label::Track), ("磁道信息", Label::Track), ("磁道数据", Label::Track), ("二磁", Label::Track), ("磁道2", Label::Track),
    ("密码", Label::Pin), ("密文", Label::Pin), ("安全码", Label::Cvv), ("参考号", Label::Keep), ("串号", Label::Keep), ("订单号", Label::Keep),
    ("流水号", Label::Keep),
];

/// How far before the value a label may end, and how long it may be.
const REACH: usize = 48;

/// True where `before` ends with the label (letters and digits without separators) and nothing is glued to its front.
fn ends_with(before: &[u8], label: &str) -> bool {
    let mut rest = before;
    for want in label.bytes().rev() {
        loop {
            let Some((&last, head)) = rest.split_last() else {
                return false;
            };
            if last.to_ascii_lowercase() == want {
                rest = head;
                break;
            }
            if !matches!(last, b'_' | b'-' | b'.' | b' ') || rest.len() == before.len() {
                return false;
            }
            rest = head;
        }
    }
    let first = before.get(rest.len()).copied().unwrap_or(b' ');
    match rest.last() {
        None => true,
        // `cardPan` begins a new word at its capital, `japan` does not.
        Some(b) if b.is_ascii_alphabetic() => first.is_ascii_uppercase() && b.is_ascii_lowercase(),
        Some(b) => !b.is_ascii_digit(),
    }
}

/// The field of `id="35" value="` in XML messages.
fn xml_field(before: &[u8]) -> Option<Label> {
    let id = before.windows(4).rposition(|w| w == b"id=\"")?;
    let digits = before.get(id + 4..)?;
    match digits.get(..digits.iter().position(|&b| b == b'"')?)? {
        b"2" => Some(Label::Pan),
        b"35" | b"36" | b"45" => Some(Label::Track),
        b"52" => Some(Label::Pin),
        b"11" | b"12" | b"37" => Some(Label::Keep),
        _ => None,
    }
}

/// The field of `"35":"` in messages as JSON.
fn json_field(before: &[u8]) -> Option<Label> {
    let digits = before
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_digit())
        .count();
    let (head, number) = before.split_at_checked(before.len() - digits)?;
    if !matches!(head.last(), Some(b'"' | b'\'' | b'\\')) {
        return named(before);
    }
    match number {
        b"2" | b"02" | b"002" => Some(Label::Pan),
        b"35" | b"36" | b"45" | b"035" | b"036" | b"045" => Some(Label::Track),
        b"52" | b"052" => Some(Label::Pin),
        b"11" | b"12" | b"37" | b"011" | b"012" | b"037" => Some(Label::Keep),
        _ => named(before),
    }
}

/// The label that the text ends with.
fn named(head: &[u8]) -> Option<Label> {
    let last = *head.last()?;
    if (last.is_ascii_digit() || !last.is_ascii())
        && let Some(&(_, label)) = CHINESE
            .iter()
            .find(|(name, _)| head.ends_with(name.as_bytes()))
    {
        return Some(label);
    }
    if !last.is_ascii_alphanumeric() {
        return None;
    }
    BY_LAST
        .get(usize::from(last.to_ascii_lowercase()))?
        .iter()
        .find(|(name, _)| ends_with(head, name))
        .map(|&(_, label)| label)
}

/// What the label before the value at `at` says, where there is one.
pub(super) fn before(text: &[u8], at: usize) -> Option<Label> {
    let mut head = text.get(at.saturating_sub(REACH)..at)?;
    let mut quoted = false;
    let mut skipped = 0;
    while let Some((&last, rest)) = head.split_last() {
        match last {
            b' ' | b'\t' | b'\'' | b'=' | b':' | b'[' | b'(' | b'{' | b'>' | b'<' | b'|'
            | b'\\' | b'?' | b';' | b'%' => {}
            b'"' => quoted = true,
            // Full-width colon: EF BC 9A.
            0x9A if head.ends_with("：".as_bytes()) => head = head.get(..head.len() - 2)?,
            _ => break,
        }
        head = head.get(..head.len() - 1).unwrap_or(rest);
        skipped += 1;
        if skipped > 8 {
            return None;
        }
    }
    let last = *head.last()?;
    if skipped == 0 && last.is_ascii_digit() {
        return None;
    }
    if quoted && ends_with(head, "value") {
        return xml_field(head);
    }
    if quoted && last.is_ascii_digit() {
        return json_field(head);
    }
    named(head)
}
