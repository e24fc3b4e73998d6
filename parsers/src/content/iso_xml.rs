//! Turns an `isomsg` in XML, as jPOS writes it into any log, into fields.

use super::ContentKind;

/// What this file reads.
pub const KIND: ContentKind = ContentKind {
    name: "iso_xml",
    title: "ISO 8583 messages as jPOS XML",
    anchors: &["<isomsg", "&lt;isomsg"],
};

/// Longest message that is looked at, in bytes.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Number, 0 for the message type.
    pub number: u8,
    /// Sub-field number for nested messages.
    pub sub: Option<u16>,
    /// Value as written (`[WIPED]`, `____` and stars as they are).
    pub value: &'a [u8],
    /// True where the value is hex.
    pub binary: bool,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// `direction` attribute: true for `incoming`.
    pub incoming: Option<bool>,
    /// Fields in order.
    pub fields: Vec<Field<'a>>,
    /// Offset behind the message.
    pub end: usize,
    /// False where its end is missing.
    pub whole: bool,
}

/// The value of an attribute in a tag, with plain or escaped quotes.
fn attribute<'a>(tag: &'a [u8], name: &str) -> Option<&'a [u8]> {
    for (open, close) in [
        ("=\"", "\""),
        ("=&quot;", "&quot;"),
        ("='", "'"),
        ("=\\\"", "\\\""),
    ] {
        let key = format!("{name}{open}");
        for at in memchr::memmem::find_iter(tag, key.as_bytes()) {
            if at > 0 && tag.get(at - 1).is_some_and(u8::is_ascii_alphanumeric) {
                continue;
            }
            let rest = tag.get(at + key.len()..)?;
            let end = memchr::memmem::find(rest, close.as_bytes())?;
            return rest.get(..end);
        }
    }
    None
}

fn number(digits: &[u8]) -> Option<u16> {
    core::str::from_utf8(digits).ok()?.trim().parse().ok()
}

/// Reads the message that begins at the front of `text` (`<isomsg …`).
#[must_use]
pub fn read(text: &[u8]) -> Option<Message<'_>> {
    let text = text.get(..MESSAGE_BYTES).unwrap_or(text);
    let escaped = text.starts_with(b"&lt;");
    let (less, greater): (&[u8], &[u8]) = if escaped {
        (b"&lt;", b"&gt;")
    } else {
        (b"<", b">")
    };
    let mut message = Message {
        incoming: None,
        fields: Vec::new(),
        end: text.len(),
        whole: false,
    };
    let mut nest: Vec<Option<u16>> = Vec::new();
    let mut cursor = 0;
    while let Some(open) = text
        .get(cursor..)
        .and_then(|rest| memchr::memmem::find(rest, less))
    {
        let start = cursor + open + less.len();
        let rest = text.get(start..)?;
        let length = memchr::memmem::find(rest, greater).unwrap_or(rest.len());
        let tag = rest.get(..length)?;
        cursor = (start + length + greater.len()).min(text.len());
        if tag.starts_with(b"isomsg") {
            if nest.is_empty() {
                message.incoming = attribute(tag, "direction").map(|d| d.starts_with(b"in"));
            }
            nest.push(attribute(tag, "id").and_then(number));
            if nest.len() > 8 {
                break;
            }
        } else if tag.starts_with(b"/isomsg") {
            nest.pop();
            if nest.is_empty() {
                message.end = cursor;
                message.whole = true;
                break;
            }
        } else if tag.starts_with(b"field ") || tag.starts_with(b"field\t") {
            let (Some(id), Some(value)) = (
                attribute(tag, "id").and_then(number),
                attribute(tag, "value"),
            ) else {
                continue;
            };
            let binary = attribute(tag, "type").is_some_and(|t| t.eq_ignore_ascii_case(b"binary"));
            let (number, sub) = match nest.last() {
                Some(Some(outer)) if nest.len() > 1 => (*outer, Some(id)),
                _ => (id, None),
            };
            if let Ok(number) = u8::try_from(number) {
                message.fields.push(Field {
                    number,
                    sub,
                    value,
                    binary,
                });
            }
        } else if nest.is_empty() {
            break;
        }
    }
    (!message.fields.is_empty()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_nested_messages_and_escapes() {
        let plain = br#"<isomsg direction="incoming">
          <!-- packager -->
          <field id="0" value="0210"/>
          <field id="2" value="621234______1234"/>
          <isomsg id="48"><field id="2" value="702"/></isomsg>
          <field id="52" value="[WIPED]"/>
          <field id="55" value="9F2608" type="binary"/>
        </isomsg> tail"#;
        let message = read(plain).unwrap();
        assert_eq!(message.incoming, Some(true));
        assert!(message.whole);
        let seen: Vec<_> = message
            .fields
            .iter()
            .map(|f| (f.number, f.sub, f.binary))
            .collect();
        assert_eq!(
            seen,
            [
                (0, None, false),
                (2, None, false),
                (48, Some(2), false),
                (52, None, false),
                (55, None, true)
            ]
        );
        let escaped = br"&lt;isomsg direction=&quot;outgoing&quot;&gt;&lt;field id=&quot;39&quot; value=&quot;00&quot;/&gt;&lt;/isomsg&gt;";
        let message = read(escaped).unwrap();
        assert_eq!(
            (message.incoming, message.fields.len(), message.whole),
            (Some(false), 1, true)
        );
        assert!(
            !read(br#"<isomsg><field id="0" value="0200"/>"#)
                .unwrap()
                .whole
        );
    }
}
