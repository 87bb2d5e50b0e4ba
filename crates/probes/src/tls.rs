//! TLS: a handshake, always verified, and how long the chain lasts.

use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wk_domain::perfdata::PerfMetric;
use wk_wire::v1::TlsProbe;

use crate::Context;
use crate::certs::{Chain, handshake_failed};
use crate::net::{bare, connect, port};
use crate::outcome::{Fault, Found};

pub(crate) async fn run(context: &Context<'_>, probe: &TlsProbe) -> Result<Found, Fault> {
    let port = port(probe.port, 0)?;
    let name = if probe.server_name.is_empty() { &probe.address } else { &probe.server_name };
    let (stream, address) = connect(context, &probe.address, port).await?;
    let (tls, chain) = shake(context, stream, &address.to_string(), name, &probe.extra_roots_pem).await?;
    let version = tls.get_ref().1.protocol_version().map(|v| format!("{v:?}")).unwrap_or_default();
    Ok(Found {
        text: format!(
            "{} of {address} is good for {:.1} days, {}",
            chain.subject,
            chain.days,
            version.replace("TLSv1_", "TLS 1.")
        ),
        metrics: vec![days(&chain)],
    })
}

pub(crate) fn days(chain: &Chain) -> PerfMetric {
    PerfMetric::new("cert_days", (chain.days * 100.0).floor() / 100.0, "d")
}

/// Shakes hands, or says why not, with the days left where a certificate was seen.
pub(crate) async fn shake(
    context: &Context<'_>,
    stream: TcpStream,
    peer: &str,
    name: &str,
    extra_pem: &str,
) -> Result<(TlsStream<TcpStream>, Chain), Fault> {
    let server_name = ServerName::try_from(bare(name).to_owned())
        .map_err(|_| Fault::arguments(format!("{name:?} is not a name that a certificate could carry")))?;
    let (config, recorder) = context.roots.config(extra_pem)?;
    context.stage(format!("TLS handshake with {peer}"));
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    match connector.connect(server_name, stream).await {
        Ok(tls) => match recorder.chain() {
            Some(chain) => Ok((tls, chain)),
            None => Err(Fault::critical(format!("{peer} showed no certificate that reads"))),
        },
        Err(error) => {
            let chain = recorder.chain();
            let fault = handshake_failed(&error, peer, name, chain.as_ref());
            Err(fault.with(chain.iter().map(days).collect()))
        }
    }
}
