//! What a stranger may say before anybody knows it: a request to enrol, read and cleaned, or refused; never a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use prost::Message;
use wk_hub::convert;
use wk_wire::EnrolRequest;

fuzz_target!(|data: &[u8]| {
    let Ok(request) = EnrolRequest::decode(data) else { return };
    let secret = request.secret.clone();
    if let Ok(attempt) = convert::enrol(request, ([192, 0, 2, 1], 1).into()) {
        assert!(attempt.hostname.len() <= 253 && !attempt.hostname.chars().any(char::is_control));
        assert!(attempt.csr_der.len() <= wk_pki::CSR_BYTES_MAX && secret.len() <= 64);
    }
});
