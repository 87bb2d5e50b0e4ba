//! What people and browsers send before they are known, and the password hash a changed row might hold: all survived.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;

use wk_domain::Timestamp;
use wk_identity::{ClaimToken, DeviceCookie, Password, RecoveryCode, SessionToken, StoredHash};
use wk_seal::MacKey;

static KEY: OnceLock<MacKey> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = StoredHash::parse(text);
    let _ = ClaimToken::parse(text);
    if let Ok(token) = SessionToken::parse(text) {
        assert_eq!(token.text().expose(), text);
    }
    if let Ok(code) = RecoveryCode::parse(text) {
        assert!(RecoveryCode::parse(code.text().expose()).is_ok_and(|again| again == code));
    }
    let _ = Password::parse(text);
    // Signed by a key nobody else has: no invented cookie is ours.
    let key = KEY.get_or_init(|| MacKey::random().expect("randomness"));
    assert!(DeviceCookie::verify(text, key, Timestamp::from_ms(1_800_000_000_000)).is_err());
});
