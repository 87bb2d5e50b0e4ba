//! HTTP/2 by hand: what no decent client sends, and what a flood looks like.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use wk_api::Doors;

use crate::site::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const PRIORITY: u8 = 2;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PUSH_PROMISE: u8 = 5;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = u32::try_from(payload.len()).unwrap().to_be_bytes()[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// A header that goes into no table.
fn literal(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        let length = text.len();
        if length < 127 {
            bytes.push(u8::try_from(length).unwrap());
        } else {
            bytes.push(127);
            let mut rest = length - 127;
            while rest >= 128 {
                bytes.push(u8::try_from(rest % 128).unwrap() | 128);
                rest /= 128;
            }
            bytes.push(u8::try_from(rest).unwrap());
        }
        bytes.extend(text.bytes());
    }
    bytes
}

/// The head of a request.
fn head(site: &Site, path: &str, cookie: Option<&str>) -> Vec<u8> {
    let mut block = literal(":method", "GET");
    block.extend(literal(":scheme", "https"));
    block.extend(literal(":authority", &format!("localhost:{}", site.address.port())));
    block.extend(literal(":path", path));
    if let Some(token) = cookie {
        block.extend(literal("cookie", &format!("__Host-sid={token}")));
    }
    block
}

struct Peer(TlsStream<TcpStream>);

impl Peer {
    async fn new(site: &Site, doors: Option<Doors>, settings: &[u8]) -> Self {
        let address = match doors {
            Some(doors) => site.door(doors).await,
            None => site.address,
        };
        let mut stream = site.dial(address, &["h2"]).await.unwrap();
        stream.write_all(PREFACE).await.unwrap();
        stream.write_all(&frame(SETTINGS, 0, 0, settings)).await.unwrap();
        Self(stream)
    }

    /// Whether it could be sent; a server that has enough closes.
    async fn send(&mut self, bytes: &[u8]) -> bool {
        let sent = async {
            self.0.write_all(bytes).await?;
            self.0.flush().await
        };
        matches!(tokio::time::timeout(Duration::from_secs(30), sent).await, Ok(Ok(())))
    }

    /// The next frame: kind, stream, payload. None when the connection is over.
    async fn next(&mut self) -> Option<(u8, u32, Vec<u8>)> {
        let read = async {
            let mut head = [0u8; 9];
            self.0.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            self.0.read_exact(&mut payload).await.ok()?;
            Some((head[3], u32::from_be_bytes([head[5], head[6], head[7], head[8]]), payload))
        };
        tokio::time::timeout(Duration::from_secs(60), read).await.expect("neither an answer nor an end")
    }

    /// Reads until it is over: the error code of the farewell, if one was said.
    async fn end(mut self) -> Option<u32> {
        let mut code = None;
        while let Some((kind, _, payload)) = self.next().await {
            if kind == GOAWAY {
                code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
        code
    }
}

async fn alive(site: &Site, after: &str) {
    // A flood may have used up what its source may ask for: that ends within seconds.
    for _ in 0..60 {
        let answer = site.get(&site.as_nobody(), "/meta").await;
        if answer.status == 200 {
            return;
        }
        assert_eq!(answer.status, 429, "after {after}");
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    panic!("it does not answer any more after {after}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_small_frames_end_their_connection_and_nothing_else() {
    let site = Site::new().await;

    let mut peer = Peer::new(&site, None, &[]).await;
    let mut sent = peer.send(&frame(HEADERS, END_STREAM, 1, &head(&site, "/api/v1/meta", None))).await;
    let drop = frame(CONTINUATION, 0, 1, &literal("x", "y"));
    for _ in 0..100 {
        sent = sent && peer.send(&drop.repeat(1000)).await;
    }
    assert!(!sent || peer.end().await.is_some(), "a head without an end was read to the end");
    alive(&site, "a flood of continuations").await;

    let mut peer = Peer::new(&site, None, &[]).await;
    let mut sent = true;
    for n in 0..20_000u32 {
        let stream = 2 * n + 1;
        let mut bytes = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(&site, "/api/v1/meta", None));
        bytes.extend(frame(RST_STREAM, 0, stream, &8u32.to_be_bytes()));
        sent = sent && peer.send(&bytes).await;
        if !sent {
            break;
        }
    }
    assert!(!sent || peer.end().await == Some(11), "rapid resets were put up with");
    alive(&site, "rapid resets").await;

    for (what, bytes) in [
        ("settings", frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])),
        ("pings", frame(PING, 0, 0, &[7; 8])),
        ("empty data", frame(DATA, 0, 1, &[])),
        ("priorities", frame(PRIORITY, 0, 1, &[0, 0, 0, 0, 7])),
        ("unknown frames", frame(0x77, 0xff, 0, &[1; 16])),
        ("window updates", frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])),
    ] {
        let mut peer = Peer::new(&site, None, &[]).await;
        peer.send(&frame(HEADERS, END_HEADERS, 1, &head(&site, "/api/v1/meta", None))).await;
        for _ in 0..100 {
            // Nothing is read here: what is answered must not pile up.
            let sent =
                tokio::time::timeout(Duration::from_secs(2), peer.0.write_all(&bytes.repeat(1000))).await;
            if !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
        alive(&site, what).await;
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_unpacks_to_much_is_refused() {
    let site = Site::new().await;
    let mut peer = Peer::new(&site, None, &[]).await;
    let mut block = head(&site, "/api/v1/meta", None);
    // One entry of 4 000 bytes in the table, then named again and again by one byte each: 60 MB unpacked.
    let value = "v".repeat(3900);
    let mut entry = literal("x-big", &value);
    entry[0] = 0x40;
    block.extend(entry);
    block.extend(std::iter::repeat_n(0xbe, 12_000));
    peer.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)).await;
    let refused = loop {
        match peer.next().await {
            None => break true,
            Some((HEADERS, 1, payload)) => {
                // 431 in the static table's form, or as text.
                break payload.windows(3).any(|part| part == b"431") || payload.first() != Some(&0x88);
            }
            Some((RST_STREAM, 1, _) | (GOAWAY, ..)) => break true,
            Some(_) => {}
        }
    };
    assert!(refused);
    alive(&site, "a head that unpacks to much").await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_break_the_rules_end_the_connection() {
    let site = Site::new().await;
    let block = head(&site, "/api/v1/meta", None);
    let mut large = frame(DATA, 0, 1, &[]);
    large[0] = 0xff;
    for (what, bytes) in [
        ("a frame of 16 MB", large),
        ("data of no stream", frame(DATA, 0, 7, b"x")),
        ("a stream of the server's", frame(HEADERS, END_STREAM | END_HEADERS, 2, &block)),
        ("a continuation of nothing", frame(CONTINUATION, END_HEADERS, 1, &block)),
        ("settings of five bytes", frame(SETTINGS, 0, 0, &[0; 5])),
        ("settings of a stream", frame(SETTINGS, 0, 3, &[])),
        ("a ping of one byte", frame(PING, 0, 0, &[1])),
        ("a window of more than there is", frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff])),
        ("a promise from a client", frame(PUSH_PROMISE, END_HEADERS, 1, &block)),
        ("a head that cannot be unpacked", frame(HEADERS, END_STREAM | END_HEADERS, 1, &[0xff; 40])),
        ("garbage", vec![0xab; 4096]),
    ] {
        let mut peer = Peer::new(&site, None, &[]).await;
        peer.send(&bytes).await;
        let code = peer.end().await;
        assert!(code != Some(0), "{what}: {code:?}");
        alive(&site, what).await;
    }
    // What is no HTTP/2 at all, though it was agreed on.
    let mut stream = site.dial(site.address, &["h2"]).await.unwrap();
    stream.write_all(b"GET /api/v1/meta HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    let _ =
        tokio::time::timeout(Duration::from_secs(60), stream.read_to_end(&mut heard)).await.expect("an end");
    assert!(!heard.starts_with(b"HTTP/"), "{heard:?}");
    alive(&site, "another protocol").await;
    site.end().await;
}

/// Whoever asks and never takes the answer loses the connection; a stream among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_nobody_takes_is_given_up() {
    let site = Site::new().await;
    let Persona::Session(token) = site.as_viewer().await else { unreachable!() };
    let doors = Doors { unread: Duration::from_millis(700), head: Duration::from_secs(2), ..Doors::DEFAULT };
    for path in ["/api/v1/live", "/api/v1/me", "/"] {
        // A window of nothing: the server may not send a byte of a body.
        let mut peer = Peer::new(&site, Some(doors), &[0, 4, 0, 0, 0, 0]).await;
        let block = head(&site, path, Some(&token));
        assert!(peer.send(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &block)).await);
        let mut answered = false;
        while let Some((kind, stream, payload)) = peer.next().await {
            answered |= kind == HEADERS && stream == 1;
            assert!(kind != DATA || payload.is_empty(), "{path}");
        }
        assert!(answered, "{path}");
    }
    alive(&site, "answers that nobody took").await;
    site.end().await;
}
