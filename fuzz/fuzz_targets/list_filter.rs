//! Filters of lists, as people and links write them: every text is a filter or says what is wrong, and where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_engine::filter::Filter;

fuzz_target!(|text: &str| match Filter::parse(text) {
    Ok(filter) => {
        assert!(!filter.is_empty() || text.trim().is_empty());
        assert!(Filter::parse(text).is_ok());
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});
