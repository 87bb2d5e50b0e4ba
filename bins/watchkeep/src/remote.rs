//! The way to a server that runs elsewhere: HTTPS with a token.
//!
//! The token comes from a file that nobody else may read, or from an open descriptor; never from an argument, which every
//! user of the machine sees, nor from the environment, which programs hand on. TLS has no off switch: the authority is the
//! one in `--ca-file` and no other, or one that this machine trusts. No proxy, no redirect.

use std::fmt;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use http::Uri;
use http::header::HeaderValue;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use wk_identity::ApiToken;

/// A token has 66 characters; a line may end.
const TOKEN_MAX: usize = 200;
const CA_MAX: u64 = 1 << 20;
/// To connect, and to shake hands.
const CONNECT: Duration = Duration::from_secs(15);

/// Which server, and how to be let in.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct RemoteFlags {
    /// Server to talk to over HTTPS, such as https://watch.example:8443, instead of the local one
    #[arg(long, global = true, value_name = "URL", conflicts_with = "data")]
    pub(crate) server: Option<String>,
    /// File with a token, readable by its owner alone
    #[arg(long, global = true, value_name = "FILE", requires = "server", conflicts_with = "token_fd")]
    pub(crate) token_file: Option<PathBuf>,
    /// Open descriptor to read a token from: `--token-fd 3 3<<<"$TOKEN"`
    #[arg(long, global = true, value_name = "N", requires = "server")]
    pub(crate) token_fd: Option<u32>,
    /// Trust the authorities in this PEM file and no others: see `watchkeep cert root`
    #[arg(long, global = true, value_name = "FILE", requires = "server")]
    pub(crate) ca_file: Option<PathBuf>,
}

/// A server elsewhere.
pub(crate) struct Remote {
    host: String,
    port: u16,
    tls: TlsConnector,
    authorization: HeaderValue,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("host", &self.host).field("port", &self.port).finish_non_exhaustive()
    }
}

impl Remote {
    /// From the flags; nothing when they name no server.
    pub(crate) fn of(flags: &RemoteFlags) -> Result<Option<Self>> {
        let Some(server) = &flags.server else { return Ok(None) };
        let (host, port) = place(server)?;
        let token = token(flags)?;
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", token.text().expose()))?;
        authorization.set_sensitive(true);
        Ok(Some(Self { host, port, tls: trust(flags.ca_file.as_deref())?, authorization }))
    }

    /// What goes into every request.
    pub(crate) fn authorization(&self) -> &HeaderValue {
        &self.authorization
    }

    /// `host:port`, with the brackets of IPv6.
    pub(crate) fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// A connection whose other end has shown who it is.
    pub(crate) async fn connect(&self) -> Result<TlsStream<TcpStream>> {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']').to_owned();
        let name =
            ServerName::try_from(bare.clone()).map_err(|_| anyhow!("`{bare}` is no name of a server"))?;
        let dial = async {
            let tcp = TcpStream::connect((bare.as_str(), self.port))
                .await
                .with_context(|| format!("cannot connect to {}", self.authority()))?;
            tcp.set_nodelay(true)?;
            self.tls.connect(name, tcp).await.map_err(|error| self.untrusted(error))
        };
        tokio::time::timeout(CONNECT, dial)
            .await
            .map_err(|_| anyhow!("{} does not answer within {} s", self.authority(), CONNECT.as_secs()))?
    }

    fn untrusted(&self, error: std::io::Error) -> anyhow::Error {
        let rejected = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let hint = match rejected {
            Some(rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer)) => {
                ". Its authority is not trusted: run `watchkeep cert root` on the server, bring the file here by a way \
                 you trust, and name it with --ca-file"
            }
            Some(rustls::Error::InvalidCertificate(_)) => {
                ". Use a name or address that is in `names` of its watchkeep.toml"
            }
            _ => "",
        };
        anyhow!("no trusted connection with {}: {error}{hint}", self.authority())
    }
}

/// Host and port of `https://host:port`, and nothing more.
fn place(raw: &str) -> Result<(String, u16)> {
    let form = || anyhow!("`{raw}` is no server: write it like https://watch.example:8443");
    let uri: Uri = raw.parse().map_err(|_| form())?;
    if uri.scheme_str() == Some("http") {
        bail!("`{raw}`: there is no server without TLS; write https");
    }
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(form)?;
    let bare = matches!(uri.path(), "" | "/") && uri.query().is_none();
    if uri.scheme_str() != Some("https") || !bare || authority.host().is_empty() {
        return Err(form());
    }
    Ok((authority.host().to_owned(), authority.port_u16().unwrap_or(443)))
}

fn token(flags: &RemoteFlags) -> Result<ApiToken> {
    let text = match (&flags.token_file, flags.token_fd) {
        (Some(path), _) => {
            let bytes = wk_seal::read_private(path, TOKEN_MAX).context("the token's file")?;
            String::from_utf8(bytes.expose().clone())
                .map_err(|_| anyhow!("{} holds no token", path.display()))?
        }
        (None, Some(fd)) => {
            let mut text = String::new();
            let file = std::fs::File::open(format!("/dev/fd/{fd}"))
                .with_context(|| format!("descriptor {fd} is not open"))?;
            file.take(TOKEN_MAX as u64)
                .read_to_string(&mut text)
                .with_context(|| format!("descriptor {fd} cannot be read"))?;
            text
        }
        (None, None) => bail!("say where the token is: --token-file FILE, which its owner alone may read"),
    };
    ApiToken::parse(text.trim()).map_err(|_| {
        anyhow!(
            "what is there is no token of Watchkeep (wk_pat_… or wk_svc_…), or a character of it is wrong"
        )
    })
}

fn trust(ca_file: Option<&Path>) -> Result<TlsConnector> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder =
        ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let mut config = match ca_file {
        Some(path) => builder.with_root_certificates(authorities(path)?).with_no_client_auth(),
        None => {
            let verifier = rustls_platform_verifier::Verifier::new(provider)
                .context("the authorities of this machine cannot be read")?;
            builder
                .dangerous() // The name of the call, not of the verifier: it is the platform's.
                .with_custom_certificate_verifier(Arc::new(verifier))
                .with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

fn authorities(path: &Path) -> Result<RootCertStore> {
    let file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut pem = Vec::new();
    file.take(CA_MAX).read_to_end(&mut pem).with_context(|| format!("cannot read {}", path.display()))?;
    let wrong = || anyhow!("{} holds no certificate in PEM form", path.display());
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        store.add(certificate.map_err(|_| wrong())?).map_err(|_| wrong())?;
    }
    if store.is_empty() { Err(wrong()) } else { Ok(store) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_place_behind_tls_and_nothing_more() {
        assert_eq!(place("https://watch.example:8443").unwrap(), ("watch.example".to_owned(), 8443));
        assert_eq!(place("https://watch.example/").unwrap(), ("watch.example".to_owned(), 443));
        assert_eq!(place("https://[2001:db8::1]:8443").unwrap(), ("[2001:db8::1]".to_owned(), 8443));
        for bad in [
            "http://watch.example",
            "watch.example:8443",
            "https://",
            "https://me:secret@watch.example",
            "https://watch.example/api",
            "https://watch.example/?token=x",
            "file:///etc/passwd",
            "",
        ] {
            assert!(place(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let made = ApiToken::generate(wk_identity::ApiTokenForm::Service).unwrap();
        std::fs::write(&path, format!("{}\n", made.text().expose())).unwrap();
        let flags = |path: &Path| RemoteFlags {
            server: Some("https://watch.example".to_owned()),
            token_file: Some(path.to_owned()),
            token_fd: None,
            ca_file: None,
        };
        for (mode, good) in [(0o600, true), (0o400, true), (0o640, false), (0o644, false), (0o602, false)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(token(&flags(&path)).is_ok(), good, "{mode:o}");
        }
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(token(&flags(&link)).is_err(), "a link could be turned elsewhere");
        std::fs::write(&path, "eyJhbGciOiJub25lIn0.e30.").unwrap();
        let error = token(&flags(&path)).unwrap_err().to_string();
        assert!(error.contains("no token of Watchkeep") && !error.contains("eyJ"), "{error}");
    }
}
