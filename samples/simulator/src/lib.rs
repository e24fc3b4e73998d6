//! Writes labelled days of card payments for measuring tapscope, and compares its answers with the truth.
//!
//! Nothing here is used by tapscope itself, and nothing of tapscope is used here: the wording, the
//! messages and the mishaps are this crate's own.

pub mod clocks;
pub mod crowds;
pub mod day;
pub mod emv;
pub mod evidence;
pub mod expect;
pub mod figures;
pub mod fit;
pub mod fleet;
pub mod iso;
pub mod labels;
pub mod net;
mod noise;
pub mod online;
pub mod pcap;
pub mod rng;
pub mod say;
mod say_f39;
pub mod scenario;
pub mod score;
pub mod sink;
pub mod story;
pub mod table;
pub mod time;
mod vendor_a;
mod vendor_b;
mod vendor_c;
pub mod world;
mod zip;
