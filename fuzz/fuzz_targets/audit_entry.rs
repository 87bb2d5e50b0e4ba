//! Audit entries and lines of an export: what is read is written as the very same bytes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_audit::export::{entry_line, parse_entry_line};
use wk_audit::{ENTRY_MAX, Entry, verify_entries};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(entry) = Entry::decode(bytes) {
        assert!(bytes.len() <= ENTRY_MAX);
        assert_eq!(entry.encode(), bytes);
    }
    if let Some((entry, index, leaf)) = parse_entry_line(bytes) {
        assert!(leaf != Entry::leaf_hash(entry) || entry_line(index, entry) == bytes);
    }
    let _ = verify_entries([bytes], &[]);
});
