//! Threshold ranges: what parses prints as something that parses to the same, and judges every value.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_domain::threshold::{Range, evaluate};

fuzz_target!(|input: (&str, f64)| {
    let (text, value) = input;
    let Ok(range) = text.parse::<Range>() else { return };
    assert!(range.start <= range.end);
    assert_eq!(range.to_string().parse::<Range>(), Ok(range));
    if value.is_finite() {
        let opposite = Range { inside: !range.inside, ..range };
        assert_ne!(range.alerts(value), opposite.alerts(value));
    }
    evaluate(value, Some(range), None);
});
