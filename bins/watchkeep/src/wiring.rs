//! Adapters that are too small for a crate: the authority as the engine's issuer.

use std::sync::Arc;

use wk_domain::{AgentId, Timestamp, TokenId};
use wk_engine::ports::issuer::{AuthorityCert, IssueError, Issued, Issuer};
use wk_engine::ports::{Clock, SystemClock};
use wk_pki::{AgentCsr, Ca, PkiError, ServerAddr};
use wk_seal::Secret;

/// The internal CA as the engine sees it.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) ca: Arc<Ca>,
    /// Where agents find the hub.
    pub(crate) servers: Vec<ServerAddr>,
    /// How the agent is called on the machine that pastes the line.
    pub(crate) agent_program: String,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Issuer for Authority {
    fn issue_agent(&self, csr_der: &[u8], agent: AgentId, now: Timestamp) -> Result<Issued, IssueError> {
        let issued = self.ca.issue_agent(csr_der, agent, now).map_err(|error| match error {
            PkiError::Csr(error) => IssueError::Request(error.to_string()),
            other => IssueError::Authority(other.to_string()),
        })?;
        Ok(Issued {
            chain_der: issued.chain_der,
            serial: issued.serial.to_string(),
            spki_sha256: hex(&issued.spki_sha256),
            not_before: issued.not_before,
            not_after: issued.not_after,
        })
    }

    fn chain_of(&self, cert_der: &[u8]) -> Vec<Vec<u8>> {
        self.ca.chain_of(cert_der)
    }

    fn roots_der(&self) -> Vec<Vec<u8>> {
        self.ca.roots().iter().map(|root| root.to_vec()).collect()
    }

    fn spki_sha256(&self, csr_der: &[u8]) -> Result<String, IssueError> {
        AgentCsr::parse(csr_der)
            .map(|csr| hex(&csr.spki_sha256()))
            .map_err(|error| IssueError::Request(error.to_string()))
    }

    fn enrolment_line(&self, token: TokenId, secret: &[u8; 16]) -> String {
        let line = self.ca.enrolment_line(token, Secret::new(*secret), self.servers.clone());
        line.map_or_else(
            |error| format!("# no line could be made: {error}"),
            |token| format!("{} enrol {}", self.agent_program, token.expose()),
        )
    }

    fn inventory(&self) -> Vec<AuthorityCert> {
        let now = SystemClock.now();
        self.ca
            .inventory(now)
            .into_iter()
            .map(|cert| AuthorityCert {
                role: cert.role.name().to_owned(),
                subject: cert.subject,
                serial: cert.serial.to_string(),
                algorithm: cert.algorithm.to_owned(),
                not_before: cert.not_before,
                not_after: cert.not_after,
                fingerprint_sha256: cert.fingerprint_sha256,
            })
            .collect()
    }
}
