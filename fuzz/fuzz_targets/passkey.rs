//! What a browser says of a passkey, before anybody is known: client data, attestation, authenticator data, key.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_domain::Timestamp;
use wk_identity::passkey::{KnownPasskey, PasskeyChallenge, PasskeyChallenges, RelyingParty, authenticate, register};

fuzz_target!(|data: &[u8]| {
    let Ok(rp) = RelyingParty::of("localhost", 8443) else { return };
    let now = Timestamp::from_ms(7);
    let Ok(challenge) = PasskeyChallenges::default().ask(b"fuzz", now) else { return };
    let client = |kind: &str| {
        let challenge = challenge.text();
        format!(r#"{{"type":"webauthn.{kind}","challenge":"{challenge}","origin":"https://localhost:8443"}}"#)
    };
    let _ = PasskeyChallenge::named_in(data);
    let _ = register(&rp, &challenge, data, data, &[]);
    // Past what is easy to refuse: the CBOR is read.
    if let Ok(made) = register(&rp, &challenge, client("create").as_bytes(), data, &[]) {
        assert!((13..=1023).contains(&made.credential.len()));
        let known = KnownPasskey {
            public_key: &made.public_key,
            sign_count: made.sign_count,
            backup_eligible: made.backup_eligible,
        };
        assert!(authenticate(&rp, &challenge, client("get").as_bytes(), data, data, &known).is_err());
    }
    let known = KnownPasskey { public_key: data, sign_count: 0, backup_eligible: false };
    assert!(authenticate(&rp, &challenge, client("get").as_bytes(), data, data, &known).is_err());
});
