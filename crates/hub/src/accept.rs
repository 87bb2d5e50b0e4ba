//! The listener: from a TCP connection to a conversation, or to nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::server::Acceptor;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use wk_pki::{HubPurpose, PeerAgent, hub_purpose};

use crate::gate::{Inside, Rate, Source};
use crate::{Hub, enrol, link};

/// After the process ran out of sockets: time for some to close.
const OUT_OF_SOCKETS: Duration = Duration::from_millis(100);

pub(crate) async fn serve(hub: Arc<Hub>, listener: TcpListener, shutdown: CancellationToken) {
    let tasks = TaskTracker::new();
    // With several listeners one of them listens for all: an order must reach a link once. It listens before the first
    // link opens, so that none is missed.
    let orders = (!hub.listening.swap(true, Ordering::AcqRel)).then(|| hub.desk.orders());
    let mut orders = orders.map(|orders| {
        // Orders may have been missed since the one before ended: every link asks again.
        hub.switchboard.ask_all_again();
        let (listens, stop) = (Listens(Arc::clone(&hub)), shutdown.clone());
        tokio::spawn(async move { listens.0.switchboard.run(orders, stop).await })
    });
    loop {
        // First the place, then the connection: what does not fit waits in the kernel's queue.
        let place = tokio::select! {
            place = Arc::clone(&hub.half_open).acquire_owned() => place,
            () = shutdown.cancelled() => break,
            () = over(&mut orders) => match shutdown.is_cancelled() {
                true => break,
                false => return lost_orders(),
            },
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
            () = over(&mut orders) => match shutdown.is_cancelled() {
                true => break,
                false => return lost_orders(),
            },
        };
        match accepted {
            Ok((stream, address)) => {
                let source = Source::of(address.ip());
                if !hub.gate.knock(source, Instant::now().into_std()) {
                    hub.desk.refused(address, "handshake-rate", "too many failed handshakes".to_owned());
                    continue;
                }
                let Some(inside) = hub.gate.enter(source) else {
                    hub.gate.proved(source, Instant::now().into_std());
                    hub.desk.refused(
                        address,
                        "handshake-places",
                        "too many unfinished handshakes".to_owned(),
                    );
                    continue;
                };
                let place = (place, inside);
                tasks.spawn(connection(Arc::clone(&hub), stream, address, place, shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!("a connection could not be accepted: {error}");
                tokio::time::sleep(OUT_OF_SOCKETS).await;
            }
        }
    }
    drop(listener);
    tasks.close();
    if timeout(hub.config.drain, tasks.wait()).await.is_err() {
        tracing::warn!(links = tasks.len(), "some links did not end in time");
    }
    if orders.is_some() {
        over(&mut orders).await;
    }
}

/// The engine's orders are passed on while this is there.
struct Listens(Arc<Hub>);

impl Drop for Listens {
    fn drop(&mut self) {
        self.0.listening.store(false, Ordering::Release);
    }
}

/// Waits for the task that passes orders on; for ever, when another listener has it or it was waited for.
async fn over(orders: &mut Option<JoinHandle<()>>) {
    match orders {
        Some(task) => {
            let _ = task.await;
            *orders = None;
        }
        None => std::future::pending().await,
    }
}

/// Without orders a revoked agent would keep its link: whoever keeps this listener begins anew, and with it the task.
fn lost_orders() {
    tracing::error!("what passes the engine's orders to agents ended by a fault of this program");
}

async fn connection(
    hub: Arc<Hub>,
    stream: TcpStream,
    address: SocketAddr,
    place: (OwnedSemaphorePermit, Inside),
    shutdown: CancellationToken,
) {
    // Small frames both ways: waiting to fill packets would only delay acknowledgements.
    let _ = stream.set_nodelay(true);
    let opened = tokio::select! {
        opened = Box::pin(handshake(&hub, stream, address)) => opened,
        () = shutdown.cancelled() => return,
    };
    match opened {
        Err(refusal) => hub.desk.refused(address, refusal.what, refusal.detail),
        Ok(Opened::Enrol(stream)) => {
            if Box::pin(enrol::serve(&hub, stream, address)).await {
                hub.gate.proved(Source::of(address.ip()), Instant::now().into_std());
            }
        }
        Ok(Opened::Link(stream, peer)) => {
            let config = &hub.config;
            let rate = Rate { per_second: config.agent_links_per_second, burst: config.agent_links_burst };
            if !hub.switchboard.may_open(peer.agent_id, rate) {
                // Not paid back: whoever has a key may not shake hands for ever.
                hub.desk.refused(address, "link-rate", format!("{} opens too many links", peer.agent_id));
                return;
            }
            hub.gate.proved(Source::of(address.ip()), Instant::now().into_std());
            drop(place);
            let Ok(_link) = Arc::clone(&hub.links).try_acquire_owned() else {
                hub.desk.refused(address, "links", "too many links are open".to_owned());
                return;
            };
            Box::pin(link::serve(hub, stream, peer, address, shutdown)).await;
        }
    }
}

enum Opened {
    Enrol(Box<TlsStream<TcpStream>>),
    Link(Box<TlsStream<TcpStream>>, PeerAgent),
}

struct Refusal {
    what: &'static str,
    detail: String,
}

async fn handshake(hub: &Hub, stream: TcpStream, address: SocketAddr) -> Result<Opened, Refusal> {
    let refusal = |what: &'static str| move |error: io::Error| Refusal { what, detail: error.to_string() };
    let late = |_| Refusal { what: "handshake", detail: "the handshake was not finished in time".to_owned() };
    let began = Instant::now();
    let start = timeout_at(
        began + hub.patience(hub.config.hello_deadline),
        LazyConfigAcceptor::new(Acceptor::default(), stream),
    )
    .await
    .map_err(late)?
    .map_err(refusal("handshake"))?;
    let purpose = hub_purpose(&start.client_hello()).ok_or_else(|| Refusal {
        what: "alpn",
        detail: "neither a link nor an enrolment was asked for".to_owned(),
    })?;
    let tls = hub.tls.load_full();
    let config = match purpose {
        HubPurpose::Link => Arc::clone(&tls.link),
        HubPurpose::Enrol => {
            if !hub.gate.enrol(Source::of(address.ip()), Instant::now().into_std()) {
                return Err(Refusal { what: "enrol-rate", detail: "too many enrolment attempts".to_owned() });
            }
            Arc::clone(&tls.enrol)
        }
    };
    let stream = timeout_at(began + hub.patience(hub.config.handshake_deadline), start.into_stream(config))
        .await
        .map_err(late)?
        .map_err(refusal("handshake"))?;
    if purpose == HubPurpose::Enrol {
        return Ok(Opened::Enrol(Box::new(stream)));
    }
    // The verifier has seen this certificate; without one there is no handshake.
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let peer = certificate.and_then(|certificate| PeerAgent::from_der(certificate).ok());
    let peer =
        peer.ok_or_else(|| Refusal { what: "certificate", detail: "the peer is not an agent".to_owned() })?;
    Ok(Opened::Link(Box::new(stream), peer))
}
