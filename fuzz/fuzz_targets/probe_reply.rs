//! What probed machines answer never breaks a parser.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_probes::fuzzing::exercise_parsers(bytes));
