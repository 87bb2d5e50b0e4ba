//! The listeners: HTTPS for people and programs, and a local socket for the command line on the same machine.
//!
//! Both run the same routes. What differs is only how the caller is known: see [`Origin`].

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::auth::{Origin, RequestTag, same_site};
use crate::body::BODY_MAX;
use crate::dto::Problem;
use crate::error::ApiError;
use crate::routes::{RouteInfo, Routes};
use crate::state::App;
use crate::{act, admin, agents, console, live, monitor, sign, users};

/// Connections at once. A browser holds a handful; beyond this new ones wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 2048;
/// Half-open TLS handshakes at once.
const HANDSHAKES_MAX: usize = 500;
const HANDSHAKE_DEADLINE: Duration = Duration::from_secs(10);
const HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// A request has this long to send its body and get its answer; a stream has begun its answer by then.
const REQUEST_DEADLINE: Duration = Duration::from_secs(60);
/// Open requests get this long to end when the server stops.
const DRAIN: Duration = Duration::from_secs(5);

/// All routes with their table and the OpenAPI document.
pub fn build(app: App) -> (Router, Vec<RouteInfo>, serde_json::Value) {
    let routes = Routes::new(app.clone());
    let routes = sign::routes(routes);
    let routes = monitor::routes(routes);
    let routes = act::routes(routes);
    let routes = agents::routes(routes);
    let routes = admin::routes(routes);
    let routes = users::routes(routes);
    let routes = live::routes(routes);
    let (router, table, document) = routes.finish();
    let router = router
        .fallback(console::serve)
        .method_not_allowed_fallback(|| async {
            ApiError::NotFound("there is no such operation on this route".to_owned()).into_response()
        })
        .layer(axum::extract::DefaultBodyLimit::max(BODY_MAX))
        .layer(from_fn(around))
        .with_state(app);
    (router, table, document)
}

/// What every request passes: an id, a deadline, a catch for panics, the headers, one line of log.
async fn around(mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let tag = format!("req_{}", wk_engine::ids::random_hex());
    request.extensions_mut().insert(RequestTag(tag.clone()));
    let origin = request.extensions().get::<Origin>().copied();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let is_api = path.starts_with("/api/");
    let (parts, body) = request.into_parts();
    let foreign = matches!(origin, Some(Origin::Network(_))) && !same_site(&parts);
    let request = Request::from_parts(parts, body);
    let mut response = if foreign {
        ApiError::OtherSite.into_response()
    } else {
        // In a task of its own, so that a panic in a handler ends one request and nothing else.
        match tokio::time::timeout(REQUEST_DEADLINE, tokio::spawn(next.run(request))).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::error!(request.id = %tag, "a handler ended early: {error}");
                ApiError::Internal.into_response()
            }
            Err(_) => ApiError::Unavailable("the answer took too long; try again".to_owned()).into_response(),
        }
    };
    if let Some(mut problem) = response.extensions_mut().remove::<Problem>() {
        // The problem names its request, so that a person can quote it and an operator can find it.
        problem.instance.clone_from(&tag);
        *response.body_mut() = Body::from(serde_json::to_vec(&problem).unwrap_or_default());
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    decorate(&mut response, is_api, &tag);
    let address = match origin {
        Some(Origin::Network(address)) => address.ip().to_string(),
        Some(Origin::Local { uid }) => format!("local:{uid}"),
        None => "-".to_owned(),
    };
    tracing::info!(
        target: "watchkeep::access",
        id = %tag,
        source = %address,
        %method,
        path = %wk_domain::text::clean_line(&path, 300),
        status = response.status().as_u16(),
        duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
        "request"
    );
    response
}

/// The headers of every response. No header says what serves them.
fn decorate(response: &mut Response, is_api: bool, tag: &str) {
    const FIXED: [(&str, &str); 7] = [
        ("strict-transport-security", "max-age=63072000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("cross-origin-embedder-policy", "require-corp"),
        (
            "permissions-policy",
            "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), fullscreen=(self), geolocation=(), \
             gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), payment=(), \
             publickey-credentials-create=(self), publickey-credentials-get=(self), screen-wake-lock=(), serial=(), \
             usb=(), xr-spatial-tracking=()",
        ),
    ];
    let headers = response.headers_mut();
    for (name, value) in FIXED {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if is_api || !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_api || !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        // An answer of the API is never a page: nothing in it may load or run.
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox",
            ),
        );
    }
    if let Ok(value) = HeaderValue::from_str(tag) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers.remove(header::SERVER);
}

/// Serves HTTPS until `stop`; `tls` may change while it runs.
pub async fn serve_tls(
    listener: TcpListener,
    tls: watch::Receiver<Arc<ServerConfig>>,
    router: Router,
    stop: CancellationToken,
) {
    let tracker = TaskTracker::new();
    let connections = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES_MAX));
    loop {
        let Ok(place) = Arc::clone(&connections).acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (tcp, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, most likely: give others time to close.
                tracing::warn!("cannot accept a connection: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
        let (router, stop, handshakes) = (router.clone(), stop.clone(), Arc::clone(&handshakes));
        tracker.spawn(async move {
            let _place = place;
            let _ = tcp.set_nodelay(true);
            let stream = {
                let Ok(_half_open) = handshakes.acquire().await else { return };
                match tokio::time::timeout(HANDSHAKE_DEADLINE, acceptor.accept(tcp)).await {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => {
                        tracing::debug!(source.address = %address, "TLS handshake: {error}");
                        return;
                    }
                    Err(_) => return,
                }
            };
            connection(stream, Origin::Network(address), router, stop).await;
        });
    }
    tracker.close();
    let _ = tokio::time::timeout(DRAIN, tracker.wait()).await;
}

/// Serves the local socket until `stop`. Only the server's own user and root get an answer.
pub async fn serve_local(listener: UnixListener, own_uid: u32, router: Router, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let Ok((stream, _)) = accepted else { continue };
        let Ok(peer) = stream.peer_cred() else { continue };
        if peer.uid() != own_uid && peer.uid() != 0 {
            tracing::warn!(uid = peer.uid(), "the local socket refuses another user");
            continue;
        }
        let (router, stop) = (router.clone(), stop.clone());
        tracker
            .spawn(async move { connection(stream, Origin::Local { uid: peer.uid() }, router, stop).await });
    }
    tracker.close();
    let _ = tokio::time::timeout(DRAIN, tracker.wait()).await;
}

async fn connection<S>(stream: S, origin: Origin, router: Router, stop: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut router = router.clone();
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(origin);
        async move { router.call(request).await }
    });
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_DEADLINE).max_buf_size(64 << 10);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(64)
        .max_header_list_size(32 << 10)
        .max_pending_accept_reset_streams(16)
        .keep_alive_interval(Duration::from_secs(30))
        .keep_alive_timeout(Duration::from_secs(15));
    let served = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(served);
    tokio::select! {
        done = served.as_mut() => {
            if let Err(error) = done {
                tracing::debug!("connection: {error}");
            }
        }
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(DRAIN, served).await;
        }
    }
}

/// The address to listen on: loopback until the server is claimed.
pub fn listen_address(configured: SocketAddr, claimed: bool) -> SocketAddr {
    if claimed || configured.ip().is_loopback() {
        return configured;
    }
    let loopback: std::net::IpAddr = if configured.is_ipv6() {
        std::net::Ipv6Addr::LOCALHOST.into()
    } else {
        std::net::Ipv4Addr::LOCALHOST.into()
    };
    SocketAddr::new(loopback, configured.port())
}
