//! No bytes are a RADIUS server's answer without its secret, and those that are one are read to an end.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_directory::fuzzing::exercise_radius(bytes));
