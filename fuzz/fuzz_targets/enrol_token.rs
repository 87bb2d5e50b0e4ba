//! Enrolment tokens: any text is survived, and what parses is written as a line that parses to the same token.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_pki::{EnrolToken, ServerAddr};

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(token) = EnrolToken::parse(text) {
        let again = EnrolToken::parse(token.encode().expose());
        assert!(again.is_ok_and(|again| again == token));
    }
    if let Ok(addr) = text.parse::<ServerAddr>() {
        assert_eq!(addr.to_string().parse::<ServerAddr>().ok(), Some(addr));
    }
});
