//! The metrics store's series file: any bytes are survived.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_tsdb::fuzz::index(bytes));
