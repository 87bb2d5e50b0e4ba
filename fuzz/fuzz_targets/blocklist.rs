//! The list of breached passwords: a file that was changed by hand, and the lines it is made of. All survived; a list that
//! passes holds what its head says.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_identity::{check_blocklist, guess_format};

fuzz_target!(|bytes: &[u8]| {
    let mut reader = bytes;
    if let Ok(entries) = check_blocklist(&mut reader, bytes.len() as u64) {
        assert_eq!(bytes.len() as u64, 64 + entries * 8);
    }
    let mut input = bytes;
    let _ = guess_format(&mut input);
});
