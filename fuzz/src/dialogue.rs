//! Card dialogues and all else that a line of text can carry, and the traces of readers and sniffers. The first byte says whether a
//! command is open.

use std::sync::OnceLock;

use tapscope_parsers::container::trace::{TRACES, detect_text, snoop_block, snoop_packets};
use tapscope_parsers::container::{lines, trim_line};
use tapscope_parsers::content::{
    Readers, apdu, exception, iso_list, iso_xml, json, nci, nexo, uri, zvt,
};
use tapscope_parsers::hex;

fn readers() -> &'static Readers {
    static READERS: OnceLock<Readers> = OnceLock::new();
    READERS.get_or_init(|| Readers::new().unwrap())
}

/// Reads the text as every kind of content, line by line and whole, and as every trace.
pub fn run(data: &[u8]) {
    let Some((&how, text)) = data.split_first() else {
        return;
    };
    let open = how & 1 == 1;
    for (_, line) in lines(text) {
        content(trim_line(line), open);
    }
    if text.len() < 4096 {
        content(text, open);
    }
    for trace in TRACES {
        let mut seen = 0_u64;
        let mut bytes = 0;
        let account = (trace.read)(text, &mut |what| {
            seen += 1;
            bytes += format!("{what:?}").len().min(1);
        });
        assert!(
            account.understood <= text.len() && account.foreign <= text.len(),
            "{}: {account:?} of {} bytes",
            trace.name,
            text.len()
        );
        assert!(
            seen <= text.len() as u64 + 1,
            "{}: more seen than is there",
            trace.name
        );
        let _ = (trace.fits)(text);
    }
    let _ = detect_text(text);
    if let Some(block) = snoop_block(text) {
        assert!(block.end <= text.len() && block.compressed.len() <= text.len());
    }
    let held: usize = snoop_packets(text)
        .map(|packet| packet.bytes.len() + 7)
        .sum();
    assert!(held <= text.len());
}

fn content(text: &[u8], open: bool) {
    let readers = readers();
    match apdu::read(&readers.apdu, text, open) {
        Some(
            apdu::ApduLine::Bytes { bytes, .. }
            | apdu::ApduLine::More(bytes)
            | apdu::ApduLine::Part(bytes),
        ) => {
            assert!(bytes.len() <= text.len(), "more bytes than characters");
            let _ = (
                apdu::is_command(&bytes, open),
                apdu::is_answer(&bytes),
                apdu::is_template_answer(&bytes, open),
            );
        }
        Some(apdu::ApduLine::Exchange {
            command, answer, ..
        }) => assert!(
            command.len() + answer.len() <= text.len(),
            "more bytes than characters"
        ),
        Some(apdu::ApduLine::Announced { .. }) | None => {}
    }
    let _ = (
        apdu::status_apart(text),
        exception::begins(text),
        exception::is_frame(text),
        exception::cause(text),
    );
    let _ = (
        exception::read(text),
        iso_xml::read(text),
        iso_list::begins(text),
        iso_list::message_bytes(text),
    );
    let _ = (
        nexo::read(text),
        uri::read(text),
        uri::decode(text),
        uri::pairs(text),
        readers.codes.symbol(text),
    );
    let _ = (
        nci::read(b"", text),
        nci::read(b"NxpNciX", text),
        nci::frame(text),
    );
    let _ = (iso_list::read(text), iso_list::begins_message(text));
    for pair in readers.keys.read(text) {
        let _ = format!("{pair:?}");
    }
    for said in readers.wording.read(text) {
        let _ = format!("{said:?}");
    }
    if let Some(packet) = zvt::read(text)
        .or_else(|| zvt::packet(text))
        .or_else(|| zvt::packet_in_buffer(text))
    {
        let _ = zvt::objects_of(&packet);
    }
    for object in zvt::objects(text) {
        let _ = format!("{object:?}");
    }
    let mut scalars = 0;
    if let Some(walked) = json::walk(text, &mut |path, _| {
        scalars += 1;
        assert!(path.len() <= 64, "depth is bounded");
    }) {
        assert!(walked.end <= text.len() && scalars <= text.len());
    }
    assert!(json::unescape(text).len() <= text.len() * 3);
    let mut bytes = Vec::new();
    if let Some(area) = hex::longest_run_into(text, 0, &mut bytes) {
        assert!(area.start <= area.end && area.end <= text.len() && bytes.len() <= text.len());
    }
    for columns in [8, 16, 32] {
        if let Some((_, bytes)) = hex::dump_line(text, columns) {
            assert!(bytes.len() <= text.len());
        }
    }
    let _ = hex::decode_all(text);
}
