//! Certificate requests and peers' certificates: any bytes are survived, and only a request with a good signature passes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use wk_pki::{AgentCsr, PeerAgent, spki_sha256};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(csr) = AgentCsr::parse(bytes) {
        // Cut anywhere, it is no request any more.
        assert!(AgentCsr::parse(&bytes[..bytes.len() - 1]).is_err());
        let _ = csr.spki_sha256();
    }
    let _ = PeerAgent::from_der(bytes);
    let _ = spki_sha256(bytes);
});
