//! TLS in two pieces and whole, DNS, HTTP, every link type.

use tapscope_parsers::protocol::net::{dns, http, tls};

/// Reads the bytes in every way.
pub fn run(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let _ = (dns::parse(bytes), http::answer(bytes), http::is_request(bytes));
    let said = |pieces: &[&[u8]]| {
        let mut half = tls::Half::default();
        let mut said = Vec::new();
        for piece in pieces {
            half.push(piece, &mut |s| said.push(format!("{s:?}")));
        }
        said
    };
    let (a, b) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(said(&[bytes]), said(&[a, b]), "TLS does not depend on segments");
    for link_type in [0, 1, 9, 12, 101, 104, 105, 108, 113, 127, 228, 229, 239, 258, 264, 276] {
        crate::capture::frame(link_type, bytes);
    }
}
