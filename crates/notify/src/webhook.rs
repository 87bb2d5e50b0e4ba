//! Posts a signed document. HTTP/1.1 over verified TLS to an address that passed the way out; redirects are not followed.

use std::fmt::Write as _;
use std::time::Duration;

use aws_lc_rs::hmac;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use wk_domain::Timestamp;
use wk_seal::SecretBytes;

use crate::channel::WebhookConfig;
use crate::egress::tls::Tls;
use crate::egress::{Egress, Reach};
use crate::failure::Failure;

/// Bytes of an answer that are read; the rest is not waited for. Nothing in it is used.
const ANSWER_MAX: usize = 64 * 1024;
/// Bytes of the answer's head.
const HEAD_MAX: usize = 64 * 1024;
/// Longest patience that a receiver may ask for.
const PATIENCE_MAX: Duration = Duration::from_secs(3600);

/// `t=<unix seconds>,v1=<hex of HMAC-SHA-256 over "<t>.<body>">`: the header that proves who sent a body, and when.
pub(crate) fn signature(key: &SecretBytes, at: Timestamp, body: &[u8]) -> String {
    let t = at.as_ms().div_euclid(1000);
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key.expose()));
    context.update(format!("{t}.").as_bytes());
    context.update(body);
    let mut out = format!("t={t},v1=");
    for byte in context.sign().as_ref() {
        // Writing to a String does not fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// What is posted.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// The same at every attempt.
    pub(crate) id: &'a str,
    /// From 1.
    pub(crate) attempt: i64,
    pub(crate) body: String,
}

/// Posts.
pub(crate) async fn send(
    egress: &Egress,
    tls: &Tls,
    config: &WebhookConfig,
    key: Option<&SecretBytes>,
    message: Message<'_>,
    now: Timestamp,
) -> Result<(), Failure> {
    let Message { id, attempt, body } = message;
    let url = &config.url;
    let host = &url.host;
    let key = key.filter(|key| !key.expose().is_empty()).ok_or_else(|| {
        Failure::refused(
            "the channel has no signing key; enter one as its secret, and give it to the receiver",
        )
    })?;
    let signature = signature(key, now, body.as_bytes());
    let stream =
        egress.connect(host, url.port, Reach::Listed).await.map_err(|error| match error.is_rule() {
            true => Failure::refused(error.to_string()),
            false => Failure::passing(error.to_string()),
        })?;
    let stream = tls.connect(stream, host, config.root_pem.as_deref(), true).await.map_err(Failure::tls)?;
    let request = Request::builder()
        .method(Method::POST)
        .uri(&url.target)
        .header(header::HOST, url.authority())
        .header(header::USER_AGENT, "Watchkeep")
        .header(header::CONTENT_TYPE, "application/json")
        .header("X-Watchkeep-Notification", id)
        .header("X-Watchkeep-Attempt", attempt)
        .header("X-Watchkeep-Signature", signature)
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| Failure::refused(format!("the request cannot be written: {error}")))?;
    let broke =
        |error: hyper::Error| Failure::passing(format!("the conversation with {host} broke: {error}"));
    let (mut sender, connection) = hyper::client::conn::http1::Builder::new()
        .max_buf_size(HEAD_MAX)
        .max_headers(100)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(broke)?;
    let exchange = async {
        let mut response = sender.send_request(request).await.map_err(broke)?;
        let status = response.status();
        let patience = response.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let patience = patience.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let mut read = 0;
        while read < ANSWER_MAX {
            match response.body_mut().frame().await {
                Some(Ok(frame)) => read += frame.data_ref().map_or(0, Bytes::len),
                // The status has been given; a broken tail changes nothing.
                Some(Err(_)) | None => break,
            }
        }
        Ok((status, patience))
    };
    tokio::pin!(exchange);
    // The connection lives as long as the exchange: it is not a task that could be left behind.
    let mut connection = std::pin::pin!(connection);
    let mut connected = true;
    let (status, patience) = loop {
        tokio::select! {
            done = &mut exchange => break done?,
            // How it ended shows in the exchange.
            _ = &mut connection, if connected => connected = false,
        }
    };
    judge(host, status, patience)
}

fn judge(
    host: &crate::egress::RemoteHost,
    status: StatusCode,
    patience: Option<Duration>,
) -> Result<(), Failure> {
    let said = || format!("{host} answers {}", status.as_u16());
    let failure = match status {
        status if status.is_success() => return Ok(()),
        status if status.is_redirection() => {
            Failure::refused(format!("{}: redirects are not followed; enter the final URL", said()))
        }
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Failure::passing(said())
        }
        status if status.is_client_error() => Failure::refused(said()),
        _ => Failure::passing(said()),
    };
    Err(Failure { retry_after: patience.map(|wish| wish.min(PATIENCE_MAX)), ..failure })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_the_documentation_says() {
        // printf '1795000000.{"id":1}' | openssl dgst -sha256 -hmac swordfish
        let key = SecretBytes::new(b"swordfish".to_vec());
        let signed = signature(&key, Timestamp::from_ms(1_795_000_000_999), b"{\"id\":1}");
        assert_eq!(signed, format!("t=1795000000,v1={KNOWN}"));
    }

    const KNOWN: &str = "c950410dbfa259acf909ba985b3703a35407416c58475adaddfa333f24f64bbb";
}
