//! From the bytes of a capture file to packets, streams and what the network protocols in them say.
//!
//! [`capture`] cuts a file into packets, [`link`] and [`ip`] find the transport segment in a packet, [`tcp`] puts the
//! bytes of one direction back in order, and [`dns`], [`http`], [`icmp`] and [`tls`] read what matters for a payment.

mod bytes;
pub mod capture;
pub mod dns;
pub mod http;
pub mod icmp;
pub mod ip;
pub mod iso14443;
pub mod link;
pub mod local;
pub mod proxy;
mod resync;
pub mod tcp;
pub mod tls;
