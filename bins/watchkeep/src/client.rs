//! A client of the public API: over the server's local socket, or over HTTPS with a token.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::remote::Remote;
use crate::server::SOCKET;

/// Largest answer that is read.
const ANSWER_MAX: usize = 64 << 20;

/// Talks to the server whose data directory it was given, or to one elsewhere.
#[derive(Debug)]
pub(crate) struct Client {
    way: Way,
}

#[derive(Debug)]
enum Way {
    Socket(PathBuf),
    Remote(Remote),
}

/// An answer that is a problem.
#[derive(Debug, thiserror::Error)]
#[error("{detail}{fields}")]
pub(crate) struct Refused {
    detail: String,
    fields: String,
}

impl Client {
    /// Finds the socket in the data directory, or in the `server` part of one that `watchkeep up` runs.
    pub(crate) fn new(data: &Path) -> Result<Self> {
        let places = [data.join(SOCKET), data.join("server").join(SOCKET)];
        let socket = places.iter().find(|place| place.exists()).cloned().ok_or_else(|| {
            anyhow!(
                "no server runs with the data directory {}. Start one with `watchkeep up --data {}`, or name another \
                 with --data",
                data.display(),
                data.display()
            )
        })?;
        Ok(Self { way: Way::Socket(socket) })
    }

    /// A server elsewhere.
    pub(crate) fn remote(remote: Remote) -> Self {
        Self { way: Way::Remote(remote) }
    }

    /// One request; the answer's JSON, or null.
    pub(crate) async fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut sender = match &self.way {
            Way::Socket(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|error| match error.kind() {
                    std::io::ErrorKind::PermissionDenied => {
                        anyhow!("only the server's own user and root may use {}", socket.display())
                    }
                    _ => {
                        anyhow!("the server does not answer on {}: {error}. Is it running?", socket.display())
                    }
                })?;
                let (sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
            Way::Remote(remote) => {
                let stream = remote.connect().await?;
                let (sender, connection) =
                    hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
                tokio::spawn(connection);
                sender
            }
        };
        let bytes = match body {
            Some(body) => Bytes::from(serde_json::to_vec(body)?),
            None => Bytes::new(),
        };
        let mut request = hyper::Request::builder().method(method).uri(format!("/api/v1{path}"));
        request = match &self.way {
            Way::Socket(_) => request.header("host", "local"),
            Way::Remote(remote) => request
                .header("host", remote.authority())
                .header("user-agent", concat!("watchkeep/", env!("CARGO_PKG_VERSION")))
                .header("authorization", remote.authorization()),
        };
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let response = sender
            .send_request(request.body(Full::new(bytes))?)
            .await
            .context("the server ended the connection")?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), ANSWER_MAX)
            .collect()
            .await
            .map_err(|error| anyhow!("the answer could not be read: {error}"))?
            .to_bytes();
        let value: Value = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).context("the answer is not JSON")?
        };
        if status.is_success() {
            return Ok(value);
        }
        let detail = value["detail"].as_str().unwrap_or("the server refused").to_owned();
        let fields = value["errors"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|e| {
                format!(
                    "\n  {} {}",
                    e["pointer"].as_str().unwrap_or_default(),
                    e["detail"].as_str().unwrap_or_default()
                )
            })
            .collect();
        bail!(Refused { detail, fields })
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.call("GET", path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("POST", path, Some(body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call("PUT", path, Some(body)).await
    }

    /// A list that the server gives whole. Should it give pages one day, they are followed.
    pub(crate) async fn whole(&self, path: &str) -> Result<Vec<Value>> {
        self.pages(path, |_| None, usize::MAX).await
    }

    /// All pages of a list, up to `most` items.
    pub(crate) async fn list(&self, path: &str, most: usize) -> Result<Vec<Value>> {
        self.pages(path, |got| Some(most.saturating_sub(got).clamp(1, 500)), most).await
    }

    async fn pages(
        &self,
        path: &str,
        limit: impl Fn(usize) -> Option<usize>,
        most: usize,
    ) -> Result<Vec<Value>> {
        let mut items: Vec<Value> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut query: Vec<String> = Vec::new();
            query.extend(limit(items.len()).map(|limit| format!("limit={limit}")));
            query.extend(after.as_deref().map(|after| format!("after={}", encode(after))));
            let mark = match (query.is_empty(), path.contains('?')) {
                (true, _) => "",
                (false, true) => "&",
                (false, false) => "?",
            };
            let page = self.get(&format!("{path}{mark}{}", query.join("&"))).await?;
            items.extend(page["items"].as_array().cloned().unwrap_or_default());
            after = page["next"].as_str().map(str::to_owned);
            if after.is_none() || items.len() >= most {
                items.truncate(most);
                return Ok(items);
            }
        }
    }
}

/// RFC 3986 percent-encoding of everything but unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
