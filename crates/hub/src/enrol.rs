//! The enrolment exchange: one request, one reply, and every refusal looks the same.

use std::net::SocketAddr;

use prost::Message;
use tokio::io::split;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::server::TlsStream;
use wk_wire::frame::{FrameReader, FrameWriter, Limits};
use wk_wire::{ENROL_FRAME_BYTES_MAX, EnrolReply, EnrolRequest};

use crate::{Hub, convert, now};

/// Serves one exchange. True: the peer is an agent now.
pub(crate) async fn serve(hub: &Hub, stream: Box<TlsStream<TcpStream>>, address: SocketAddr) -> bool {
    let (read, write) = split(stream);
    let patience = hub.patience(hub.config.handshake_deadline);
    let mut reader = FrameReader::new(read, Limits { grace: patience, ..Limits::ENROL });
    let until = Instant::now() + patience;
    let refused = |what, detail| {
        hub.desk.refused(address, what, detail);
        EnrolReply::default()
    };
    // A frame of 32 KiB at the slowest rate would outlast the grace: the whole request has one deadline.
    let request = match timeout(patience, reader.next(until)).await {
        Ok(Ok(Some(frame))) => EnrolRequest::decode(frame).map_err(|_| "not an enrolment request".to_owned()),
        Ok(Ok(None)) => Err("nothing was asked".to_owned()),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the request came too slowly".to_owned()),
    };
    let attempt =
        request.and_then(|request| convert::enrol(request, address).map_err(|error| error.to_string()));
    let reply = match attempt {
        Err(detail) => refused("enrol-frame", detail),
        // The desk itself writes down why it refused.
        Ok(attempt) => match timeout(hub.config.write_deadline, hub.desk.enrol(attempt)).await {
            Err(_) => refused("enrol-late", "the store did not answer in time".to_owned()),
            Ok(Err(_)) => EnrolReply::default(),
            Ok(Ok(granted)) => EnrolReply {
                granted: true,
                agent_id: granted.agent.to_string(),
                chain_der: granted.chain_der,
                roots_der: granted.roots_der,
                now_ms: now().as_ms(),
            },
        },
    };
    let granted = reply.granted;
    let until = Instant::now() + hub.config.handshake_deadline;
    // `now_ms` makes a frame of a refusal, too: an empty one would not be a frame.
    let reply = EnrolReply { now_ms: now().as_ms(), ..reply };
    let mut writer = FrameWriter::new(write, ENROL_FRAME_BYTES_MAX);
    if writer.queue(&reply).is_ok() && writer.drive(until).await.is_ok() {
        let _ = writer.shutdown(until).await;
    }
    granted
}
