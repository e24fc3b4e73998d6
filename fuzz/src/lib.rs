//! What each fuzz target does with its bytes, as plain functions, so that tests can replay a corpus without a fuzzer.
//!
//! A target is a file here, a file in `fuzz_targets/` and a `[[bin]]` in `Cargo.toml`.

pub mod card_numbers;
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
}
