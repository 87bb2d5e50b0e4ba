//! Whoever sits between us and a RADIUS server, and servers that lie.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::{Digest as _, Md5};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::UdpSocket;
use wk_identity::outside::{Answer, Why};

use super::Asker;
use super::freeradius::SECRET;

/// Puts an answer together as a server does that knows the secret; the test breaks what it wants.
#[derive(Clone)]
struct Reply {
    code: u8,
    id: u8,
    request: [u8; 16],
    secret: Vec<u8>,
    signed: bool,
    rest: Vec<u8>,
}

impl Reply {
    fn to(request: &[u8], code: u8) -> Self {
        let authenticator = request[4..20].try_into().unwrap();
        Self {
            code,
            id: request[1],
            request: authenticator,
            secret: SECRET.into(),
            signed: true,
            rest: Vec::new(),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.code, self.id, 0, 0];
        bytes.extend(self.request);
        if self.signed {
            bytes.extend([80, 18]);
            bytes.extend([0; 16]);
        }
        bytes.extend(&self.rest);
        let length = (bytes.len() as u16).to_be_bytes();
        bytes[2..4].copy_from_slice(&length);
        if self.signed {
            let mut mac = Hmac::<Md5>::new_from_slice(&self.secret).unwrap();
            mac.update(&bytes);
            bytes[22..38].copy_from_slice(&mac.finalize().into_bytes());
        }
        let mut md5 = Md5::new();
        md5.update(&bytes);
        md5.update(&self.secret);
        let authenticator: [u8; 16] = md5.finalize().into();
        bytes[4..20].copy_from_slice(&authenticator);
        bytes
    }
}

struct Twin {
    port: u16,
    heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Twin {
    /// For each packet, the answers to send.
    async fn start(script: impl Fn(&[u8], usize) -> Vec<Vec<u8>> + Send + Sync + 'static) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let port = socket.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<Vec<u8>>>> = Arc::default();
        let ears = Arc::clone(&heard);
        tokio::spawn(async move {
            let mut bytes = vec![0; 5_000];
            while let Ok((length, from)) = socket.recv_from(&mut bytes).await {
                let count = {
                    let mut heard = ears.lock();
                    heard.push(bytes[..length].to_vec());
                    heard.len()
                };
                for answer in script(&bytes[..length], count) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { port, heard }
    }

    fn asker(&self, more: Value) -> Asker<wk_directory::RadiusKind> {
        let mut config = json!({
            "servers": [format!("127.0.0.1:{}", self.port)], "transport": "udp", "timeout_ms": 1000,
            "groups": {"type": 11}
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Asker::radius(config, SECRET)
    }
}

const ACCEPT: u8 = 2;

#[tokio::test]
async fn forged_accepts_open_nothing() {
    type Forge = fn(&[u8]) -> Vec<Vec<u8>>;
    let forges: [(&str, Forge); 11] = [
        ("has no Message-Authenticator", |request| {
            vec![Reply { signed: false, ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        ("authenticator is wrong", |request| {
            vec![Reply { secret: b"guessed".to_vec(), ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        // Of another request: heard earlier, played again.
        ("authenticator is wrong", |request| {
            vec![Reply { request: [7; 16], ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        ("answers another request", |request| {
            vec![Reply { id: request[1].wrapping_add(1), ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        // Blast-RADIUS: the collision's bytes travel in a Proxy-State.
        ("Proxy-State", |request| {
            let junk = [&[33, 255][..], &[0xaa; 253]].concat();
            vec![Reply { rest: junk, ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        ("Proxy-State", |request| {
            let junk = [&[33, 20][..], &[0xaa; 18]].concat();
            vec![Reply { rest: junk, signed: false, ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        ("an attribute ends behind", |request| {
            vec![Reply { rest: vec![11, 200, b'x'], ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        ("an attribute ends behind", |request| {
            vec![Reply { rest: vec![11, 0], ..Reply::to(request, ACCEPT) }.bytes()]
        }),
        ("length", |request| {
            let mut bytes = Reply::to(request, ACCEPT).bytes();
            bytes.truncate(30);
            vec![bytes]
        }),
        ("length", |request| {
            let mut bytes = Reply::to(request, ACCEPT).bytes();
            bytes.extend([0; 4_500]);
            vec![bytes]
        }),
        ("shorter than any", |_| vec![b"hello".to_vec()]),
    ];
    for (part, forge) in forges {
        let twin = Twin::start(move |request, _| forge(request)).await;
        let refusal = twin.asker(json!({})).refused("ada", "correct horse").await;
        assert_eq!(refusal.why, Why::Unreachable, "{part}");
        assert!(refusal.detail.contains(part), "{part}: {refusal}");
    }
}

#[tokio::test]
async fn a_true_answer_among_forged_ones_counts() {
    let twin = Twin::start(|request, _| {
        let forged =
            Reply { signed: false, rest: b"\x0b\x08admins".to_vec(), ..Reply::to(request, ACCEPT) }.bytes();
        let honest = Reply { rest: b"\x0b\x05ops".to_vec(), ..Reply::to(request, ACCEPT) }.bytes();
        let mut all = vec![forged; 50];
        all.push(honest);
        all
    })
    .await;
    assert_eq!(twin.asker(json!({})).person("ada", "x").await.groups, ["ops"]);
}

#[tokio::test]
async fn the_same_packet_is_sent_again_and_requests_are_never_alike() {
    let twin = Twin::start(|request, count| match count {
        1 | 2 => Vec::new(),
        _ => vec![Reply::to(request, ACCEPT).bytes()],
    })
    .await;
    let asker = twin.asker(json!({}));
    asker.person("ada", "x").await;
    asker.person("ada", "x").await;
    let heard = twin.heard.lock();
    assert_eq!(heard[0], heard[1]);
    assert_eq!(heard[0], heard[2]);
    assert_ne!(heard[2][4..20], heard[3][4..20], "a new authenticator");
    for request in heard.iter() {
        assert_eq!(request[20..22], [80, 18], "the Message-Authenticator stands first");
        assert!(!request.windows(9).any(|window| window == b"watchkeepx"), "sound");
    }
}

#[tokio::test]
async fn a_password_never_travels_plain_over_a_path_that_nobody_declared() {
    // 192.0.2.0/24 is nobody's: nothing may even be sent there.
    let config = json!({"servers": ["192.0.2.1"], "transport": "udp", "timeout_ms": 1000});
    let refusal = Asker::radius(config, SECRET).refused("ada", "x").await;
    assert_eq!(refusal.why, Why::Misconfigured);
    assert!(refusal.detail.contains("protected_networks"), "{refusal}");
}

#[tokio::test]
async fn a_flood_of_answers_ends_the_wait_and_not_the_server() {
    let twin = Twin::start(|_, _| vec![vec![0; 4_000]; 3_000]).await;
    let begun = Instant::now();
    assert_eq!(twin.asker(json!({})).refused("ada", "x").await.why, Why::Unreachable);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn challenges_that_cannot_be_answered_lead_nowhere() {
    for (rest, why) in [
        (&b""[..], Why::Refused),
        (b"\x18\x03a\x18\x03b", Why::Refused),
        (b"\x18\x03a\x4f\x03e", Why::Misconfigured),
    ] {
        let twin = Twin::start(move |request, _| {
            vec![Reply { rest: rest.to_vec(), ..Reply::to(request, 11) }.bytes()]
        })
        .await;
        assert_eq!(twin.asker(json!({})).refused("ada", "x").await.why, why);
    }
}

#[tokio::test]
async fn what_a_server_asks_is_cleaned() {
    let twin = Twin::start(|request, _| {
        let prompt = b"\x1b]0;evil\x07 type <b>code</b>\n\0";
        let rest = [&[18, prompt.len() as u8 + 2][..], prompt, b"\x18\x03s"].concat();
        vec![Reply { rest, ..Reply::to(request, 11) }.bytes()]
    })
    .await;
    match twin.asker(json!({})).password("ada", "x").await {
        Ok(Answer::Ask { prompt, echo, .. }) => {
            assert!(!echo);
            assert!(!prompt.contains(['\u{1b}', '\u{7}', '\n', '\0']), "{prompt:?}");
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_server_does_not_lock_an_account_because_of_us() {
    let twin = Twin::start(|request, _| vec![Reply::to(request, 3).bytes()]).await;
    let asker = twin.asker(json!({}));
    for _ in 0..6 {
        assert_eq!(asker.refused("Ada", "guess").await.why, Why::Wrong);
    }
    assert_eq!(twin.heard.lock().len(), 2);
    for _ in 0..3 {
        assert!(asker.known("ada", "guess").await.is_err());
    }
    assert_eq!(twin.heard.lock().len(), 4, "and no more than four in all");
}
