//! A file that stands where rpm's database should: any bytes are survived, in each of its three forms.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| wk_collect::inventory::exercise_rpm_database(bytes));
