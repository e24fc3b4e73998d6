//! Data objects, data object lists, commands, bit fields: the first byte says where the list ends, the rest is both.

use tapscope_parsers::explain::{self, Context};
use tapscope_parsers::protocol::emv::{afl, aid, bits, dol, issuer_data, tlv, value};
use tapscope_parsers::protocol::iso7816;

/// Reads the bytes in every way, and holds what must be true of the result.
pub fn run(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let mut walk = tlv::walk(bytes);
    let mut last = 0;
    let mut count = 0;
    for object in walk.by_ref() {
        assert!(object.offset >= last, "objects come in their order");
        assert!(
            object.value_offset > object.offset
                && object.value_offset + object.value.len() <= bytes.len()
        );
        assert!(
            usize::from(object.depth) <= tlv::MAX_DEPTH && object.value.len() <= tlv::MAX_VALUE
        );
        assert_eq!(
            Some(object.value),
            bytes.get(object.value_offset..object.value_offset + object.value.len())
        );
        last = object.offset + 1;
        count += 1;
        if !object.constructed {
            let _ = bits::describe_tag(object.tag, None, object.value);
        }
    }
    assert!(count <= tlv::MAX_OBJECTS.min(bytes.len()));
    if let Some(damage) = walk.damage() {
        assert!(damage.offset <= bytes.len() && !damage.code.is_empty());
    }
    assert_eq!(tlv::is_whole(bytes), count > 0 && walk.damage().is_none());

    let (list, sent) = bytes.split_at(usize::from(cut).min(bytes.len()));
    let (values, _) = dol::split(list, sent);
    let joined: Vec<u8> = values.iter().flat_map(|(_, v)| v.iter().copied()).collect();
    assert!(
        sent.starts_with(&joined),
        "values follow each other in the data"
    );

    if let Some(command) = iso7816::command(bytes) {
        assert!(command.data_offset + command.data.len() <= bytes.len());
    }
    let _ = (
        iso7816::looks_like_command(bytes),
        iso7816::looks_like_response(bytes),
    );
    let _ = (
        afl::entries(bytes),
        aid::lookup(bytes),
        issuer_data::issuer_data(bytes),
    );
    let _ = (
        value::number(bytes),
        value::track2(bytes),
        value::cvm_list(bytes),
        value::date(bytes),
        value::time(bytes),
    );

    let context = Context {
        kernel: Some(u32::from(cut % 9)),
        command: None,
        dol: Some(list),
    };
    for kind in explain::guess(bytes) {
        let _ = explain::explain(kind, bytes, context);
    }
}
