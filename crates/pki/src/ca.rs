//! The authority: made at first start, found again at the next, rotating its own certificates before they end.
//!
//! ```text
//! root.pem           root certificate and key
//! intermediate.pem   intermediate certificate and key
//! server.pem         server certificate, intermediate and key
//! root.crt           the root's certificate alone, for people who import it
//! ```
//! Certificate and key share a file, so that one rename swaps both and a crash cannot leave a pair that does not fit.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::RwLock;
use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PublicKeyData, SanType, SerialNumber, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use wk_domain::{AgentId, Timestamp, TokenId};
use wk_seal::{
    FileError, KekRing, RandomError, Secret, SecretString, private_dir, random_array, read_private,
    replace_private, shred, shred_leftovers, write_private,
};
use zeroize::Zeroizing;

use crate::cert::{CertError, CertFacts, Serial};
use crate::csr::{AgentCsr, CsrError};
use crate::names::ServerNames;
use crate::peer::AGENT_URN;
use crate::pem;
use crate::tls::internal_provider;
use crate::token::{EnrolToken, ServerAddr, TokenError};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const ROOT_LIFE: Duration = Duration::from_secs(3652 * 24 * 60 * 60);
const INTERMEDIATE_LIFE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// A new intermediate comes when the old one has this left: longer than a server certificate lives, so that no leaf
/// outlives its issuer.
const INTERMEDIATE_OVERLAP: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const SERVER_LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const SERVER_RENEW_LEFT: Duration = Duration::from_secs(10 * 24 * 60 * 60);
const AGENT_LIFE: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Agents' clocks may lag this far behind ours.
const BACKDATE: Duration = Duration::from_secs(5 * 60);
const FILE_BYTES_MAX: usize = 64 * 1024;
/// 2024-01-01: a clock before it has never been set, and would make certificates that nobody accepts.
const CLOCK_MIN_MS: i64 = 1_704_067_200_000;
/// 2200-01-01: beyond it dates of ten years more no longer fit everywhere.
const CLOCK_MAX_MS: i64 = 7_258_118_400_000;

/// Why the authority could not be opened, or could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PkiError {
    /// A file or the folder.
    #[error(transparent)]
    File(FileError),
    /// A file that is there but does not hold what it should.
    #[error("{path} is damaged: restore it from a backup{hint}")]
    Damaged { path: PathBuf, hint: &'static str },
    /// The root is gone while the rest is there: making a new one would cut off every agent.
    #[error(
        "{path} is missing while other files of the authority are there: restore it from a backup, or remove the whole folder to start anew (every agent must then enrol again)"
    )]
    RootMissing { path: PathBuf },
    /// The key is sealed and nothing to open it was given.
    #[error("the key in {path} is sealed: give the passphrase or systemd credential it was sealed with")]
    Sealed { path: PathBuf },
    /// The key does not open with the ring given.
    #[error("the key in {path} does not open: it was sealed under another key ring, or changed")]
    SealRefused { path: PathBuf },
    /// The clock is plainly wrong.
    #[error("this machine's clock says {now}: set it before certificates are made")]
    Clock { now: Timestamp },
    /// The certificate library.
    #[error("could not {what}")]
    Make {
        what: &'static str,
        #[source]
        source: rcgen::Error,
    },
    /// TLS.
    #[error("could not {what}")]
    Tls {
        what: &'static str,
        #[source]
        source: rustls::Error,
    },
    /// A certificate of our own that does not read.
    #[error("a certificate just made or loaded does not read")]
    Cert(#[source] CertError),
    /// The request.
    #[error(transparent)]
    Csr(CsrError),
    /// No random bytes.
    #[error(transparent)]
    Random(RandomError),
}

/// How private keys lie on disk. File modes are checked in either case.
#[derive(Debug, Clone)]
pub enum KeyProtection {
    /// As they are, in files of mode 0600.
    FileMode,
    /// Sealed under the key ring.
    Sealed(Arc<KekRing>),
}

/// What a certificate is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertRole {
    /// The root of trust.
    Root,
    /// Signs server and agents.
    Intermediate,
    /// Console, API and hub.
    Server,
}

impl CertRole {
    /// Lower-case word for lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Intermediate => "intermediate",
            Self::Server => "server",
        }
    }

    const fn file(self) -> &'static str {
        match self {
            Self::Root => "root.pem",
            Self::Intermediate => "intermediate.pem",
            Self::Server => "server.pem",
        }
    }

    const fn purpose(self) -> &'static str {
        match self {
            Self::Root => "pki/root",
            Self::Intermediate => "pki/intermediate",
            Self::Server => "pki/server",
        }
    }
}

/// One line of the certificate inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertInfo {
    /// What it is for.
    pub role: CertRole,
    /// The subject's name.
    pub subject: String,
    /// DNS names and addresses it stands for.
    pub names: Vec<String>,
    /// Its serial.
    pub serial: Serial,
    /// Begin.
    pub not_before: Timestamp,
    /// End.
    pub not_after: Timestamp,
    /// Whole days left, negative once it has ended.
    pub days_left: i64,
    /// Kind of key and signature.
    pub algorithm: &'static str,
    /// SHA-256 of the certificate, hexadecimal.
    pub fingerprint_sha256: String,
    /// Whether its private key is sealed on disk.
    pub key_sealed: bool,
}

/// A certificate issued to an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issued {
    /// Leaf first, then the intermediate; without the root.
    pub chain_der: Vec<Vec<u8>>,
    /// Its serial: store it, as revocation and reuse detection go by it.
    pub serial: Serial,
    /// Begin: five minutes ago.
    pub not_before: Timestamp,
    /// End: in seven days.
    pub not_after: Timestamp,
    /// SHA-256 of the agent's key.
    pub spki_sha256: [u8; 32],
}

struct Pair {
    cert: CertificateDer<'static>,
    key: KeyPair,
    facts: CertFacts,
    /// Further certificates in the same file: the server's issuer, or an intermediate's predecessors, newest first.
    others: Vec<CertificateDer<'static>>,
}

/// Two predecessors cover every certificate that is still alive: an intermediate is replaced after 60 days.
const PREDECESSORS_MAX: usize = 2;

struct State {
    intermediate: Pair,
    server: CertFacts,
    server_cert: CertificateDer<'static>,
}

/// The internal certificate authority.
pub struct Ca {
    dir: PathBuf,
    protection: KeyProtection,
    wanted: ServerNames,
    root: CertificateDer<'static>,
    root_facts: CertFacts,
    state: RwLock<State>,
    identity: Arc<ServerIdentity>,
}

impl fmt::Debug for Ca {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ca").field("dir", &self.dir).field("names", &self.wanted).finish_non_exhaustive()
    }
}

/// SHA-256 of a certificate's `SubjectPublicKeyInfo`.
///
/// # Errors
/// [`CertError`].
pub fn spki_sha256(cert_der: &[u8]) -> Result<[u8; 32], CertError> {
    CertFacts::read(cert_der).map(|facts| facts.spki_sha256())
}

/// The server's certificate as rustls asks for it: swapped while connections go on.
pub struct ServerIdentity {
    current: ArcSwap<CertifiedKey>,
    with_root: Arc<WithRoot>,
}

struct WithRoot(ArcSwap<CertifiedKey>);

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity(..)")
    }
}

impl fmt::Debug for WithRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerIdentity(..)")
    }
}

impl ServerIdentity {
    pub(crate) fn with_root(&self) -> Arc<dyn ResolvesServerCert> {
        Arc::clone(&self.with_root) as _
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current.load_full())
    }
}

impl ResolvesServerCert for WithRoot {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.load_full())
    }
}

fn make(what: &'static str) -> impl FnOnce(rcgen::Error) -> PkiError {
    move |source| PkiError::Make { what, source }
}

/// Parameters that every certificate of ours shares.
fn params(
    common_name: Option<&str>,
    not_before: Timestamp,
    not_after: Timestamp,
) -> Result<CertificateParams, PkiError> {
    let instant = |at: Timestamp| {
        // Checked to lie between 2024 and 2200 plus ten years: fits.
        date_time_ymd(1970, 1, 1) + Duration::from_secs(u64::try_from(at.as_ms() / 1000).unwrap_or(0))
    };
    let mut params = CertificateParams::default();
    params.not_before = instant(not_before);
    params.not_after = instant(not_after);
    params.distinguished_name = DistinguishedName::new();
    if let Some(name) = common_name {
        params.distinguished_name.push(DnType::OrganizationName, "Watchkeep");
        params.distinguished_name.push(DnType::CommonName, name);
    }
    params.serial_number = Some(SerialNumber::from_slice(&random_array::<16>().map_err(PkiError::Random)?));
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn check_clock(now: Timestamp) -> Result<(), PkiError> {
    if (CLOCK_MIN_MS..CLOCK_MAX_MS).contains(&now.as_ms()) { Ok(()) } else { Err(PkiError::Clock { now }) }
}

fn new_key() -> Result<KeyPair, PkiError> {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).map_err(make("make a key"))
}

fn facts(cert: &CertificateDer<'_>) -> Result<CertFacts, PkiError> {
    CertFacts::read(cert).map_err(PkiError::Cert)
}

fn pair(cert: CertificateDer<'static>, key: KeyPair) -> Result<Pair, PkiError> {
    let facts = facts(&cert)?;
    Ok(Pair { cert, key, facts, others: Vec::new() })
}

fn make_root(names: &ServerNames, now: Timestamp) -> Result<Pair, PkiError> {
    let key = new_key()?;
    // The name tells two roots apart in a browser's list; the pin and the signatures go by the key.
    let digest = wk_seal::sha256(&key.subject_public_key_info());
    let name = format!("Watchkeep root {:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3]);
    let mut params = params(Some(&name), now - BACKDATE, now + ROOT_LIFE)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(1));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(names.constraints());
    let cert = params.self_signed(&key).map_err(make("make the root certificate"))?;
    pair(cert.der().clone(), key)
}

fn issuer_of(pair: &Pair) -> Result<Issuer<'static, &KeyPair>, PkiError> {
    Issuer::from_ca_cert_der(&pair.cert, &pair.key).map_err(make("read the issuing certificate"))
}

fn make_intermediate(root: &Pair, before: Option<&Pair>, now: Timestamp) -> Result<Pair, PkiError> {
    let key = new_key()?;
    let digest = wk_seal::sha256(&key.subject_public_key_info());
    let name = format!(
        "Watchkeep intermediate {:02x}{:02x}{:02x}{:02x}",
        digest[0], digest[1], digest[2], digest[3]
    );
    let end = (now + INTERMEDIATE_LIFE).min(root.facts.not_after);
    let mut params = params(Some(&name), now - BACKDATE, end)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    // What lies below it: whoever imports the root gives this key no say over programs or mail.
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let cert =
        params.signed_by(&key, &issuer_of(root)?).map_err(make("make the intermediate certificate"))?;
    let mut made = pair(cert.der().clone(), key)?;
    let before = before.into_iter().flat_map(|before| std::iter::once(&before.cert).chain(&before.others));
    made.others = before.take(PREDECESSORS_MAX).cloned().collect();
    Ok(made)
}

fn make_server(issuer: &Pair, names: &ServerNames, now: Timestamp) -> Result<Pair, PkiError> {
    let key = new_key()?;
    let end = (now + SERVER_LIFE).min(issuer.facts.not_after);
    let mut params = params(Some("Watchkeep server"), now - BACKDATE, end)?;
    params.is_ca = IsCa::ExplicitNoCa;
    params.subject_alt_names = names.alternative_names();
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let cert = params.signed_by(&key, &issuer_of(issuer)?).map_err(make("make the server certificate"))?;
    let mut made = pair(cert.der().clone(), key)?;
    made.others = vec![issuer.cert.clone()];
    Ok(made)
}

impl Ca {
    /// Opens the authority in the private folder `dir`, or makes it at first start. What is due is rotated at once,
    /// and the server certificate is made anew when `names` have changed.
    ///
    /// # Errors
    /// [`PkiError`]. A damaged or unreadable file stops the start; nothing is ever replaced silently.
    pub fn open_or_create(
        dir: &Path,
        protection: &KeyProtection,
        names: &ServerNames,
        now: Timestamp,
    ) -> Result<Self, PkiError> {
        check_clock(now)?;
        private_dir(dir).map_err(PkiError::File)?;
        for role in [CertRole::Root, CertRole::Intermediate, CertRole::Server] {
            for left in shred_leftovers(&dir.join(role.file())).map_err(PkiError::File)? {
                tracing::warn!("destroyed {}, which a crash left half done", left.display());
            }
        }
        let root_path = dir.join(CertRole::Root.file());
        let root = match load(dir, CertRole::Root, protection)? {
            Some(root) => root,
            None => {
                let others = [CertRole::Intermediate, CertRole::Server];
                if others.iter().any(|role| dir.join(role.file()).exists()) {
                    return Err(PkiError::RootMissing { path: root_path });
                }
                let root = make_root(names, now)?;
                save(dir, CertRole::Root, protection, &root)?;
                root
            }
        };
        if !root.facts.is_ca || !root.facts.self_signed {
            return Err(PkiError::Damaged { path: root_path, hint: "" });
        }
        write_root_copy(dir, &root.cert)?;
        let intermediate = match load(dir, CertRole::Intermediate, protection)? {
            Some(found) if !intermediate_due(&found.facts, now) => found,
            found => {
                let made = make_intermediate(&root, found.as_ref(), now)?;
                save(dir, CertRole::Intermediate, protection, &made)?;
                made
            }
        };
        let (allowed, _) = names.split(root.facts.permitted.as_ref());
        let server = match load(dir, CertRole::Server, protection)? {
            Some(found) if !server_due(&found.facts, now) && stands_for(&found.facts, &allowed) => found,
            _ => {
                let made = make_server(&intermediate, &allowed, now)?;
                save(dir, CertRole::Server, protection, &made)?;
                made
            }
        };
        let keys = certified(&server, &root.cert)?;
        let identity = Arc::new(ServerIdentity {
            current: ArcSwap::new(keys.0),
            with_root: Arc::new(WithRoot(ArcSwap::new(keys.1))),
        });
        Ok(Self {
            dir: dir.to_owned(),
            protection: protection.clone(),
            wanted: names.clone(),
            root: root.cert,
            root_facts: root.facts,
            state: RwLock::new(State { intermediate, server: server.facts, server_cert: server.cert }),
            identity,
        })
    }

    /// The roots to trust, as agents receive them.
    pub fn roots(&self) -> Vec<CertificateDer<'static>> {
        vec![self.root.clone()]
    }

    /// SHA-256 of the root key's `SubjectPublicKeyInfo`: the pin in enrolment tokens.
    pub fn root_spki_sha256(&self) -> [u8; 32] {
        self.root_facts.spki_sha256()
    }

    /// The server's certificate and key for rustls; rotation reaches it by itself.
    pub fn server_identity(&self) -> Arc<ServerIdentity> {
        Arc::clone(&self.identity)
    }

    /// Names wanted but outside the root's name constraints, so not in the server certificate: tell the operator that
    /// only a new root can stand for them.
    pub fn names_left_out(&self) -> Vec<String> {
        self.wanted.split(self.root_facts.permitted.as_ref()).1
    }

    /// Issues a certificate to an agent for the key in `csr`; the request's own names do not count.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn issue_agent(&self, csr_der: &[u8], agent: AgentId, now: Timestamp) -> Result<Issued, PkiError> {
        let csr = AgentCsr::parse(csr_der).map_err(PkiError::Csr)?;
        self.issue(&csr, agent, now)
    }

    /// Issues a certificate for a request that was already parsed.
    ///
    /// # Errors
    /// [`PkiError`].
    pub fn issue(&self, csr: &AgentCsr, agent: AgentId, now: Timestamp) -> Result<Issued, PkiError> {
        check_clock(now)?;
        let public_key = csr.public_key().map_err(PkiError::Csr)?;
        let state = self.state.read();
        let issuer = &state.intermediate;
        let mut params = params(None, now - BACKDATE, (now + AGENT_LIFE).min(issuer.facts.not_after))?;
        params.is_ca = IsCa::ExplicitNoCa;
        let urn = Ia5String::try_from(format!("{AGENT_URN}{agent}")).map_err(make("name the agent"))?;
        params.subject_alt_names = vec![SanType::URI(urn)];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let cert = params
            .signed_by(&public_key, &issuer_of(issuer)?)
            .map_err(make("make the agent's certificate"))?;
        let facts = facts(cert.der())?;
        Ok(Issued {
            serial: facts.serial,
            not_before: facts.not_before,
            not_after: facts.not_after,
            spki_sha256: facts.spki_sha256(),
            chain_der: vec![cert.der().to_vec(), issuer.cert.to_vec()],
        })
    }

    /// The chain of an agent certificate issued before: the leaf and the intermediate that signed it, also when another
    /// has taken over since. The leaf alone when it is none of ours.
    pub fn chain_of(&self, leaf_der: &[u8]) -> Vec<Vec<u8>> {
        let state = self.state.read();
        let issuer = CertFacts::read(leaf_der).ok().and_then(|leaf| {
            std::iter::once(&state.intermediate.cert)
                .chain(&state.intermediate.others)
                .find(|cert| CertFacts::read(cert).is_ok_and(|facts| facts.subject_der == leaf.issuer_der))
        });
        std::iter::once(leaf_der.to_vec()).chain(issuer.map(|cert| cert.to_vec())).collect()
    }

    /// The line that enrols one machine: `token` with its secret, where to find this server, and the root's digest.
    ///
    /// # Errors
    /// [`TokenError::Servers`].
    pub fn enrolment_line(
        &self,
        token: TokenId,
        secret: Secret<[u8; 16]>,
        servers: Vec<ServerAddr>,
    ) -> Result<SecretString, TokenError> {
        Ok(EnrolToken::new(token, secret, self.root_spki_sha256(), servers)?.encode())
    }

    /// Replaces what is due: the intermediate with 30 days left (the server certificate follows), the server
    /// certificate with 10. Call it hourly. Chains issued before stay valid until they end by themselves.
    ///
    /// # Errors
    /// [`PkiError`]; what was not replaced goes on as before.
    pub fn rotate_due(&self, now: Timestamp) -> Result<Vec<CertRole>, PkiError> {
        check_clock(now)?;
        let mut state = self.state.write();
        let mut rotated = Vec::new();
        if intermediate_due(&state.intermediate.facts, now) {
            // The root's key is in memory only here: it signs once in two months.
            let root = load(&self.dir, CertRole::Root, &self.protection)?
                .ok_or_else(|| PkiError::RootMissing { path: self.dir.join(CertRole::Root.file()) })?;
            let made = make_intermediate(&root, Some(&state.intermediate), now)?;
            save(&self.dir, CertRole::Intermediate, &self.protection, &made)?;
            state.intermediate = made;
            rotated.push(CertRole::Intermediate);
        }
        if !rotated.is_empty() || server_due(&state.server, now) {
            let (allowed, _) = self.wanted.split(self.root_facts.permitted.as_ref());
            let made = make_server(&state.intermediate, &allowed, now)?;
            save(&self.dir, CertRole::Server, &self.protection, &made)?;
            let (short, long) = certified(&made, &self.root)?;
            self.identity.current.store(short);
            self.identity.with_root.0.store(long);
            state.server = made.facts;
            state.server_cert = made.cert;
            rotated.push(CertRole::Server);
        }
        for role in &rotated {
            tracing::info!(cert.role = role.name(), "made a new {} certificate", role.name());
        }
        Ok(rotated)
    }

    /// All certificates of the authority itself. Agents' certificates are in the store.
    pub fn inventory(&self, now: Timestamp) -> Vec<CertInfo> {
        let state = self.state.read();
        let sealed = matches!(self.protection, KeyProtection::Sealed(_));
        [
            (CertRole::Root, &self.root, &self.root_facts),
            (CertRole::Intermediate, &state.intermediate.cert, &state.intermediate.facts),
            (CertRole::Server, &state.server_cert, &state.server),
        ]
        .into_iter()
        .map(|(role, cert, facts)| CertInfo {
            role,
            subject: facts.subject.clone(),
            names: facts.dns.iter().cloned().chain(facts.ips.iter().map(ToString::to_string)).collect(),
            serial: facts.serial,
            not_before: facts.not_before,
            not_after: facts.not_after,
            days_left: (facts.not_after.as_ms().saturating_sub(now.as_ms()))
                .div_euclid(i64::try_from(DAY.as_millis()).unwrap_or(i64::MAX)),
            algorithm: facts.key.name(),
            fingerprint_sha256: wk_seal::sha256(cert).iter().map(|byte| format!("{byte:02x}")).collect(),
            key_sealed: sealed,
        })
        .collect()
    }

    /// Destroys every private key of the authority in `dir`: overwritten, flushed, removed. Returns the files.
    ///
    /// Agents keep working until their certificates end; then each must enrol with the authority that comes after.
    ///
    /// # Errors
    /// [`PkiError::File`].
    pub fn destroy_keys(dir: &Path) -> Result<Vec<PathBuf>, PkiError> {
        let mut gone = Vec::new();
        for role in [CertRole::Root, CertRole::Intermediate, CertRole::Server] {
            let path = dir.join(role.file());
            gone.extend(shred_leftovers(&path).map_err(PkiError::File)?);
            if shred(&path).map_err(PkiError::File)? {
                gone.push(path);
            }
        }
        Ok(gone)
    }
}

fn intermediate_due(facts: &CertFacts, now: Timestamp) -> bool {
    facts.not_after.since(now) <= INTERMEDIATE_OVERLAP || now < facts.not_before
}

fn server_due(facts: &CertFacts, now: Timestamp) -> bool {
    facts.not_after.since(now) <= SERVER_RENEW_LEFT || now < facts.not_before
}

fn stands_for(facts: &CertFacts, names: &ServerNames) -> bool {
    facts.dns == names.dns() && facts.ips == names.ips()
}

fn certified(
    server: &Pair,
    root: &CertificateDer<'static>,
) -> Result<(Arc<CertifiedKey>, Arc<CertifiedKey>), PkiError> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(server.key.serialized_der().to_vec()));
    let key = internal_provider()
        .key_provider
        .load_private_key(der)
        .map_err(|source| PkiError::Tls { what: "load the server's key", source })?;
    let short: Vec<_> = std::iter::once(&server.cert).chain(&server.others).cloned().collect();
    let mut long = short.clone();
    long.push(root.clone());
    Ok((Arc::new(CertifiedKey::new(short, Arc::clone(&key))), Arc::new(CertifiedKey::new(long, key))))
}

fn save(dir: &Path, role: CertRole, protection: &KeyProtection, pair: &Pair) -> Result<(), PkiError> {
    save_with(dir, role, protection, pair, write_private)
}

fn save_with(
    dir: &Path,
    role: CertRole,
    protection: &KeyProtection,
    pair: &Pair,
    write: fn(&Path, &[u8]) -> Result<(), FileError>,
) -> Result<(), PkiError> {
    let mut text = Zeroizing::new(String::new());
    pem::write(&mut text, pem::CERTIFICATE, &pair.cert);
    for other in &pair.others {
        pem::write(&mut text, pem::CERTIFICATE, other);
    }
    match protection {
        KeyProtection::FileMode => pem::write(&mut text, pem::PRIVATE_KEY, pair.key.serialized_der()),
        KeyProtection::Sealed(ring) => {
            let sealed =
                ring.seal_file(role.purpose(), pair.key.serialized_der()).map_err(PkiError::Random)?;
            pem::write(&mut text, pem::SEALED_KEY, &sealed);
        }
    }
    write(&dir.join(role.file()), text.as_bytes()).map_err(PkiError::File)
}

fn load(dir: &Path, role: CertRole, protection: &KeyProtection) -> Result<Option<Pair>, PkiError> {
    let path = dir.join(role.file());
    let bytes = match read_private(&path, FILE_BYTES_MAX) {
        Ok(bytes) => bytes,
        Err(error) if error.is_missing() => return Ok(None),
        Err(error) => return Err(PkiError::File(error)),
    };
    let damaged = || PkiError::Damaged {
        path: path.clone(),
        hint: match role {
            CertRole::Root => "; without it every agent must enrol again",
            CertRole::Intermediate | CertRole::Server => ", or remove it: the next start makes a new one",
        },
    };
    let blocks = pem::read(bytes.expose()).ok_or_else(damaged)?;
    let mut certs = blocks
        .iter()
        .filter(|block| block.label == pem::CERTIFICATE)
        .map(|block| CertificateDer::from(block.bytes.to_vec()));
    let cert = certs.next().ok_or_else(damaged)?;
    let others: Vec<_> = certs.collect();
    let plain = blocks.iter().find(|block| block.label == pem::PRIVATE_KEY);
    let sealed = blocks.iter().find(|block| block.label == pem::SEALED_KEY);
    let key = match (plain, sealed, protection) {
        (Some(block), None, _) => KeyPair::try_from(block.bytes.as_slice()).map_err(|_| damaged())?,
        (None, Some(block), KeyProtection::Sealed(ring)) => {
            let key = ring
                .open_file(role.purpose(), &block.bytes)
                .ok_or_else(|| PkiError::SealRefused { path: path.clone() })?;
            KeyPair::try_from(key.expose().as_slice()).map_err(|_| damaged())?
        }
        (None, Some(_), KeyProtection::FileMode) => return Err(PkiError::Sealed { path }),
        _ => return Err(damaged()),
    };
    let facts = CertFacts::read(&cert).map_err(|_| damaged())?;
    if facts.spki_der != key.subject_public_key_info() {
        return Err(damaged());
    }
    let found = Pair { cert, key, facts, others };
    if plain.is_some() && matches!(protection, KeyProtection::Sealed(_)) {
        // Sealing was switched on after the first start. Storage may keep the old bytes beneath the file system all the
        // same.
        save_with(dir, role, protection, &found, replace_private)?;
    }
    Ok(Some(found))
}

/// Keeps `root.crt` beside the rest: what a person imports into a browser.
fn write_root_copy(dir: &Path, root: &CertificateDer<'_>) -> Result<(), PkiError> {
    let mut text = Zeroizing::new(String::new());
    pem::write(&mut text, pem::CERTIFICATE, root);
    let path = dir.join("root.crt");
    if read_private(&path, FILE_BYTES_MAX).is_ok_and(|have| have.expose() == text.as_bytes()) {
        return Ok(());
    }
    write_private(&path, text.as_bytes()).map_err(PkiError::File)
}
