//! The key ring: every version of the key-encryption key (KEK), in one file outside the database.
//!
//! The ring's own bytes are protected in one of three ways, named in the file's header: by file mode alone, by a
//! passphrase (argon2id, cost and salt in the header), or by a systemd credential. Changing the protection writes the
//! ring anew; no data key and no field changes.
//!
//! ```text
//! "WKRING1\n"  kind u8  [m_kib u32  t u32  p u32  salt 16]  body
//! body = ring bytes (kind 0), or nonce || ciphertext || tag over them with the header as associated data
//! ring bytes = count u16, then count times (version u32, key 32), versions rising
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use aws_lc_rs::hkdf;
use zeroize::{Zeroize as _, Zeroizing};

use crate::file::{FileError, private_dir, read_private, replace_private, shred_leftovers, write_private};
use crate::primitives::{KEY_LEN, RandomError, aead_open, aead_seal, framed, random_array};
use crate::secret::{Secret, SecretBytes, SecretString};

const MAGIC: &[u8; 8] = b"WKRING1\n";
const FILE_NAME: &str = "kek.ring";
const CREDENTIAL_NAME: &str = "watchkeep-kek";
const SEALED_MAGIC: &[u8; 8] = b"WKSEAL1\n";
/// More versions than a rotation each month for eighty years.
const VERSIONS_MAX: usize = 1000;
const RING_BYTES_MAX: usize = 64 + 2 + VERSIONS_MAX * (4 + KEY_LEN) + 64;
const SALT_LEN: usize = 16;
/// A passphrase longer than this is a mistake, such as a whole file piped in.
const PASSPHRASE_BYTES_MAX: usize = 4096;
const CREDENTIAL_BYTES_MAX: usize = 64 * 1024;
/// 128 bits at the least, if the credential is random bytes.
const CREDENTIAL_BYTES_MIN: usize = 16;
/// What a header may ask for: enough for any sane choice, too little to exhaust the machine by a changed byte.
const M_KIB_MAX: u32 = 1024 * 1024;
const T_MAX: u32 = 64;
const P_MAX: u32 = 16;

/// What protects the ring on disk.
#[derive(Debug, Clone)]
pub enum Protector {
    /// The file's mode (0600 in a folder of 0700) and nothing else.
    FileMode,
    /// A passphrase given at every start.
    Passphrase(SecretString),
    /// The content of `$CREDENTIALS_DIRECTORY/watchkeep-kek`, as systemd hands it over.
    Credential(SecretBytes),
}

impl Protector {
    /// The systemd credential if there is one in `credentials_dir` (the value of `$CREDENTIALS_DIRECTORY`).
    ///
    /// # Errors
    /// [`RingError::Credential`] when it is there but unusable; [`RingError::File`] when it cannot be read.
    pub fn from_credentials_dir(credentials_dir: &Path) -> Result<Option<Self>, RingError> {
        let path = credentials_dir.join(CREDENTIAL_NAME);
        // systemd owns the folder and its modes (it may be root's with an access list), so only the size is ours.
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => SecretBytes::new(bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(RingError::File(FileError::Io { action: "read", path, source })),
        };
        if !(CREDENTIAL_BYTES_MIN..=CREDENTIAL_BYTES_MAX).contains(&bytes.expose().len()) {
            return Err(RingError::Credential { path, bytes: bytes.expose().len() });
        }
        Ok(Some(Self::Credential(bytes)))
    }

    const fn kind(&self) -> u8 {
        match self {
            Self::FileMode => 0,
            Self::Passphrase(_) => 1,
            Self::Credential(_) => 2,
        }
    }
}

const PLAIN: &str = "file mode alone";

const fn kind_name(kind: u8) -> &'static str {
    match kind {
        0 => PLAIN,
        1 => "a passphrase",
        _ => "a systemd credential",
    }
}

/// What one guess at the passphrase costs. Stored in the ring's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PassphraseCost {
    /// Memory in KiB.
    pub m_kib: u32,
    /// Passes.
    pub t: u32,
    /// Lanes.
    pub p: u32,
}

impl PassphraseCost {
    /// 256 MiB, 3 passes: about a second, paid once per start. Well above RFC 9106's second recommendation.
    pub const DEFAULT: Self = Self { m_kib: 256 * 1024, t: 3, p: 1 };
    /// The least that is accepted: OWASP's floor for argon2id.
    pub const FLOOR: Self = Self { m_kib: 19 * 1024, t: 2, p: 1 };
}

/// Why the key ring could not be opened or written.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The file or its folder.
    #[error(transparent)]
    File(FileError),
    /// Not a ring.
    #[error(
        "{path} is not a key ring, or it is damaged: restore it from a backup; without it nothing sealed opens"
    )]
    Damaged { path: PathBuf },
    /// Another protection than the one offered.
    #[error("{path} is protected by {found}, but {offered} was given")]
    Protection { path: PathBuf, found: &'static str, offered: &'static str },
    /// The wrong passphrase or credential.
    #[error("{path} does not open with the {what} given: it is wrong, or the file was changed")]
    Wrong { path: PathBuf, what: &'static str },
    /// A passphrase too short or too long to be meant.
    #[error("the passphrase has {bytes} bytes: give 12 to 4096")]
    Passphrase { bytes: usize },
    /// A credential too short or too long to be meant.
    #[error("{path} has {bytes} bytes: give 16 to 65536, such as 32 random bytes")]
    Credential { path: PathBuf, bytes: usize },
    /// The header asks for more or less work than is sane.
    #[error("the passphrase cost of {m_kib} KiB, {t} passes, {p} lanes is outside what is accepted")]
    Cost { m_kib: u32, t: u32, p: u32 },
    /// No version can be forgotten while it is the current one, and none that is not there.
    #[error("version {version} is the current one or not in the ring")]
    Version { version: u32 },
    /// The ring is full.
    #[error("the key ring holds {VERSIONS_MAX} versions: forget old ones first")]
    Full,
    /// No random bytes.
    #[error(transparent)]
    Random(RandomError),
}

/// All versions of the key-encryption key.
pub struct KekRing {
    keks: BTreeMap<u32, Secret<[u8; KEY_LEN]>>,
}

impl fmt::Debug for KekRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KekRing")
            .field("versions", &self.keks.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl KekRing {
    /// A ring with one fresh version that no file holds: for tests and tools.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn in_memory() -> Result<Self, RandomError> {
        Ok(Self { keks: BTreeMap::from([(1, Secret::new(random_array()?))]) })
    }

    /// Opens the ring in the private folder `dir`, or makes both at first start.
    ///
    /// A ring that only its file's mode protected is sealed when something better is given, and its old bytes are
    /// overwritten: so can a server be hardened that ran before.
    ///
    /// # Errors
    /// [`RingError`]. A ring under any other protection is refused, never replaced.
    pub fn open_or_create(
        dir: &Path,
        protector: &Protector,
        cost: PassphraseCost,
    ) -> Result<Self, RingError> {
        private_dir(dir).map_err(RingError::File)?;
        shred_leftovers(&dir.join(FILE_NAME)).map_err(RingError::File)?;
        match Self::open(dir, protector) {
            Err(RingError::Protection { found: PLAIN, .. }) => {
                let ring = Self::open(dir, &Protector::FileMode)?;
                ring.save_with(dir, protector, cost, replace_private)?;
                Ok(ring)
            }
            Err(RingError::File(error)) if error.is_missing() => {
                let ring = Self::in_memory().map_err(RingError::Random)?;
                ring.save(dir, protector, cost)?;
                Ok(ring)
            }
            other => other,
        }
    }

    /// Opens the ring in `dir`.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn open(dir: &Path, protector: &Protector) -> Result<Self, RingError> {
        let path = dir.join(FILE_NAME);
        let bytes = read_private(&path, RING_BYTES_MAX).map_err(RingError::File)?;
        let damaged = || RingError::Damaged { path: path.clone() };
        let rest = bytes.expose().strip_prefix(MAGIC).ok_or_else(damaged)?;
        let (&kind, rest) = rest.split_first().ok_or_else(damaged)?;
        if kind > 2 {
            return Err(damaged());
        }
        if kind != protector.kind() {
            return Err(RingError::Protection {
                path,
                found: kind_name(kind),
                offered: kind_name(protector.kind()),
            });
        }
        let plain = match protector {
            Protector::FileMode => Zeroizing::new(rest.to_vec()),
            Protector::Passphrase(passphrase) => {
                let (header, body) = rest.split_first_chunk::<{ 12 + SALT_LEN }>().ok_or_else(damaged)?;
                let (cost, salt) = parse_cost(header);
                let key = stretch(passphrase, cost, salt)?;
                let aad = &bytes.expose()[..MAGIC.len() + 1 + header.len()];
                Zeroizing::new(
                    aead_open(key.expose(), aad, body)
                        .ok_or(RingError::Wrong { path: path.clone(), what: "passphrase" })?,
                )
            }
            Protector::Credential(credential) => {
                let key = credential_key(credential)?;
                let aad = &bytes.expose()[..=MAGIC.len()];
                Zeroizing::new(
                    aead_open(key.expose(), aad, rest)
                        .ok_or(RingError::Wrong { path: path.clone(), what: "systemd credential" })?,
                )
            }
        };
        Self::parse(&plain).ok_or_else(damaged)
    }

    /// Writes the ring to `dir` under `protector`: after a new version, or to change the protection.
    ///
    /// # Errors
    /// [`RingError`].
    pub fn save(&self, dir: &Path, protector: &Protector, cost: PassphraseCost) -> Result<(), RingError> {
        self.save_with(dir, protector, cost, write_private)
    }

    fn save_with(
        &self,
        dir: &Path,
        protector: &Protector,
        cost: PassphraseCost,
        write: fn(&Path, &[u8]) -> Result<(), FileError>,
    ) -> Result<(), RingError> {
        let mut plain = Zeroizing::new(Vec::with_capacity(2 + self.keks.len() * (4 + KEY_LEN)));
        let count = u16::try_from(self.keks.len()).map_err(|_| RingError::Full)?;
        plain.extend_from_slice(&count.to_be_bytes());
        for (version, key) in &self.keks {
            plain.extend_from_slice(&version.to_be_bytes());
            plain.extend_from_slice(key.expose());
        }
        let mut out = Zeroizing::new(Vec::with_capacity(RING_BYTES_MAX));
        out.extend_from_slice(MAGIC);
        out.push(protector.kind());
        match protector {
            Protector::FileMode => out.extend_from_slice(&plain),
            Protector::Passphrase(passphrase) => {
                let bytes = passphrase.expose().len();
                if !(12..=PASSPHRASE_BYTES_MAX).contains(&bytes) {
                    return Err(RingError::Passphrase { bytes });
                }
                let salt = random_array::<SALT_LEN>().map_err(RingError::Random)?;
                for part in [cost.m_kib, cost.t, cost.p] {
                    out.extend_from_slice(&part.to_be_bytes());
                }
                out.extend_from_slice(&salt);
                let key = stretch(passphrase, cost, &salt)?;
                let body = aead_seal(key.expose(), &out, &plain).map_err(RingError::Random)?;
                out.extend_from_slice(&body);
            }
            Protector::Credential(credential) => {
                let key = credential_key(credential)?;
                let body = aead_seal(key.expose(), &out, &plain).map_err(RingError::Random)?;
                out.extend_from_slice(&body);
            }
        }
        write(&dir.join(FILE_NAME), &out).map_err(RingError::File)
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (count, mut rest) = bytes.split_first_chunk::<2>()?;
        let count = usize::from(u16::from_be_bytes(*count));
        if count == 0 || count > VERSIONS_MAX || rest.len() != count * (4 + KEY_LEN) {
            return None;
        }
        let mut keks = BTreeMap::new();
        while let Some((version, after)) = rest.split_first_chunk::<4>() {
            let (key, after) = after.split_first_chunk::<KEY_LEN>()?;
            let version = u32::from_be_bytes(*version);
            if version == 0 || keks.last_key_value().is_some_and(|(&last, _)| last >= version) {
                return None;
            }
            keks.insert(version, Secret::new(*key));
            rest = after;
        }
        Some(Self { keks })
    }

    /// Adds a fresh version that wraps from now on. Save the ring before anything is wrapped under it.
    ///
    /// # Errors
    /// [`RingError::Full`], [`RingError::Random`].
    pub fn add_version(&mut self) -> Result<u32, RingError> {
        if self.keks.len() >= VERSIONS_MAX {
            return Err(RingError::Full);
        }
        let version = self.current_version().checked_add(1).ok_or(RingError::Full)?;
        self.keks.insert(version, Secret::new(random_array().map_err(RingError::Random)?));
        Ok(version)
    }

    /// Drops an old version, once nothing is wrapped under it any more. Save the ring afterwards.
    ///
    /// # Errors
    /// [`RingError::Version`] for the current version or one that is not there.
    pub fn forget_version(&mut self, version: u32) -> Result<(), RingError> {
        if version == self.current_version() || self.keks.remove(&version).is_none() {
            return Err(RingError::Version { version });
        }
        Ok(())
    }

    /// The version that wraps from now on.
    pub fn current_version(&self) -> u32 {
        self.keks.last_key_value().map_or(0, |(&version, _)| version)
    }

    /// Versions the ring holds, rising.
    pub fn versions(&self) -> impl Iterator<Item = u32> + '_ {
        self.keks.keys().copied()
    }

    pub(crate) fn current(&self) -> (u32, &Secret<[u8; KEY_LEN]>) {
        // Never empty: made with one version, parsed with at least one, and the current one cannot be forgotten.
        static NONE: Secret<[u8; KEY_LEN]> = Secret::new([0; KEY_LEN]);
        self.keks.last_key_value().map_or((0, &NONE), |(&version, key)| (version, key))
    }

    pub(crate) fn version(&self, version: u32) -> Option<&Secret<[u8; KEY_LEN]>> {
        self.keks.get(&version)
    }

    /// Seals `plain` for a file; `purpose` must be given again to open it, so that files cannot be swapped.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn seal_file(&self, purpose: &str, plain: &[u8]) -> Result<Vec<u8>, RandomError> {
        let (version, kek) = self.current();
        let mut out = SEALED_MAGIC.to_vec();
        out.extend_from_slice(&version.to_be_bytes());
        out.append(&mut aead_seal(kek.expose(), &file_aad(purpose, version), plain)?);
        Ok(out)
    }

    /// Opens what [`KekRing::seal_file`] made for the same purpose. `None` for anything else.
    pub fn open_file(&self, purpose: &str, sealed: &[u8]) -> Option<SecretBytes> {
        let (version, body) = sealed.strip_prefix(SEALED_MAGIC)?.split_first_chunk::<4>()?;
        let version = u32::from_be_bytes(*version);
        let kek = self.version(version)?;
        aead_open(kek.expose(), &file_aad(purpose, version), body).map(SecretBytes::new)
    }

    /// Whether `bytes` came out of [`KekRing::seal_file`] of some ring.
    pub fn is_sealed_file(bytes: &[u8]) -> bool {
        bytes.starts_with(SEALED_MAGIC)
    }
}

fn file_aad(purpose: &str, version: u32) -> Vec<u8> {
    framed("watchkeep file 1", &[purpose.as_bytes(), &version.to_be_bytes()])
}

fn parse_cost(header: &[u8; 12 + SALT_LEN]) -> (PassphraseCost, &[u8]) {
    let at = |i: usize| u32::from_be_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
    (PassphraseCost { m_kib: at(0), t: at(4), p: at(8) }, &header[12..])
}

fn stretch(
    passphrase: &SecretString,
    cost: PassphraseCost,
    salt: &[u8],
) -> Result<Secret<[u8; KEY_LEN]>, RingError> {
    let PassphraseCost { m_kib, t, p } = cost;
    let floor = PassphraseCost::FLOOR;
    let refused = || RingError::Cost { m_kib, t, p };
    if m_kib < floor.m_kib || t < floor.t || m_kib > M_KIB_MAX || t > T_MAX || p == 0 || p > P_MAX {
        return Err(refused());
    }
    let params = argon2::Params::new(m_kib, t, p, Some(KEY_LEN)).map_err(|_| refused())?;
    let mut key = [0u8; KEY_LEN];
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), salt, &mut key)
        .map_err(|_| refused())?;
    let secret = Secret::new(key);
    key.zeroize();
    Ok(secret)
}

fn credential_key(credential: &SecretBytes) -> Result<Secret<[u8; KEY_LEN]>, RingError> {
    let mut key = [0u8; KEY_LEN];
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"watchkeep credential 1")
        .extract(credential.expose())
        .expand(&[b"kek ring"], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut key))
        .map_err(|_| RingError::Random(RandomError))?;
    let secret = Secret::new(key);
    key.zeroize();
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const CHEAP: PassphraseCost = PassphraseCost::FLOOR;

    fn pass(text: &str) -> Protector {
        Protector::Passphrase(SecretString::new(text.to_owned()))
    }

    fn credential(byte: u8) -> Protector {
        Protector::Credential(SecretBytes::new(vec![byte; 32]))
    }

    #[test]
    fn every_protection_opens_again_with_the_same_keys() {
        for protector in [Protector::FileMode, pass("correct horse battery"), credential(9)] {
            let tmp = tempfile::tempdir().unwrap();
            let dir = tmp.path().join("keys");
            let mut ring = KekRing::open_or_create(&dir, &protector, CHEAP).unwrap();
            ring.add_version().unwrap();
            ring.save(&dir, &protector, CHEAP).unwrap();
            let again = KekRing::open_or_create(&dir, &protector, CHEAP).unwrap();
            assert_eq!(again.versions().collect::<Vec<_>>(), [1, 2]);
            let sealed = ring.seal_file("ca", b"canary").unwrap();
            assert_eq!(again.open_file("ca", &sealed).unwrap().expose(), b"canary");
            let file = dir.join(FILE_NAME);
            assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o600);
            assert_eq!(std::fs::metadata(&dir).unwrap().permissions().mode() & 0o7777, 0o700);
            let key = *ring.current().1.expose();
            let on_disk = std::fs::read(&file).unwrap();
            let visible = on_disk.windows(32).any(|w| w == key);
            assert_eq!(visible, matches!(protector, Protector::FileMode), "{protector:?}");
        }
    }

    #[test]
    fn a_wrong_or_other_protection_is_refused_and_nothing_is_replaced() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        KekRing::open_or_create(&dir, &pass("correct horse battery"), CHEAP).unwrap();
        let before = std::fs::read(dir.join(FILE_NAME)).unwrap();
        let wrong = KekRing::open_or_create(&dir, &pass("correct horse batterY"), CHEAP).unwrap_err();
        assert!(matches!(wrong, RingError::Wrong { what: "passphrase", .. }), "{wrong}");
        let other = KekRing::open_or_create(&dir, &Protector::FileMode, CHEAP).unwrap_err().to_string();
        assert!(other.contains("protected by a passphrase"), "{other}");
        assert!(KekRing::open_or_create(&dir, &credential(1), CHEAP).is_err());
        assert_eq!(std::fs::read(dir.join(FILE_NAME)).unwrap(), before);
    }

    #[test]
    fn protection_can_be_changed() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        let ring = KekRing::open_or_create(&dir, &Protector::FileMode, CHEAP).unwrap();
        let sealed = ring.seal_file("x", b"y").unwrap();
        ring.save(&dir, &credential(3), CHEAP).unwrap();
        assert!(KekRing::open(&dir, &Protector::FileMode).is_err());
        assert!(KekRing::open(&dir, &credential(4)).is_err());
        assert!(KekRing::open(&dir, &credential(3)).unwrap().open_file("x", &sealed).is_some());
    }

    #[test]
    fn a_ring_in_plain_is_sealed_when_a_protection_is_given_later_and_its_old_bytes_are_gone() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        let ring = KekRing::open_or_create(&dir, &Protector::FileMode, CHEAP).unwrap();
        let sealed = ring.seal_file("x", b"y").unwrap();
        let key = *ring.current().1.expose();
        // A second name for the old file shows what became of its bytes.
        let old = tmp.path().join("old");
        std::fs::hard_link(dir.join(FILE_NAME), &old).unwrap();
        let later = KekRing::open_or_create(&dir, &credential(3), CHEAP).unwrap();
        assert_eq!(later.open_file("x", &sealed).unwrap().expose(), b"y", "the same keys");
        for file in [&dir.join(FILE_NAME), &old] {
            assert!(!std::fs::read(file).unwrap().windows(32).any(|w| w == key), "{}", file.display());
        }
        assert!(KekRing::open_or_create(&dir, &Protector::FileMode, CHEAP).is_err(), "and never back");
        assert!(KekRing::open_or_create(&dir, &credential(3), CHEAP).is_ok());
    }

    #[test]
    fn any_changed_byte_of_a_sealed_ring_is_refused_without_a_panic() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        let protector = credential(5);
        KekRing::open_or_create(&dir, &protector, CHEAP).unwrap();
        let good = std::fs::read(dir.join(FILE_NAME)).unwrap();
        for at in 0..good.len() {
            let mut bent = good.clone();
            bent[at] ^= 0x40;
            write_private(&dir.join(FILE_NAME), &bent).unwrap();
            assert!(KekRing::open(&dir, &protector).is_err(), "byte {at}");
            write_private(&dir.join(FILE_NAME), &good[..at]).unwrap();
            assert!(KekRing::open_or_create(&dir, &protector, CHEAP).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn a_header_cannot_ask_for_absurd_or_trivial_work() {
        let passphrase = SecretString::new("correct horse battery".to_owned());
        for (m_kib, t, p) in
            [(8, 1, 1), (u32::MAX, 3, 1), (19 * 1024, 65, 1), (19 * 1024, 2, 0), (19 * 1024, 1, 1)]
        {
            let result = stretch(&passphrase, PassphraseCost { m_kib, t, p }, &[0; 16]);
            assert!(matches!(result, Err(RingError::Cost { .. })));
        }
    }

    #[test]
    fn a_short_passphrase_or_credential_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let error = KekRing::open_or_create(&tmp.path().join("k"), &pass("short"), CHEAP).unwrap_err();
        assert!(matches!(error, RingError::Passphrase { bytes: 5 }));
        assert!(Protector::from_credentials_dir(tmp.path()).unwrap().is_none());
        std::fs::write(tmp.path().join(CREDENTIAL_NAME), b"too short").unwrap();
        assert!(matches!(
            Protector::from_credentials_dir(tmp.path()),
            Err(RingError::Credential { bytes: 9, .. })
        ));
        std::fs::write(tmp.path().join(CREDENTIAL_NAME), [1; 32]).unwrap();
        assert!(Protector::from_credentials_dir(tmp.path()).unwrap().is_some());
    }

    #[test]
    fn a_loose_ring_is_refused() {
        let tmp = tempfile::tempdir().unwrap();
        let dir = tmp.path().join("keys");
        KekRing::open_or_create(&dir, &Protector::FileMode, CHEAP).unwrap();
        std::fs::set_permissions(dir.join(FILE_NAME), std::fs::Permissions::from_mode(0o644)).unwrap();
        let error = KekRing::open_or_create(&dir, &Protector::FileMode, CHEAP).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn sealed_files_do_not_open_for_another_purpose_or_ring() {
        let ring = KekRing::in_memory().unwrap();
        let sealed = ring.seal_file("pki/root", b"key").unwrap();
        assert!(KekRing::is_sealed_file(&sealed));
        assert!(ring.open_file("pki/intermediate", &sealed).is_none());
        assert!(KekRing::in_memory().unwrap().open_file("pki/root", &sealed).is_none());
        assert!(ring.open_file("pki/root", b"WKSEAL1\n\0\0").is_none());
    }
}
