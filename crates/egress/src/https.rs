//! One request over HTTPS and its answer, whole and bounded: no redirect, no proxy, no cookie, no reuse.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;

use crate::tls::{Tls, TlsError};
use crate::{Egress, EgressError, Reach, RemoteHost};

/// Bytes of the answer's head.
const HEAD_MAX: usize = 64 * 1024;
/// Longest address, in bytes.
const URL_MAX: usize = 4_096;

/// An `https` address, parsed strictly: no user, no password, no fragment, nothing but visible ASCII.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpsUrl {
    host: RemoteHost,
    port: u16,
    /// Path and query, beginning with a slash.
    target: String,
}

impl HttpsUrl {
    pub const fn host(&self) -> &RemoteHost {
        &self.host
    }

    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// `host` or `host:port`: as the header `Host` has it.
    pub fn authority(&self) -> String {
        if self.port == 443 { self.host.to_string() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for HttpsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}{}", self.authority(), self.target)
    }
}

impl FromStr for HttpsUrl {
    type Err = String;

    fn from_str(raw: &str) -> Result<Self, String> {
        if raw.len() > URL_MAX {
            return Err(format!("an address has at most {URL_MAX} bytes"));
        }
        let rest = raw.strip_prefix("https://").ok_or("write the whole address, beginning with https://")?;
        if !rest.bytes().all(|b| b.is_ascii_graphic()) || rest.contains(['\\', '#', '"', '<', '>']) {
            return Err("an address has neither blanks nor a fragment, nor anything beyond ASCII".to_owned());
        }
        let at = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(at);
        if authority.contains('@') {
            return Err("an address has no user and no password in it".to_owned());
        }
        let colon = authority.rfind(':').filter(|at| !authority[*at..].contains(']'));
        let (host, port) = match colon {
            Some(at) => {
                let digits = &authority[at + 1..];
                let port = digits
                    .parse()
                    .ok()
                    .filter(|port| *port > 0 && digits.bytes().all(|b| b.is_ascii_digit()));
                (&authority[..at], port.ok_or("the port is a number from 1 to 65535")?)
            }
            None => (authority, 443),
        };
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(Self { host: host.parse()?, port, target })
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpsError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("{host} does not speak HTTP: {detail}")]
    Broken { host: String, detail: String },
    #[error("{host} answers more than {limit} bytes")]
    TooLarge { host: String, limit: usize },
    #[error("{host} did not answer within {seconds} s")]
    Slow { host: String, seconds: u64 },
}

/// A request. Methods are GET without, and POST with a body.
pub struct Ask<'a> {
    pub url: &'a HttpsUrl,
    /// Media type and bytes.
    pub body: Option<(&'static str, Vec<u8>)>,
    pub accept: &'static str,
    /// The value of the header `Authorization`.
    pub authorization: Option<String>,
    /// Authorities beside the machine's.
    pub root_pem: Option<&'a str>,
    pub reach: Reach,
    /// From the first look-up to the answer's last byte.
    pub within: Duration,
    /// Bytes of the answer's body.
    pub most: usize,
}

impl fmt::Debug for Ask<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").field("url", &self.url).finish_non_exhaustive()
    }
}

/// Whatever was answered, redirects and errors too.
#[derive(Debug, Clone)]
pub struct Said {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Said {
    /// Whether the answer is of this media type, whatever its parameters.
    pub fn is(&self, media: &str) -> bool {
        let kind = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media))
    }
}

/// Asks.
///
/// # Errors
/// [`HttpsError`].
pub async fn exchange(egress: &Egress, tls: &Tls, ask: Ask<'_>) -> Result<Said, HttpsError> {
    let (host, within) = (ask.url.host.to_string(), ask.within);
    match tokio::time::timeout(within, whole(egress, tls, ask)).await {
        Ok(said) => said,
        Err(_) => Err(HttpsError::Slow { host, seconds: within.as_secs() }),
    }
}

async fn whole(egress: &Egress, tls: &Tls, ask: Ask<'_>) -> Result<Said, HttpsError> {
    let host = &ask.url.host;
    let broken = |detail: String| HttpsError::Broken { host: host.to_string(), detail };
    let stream = egress.connect(host, ask.url.port, ask.reach).await?;
    let stream = tls.connect(stream, host, ask.root_pem, true).await?;
    let (method, kind, body) = match ask.body {
        Some((kind, body)) => (Method::POST, Some(kind), body),
        None => (Method::GET, None, Vec::new()),
    };
    let mut request = Request::builder()
        .method(method)
        .uri(&ask.url.target)
        .header(header::HOST, ask.url.authority())
        .header(header::USER_AGENT, "Watchkeep")
        .header(header::ACCEPT, ask.accept);
    if let Some(kind) = kind {
        request = request.header(header::CONTENT_TYPE, kind);
    }
    if let Some(authorization) = ask.authorization {
        let mut value = header::HeaderValue::from_str(&authorization)
            .map_err(|_| broken("the credentials cannot be sent".to_owned()))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Full::new(Bytes::from(body))).map_err(|error| broken(error.to_string()))?;
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_MAX)
        .max_headers(100)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(error.to_string()))?;
    let most = ask.most;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(|error| broken(error.to_string()))?;
        let (head, mut body) = response.into_parts();
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(error.to_string()))?;
            let Some(data) = frame.data_ref() else { continue };
            if read.len() + data.len() > most {
                return Err(HttpsError::TooLarge { host: host.to_string(), limit: most });
            }
            read.extend_from_slice(data);
        }
        Ok(Said { status: head.status, headers: head.headers, body: read })
    };
    tokio::pin!(exchange);
    // The connection lives as long as the exchange: it is not a task that could be left behind.
    let mut connection = std::pin::pin!(connection);
    let mut connected = true;
    loop {
        tokio::select! {
            done = &mut exchange => return done,
            // How it ended shows in the exchange.
            _ = &mut connection, if connected => connected = false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_strictly() {
        let read = |raw: &str| raw.parse::<HttpsUrl>();
        assert_eq!(read("https://op.example").unwrap().to_string(), "https://op.example/");
        assert_eq!(read("https://OP.example:443/a?b=c").unwrap().to_string(), "https://op.example/a?b=c");
        assert_eq!(read("https://[2001:db8::7]:8443/x").unwrap().authority(), "[2001:db8::7]:8443");
        assert_eq!(read("https://[2001:db8::7]/x").unwrap().port(), 443);
        assert_eq!(read("https://op.example?x").unwrap().target(), "/?x");
        for wrong in [
            "http://op.example/",
            "op.example",
            "https://",
            "https://user@op.example/",
            "https://op.example:0/",
            "https://op.example:+7/",
            "https://op.example:65536/",
            "https://op.example/a b",
            "https://op.example/#a",
            "https://op.example\\@evil.example/",
            "https://0x7f.1/",
            "https://2130706433/",
            "https://bücher.example/",
            "https://op.example/\r\nX: y",
        ] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
