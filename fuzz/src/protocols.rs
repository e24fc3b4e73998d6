//! TLS in two pieces and whole, key logs, DNS, HTTP, PROXY headers, ARP, DHCP, every link type.

use tapscope_parsers::protocol::net::tls::keylog::KeyLog;
use tapscope_parsers::protocol::net::{dns, http, local, proxy, tls};

/// Reads the bytes in every way.
pub fn run(data: &[u8]) {
    let Some((&cut, bytes)) = data.split_first() else {
        return;
    };
    let _ = (
        dns::parse(bytes),
        http::answer(bytes),
        http::is_request(bytes),
    );
    let _ = (
        local::arp(bytes),
        local::dhcp(bytes),
        http::is_quic(bytes),
        tls::certificates(bytes, cut & 1 == 1),
    );
    if let proxy::Found::Header { bytes: n, .. } = proxy::read(bytes) {
        assert!(n <= bytes.len());
    }
    if let Some(head) = http::head(bytes) {
        assert!(head.bytes <= bytes.len());
    }
    if let http::Chunks::Whole { body, used } = http::chunks(bytes, 4096) {
        assert!(body.len() <= 4096 && used <= bytes.len());
    }
    let mut keys = KeyLog::default();
    keys.add(bytes);
    assert!(keys.len() <= bytes.len());
    let said = |pieces: &[&[u8]]| {
        let mut half = tls::Half::default();
        let mut said = Vec::new();
        for piece in pieces {
            half.push(piece, &mut |s| said.push(format!("{s:?}")));
        }
        said
    };
    let (a, b) = bytes.split_at(usize::from(cut).min(bytes.len()));
    assert_eq!(
        said(&[bytes]),
        said(&[a, b]),
        "TLS does not depend on segments"
    );
    for link_type in [
        0, 1, 9, 12, 101, 104, 105, 108, 113, 127, 228, 229, 239, 258, 264, 276,
    ] {
        crate::capture::frame(link_type, bytes);
    }
}
