//! Passkeys: the relying party's side of WebAuthn Level 3, pure. What the browser sent goes in as bytes; what to store,
//! or why not, comes out.
//!
//! User verification is always required. Attestation is not asked for, and a statement that comes anyway is not believed:
//! see the allow-list of models in [`register`]. No extension is asked for, and none means anything.
//!
//! Left out: who may register, and where keys are stored.

mod cbor;
mod challenge;
mod key;

use std::net::IpAddr;

use serde::Deserialize;
use wk_seal::sha256;

use cbor::Reader;
use key::PublicKey;

pub use challenge::{PasskeyChallenge, PasskeyChallenges};
pub use key::ALGORITHMS;

/// Largest `clientDataJSON`, in bytes: an honest one has about 200.
pub const CLIENT_DATA_MAX: usize = 2 << 10;
/// Largest attestation object, in bytes: a few certificates at most.
pub const ATTESTATION_MAX: usize = 8 << 10;
/// Largest authenticator data of a signature, in bytes: 37, and extensions that nobody asked for.
pub const AUTH_DATA_MAX: usize = 1 << 10;
/// Largest signature, in bytes: RSA with 4096 bits.
pub const SIGNATURE_MAX: usize = 512;
/// Longest credential id, in bytes, as WebAuthn says.
pub const CREDENTIAL_ID_MAX: usize = 1023;
/// Shortest: 100 random bits at least, as WebAuthn says.
const CREDENTIAL_ID_MIN: usize = 13;

/// Why a passkey is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasskeyError {
    #[error("this is not what a browser sends: {0}")]
    Malformed(&'static str),
    /// Made by `create` where `get` was asked, or the other way round.
    #[error("it answers another question")]
    Type,
    #[error("it answers an older question; try again")]
    Challenge,
    #[error("it was made on another site's page")]
    Origin,
    #[error("it belongs to another site's name")]
    RelyingParty,
    #[error("nobody was present")]
    Absent,
    #[error("it did not check who used it: set a PIN, a fingerprint or a face on it")]
    Unverified,
    #[error("its kind of key is not taken")]
    Algorithm,
    #[error("its signature is not right")]
    Signature,
    /// A copy of it has been used: one of the two is not the owner's.
    #[error("its counter went back from {kept} to {came}: there is a copy of it")]
    Counter { kept: u32, came: u32 },
    #[error("it changed its nature: whether it can be backed up was fixed when it was made")]
    Changed,
    #[error("its model is not on the list of those that are allowed here")]
    Model,
}

/// Why a page cannot use passkeys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RelyingPartyError {
    #[error(
        "a passkey belongs to a name, and this page is open under a bare address: open the console by a name of the server \
         (`https://localhost` on its own machine; elsewhere one of `names` in watchkeep.toml)"
    )]
    Address,
    #[error("passkeys need a host name")]
    Name,
    /// Another program may have the name at that port.
    #[error(
        "passkeys work where the console listens; if this port is led there, add the address to `origins` in watchkeep.toml, \
         as `https://name:port`"
    )]
    Port,
}

/// The name that passkeys belong to, and the one page that may use them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    origin: String,
}

impl RelyingParty {
    /// The one of a console that is open under `https://host:port`.
    ///
    /// # Errors
    /// [`RelyingPartyError`]: a bare address has no passkeys.
    pub fn of(host: &str, port: u16) -> Result<Self, RelyingPartyError> {
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
        if bare.parse::<IpAddr>().is_ok() {
            return Err(RelyingPartyError::Address);
        }
        let id = host.to_ascii_lowercase();
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
        if id.is_empty() || id.len() > 253 || !id.chars().all(fits) || id.ends_with('.') {
            return Err(RelyingPartyError::Name);
        }
        let origin = if port == 443 { format!("https://{id}") } else { format!("https://{id}:{port}") };
        Ok(Self { id, origin })
    }

    /// The name: no scheme, no port.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The page's origin, as browsers write it.
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

#[derive(Deserialize)]
struct ClientData {
    #[serde(rename = "type")]
    kind: String,
    challenge: String,
    origin: String,
    #[serde(rename = "crossOrigin", default)]
    cross_origin: bool,
    #[serde(rename = "topOrigin", default)]
    top_origin: Option<String>,
}

fn read_client_data(bytes: &[u8]) -> Result<ClientData, PasskeyError> {
    if bytes.len() > CLIENT_DATA_MAX {
        return Err(PasskeyError::Malformed("its client data is too long"));
    }
    // Browsers may add members, and say so; one that comes twice is an error.
    serde_json::from_slice(bytes).map_err(|_| PasskeyError::Malformed("its client data cannot be read"))
}

/// Type, challenge and origin, each exactly.
fn check_client_data(
    bytes: &[u8],
    kind: &str,
    rp: &RelyingParty,
    challenge: &PasskeyChallenge,
) -> Result<[u8; 32], PasskeyError> {
    let data = read_client_data(bytes)?;
    if data.kind != kind {
        return Err(PasskeyError::Type);
    }
    if data.challenge != challenge.text() {
        return Err(PasskeyError::Challenge);
    }
    if data.origin != rp.origin || data.cross_origin || data.top_origin.is_some() {
        return Err(PasskeyError::Origin);
    }
    Ok(sha256(bytes))
}

const FLAG_PRESENT: u8 = 1;
const FLAG_VERIFIED: u8 = 1 << 2;
const FLAG_BACKUP_ELIGIBLE: u8 = 1 << 3;
const FLAG_BACKED_UP: u8 = 1 << 4;
const FLAG_ATTESTED: u8 = 1 << 6;
const FLAG_EXTENSIONS: u8 = 1 << 7;

struct AuthData<'a> {
    count: u32,
    backup_eligible: bool,
    backed_up: bool,
    attested: Option<Attested<'a>>,
}

struct Attested<'a> {
    aaguid: [u8; 16],
    credential: &'a [u8],
    key: &'a [u8],
}

fn split<'a, const N: usize>(left: &mut &'a [u8]) -> Result<&'a [u8; N], PasskeyError> {
    let (taken, rest) = left
        .split_first_chunk::<N>()
        .ok_or(PasskeyError::Malformed("its authenticator data is too short"))?;
    *left = rest;
    Ok(taken)
}

/// Reads authenticator data to its last byte: name, presence and verification are checked here, for both uses.
fn read_auth_data<'a>(bytes: &'a [u8], rp: &RelyingParty) -> Result<AuthData<'a>, PasskeyError> {
    let mut left = bytes;
    if *split::<32>(&mut left)? != sha256(rp.id.as_bytes()) {
        return Err(PasskeyError::RelyingParty);
    }
    let [flags] = *split::<1>(&mut left)?;
    let count = u32::from_be_bytes(*split::<4>(&mut left)?);
    let has = |flag: u8| flags & flag != 0;
    if !has(FLAG_PRESENT) {
        return Err(PasskeyError::Absent);
    }
    if !has(FLAG_VERIFIED) {
        return Err(PasskeyError::Unverified);
    }
    if has(FLAG_BACKED_UP) && !has(FLAG_BACKUP_ELIGIBLE) {
        return Err(PasskeyError::Malformed("it is backed up and cannot be"));
    }
    let attested = if has(FLAG_ATTESTED) {
        let aaguid = *split::<16>(&mut left)?;
        let len = usize::from(u16::from_be_bytes(*split::<2>(&mut left)?));
        if !(CREDENTIAL_ID_MIN..=CREDENTIAL_ID_MAX).contains(&len) {
            return Err(PasskeyError::Malformed("its id has no right length"));
        }
        let (credential, rest) = left
            .split_at_checked(len)
            .ok_or(PasskeyError::Malformed("its authenticator data is too short"))?;
        let mut reader = Reader::new(rest);
        let key = reader.item()?;
        left = reader.left();
        Some(Attested { aaguid, credential, key })
    } else {
        None
    };
    if has(FLAG_EXTENSIONS) {
        let mut reader = Reader::new(left);
        let extensions = reader.item()?;
        if Reader::new(extensions).map().is_err() {
            return Err(PasskeyError::Malformed("its extensions are no map"));
        }
        left = reader.left();
    }
    if !left.is_empty() {
        return Err(PasskeyError::Malformed("something follows its authenticator data"));
    }
    Ok(AuthData {
        count,
        backup_eligible: has(FLAG_BACKUP_ELIGIBLE),
        backed_up: has(FLAG_BACKED_UP),
        attested,
    })
}

/// A passkey that was made just now: what to store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPasskey {
    pub credential: Vec<u8>,
    /// COSE.
    pub public_key: Vec<u8>,
    pub sign_count: u32,
    /// Which model it says it is. Nothing proves it.
    pub aaguid: [u8; 16],
    /// It can be copied to other devices of its owner by its maker's service.
    pub backup_eligible: bool,
    pub backed_up: bool,
}

/// Takes a new passkey. `models`: the models that may be used, by AAGUID; empty for any. A model is what the passkey says
/// of itself: it keeps honest people to the keys that were chosen for them, and nobody else.
///
/// # Errors
/// [`PasskeyError`].
pub fn register(
    rp: &RelyingParty,
    challenge: &PasskeyChallenge,
    client_data: &[u8],
    attestation: &[u8],
    models: &[[u8; 16]],
) -> Result<NewPasskey, PasskeyError> {
    check_client_data(client_data, "webauthn.create", rp, challenge)?;
    if attestation.len() > ATTESTATION_MAX {
        return Err(PasskeyError::Malformed("its attestation is too long"));
    }
    let mut reader = Reader::new(attestation);
    let (mut format, mut data, mut statement) = (None, None, None);
    for _ in 0..reader.map()? {
        match reader.text()? {
            "fmt" if format.is_none() => format = Some(reader.text()?),
            "authData" if data.is_none() => data = Some(reader.bytes()?),
            "attStmt" if statement.is_none() => statement = Some(reader.item()?),
            _ => return Err(PasskeyError::Malformed("its attestation has a part that is not known")),
        }
    }
    if !reader.left().is_empty() {
        return Err(PasskeyError::Malformed("something follows its attestation"));
    }
    let (Some(format), Some(data), Some(statement)) = (format, data, statement) else {
        return Err(PasskeyError::Malformed("its attestation is not whole"));
    };
    if Reader::new(statement).map().is_err() || (format == "none" && statement != [0xa0]) {
        return Err(PasskeyError::Malformed("its attestation statement is not right"));
    }
    let data = read_auth_data(data, rp)?;
    let attested = data.attested.ok_or(PasskeyError::Malformed("it has no key"))?;
    PublicKey::parse(attested.key)?;
    if !models.is_empty() && !models.contains(&attested.aaguid) {
        return Err(PasskeyError::Model);
    }
    Ok(NewPasskey {
        credential: attested.credential.to_vec(),
        public_key: attested.key.to_vec(),
        sign_count: data.count,
        aaguid: attested.aaguid,
        backup_eligible: data.backup_eligible,
        backed_up: data.backed_up,
    })
}

/// What is stored of the passkey that signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownPasskey<'a> {
    /// COSE.
    pub public_key: &'a [u8],
    pub sign_count: u32,
    pub backup_eligible: bool,
}

/// What to store after a use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasskeyUse {
    pub sign_count: u32,
    pub backed_up: bool,
}

/// Takes a signature by a known passkey.
///
/// # Errors
/// [`PasskeyError`]; [`PasskeyError::Counter`] when there is a copy of it: say so to somebody.
pub fn authenticate(
    rp: &RelyingParty,
    challenge: &PasskeyChallenge,
    client_data: &[u8],
    auth_data: &[u8],
    signature: &[u8],
    known: &KnownPasskey<'_>,
) -> Result<PasskeyUse, PasskeyError> {
    let digest = check_client_data(client_data, "webauthn.get", rp, challenge)?;
    if auth_data.len() > AUTH_DATA_MAX || signature.len() > SIGNATURE_MAX {
        return Err(PasskeyError::Malformed("it is too long"));
    }
    let data = read_auth_data(auth_data, rp)?;
    if data.attested.is_some() {
        return Err(PasskeyError::Malformed("it brings a key where it should use one"));
    }
    let mut message = Vec::with_capacity(auth_data.len() + digest.len());
    message.extend_from_slice(auth_data);
    message.extend_from_slice(&digest);
    PublicKey::parse(known.public_key)?.verify(&message, signature)?;
    if data.backup_eligible != known.backup_eligible {
        return Err(PasskeyError::Changed);
    }
    // Passkeys that are copied on purpose count nothing: both stay at zero.
    if (data.count != 0 || known.sign_count != 0) && data.count <= known.sign_count {
        return Err(PasskeyError::Counter { kept: known.sign_count, came: data.count });
    }
    Ok(PasskeyUse { sign_count: data.count, backed_up: data.backed_up })
}

#[cfg(test)]
pub(crate) mod soft;
#[cfg(test)]
mod tests;
