//! New ids and other random things.

use wk_domain::Timestamp;
use wk_domain::id::{Id, Kind};

/// Random bytes from the operating system's generator through aws-lc.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0u8; N];
    // The generator fails only when the operating system has no entropy source at all; time-ordered ids stay unique
    // enough then, and secrets are not made here.
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    bytes
}

/// A new id that sorts by `now`.
pub fn new_id<K: Kind>(now: Timestamp) -> Id<K> {
    Id::new(u64::try_from(now.as_ms()).unwrap_or(0), random())
}

/// 128 random bits in hexadecimal, for nonces and request tags. Not a secret by itself.
pub fn random_hex() -> String {
    random::<16>().iter().map(|byte| format!("{byte:02x}")).collect()
}
