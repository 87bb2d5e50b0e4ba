//! What an HTTP proxy answers, whole or in part: through, refused, or more is wanted; never a panic, and never through
//! with a byte too many.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if wk_link::proxy_lets_through(data) {
        assert!(data.starts_with(b"HTTP/1.") && data.ends_with(b"\r\n\r\n"));
        assert!(!wk_link::proxy_lets_through(&[data, b"x"].concat()));
    }
});
