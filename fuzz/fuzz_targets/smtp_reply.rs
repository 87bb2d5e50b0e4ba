//! Whatever a mail server says, before TLS and after it, the conversation ends without a fault of ours.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;

thread_local! {
    static RUNTIME: RefCell<tokio::runtime::Runtime> =
        RefCell::new(tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap());
}

fuzz_target!(|says: &[u8]| RUNTIME.with_borrow(|runtime| runtime.block_on(wk_notify::fuzzing::converse(says))));
