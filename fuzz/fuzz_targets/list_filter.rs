//! Filters of lists, as people and links write them: every text is a filter or says what is wrong, and where.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_engine::filter::Filter;

fuzz_target!(|text: &str| match Filter::parse(text) {
    Ok(filter) => {
        // A `-` or quotes around nothing are a word that is still being typed: it says nothing yet.
        let unfinished = text.chars().all(|c| c.is_whitespace() || c == '-' || c == '"');
        assert!(!filter.is_empty() || unfinished);
        assert!(Filter::parse(text).is_ok());
    }
    Err(error) => assert!(!error.to_string().is_empty()),
});
