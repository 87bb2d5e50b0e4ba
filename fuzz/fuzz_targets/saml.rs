//! What anybody may post to the address where providers' answers come in, and what an administrator pastes.
#![no_main]

use std::sync::OnceLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use wk_domain::Timestamp;
use wk_saml::{
    Document, Expect, IdentityProvider, IdpCertificate, OwnKey, ServiceProvider, canonical_document, decode_post,
    XmlError, read_idp_metadata, read_logout, read_response,
};

static KEY: OnceLock<(ServiceProvider, IdentityProvider)> = OnceLock::new();

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::from_ms(1_795_284_000_000);
    let (sp, idp) = KEY.get_or_init(|| {
        let key = OwnKey::generate("fuzz", now).expect("randomness");
        let certificates = vec![key.certificate().expect("our own certificate")];
        let own = |what: &str| format!("https://watch.example/{what}");
        let sp = ServiceProvider {
            entity_id: own("metadata"),
            acs_url: own("acs"),
            logout_url: own("logout"),
            keys: vec![key],
        };
        (sp, IdentityProvider { entity_id: "i".to_owned(), sso_url: "https://i/".to_owned(), certificates })
    });
    if let Ok(document) = Document::parse(bytes) {
        // What is canonical is read again, and stays as it is.
        let canonical = canonical_document(&document, false, &[]);
        match Document::parse(&canonical) {
            Ok(again) => assert_eq!(canonical_document(&again, false, &[]), canonical),
            // Escaping makes it longer, and what was declared further up is declared where it is used.
            Err(error) => assert!(matches!(error, XmlError::TooLong | XmlError::TooMany), "{error}"),
        }
    }
    let skew = Duration::from_secs(60);
    // Nobody but us has the key.
    assert!(read_response(bytes, sp, idp, Expect::Unsolicited, now, skew).result.is_err());
    assert!(read_response(bytes, sp, idp, Expect::Answer("_1"), now, skew).result.is_err());
    assert!(read_logout(bytes, sp, idp, now, skew).is_err());
    let _ = read_idp_metadata(bytes, None, now);
    let _ = IdpCertificate::from_der(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = decode_post(text);
        let _ = IdpCertificate::from_text(text);
        assert!(OwnKey::from_secret(text).is_err());
    }
});
