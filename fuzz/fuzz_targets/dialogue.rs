#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tapscope_fuzz::dialogue::run(data));
