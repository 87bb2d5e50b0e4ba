//! Password hashes: argon2id over HMAC-SHA-256(pepper, password), written as a PHC string.
//!
//! ```text
//! $argon2id$v=19$m=65536,t=3,p=1,keyid=AAAAAQ$<salt>$<hash>
//! ```
//! `keyid` names the pepper, so that a copy of the database alone gives nothing to guess against.
//! PHC: github.com/P-H-C/phc-string-format.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD};
use wk_seal::{MacKey, RandomError, random_array};
use zeroize::Zeroizing;

use crate::password::Password;

/// The PHC format's base64: standard alphabet, no padding, spare bits zero.
const B64: GeneralPurpose = GeneralPurpose::new(&STANDARD, NO_PAD);
const SALT_LEN: usize = 16;
const HASH_LEN: usize = 32;
/// Ours have about 110.
const PHC_MAX: usize = 256;
/// What a stored string may ask for: a changed row must not exhaust the machine.
const M_KIB_MAX: u32 = 1024 * 1024;
const T_MAX: u32 = 32;
const P_MAX: u32 = 8;

/// A cost that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a password hash costs at least 19 MiB and 2 passes and at most 1 GiB, 32 passes and 8 lanes; asked for {m_kib} KiB, {t}, {p}"
)]
pub struct CostError {
    m_kib: u32,
    t: u32,
    p: u32,
}

/// Work of one hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashCost {
    m_kib: u32,
    t: u32,
    p: u32,
}

impl HashCost {
    /// 64 MiB, 3 passes, 1 lane.
    pub const DEFAULT: Self = Self { m_kib: 64 * 1024, t: 3, p: 1 };
    /// The least ever used: 19 MiB, 2 passes (OWASP's floor).
    pub const FLOOR: Self = Self { m_kib: 19 * 1024, t: 2, p: 1 };

    /// A cost of one's own.
    ///
    /// # Errors
    /// [`CostError`] below the floor or beyond sense.
    pub const fn new(m_kib: u32, t: u32, p: u32) -> Result<Self, CostError> {
        let floor = Self::FLOOR;
        if m_kib < floor.m_kib || t < floor.t || p == 0 || m_kib > M_KIB_MAX || t > T_MAX || p > P_MAX {
            return Err(CostError { m_kib, t, p });
        }
        Ok(Self { m_kib, t, p })
    }

    /// Memory in KiB.
    pub const fn m_kib(&self) -> u32 {
        self.m_kib
    }

    const fn below(self, other: Self) -> bool {
        self.m_kib < other.m_kib || self.t < other.t
    }
}

/// Why a password was not hashed or checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// Not a PHC string of ours.
    #[error("the stored password hash cannot be read")]
    Stored,
    /// The pepper is not loaded.
    #[error("the stored password hash was made with pepper {id}, which is not loaded")]
    Pepper { id: u32 },
    /// No random bytes.
    #[error(transparent)]
    Random(RandomError),
    /// argon2 itself: out of memory.
    #[error("could not compute the password hash")]
    Compute,
}

/// The keys mixed into every password. The first one serves new hashes, the rest old ones.
#[derive(Debug, Clone)]
pub struct Peppers {
    current: MacKey,
    older: Vec<MacKey>,
}

impl Peppers {
    /// `current` for new hashes, `older` to verify the rest.
    pub const fn new(current: MacKey, older: Vec<MacKey>) -> Self {
        Self { current, older }
    }

    fn find(&self, id: u32) -> Option<&MacKey> {
        std::iter::once(&self.current).chain(&self.older).find(|key| key.id() == id)
    }
}

/// A PHC string, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHash {
    cost: HashCost,
    pepper: u32,
    salt: Vec<u8>,
    hash: Vec<u8>,
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredHash")
            .field("cost", &self.cost)
            .field("pepper", &self.pepper)
            .finish_non_exhaustive()
    }
}

impl StoredHash {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// [`HashError::Stored`] for anything this crate would not write.
    pub fn parse(phc: &str) -> Result<Self, HashError> {
        Self::read(phc).ok_or(HashError::Stored)
    }

    fn read(phc: &str) -> Option<Self> {
        if phc.len() > PHC_MAX {
            return None;
        }
        let mut parts = phc.strip_prefix("$argon2id$v=19$")?.split('$');
        let (params, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut params = params.split(',');
        let mut number = |name: &str| -> Option<u32> {
            let digits = params.next()?.strip_prefix(name)?;
            let canonical = !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| canonical)
        };
        let (m_kib, t, p) = (number("m=")?, number("t=")?, number("p=")?);
        if m_kib > M_KIB_MAX || t > T_MAX || p > P_MAX {
            return None;
        }
        let key_id = B64.decode(params.next()?.strip_prefix("keyid=")?).ok()?;
        let stored = Self {
            cost: HashCost { m_kib, t, p },
            pepper: u32::from_be_bytes(key_id.try_into().ok()?),
            salt: B64.decode(salt).ok()?,
            hash: B64.decode(hash).ok()?,
        };
        let whole = params.next().is_none() && parts.next().is_none();
        (whole && stored.salt.len() == SALT_LEN && stored.hash.len() == HASH_LEN).then_some(stored)
    }

    fn write(&self) -> String {
        let HashCost { m_kib, t, p } = self.cost;
        format!(
            "$argon2id$v=19$m={m_kib},t={t},p={p},keyid={}${}${}",
            B64.encode(self.pepper.to_be_bytes()),
            B64.encode(&self.salt),
            B64.encode(&self.hash)
        )
    }

    /// Whether the next sign-in should store a new hash: weaker than `cost`, or under an older pepper.
    pub fn wants_upgrade(&self, cost: HashCost, peppers: &Peppers) -> bool {
        self.cost.below(cost) || self.pepper != peppers.current.id()
    }
}

fn derive(
    password: &Password,
    pepper: &MacKey,
    cost: HashCost,
    salt: &[u8],
) -> Result<Zeroizing<[u8; HASH_LEN]>, HashError> {
    let peppered = Zeroizing::new(pepper.sign(password.as_bytes()));
    let params = Params::new(cost.m_kib, cost.t, cost.p, Some(HASH_LEN)).map_err(|_| HashError::Stored)?;
    let mut out = Zeroizing::new([0u8; HASH_LEN]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(&*peppered, salt, &mut *out)
        .map_err(|_| HashError::Compute)?;
    Ok(out)
}

/// Hashes a new password. Heavy by design (see [`HashCost`]): run it through [`crate::PasswordHasher`].
///
/// # Errors
/// [`HashError`].
pub fn hash_password(password: &Password, peppers: &Peppers, cost: HashCost) -> Result<String, HashError> {
    let salt = random_array::<SALT_LEN>().map_err(HashError::Random)?;
    let hash = derive(password, &peppers.current, cost, &salt)?;
    let stored = StoredHash { cost, pepper: peppers.current.id(), salt: salt.to_vec(), hash: hash.to_vec() };
    Ok(stored.write())
}

/// Whether `password` is the one `stored` was made from. As heavy as [`hash_password`].
///
/// # Errors
/// [`HashError`]; a wrong password is `Ok(false)`.
pub fn verify_password(
    password: &Password,
    stored: &StoredHash,
    peppers: &Peppers,
) -> Result<bool, HashError> {
    let pepper = peppers.find(stored.pepper).ok_or(HashError::Pepper { id: stored.pepper })?;
    let hash = derive(password, pepper, stored.cost, &stored.salt)?;
    Ok(aws_lc_rs::constant_time::verify_slices_are_equal(&*hash, &stored.hash).is_ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use wk_seal::{DataKeys, KekRing};

    use super::*;

    fn peppers() -> Peppers {
        Peppers::new(MacKey::random().unwrap(), Vec::new())
    }

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let peppers = peppers();
        let phc = hash_password(&password("vifoqumaridope lantel"), &peppers, HashCost::FLOOR).unwrap();
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid=AAAAAA$"), "{phc}");
        let stored = StoredHash::parse(&phc).unwrap();
        assert_eq!(verify_password(&password("vifoqumaridope lantel"), &stored, &peppers), Ok(true));
        for wrong in ["vifoqumaridope lantel ", "Vifoqumaridope lantel", "v"] {
            assert_eq!(verify_password(&password(wrong), &stored, &peppers), Ok(false), "{wrong}");
        }
        assert_ne!(
            phc,
            hash_password(&password("vifoqumaridope lantel"), &peppers, HashCost::FLOOR).unwrap()
        );
    }

    #[test]
    fn the_database_alone_is_not_enough() {
        let phc = hash_password(&password("vifoqumaridope lantel"), &peppers(), HashCost::FLOOR).unwrap();
        // The right password with another pepper of the same number.
        let stored = StoredHash::parse(&phc).unwrap();
        assert_eq!(verify_password(&password("vifoqumaridope lantel"), &stored, &peppers()), Ok(false));
    }

    #[test]
    fn old_peppers_verify_and_ask_for_an_upgrade() {
        let ring = KekRing::in_memory().unwrap();
        let (mut keys, _) = DataKeys::create(&ring).unwrap();
        let first = Peppers::new(keys.mac_key("pepper", None).unwrap(), Vec::new());
        let phc = hash_password(&password("vifoqumaridope"), &first, HashCost::FLOOR).unwrap();
        let stored = StoredHash::parse(&phc).unwrap();
        assert!(!stored.wants_upgrade(HashCost::FLOOR, &first));
        assert!(stored.wants_upgrade(HashCost::DEFAULT, &first), "a weaker cost than today's");

        keys.add(&ring).unwrap();
        let both = Peppers::new(
            keys.mac_key("pepper", None).unwrap(),
            vec![keys.mac_key("pepper", Some(1)).unwrap()],
        );
        assert_eq!(verify_password(&password("vifoqumaridope"), &stored, &both), Ok(true));
        assert!(stored.wants_upgrade(HashCost::FLOOR, &both));
        let only_new = Peppers::new(keys.mac_key("pepper", None).unwrap(), Vec::new());
        assert_eq!(
            verify_password(&password("vifoqumaridope"), &stored, &only_new),
            Err(HashError::Pepper { id: 1 })
        );
    }

    #[test]
    fn costs_have_a_floor_and_a_ceiling() {
        assert!(HashCost::new(19 * 1024, 2, 1).is_ok() && HashCost::new(1024 * 1024, 4, 4).is_ok());
        for (m, t, p) in
            [(19 * 1024 - 1, 2, 1), (65_536, 1, 1), (65_536, 3, 0), (u32::MAX, 3, 1), (65_536, 33, 1)]
        {
            assert!(HashCost::new(m, t, p).is_err());
        }
    }

    #[test]
    fn damaged_strings_are_refused() {
        let good = hash_password(&password("vifoqumaridope"), &peppers(), HashCost::FLOOR).unwrap();
        assert_eq!(StoredHash::parse(&good).unwrap().write(), good);
        for bad in [
            "",
            "plain text",
            "$argon2i$v=19$m=19456,t=2,p=1,keyid=AAAAAA$c2FsdHNhbHRzYWx0c2FsdA$aGFzaA",
            &good.replace("m=19456", "m=4294967295"),
            &good.replace("m=19456", "m=019456"),
            &good.replace("t=2", "t=99"),
            &good.replace(",keyid=AAAAAA", ""),
            &good[..good.len() - 1],
            &format!("{good}$x"),
            &"$".repeat(10_000),
        ] {
            assert_eq!(StoredHash::parse(bad), Err(HashError::Stored), "{bad:.40}");
        }
    }

    #[test]
    fn printing_a_stored_hash_shows_neither_salt_nor_hash() {
        let phc = hash_password(&password("vifoqumaridope"), &peppers(), HashCost::FLOOR).unwrap();
        let stored = StoredHash::parse(&phc).unwrap();
        let shown = format!("{stored:?}");
        assert!(shown.len() < 120 && !shown.contains("salt") && !shown.contains("hash:"), "{shown}");
    }

    proptest! {
        #[test]
        fn hostile_strings_never_panic(text in "(\\$argon2id\\$v=19\\$)?\\PC{0,80}") {
            let _ = StoredHash::parse(&text);
        }
    }
}
