//! The internal certificate authority, the agents' certificates, and the TLS configurations that trust them.
//!
//! ```text
//! root (10 years, pathlen 1, name-constrained)
//!   └─ intermediate (90 days, overlaps its successor by 30)
//!        ├─ server certificate (30 days): console and hub
//!        └─ agent certificates (7 days): one URI name, client use only
//! ```
//!
//! The clock is an argument everywhere; rustls alone looks at the real one, during handshakes. No network here: the
//! configurations are handed to whoever owns the sockets.

mod ca;
mod cert;
mod clients;
mod csr;
mod names;
mod peer;
mod pem;
mod store;
mod tls;
mod token;

pub use ca::{Ca, CertInfo, CertRole, Issued, KeyProtection, PkiError, ServerIdentity, spki_sha256};
pub use cert::{CertError, Serial};
pub use clients::{
    AUTHORITIES_MAX, ClientAuthorities, ClientAuthority, ClientsError, REVOKED_MAX, client_subject,
    server_config_console_for,
};
pub use csr::{AgentCsr, CSR_BYTES_MAX, CsrError};
pub use names::{NameError, ServerNames};
pub use peer::{AgentVerifier, DenyList, NobodyDenied, PeerAgent, PeerError};
pub use store::{AgentIdentity, AgentStore, StoreError, roots_digest};
pub use tls::{
    ALPN_ENROL, ALPN_LINK, HubPurpose, client_config_enrol, client_config_link, hub_purpose,
    server_config_console, server_config_enrol, server_config_hub, server_config_hub_with_grace,
};
pub use token::{EnrolToken, ServerAddr, TokenError};
