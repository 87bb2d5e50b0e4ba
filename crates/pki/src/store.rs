//! The agent's identity on its own disk: key, chain and trusted roots in one file, so that one rename swaps them all.
//!
//! ```text
//! identity.pem   the working identity: certificates, trusted roots, key (0600)
//! next.key.pem   the key of a request under way: kept over a crash, so that the same request can be sent again
//! ```

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use rustls::server::danger::ClientCertVerifier as _;
use wk_domain::{AgentId, Timestamp};
use wk_seal::{FileError, SecretBytes, private_dir, read_private, remove_private, write_private};
use zeroize::Zeroizing;

use crate::ca::PkiError;
use crate::cert::{CERT_BYTES_MAX, CertFacts, Serial};
use crate::peer::{AgentVerifier, NobodyDenied, PeerAgent, PeerError};
use crate::pem;
use crate::tls::{is_pinned_root, verifies_server};

const IDENTITY: &str = "identity.pem";
const NEXT_KEY: &str = "next.key.pem";
const FILE_BYTES_MAX: usize = 256 * 1024;
const CHAIN_MAX: usize = 4;
const ROOTS_MAX: usize = 8;

/// Why the agent's identity could not be read or replaced.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file or folder.
    #[error(transparent)]
    File(FileError),
    /// Not a whole identity.
    #[error("{path} is damaged: remove it and enrol this machine again with a new token")]
    Damaged { path: PathBuf },
    /// No key could be made.
    #[error("could not make a key for this agent")]
    Key(#[source] rcgen::Error),
    /// The answer is for another request, or none was made.
    #[error("the certificate received is not for the key that this agent asked with")]
    OtherKey,
    /// The answer's shape.
    #[error(
        "the server sent {chain} certificates and {roots} roots: expected 1 to {CHAIN_MAX} and 1 to {ROOTS_MAX}"
    )]
    Shape { chain: usize, roots: usize },
    /// The answer does not verify up to its own roots.
    #[error("the certificate received does not verify up to the roots received")]
    Chain(#[source] rustls::Error),
    /// Not an agent's certificate.
    #[error("the certificate received is not an agent's")]
    Peer(#[source] PeerError),
    /// Another identity than the one asked to renew.
    #[error("the certificate received is for {received}, and this agent is {ours}")]
    OtherAgent { received: AgentId, ours: AgentId },
    /// No root with the token's digest.
    #[error("none of the roots received has the digest that the enrolment token carries")]
    Pin,
    /// A root received is none, or with all of them the server could not be verified.
    #[error("the roots received are not roots, or do not vouch for the server that sent them")]
    Root,
    /// The roots received are unusable.
    #[error("the roots received cannot be used")]
    Roots(#[source] PkiError),
}

/// The agent's key with its certificates and the roots it trusts.
#[derive(Clone)]
pub struct AgentIdentity {
    peer: PeerAgent,
    chain: Vec<CertificateDer<'static>>,
    roots: Vec<CertificateDer<'static>>,
    key_pkcs8: SecretBytes,
}

impl fmt::Debug for AgentIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AgentIdentity").field("peer", &self.peer).finish_non_exhaustive()
    }
}

impl AgentIdentity {
    /// Who this agent is.
    pub const fn agent_id(&self) -> AgentId {
        self.peer.agent_id
    }

    /// The certificate's serial.
    pub const fn serial(&self) -> Serial {
        self.peer.serial
    }

    /// When the certificate ends.
    pub const fn not_after(&self) -> Timestamp {
        self.peer.not_after
    }

    /// When to ask for the next certificate: after two thirds of this one's life. Add jitter.
    pub fn renew_from(&self) -> Timestamp {
        self.peer.not_before + self.peer.not_after.since(self.peer.not_before) * 2 / 3
    }

    /// Leaf first.
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    /// Roots the agent trusts.
    pub fn roots(&self) -> &[CertificateDer<'static>] {
        &self.roots
    }

    /// Digest of the set of roots, as [`roots_digest`] makes it.
    pub fn roots_digest(&self) -> [u8; 32] {
        roots_digest(&self.roots)
    }

    pub(crate) fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key_pkcs8.expose().clone()))
    }
}

/// Names a set of roots, in whatever order they come: SHA-256 over the sorted SHA-256 of each.
pub fn roots_digest(roots: &[impl AsRef<[u8]>]) -> [u8; 32] {
    let mut each: Vec<[u8; 32]> = roots.iter().map(|root| wk_seal::sha256(root.as_ref())).collect();
    each.sort_unstable();
    each.dedup();
    wk_seal::sha256(&each.concat())
}

/// The folder that holds the agent's identity.
#[derive(Debug, Clone)]
pub struct AgentStore {
    dir: PathBuf,
}

impl AgentStore {
    /// Opens the private folder `dir`, or makes it.
    ///
    /// # Errors
    /// [`StoreError::File`] when it is not private.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        private_dir(dir).map_err(StoreError::File)?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// The working identity, or `None` before enrolment.
    ///
    /// # Errors
    /// [`StoreError`]: loose modes or a damaged file.
    pub fn load(&self) -> Result<Option<AgentIdentity>, StoreError> {
        let path = self.dir.join(IDENTITY);
        let bytes = match read_private(&path, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(StoreError::File(error)),
        };
        parse_identity(bytes.expose()).map(Some).ok_or(StoreError::Damaged { path })
    }

    /// The certificate request of the next identity, in DER. The key stays the same until [`AgentStore::commit`] or
    /// [`AgentStore::abandon`], over restarts too: an answer lost on the way can be asked for again.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn request(&self) -> Result<Vec<u8>, StoreError> {
        // A crash right after a commit leaves the key of that request behind; it serves the working identity by now, and
        // every certificate has a key of its own.
        let spent = self
            .load()
            .ok()
            .flatten()
            .and_then(|working| CertFacts::read(working.chain.first()?).ok().map(|facts| facts.spki_der));
        let unspent = |key: &KeyPair| spent != Some(rcgen::PublicKeyData::subject_public_key_info(key));
        let key = match self.next_key()?.filter(unspent) {
            Some(key) => key,
            None => {
                let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(StoreError::Key)?;
                let mut text = Zeroizing::new(String::new());
                pem::write(&mut text, pem::PRIVATE_KEY, key.serialized_der());
                write_private(&self.dir.join(NEXT_KEY), text.as_bytes()).map_err(StoreError::File)?;
                key
            }
        };
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&key).map_err(StoreError::Key)?.der().to_vec())
    }

    fn next_key(&self) -> Result<Option<KeyPair>, StoreError> {
        let path = self.dir.join(NEXT_KEY);
        let bytes = match read_private(&path, FILE_BYTES_MAX) {
            Ok(bytes) => bytes,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(StoreError::File(error)),
        };
        // The key of a request has no worth of its own: a damaged one is simply replaced.
        Ok(pem::read(bytes.expose())
            .and_then(|blocks| blocks.into_iter().find(|block| block.label == pem::PRIVATE_KEY))
            .and_then(|block| KeyPair::try_from(block.bytes.as_slice()).ok()))
    }

    /// Makes the answer to [`AgentStore::request`] the working identity, by one rename.
    ///
    /// `pin` is the token's digest of the root at enrolment and `None` at renewal, which runs over the verified link.
    ///
    /// # Errors
    /// [`StoreError`]; the working identity is then as before.
    pub fn commit(
        &self,
        chain_der: &[Vec<u8>],
        roots_der: &[Vec<u8>],
        pin: Option<&[u8; 32]>,
        now: Timestamp,
    ) -> Result<AgentIdentity, StoreError> {
        let shape = StoreError::Shape { chain: chain_der.len(), roots: roots_der.len() };
        if !(1..=ROOTS_MAX).contains(&roots_der.len()) || chain_der.len() > CHAIN_MAX {
            return Err(shape);
        }
        let Some((leaf, rest)) = chain_der.split_first() else { return Err(shape) };
        let key = self.next_key()?.ok_or(StoreError::OtherKey)?;
        let peer = PeerAgent::from_der(leaf).map_err(StoreError::Peer)?;
        if CertFacts::read(leaf).map_err(|error| StoreError::Peer(PeerError::Cert(error)))?.spki_der
            != rcgen::PublicKeyData::subject_public_key_info(&key)
        {
            return Err(StoreError::OtherKey);
        }
        if let Some(working) = self.load()?.filter(|working| working.agent_id() != peer.agent_id) {
            // A new enrolment may replace the identity, and carries a pin; a renewal may not.
            if pin.is_none() {
                return Err(StoreError::OtherAgent { received: peer.agent_id, ours: working.agent_id() });
            }
        }
        if pin.is_some_and(|pin| !roots_der.iter().any(|root| is_pinned_root(root, pin))) {
            return Err(StoreError::Pin);
        }
        let own = |der: &[Vec<u8>]| der.iter().cloned().map(CertificateDer::from).collect::<Vec<_>>();
        let roots = own(roots_der);
        let verifier = AgentVerifier::new(&roots, Arc::new(NobodyDenied)).map_err(StoreError::Roots)?;
        let at = UnixTime::since_unix_epoch(now.since(Timestamp::from_ms(0)));
        verifier
            .verify_client_cert(&CertificateDer::from(leaf.as_slice()), &own(rest), at)
            .map_err(StoreError::Chain)?;

        let identity = AgentIdentity {
            peer,
            chain: own(chain_der),
            roots,
            key_pkcs8: SecretBytes::new(key.serialized_der().to_vec()),
        };
        self.keep(&identity)?;
        self.abandon()?;
        Ok(identity)
    }

    /// One rename: the old identity or the new one, whenever the power goes.
    fn keep(&self, identity: &AgentIdentity) -> Result<(), StoreError> {
        let mut text = Zeroizing::new(String::new());
        for cert in &identity.chain {
            pem::write(&mut text, pem::CERTIFICATE, cert);
        }
        for root in &identity.roots {
            pem::write(&mut text, pem::TRUSTED_ROOT, root);
        }
        pem::write(&mut text, pem::PRIVATE_KEY, identity.key_pkcs8.expose());
        write_private(&self.dir.join(IDENTITY), text.as_bytes()).map_err(StoreError::File)
    }

    /// Trusts the roots that the server names over a verified link, and returns the identity as it is from now on.
    ///
    /// `server_chain` is what the server showed on that link, leaf first. A root held so far goes only when the chain
    /// verifies without it: no answer, mistaken or hostile, can cut this agent off from the server it talks to.
    ///
    /// # Errors
    /// [`StoreError`]; the working identity is then as before.
    pub fn trust(
        &self,
        roots_der: &[Vec<u8>],
        server_chain: &[CertificateDer<'_>],
        now: Timestamp,
    ) -> Result<AgentIdentity, StoreError> {
        let mut identity =
            self.load()?.ok_or_else(|| StoreError::Damaged { path: self.dir.join(IDENTITY) })?;
        if !(1..=ROOTS_MAX).contains(&roots_der.len()) {
            return Err(StoreError::Shape { chain: identity.chain.len(), roots: roots_der.len() });
        }
        let mut roots: Vec<CertificateDer<'static>> = Vec::new();
        for der in roots_der {
            let root = CertificateDer::from(der.clone());
            let sound = der.len() <= CERT_BYTES_MAX
                && CertFacts::read(der).is_ok_and(|facts| facts.is_ca && facts.self_signed);
            if !sound {
                return Err(StoreError::Root);
            }
            if !roots.contains(&root) {
                roots.push(root);
            }
        }
        if !verifies_server(&roots, server_chain, now) {
            let held = identity.roots.iter().filter(|root| !roots.contains(root)).cloned();
            let held: Vec<_> = held.take(ROOTS_MAX - roots.len().min(ROOTS_MAX)).collect();
            roots.extend(held);
            if !verifies_server(&roots, server_chain, now) {
                return Err(StoreError::Root);
            }
        }
        if roots != identity.roots {
            identity.roots = roots;
            self.keep(&identity)?;
        }
        Ok(identity)
    }

    /// Forgets the request under way: the next one has a new key.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn abandon(&self) -> Result<(), StoreError> {
        remove_private(&self.dir.join(NEXT_KEY)).map_err(StoreError::File)
    }

    /// Destroys the identity for good: this machine must enrol again.
    ///
    /// # Errors
    /// [`StoreError::File`].
    pub fn destroy(&self) -> Result<(), StoreError> {
        for name in [IDENTITY, NEXT_KEY] {
            wk_seal::shred(&self.dir.join(name)).map_err(StoreError::File)?;
            wk_seal::shred_leftovers(&self.dir.join(name)).map_err(StoreError::File)?;
        }
        Ok(())
    }
}

fn parse_identity(bytes: &[u8]) -> Option<AgentIdentity> {
    let mut chain = Vec::new();
    let mut roots = Vec::new();
    let mut key = None;
    for block in pem::read(bytes)? {
        match block.label.as_str() {
            pem::CERTIFICATE | pem::TRUSTED_ROOT if block.bytes.len() > CERT_BYTES_MAX => return None,
            pem::CERTIFICATE => chain.push(CertificateDer::from(block.bytes.to_vec())),
            pem::TRUSTED_ROOT => roots.push(CertificateDer::from(block.bytes.to_vec())),
            pem::PRIVATE_KEY => key = Some(block.bytes),
            _ => return None,
        }
    }
    let key = key?;
    let pair = KeyPair::try_from(key.as_slice()).ok()?;
    let leaf = CertFacts::read(chain.first()?).ok()?;
    if roots.is_empty() || leaf.spki_der != rcgen::PublicKeyData::subject_public_key_info(&pair) {
        return None;
    }
    let peer = PeerAgent::from_der(chain.first()?).ok()?;
    Some(AgentIdentity { peer, chain, roots, key_pkcs8: SecretBytes::new(key.to_vec()) })
}

impl AgentIdentity {
    /// Time left, zero when it has ended.
    pub fn life_left(&self, now: Timestamp) -> Duration {
        self.peer.not_after.since(now)
    }
}
