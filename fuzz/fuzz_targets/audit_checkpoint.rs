//! Signed notes, checkpoints and keys: any bytes are survived, nothing unsigned verifies, what parses prints the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_audit::checkpoint::{Note, VerifyingKey};
use wk_audit::export::verify_export;
use wk_audit::{Checkpoint, SigningKey};

const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

fuzz_target!(|bytes: &[u8]| {
    let Ok(key) = KEY.parse::<VerifyingKey>() else { return };
    if let Ok(note) = Note::parse(bytes) {
        // Nobody who fuzzes has this key.
        assert!(note.verify(&key).is_err() || note.body().contains("cryptography"));
        if let Ok(checkpoint) = Checkpoint::parse(note.body()) {
            assert_eq!(checkpoint.body(), note.body());
        }
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        if let Ok(parsed) = text.parse::<VerifyingKey>() {
            assert_eq!(parsed.to_string(), text);
        }
        let _ = SigningKey::from_text(text);
    }
    let _ = verify_export(bytes.split(|b| *b == b'\n'), &key, None, &[]);
});
