//! What each fuzz target does with its bytes, as plain functions, so that tests can replay a corpus without a fuzzer.
//!
//! A target is a file here, a file in `fuzz_targets/` and a `[[bin]]` in `Cargo.toml`.

#[cfg(feature = "pipeline")]
pub mod archive;
pub mod capture;
pub mod card_numbers;
pub mod dialogue;
#[cfg(feature = "pipeline")]
pub mod encoding;
pub mod iso8583;
#[cfg(feature = "pipeline")]
pub mod pipeline;
#[cfg(feature = "pipeline")]
mod plan;
pub mod protocols;
pub mod reassembly;
pub mod records;
#[cfg(feature = "pipeline")]
pub mod report;
#[cfg(feature = "pipeline")]
pub mod rules;
pub mod tlv;

#[cfg(test)]
mod tests {
    /// Runs every file of a target's corpus, and so many rounds of random bytes made from a counter.
    fn replay(name: &str, run: fn(&[u8]), rounds: usize) {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("corpus")
            .join(name);
        let mut files = 0;
        for entry in std::fs::read_dir(&folder).unwrap() {
            run(&std::fs::read(entry.unwrap().path()).unwrap());
            files += 1;
        }
        assert!(files > 0, "{name} has no corpus");
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        for round in 0..rounds {
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

    /// Every target: its name and the rounds that it gets.
    macro_rules! replayed {
        ($($(#[$only:meta])? $name:ident: $rounds:literal,)*) => {$(
            $(#[$only])?
            #[test]
            fn $name() {
                replay(stringify!($name), super::$name::run, $rounds);
            }
        )*};
    }

    replayed! {
        card_numbers: 5_000,
        dialogue: 2_000,
        iso8583: 5_000,
        protocols: 10_000,
        reassembly: 5_000,
        records: 3_000,
        tlv: 10_000,
        #[cfg(feature = "pipeline")]
        archive: 2_000,
        #[cfg(feature = "pipeline")]
        encoding: 2_000,
        #[cfg(feature = "pipeline")]
        pipeline: 100,
        #[cfg(feature = "pipeline")]
        report: 3,
        #[cfg(feature = "pipeline")]
        rules: 300,
    }

    #[test]
    fn capture() {
        replay("capture", super::capture::run, 5_000);
        // Random bytes are no capture: give them a head.
        for head in [
            &[
                9, 0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0,
                0,
            ][..],
            &[
                9, 0xA1, 0xB2, 0xC3, 0xD4, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0,
                1,
            ],
            &[
                9, 10, 13, 13, 10, 28, 0, 0, 0, 0x4D, 0x3C, 0x2B, 0x1A, 1, 0, 0, 0, 0xFF, 0xFF,
                0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 28, 0, 0, 0,
            ],
        ] {
            let mut state = 1_u32;
            for round in 0..3000_usize {
                let mut file = head.to_vec();
                for _ in 0..round % 300 {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    // Mostly small numbers, so that lengths are believed.
                    file.push(if state >> 31 == 0 {
                        0
                    } else {
                        (state >> 24) as u8 & 0x3F
                    });
                }
                super::capture::run(&file);
            }
        }
    }
}
