//! Specifications of checks, as they come through the API: what is taken stays within its bounds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_engine::spec_json::parse;

fuzz_target!(|bytes: &[u8]| {
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    match parse(&json) {
        Ok(full) => {
            assert!(full.timeout.as_millis() >= 100 && full.timeout.as_millis() <= 60_000);
            assert!(full.thresholds.len() <= 64);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
