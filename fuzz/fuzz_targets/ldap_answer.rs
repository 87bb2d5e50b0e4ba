//! Whatever a directory answers, and whatever an operator writes as a filter or a name, is read to an end.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_directory::fuzzing::exercise_ldap(bytes));
