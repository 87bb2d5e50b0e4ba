//! What comes from an identity provider and from the browser it sends back: tokens (ID, logout), sets of keys, and queries.
//! All are read without a fault of ours, and what is read of a query is written back to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_identity::outside::Returned;

fuzz_target!(|bytes: &[u8]| {
    wk_oidc::fuzzing::keys(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    wk_oidc::fuzzing::token(text);
    // The same bytes as a token's parts: what stands behind base64 is reached at once.
    let (head, claims) = text.split_once('\n').unwrap_or((text, "{}"));
    wk_oidc::fuzzing::parts(head, claims);
    if let Ok(read) = Returned::parse(text) {
        let again: Vec<String> = read
            .pairs
            .iter()
            .map(|(name, value)| format!("{}={}", Returned::escaped(name), Returned::escaped(value)))
            .collect();
        let again = Returned::parse(&again.join("&")).expect("what was written is read");
        assert!(again == read || read.pairs.iter().any(|(name, value)| name.is_empty() && value.is_empty()));
    }
});
