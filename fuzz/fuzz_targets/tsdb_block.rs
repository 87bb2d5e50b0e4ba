//! The metrics store's block files: any bytes are survived.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_tsdb::fuzz::block(bytes));
