//! Whatever is logged is one bounded line without control characters.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_telemetry::one_line;

fuzz_target!(|bytes: &[u8]| {
    let line = one_line(bytes);
    let text = line.strip_suffix('\n').expect("a line feed at the end");
    assert!(!text.chars().any(char::is_control));
    assert!(line.len() <= (16 << 10) + 64);
    // Cleaned once is clean.
    assert!(line.len() > (16 << 10) || one_line(line.as_bytes()) == line);
});
