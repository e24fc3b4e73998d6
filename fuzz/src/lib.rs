//! What each fuzz target does with its bytes, as plain functions, so that tests can replay a corpus without a fuzzer.
//!
//! A target is a file here, a file in `fuzz_targets/` and a `[[bin]]` in `Cargo.toml`.

pub mod archive;
pub mod capture;
pub mod card_numbers;
pub mod encoding;
pub mod iso8583;
pub mod pipeline;
mod plan;
pub mod protocols;
pub mod reassembly;
pub mod records;
pub mod tlv;

#[cfg(test)]
mod tests {
    /// Runs every file of a target's corpus, and random bytes made from a counter.
    fn replay(name: &str, run: fn(&[u8])) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            run(&std::fs::read(entry.path()).unwrap());
        }
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for round in 0..20_000_usize {
            let bytes: Vec<u8> = (0..round % 300)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (state >> 32) as u8
                })
                .collect();
            run(&bytes);
        }
    }

    #[test]
    fn tlv() {
        replay("tlv", super::tlv::run);
    }

    #[test]
    fn card_numbers() {
        replay("card_numbers", super::card_numbers::run);
    }

    #[test]
    fn capture() {
        replay("capture", super::capture::run);
        // Random bytes are no capture: give them a head.
        for head in [
            &[9, 0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0][..],
            &[9, 0xA1, 0xB2, 0xC3, 0xD4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 1],
            &[9, 10, 13, 13, 10, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 28, 0, 0, 0],
        ] {
            let mut state = 1_u32;
            for round in 0..3000_usize {
                let mut file = head.to_vec();
                for _ in 0..round % 300 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Mostly small numbers, so that lengths are believed.
                    file.push(if state >> 31 == 0 { 0 } else { (state >> 24) as u8 & 0x3F });
                }
                super::capture::run(&file);
            }
        }
    }

    #[test]
    fn iso8583() {
        replay("iso8583", super::iso8583::run);
    }

    #[test]
    fn protocols() {
        replay("protocols", super::protocols::run);
    }

    #[test]
    fn reassembly() {
        replay("reassembly", super::reassembly::run);
    }

    #[test]
    fn encoding() {
        replay("encoding", super::encoding::run);
    }

    #[test]
    fn archive() {
        replay("archive", super::archive::run);
    }

    #[test]
    fn pipeline() {
        replay("pipeline", super::pipeline::run);
    }

    #[test]
    fn records() {
        replay("records", super::records::run);
    }
}
