//! HTTP(S): one request, no redirect followed, conditions on status, headers and body.

use ::http::header::{HOST, HeaderName, HeaderValue, USER_AGENT};
use ::http::{Method, Request, Uri};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wk_domain::perfdata::PerfMetric;
use wk_domain::text::clean_line;
use wk_wire::v1::HttpProbe;

use crate::Context;
use crate::net::{bare, connect};
use crate::outcome::{Fault, Found};
use crate::tls::{days, shake};

/// Bytes of body that conditions look at.
const BODY_MAX: usize = 1 << 20;
/// Bytes of all response headers.
const HEADERS_MAX: usize = 64 << 10;
const HEADER_COUNT_MAX: usize = 200;
/// Conditions and headers of one check.
const CONDITIONS_MAX: usize = 64;

struct Plan {
    host: String,
    port: u16,
    tls: bool,
    request: Request<Empty<Bytes>>,
    expect_headers: Vec<(HeaderName, Option<regex::bytes::Regex>)>,
    expect_body: Option<regex::bytes::Regex>,
    refuse_body: Option<regex::bytes::Regex>,
}

pub(crate) async fn run(context: &Context<'_>, probe: &HttpProbe) -> Result<Found, Fault> {
    let plan = plan(context, probe)?;
    let started = Instant::now();
    let (stream, address) = connect(context, &plan.host, plan.port).await?;
    let peer = address.to_string();
    if plan.tls {
        let (tls, chain) = shake(context, stream, &peer, &plan.host, &probe.extra_roots_pem).await?;
        exchange(context, probe, plan, tls, &peer, started, vec![days(&chain)]).await
    } else {
        exchange(context, probe, plan, stream, &peer, started, Vec::new()).await
    }
}

fn plan(context: &Context<'_>, probe: &HttpProbe) -> Result<Plan, Fault> {
    let bad = |what: &str| Fault::arguments(format!("{what}: {:?}", clean_line(&probe.url, 200)));
    let uri: Uri = probe.url.parse().map_err(|_| bad("not a URL"))?;
    let tls = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(bad("a URL begins with http:// or https://")),
    };
    let authority = uri.authority().ok_or_else(|| bad("the URL names no host"))?;
    if authority.as_str().contains('@') {
        return Err(Fault::arguments("a URL may not carry a user name or password; use a header"));
    }
    let port = authority.port_u16().unwrap_or(if tls { 443 } else { 80 });
    let method = match probe.method.as_str() {
        "" | "GET" => Method::GET,
        "HEAD" => Method::HEAD,
        "POST" => Method::POST,
        other => {
            return Err(Fault::arguments(format!(
                "method {:?} is not GET, HEAD or POST",
                clean_line(other, 20)
            )));
        }
    };
    if probe.headers.len().max(probe.expect_headers.len()).max(probe.expect_status.len()) > CONDITIONS_MAX {
        return Err(Fault::arguments(format!("more than {CONDITIONS_MAX} headers or conditions")));
    }
    let target = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request =
        Request::builder().method(method).uri(target).body(Empty::new()).map_err(|_| bad("not a URL"))?;
    let header_name = |raw: &str| {
        HeaderName::try_from(raw)
            .map_err(|_| Fault::arguments(format!("{:?} is not a header name", clean_line(raw, 64))))
    };
    let host = HeaderValue::try_from(authority.as_str()).map_err(|_| bad("the URL names no host"))?;
    request.headers_mut().insert(HOST, host);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("watchkeep-agent"));
    for header in &probe.headers {
        let value = HeaderValue::try_from(header.value.as_str()).map_err(|_| {
            Fault::arguments(format!(
                "the value of header {:?} is not one line",
                clean_line(&header.name, 64)
            ))
        })?;
        request.headers_mut().insert(header_name(&header.name)?, value);
    }
    let pattern = |raw: &str| context.patterns.get_some(raw);
    Ok(Plan {
        host: bare(authority.host()).to_owned(),
        port,
        tls,
        request,
        expect_headers: probe
            .expect_headers
            .iter()
            .map(|h| Ok((header_name(&h.name)?, pattern(&h.value)?)))
            .collect::<Result<_, Fault>>()?,
        expect_body: pattern(&probe.expect_body)?,
        refuse_body: pattern(&probe.refuse_body)?,
    })
}

async fn exchange<S>(
    context: &Context<'_>,
    probe: &HttpProbe,
    plan: Plan,
    stream: S,
    peer: &str,
    started: Instant,
    mut metrics: Vec<PerfMetric>,
) -> Result<Found, Fault>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let broken = |error: &hyper::Error| {
        let mut words = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            words = format!("{words}: {inner}");
            source = inner.source();
        }
        Fault::critical(format!("HTTP with {peer} failed: {words}"))
    };
    context.stage(format!("waiting for the response of {peer}"));
    let (mut sender, connection) = http1::Builder::new()
        .max_headers(HEADER_COUNT_MAX)
        .max_buf_size(HEADERS_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(&e).with(metrics.clone()))?;
    // Ends with this probe: the set stops its task when dropped.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let response = sender.send_request(plan.request).await.map_err(|e| broken(&e).with(metrics.clone()))?;
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    context.stage(format!("reading the body from {peer}"));
    let (body, cut) = read_body(response.into_body()).await.map_err(|e| broken(&e).with(metrics.clone()))?;
    let took = started.elapsed().as_secs_f64();
    metrics.insert(0, PerfMetric::new("time", took, "s"));
    metrics.insert(1, PerfMetric::new("size", body.len() as f64, "B"));

    let mut wrong = Vec::new();
    let good = match probe.expect_status.is_empty() {
        true => (200..400).contains(&status),
        false => probe.expect_status.contains(&u32::from(status)),
    };
    if !good {
        wrong.push(format!("status {status} is not an expected one"));
    }
    for (name, pattern) in &plan.expect_headers {
        let mut values = headers.get_all(name).iter().peekable();
        match (values.peek().is_some(), pattern) {
            (false, _) => wrong.push(format!("header {name} is missing")),
            (true, Some(pattern)) if !values.any(|v| pattern.is_match(v.as_bytes())) => {
                wrong.push(format!("header {name} does not match {}", pattern.as_str()));
            }
            _ => {}
        }
    }
    let within = if cut { " in its first MiB" } else { "" };
    if let Some(pattern) = plan.expect_body.filter(|p| !p.is_match(&body)) {
        wrong.push(format!("the body does not match {}{within}", pattern.as_str()));
    }
    if let Some(pattern) = plan.refuse_body.filter(|p| p.is_match(&body)) {
        wrong.push(format!("the body matches {}", pattern.as_str()));
    }
    let summary =
        format!("HTTP {status} from {peer} in {:.1} ms, {} bytes{within}", took * 1000.0, body.len());
    match wrong.is_empty() {
        true => Ok(Found { text: summary, metrics }),
        false => Err(Fault::critical(format!("{}: {summary}", wrong.join(", "))).with(metrics)),
    }
}

async fn read_body(mut body: Incoming) -> Result<(Vec<u8>, bool), hyper::Error> {
    let mut kept = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let room = BODY_MAX - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() >= room {
            return Ok((kept, true));
        }
    }
    Ok((kept, false))
}
