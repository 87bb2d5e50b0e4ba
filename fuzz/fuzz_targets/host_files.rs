//! Files and messages of a monitored host never break the collector's parsers.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_collect::inventory::exercise_parsers(bytes));
