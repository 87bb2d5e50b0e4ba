//! Data keys, and the sealing of single database fields with them.
//!
//! A sealed field is bound to where it stands: table, column, row id and revision. Copied to another row, or an old
//! value put back under a newer revision, it does not open.

use std::collections::BTreeMap;
use std::fmt;

use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroize as _;

use crate::primitives::{
    KEY_LEN, NONCE_LEN, RandomError, TAG_LEN, aead_open, aead_seal, framed, random_array,
};
use crate::ring::KekRing;
use crate::secret::{Secret, SecretBytes};

const FIELD_FORMAT: u8 = 1;
const FIELD_HEADER: usize = 1 + 4;
const DEK_LABEL: &str = "watchkeep dek 1";
const FIELD_LABEL: &str = "watchkeep field 1";

/// Where a sealed field stands. All of it is authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldAddress<'a> {
    /// The table's name.
    pub table: &'a str,
    /// The column's name.
    pub column: &'a str,
    /// The row's primary key, as text or bytes.
    pub row: &'a [u8],
    /// Counts the writes of this row: an old value under a newer revision does not open.
    pub revision: u64,
}

/// A data key as the database keeps it: useless without the key ring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedDek {
    /// Names the key inside sealed fields. Unique in one database, never used again.
    pub id: u32,
    /// Version of the KEK that wraps it.
    pub kek_version: u32,
    /// `nonce || ciphertext || tag`.
    pub wrapped: Vec<u8>,
}

/// Why something sealed did not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Not this format at all.
    #[error("this is not a sealed field")]
    Format,
    /// The key that sealed it is not loaded.
    #[error("sealed with data key {id}, which is not among the loaded ones")]
    UnknownDek { id: u32 },
    /// The KEK version that wraps a data key is not in the ring.
    #[error(
        "data key {id} is wrapped under version {version} of the key-encryption key, which the key ring does not hold"
    )]
    UnknownKek { id: u32, version: u32 },
    /// Changed, moved from another place, or sealed by another key.
    #[error("it was changed, moved from another place, or sealed under another key")]
    Refused,
    /// No data key at all.
    #[error("there is no data key yet")]
    NoDek,
}

/// The data keys of one database, opened.
pub struct DataKeys {
    deks: BTreeMap<u32, Secret<[u8; KEY_LEN]>>,
    current: u32,
}

impl fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKeys")
            .field("ids", &self.deks.keys().collect::<Vec<_>>())
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

fn dek_aad(id: u32, kek_version: u32) -> Vec<u8> {
    framed(DEK_LABEL, &[&id.to_be_bytes(), &kek_version.to_be_bytes()])
}

fn wrap(ring: &KekRing, id: u32, dek: &Secret<[u8; KEY_LEN]>) -> Result<WrappedDek, RandomError> {
    let (kek_version, kek) = ring.current();
    let wrapped = aead_seal(kek.expose(), &dek_aad(id, kek_version), dek.expose())?;
    Ok(WrappedDek { id, kek_version, wrapped })
}

impl DataKeys {
    /// The first data key of a new database, and its wrapped form for the caller to store.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn create(ring: &KekRing) -> Result<(Self, WrappedDek), RandomError> {
        let mut keys = Self { deks: BTreeMap::new(), current: 0 };
        let wrapped = keys.add(ring)?;
        Ok((keys, wrapped))
    }

    /// Opens the stored data keys. The one with the highest id seals from now on.
    ///
    /// # Errors
    /// [`OpenError`] when there is none, or one does not open with this ring.
    pub fn open(ring: &KekRing, stored: &[WrappedDek]) -> Result<Self, OpenError> {
        let mut deks = BTreeMap::new();
        for WrappedDek { id, kek_version, wrapped } in stored {
            let kek =
                ring.version(*kek_version).ok_or(OpenError::UnknownKek { id: *id, version: *kek_version })?;
            let mut plain =
                aead_open(kek.expose(), &dek_aad(*id, *kek_version), wrapped).ok_or(OpenError::Refused)?;
            let key = <[u8; KEY_LEN]>::try_from(plain.as_slice()).map_err(|_| OpenError::Format);
            plain.zeroize();
            deks.insert(*id, Secret::new(key?));
        }
        let current = *deks.last_key_value().ok_or(OpenError::NoDek)?.0;
        Ok(Self { deks, current })
    }

    /// Adds a fresh data key that seals from now on. The caller stores the wrapped form before it uses the key.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn add(&mut self, ring: &KekRing) -> Result<WrappedDek, RandomError> {
        let id = self.current + 1;
        let dek = Secret::new(random_array::<KEY_LEN>()?);
        let wrapped = wrap(ring, id, &dek)?;
        self.deks.insert(id, dek);
        self.current = id;
        Ok(wrapped)
    }

    /// All data keys wrapped anew under the ring's current KEK version. Fields stay as they are.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn rewrap(&self, ring: &KekRing) -> Result<Vec<WrappedDek>, RandomError> {
        self.deks.iter().map(|(&id, dek)| wrap(ring, id, dek)).collect()
    }

    /// Id of the key that seals new fields.
    pub const fn current_id(&self) -> u32 {
        self.current
    }

    /// Seals `plain` for one place in the database.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn seal(&self, at: &FieldAddress<'_>, plain: &[u8]) -> Result<Vec<u8>, RandomError> {
        let dek = self.deks.get(&self.current).ok_or(RandomError)?;
        let mut out = Vec::with_capacity(FIELD_HEADER + NONCE_LEN + plain.len() + TAG_LEN);
        out.push(FIELD_FORMAT);
        out.extend_from_slice(&self.current.to_be_bytes());
        out.append(&mut aead_seal(dek.expose(), &field_aad(self.current, at), plain)?);
        Ok(out)
    }

    /// Opens a field that was sealed for exactly this place.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_field(&self, at: &FieldAddress<'_>, sealed: &[u8]) -> Result<SecretBytes, OpenError> {
        let (header, body) = sealed.split_first_chunk::<FIELD_HEADER>().ok_or(OpenError::Format)?;
        let [format, id @ ..] = *header;
        if format != FIELD_FORMAT {
            return Err(OpenError::Format);
        }
        let id = u32::from_be_bytes(id);
        let dek = self.deks.get(&id).ok_or(OpenError::UnknownDek { id })?;
        aead_open(dek.expose(), &field_aad(id, at), body).map(SecretBytes::new).ok_or(OpenError::Refused)
    }

    /// The id of the data key that sealed a field: what still needs sealing anew after [`DataKeys::add`].
    pub fn sealed_with(sealed: &[u8]) -> Option<u32> {
        match sealed.split_first_chunk::<FIELD_HEADER>()?.0 {
            [FIELD_FORMAT, id @ ..] => Some(u32::from_be_bytes(*id)),
            _ => None,
        }
    }

    /// A key for message authentication, derived for one `purpose` from data key `id` (the current one for `None`).
    ///
    /// Password pepper and cookie signatures use this: they outlive any rotation of the KEK.
    ///
    /// # Errors
    /// [`OpenError::UnknownDek`].
    pub fn mac_key(&self, purpose: &str, id: Option<u32>) -> Result<MacKey, OpenError> {
        let id = id.unwrap_or(self.current);
        let dek = self.deks.get(&id).ok_or(OpenError::UnknownDek { id })?;
        let mut bytes = [0u8; 32];
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"watchkeep mac 1")
            .extract(dek.expose())
            .expand(&[purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut bytes))
            .map_err(|_| OpenError::Refused)?;
        let key = MacKey { id, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) };
        bytes.zeroize();
        Ok(key)
    }
}

fn field_aad(id: u32, at: &FieldAddress<'_>) -> Vec<u8> {
    framed(
        FIELD_LABEL,
        &[&id.to_be_bytes(), at.table.as_bytes(), at.column.as_bytes(), at.row, &at.revision.to_be_bytes()],
    )
}

/// An HMAC-SHA-256 key for one purpose.
#[derive(Clone)]
pub struct MacKey {
    id: u32,
    key: hmac::Key,
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacKey({}, ..)", self.id)
    }
}

impl MacKey {
    /// A key of its own, outside any database: for tools and tests.
    ///
    /// # Errors
    /// [`RandomError`].
    pub fn random() -> Result<Self, RandomError> {
        let mut bytes = random_array::<32>()?;
        let key = Self { id: 0, key: hmac::Key::new(hmac::HMAC_SHA256, &bytes) };
        bytes.zeroize();
        Ok(key)
    }

    /// Id of the data key it comes from.
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// HMAC-SHA-256 of `data`.
    pub fn sign(&self, data: &[u8]) -> [u8; 32] {
        let mut out = [0u8; 32];
        out.copy_from_slice(hmac::sign(&self.key, data).as_ref());
        out
    }

    /// Whether `tag` is the full HMAC of `data`, in constant time.
    pub fn verify(&self, data: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.key, data, tag).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const AT: FieldAddress<'static> =
        FieldAddress { table: "channel", column: "smtp_password", row: b"channel_1", revision: 3 };

    fn keys() -> (KekRing, DataKeys, WrappedDek) {
        let ring = KekRing::in_memory().unwrap();
        let (keys, wrapped) = DataKeys::create(&ring).unwrap();
        (ring, keys, wrapped)
    }

    #[test]
    fn a_field_opens_where_it_was_sealed_and_nowhere_else() {
        let (_, keys, _) = keys();
        let sealed = keys.seal(&AT, b"canary-secret").unwrap();
        assert_eq!(keys.open_field(&AT, &sealed).unwrap().expose(), b"canary-secret");
        for elsewhere in [
            FieldAddress { table: "user", ..AT },
            FieldAddress { column: "url", ..AT },
            FieldAddress { row: b"channel_2", ..AT },
            FieldAddress { revision: 4, ..AT },
            FieldAddress { revision: 2, ..AT },
            // The same letters cut at another place.
            FieldAddress { table: "channels", column: "mtp_password", ..AT },
        ] {
            assert_eq!(keys.open_field(&elsewhere, &sealed), Err(OpenError::Refused), "{elsewhere:?}");
        }
    }

    #[test]
    fn the_secret_is_nowhere_in_what_is_stored_or_printed() {
        let (ring, keys, wrapped) = keys();
        let sealed = keys.seal(&AT, b"canary-secret").unwrap();
        let dek = *keys.deks[&1].expose();
        for haystack in [&sealed, &wrapped.wrapped] {
            assert!(!haystack.windows(6).any(|w| w == b"canary"));
            assert!(!haystack.windows(8).any(|w| w == &dek[..8]));
        }
        let printed = format!("{keys:?} {ring:?} {wrapped:?} {:?}", keys.mac_key("pepper", None).unwrap());
        assert!(!printed.contains(&format!("{:?}", &dek[..4]).replace(['[', ']'], "")), "{printed}");
        assert_ne!(sealed, keys.seal(&AT, b"canary-secret").unwrap(), "two sealings of one value differ");
    }

    #[test]
    fn keys_rotate_and_old_fields_still_open() {
        let (mut ring, mut keys, first) = keys();
        let old = keys.seal(&AT, b"old").unwrap();
        let second = keys.add(&ring).unwrap();
        let new = keys.seal(&AT, b"new").unwrap();
        assert_eq!((DataKeys::sealed_with(&old), DataKeys::sealed_with(&new)), (Some(1), Some(2)));

        ring.add_version().unwrap();
        let rewrapped = keys.rewrap(&ring).unwrap();
        assert!(rewrapped.iter().all(|dek| dek.kek_version == 2));
        for stored in [&[first.clone(), second][..], &rewrapped] {
            let keys = DataKeys::open(&ring, stored).unwrap();
            assert_eq!(keys.open_field(&AT, &old).unwrap().expose(), b"old");
            assert_eq!(keys.open_field(&AT, &new).unwrap().expose(), b"new");
        }
        ring.forget_version(1).unwrap();
        assert_eq!(DataKeys::open(&ring, &[first]).unwrap_err(), OpenError::UnknownKek { id: 1, version: 1 });
        assert!(DataKeys::open(&ring, &rewrapped).is_ok());
    }

    #[test]
    fn wrapped_keys_cannot_be_swapped_or_opened_by_another_ring() {
        let (ring, mut keys, first) = keys();
        let second = keys.add(&ring).unwrap();
        let swapped = [
            WrappedDek { wrapped: second.wrapped.clone(), ..first.clone() },
            WrappedDek { wrapped: first.wrapped.clone(), ..second.clone() },
        ];
        assert_eq!(DataKeys::open(&ring, &swapped).unwrap_err(), OpenError::Refused);
        let stranger = KekRing::in_memory().unwrap();
        assert_eq!(DataKeys::open(&stranger, &[first, second]).unwrap_err(), OpenError::Refused);
        assert_eq!(DataKeys::open(&ring, &[]).unwrap_err(), OpenError::NoDek);
    }

    #[test]
    fn mac_keys_differ_by_purpose_and_stay_over_a_restart() {
        let (ring, keys, wrapped) = keys();
        let pepper = keys.mac_key("pepper", None).unwrap();
        let again = DataKeys::open(&ring, &[wrapped]).unwrap().mac_key("pepper", Some(1)).unwrap();
        assert_eq!(pepper.sign(b"x"), again.sign(b"x"));
        assert!(again.verify(b"x", &pepper.sign(b"x")));
        assert!(!again.verify(b"x", &pepper.sign(b"x")[..16]), "a shortened tag is no tag");
        assert_ne!(pepper.sign(b"x"), keys.mac_key("device cookie", None).unwrap().sign(b"x"));
        assert_eq!(keys.mac_key("pepper", Some(9)).unwrap_err(), OpenError::UnknownDek { id: 9 });
    }

    proptest! {
        /// Whatever bytes stand in the column, opening answers and never shows a wrong value.
        #[test]
        fn hostile_bytes_never_open(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let (_, keys, _) = keys();
            prop_assert!(keys.open_field(&AT, &bytes).is_err());
        }

        #[test]
        fn what_goes_in_comes_out(plain in proptest::collection::vec(any::<u8>(), 0..300), revision: u64) {
            let (_, keys, _) = keys();
            let at = FieldAddress { revision, ..AT };
            let sealed = keys.seal(&at, &plain).unwrap();
            let opened = keys.open_field(&at, &sealed).unwrap();
            prop_assert_eq!(opened.expose(), &plain);
        }
    }
}
