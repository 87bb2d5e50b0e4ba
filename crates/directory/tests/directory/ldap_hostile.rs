//! A directory that lies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use wk_identity::outside::Why;

use super::authority::Authority;
use super::{Asker, lines};

/// Definite length, long form of four bytes as Active Directory's.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag, 0x84];
    out.extend_from_slice(&(content.len() as u32).to_be_bytes());
    out.extend_from_slice(content);
    out
}

fn message(id: i32, op: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    tlv(0x30, &[tlv(2, &id), op.to_vec()].concat())
}

fn outcome(tag: u8, code: u8, text: &str) -> Vec<u8> {
    tlv(tag, &[tlv(0x0a, &[code]), tlv(4, b""), tlv(4, text.as_bytes())].concat())
}

fn entry(dn: &str, attributes: &[(&str, &[&[u8]])]) -> Vec<u8> {
    let one = |(name, values): &(&str, &[&[u8]])| {
        let values: Vec<u8> = values.iter().flat_map(|value| tlv(4, value)).collect();
        tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &values)].concat())
    };
    let attributes: Vec<u8> = attributes.iter().flat_map(one).collect();
    tlv(0x64, &[tlv(4, dn.as_bytes()), tlv(0x30, &attributes)].concat())
}

/// Tag of the operation, its message's id, and how many bytes it has been asked so far; gives bytes to send.
type Script = Arc<dyn Fn(u8, i32, &[u8]) -> Vec<u8> + Send + Sync>;

struct Twin {
    port: u16,
    authority: Authority,
    /// Everything that was said to it, decrypted.
    heard: Arc<Mutex<Vec<u8>>>,
    connections: Arc<Mutex<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Speaks {
    Tls,
    Clear,
    /// In clear until StartTLS was answered, then TLS.
    Starttls,
}

async fn request(
    stream: &mut (impl AsyncRead + Unpin),
    heard: &Mutex<Vec<u8>>,
) -> Option<(u8, i32, Vec<u8>)> {
    let mut head = [0; 2];
    stream.read_exact(&mut head).await.ok()?;
    let mut raw = head.to_vec();
    let mut length = usize::from(head[1]);
    if head[1] & 0x80 != 0 {
        let mut more = vec![0; usize::from(head[1] & 0x7f)];
        stream.read_exact(&mut more).await.ok()?;
        length = more.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
        raw.extend(more);
    }
    let mut body = vec![0; length.min(65_536)];
    stream.read_exact(&mut body).await.ok()?;
    raw.extend(&body);
    heard.lock().extend(&raw);
    let digits = usize::from(body[1]);
    let id = body[2..2 + digits].iter().fold(0, |sum, byte| (sum << 8) | i32::from(*byte));
    Some((body[2 + digits], id, raw))
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, script: &Script, heard: &Mutex<Vec<u8>>) {
    while let Some((tag, id, raw)) = request(stream, heard).await {
        let answer = script(tag, id, &raw);
        if stream.write_all(&answer).await.is_err() || stream.flush().await.is_err() {
            return;
        }
    }
}

impl Twin {
    async fn start(speaks: Speaks, names: &[&str], script: Script) -> Self {
        let authority = Authority::new();
        let acceptor = TlsAcceptor::from(authority.leaf(names).server());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(Mutex::new(0));
        let (ears, count) = (Arc::clone(&heard), Arc::clone(&connections));
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                *count.lock() += 1;
                let (acceptor, script, ears) = (acceptor.clone(), Arc::clone(&script), Arc::clone(&ears));
                tokio::spawn(async move {
                    match speaks {
                        Speaks::Clear => serve(&mut stream, &script, &ears).await,
                        Speaks::Tls => {
                            let Ok(mut stream) = acceptor.accept(stream).await else { return };
                            serve(&mut stream, &script, &ears).await;
                        }
                        Speaks::Starttls => {
                            let Some((tag, id, raw)) = request(&mut stream, &ears).await else { return };
                            stream.write_all(&script(tag, id, &raw)).await.unwrap();
                            let Ok(mut stream) = acceptor.accept(stream).await else { return };
                            serve(&mut stream, &script, &ears).await;
                        }
                    }
                });
            }
        });
        Self { port, authority, heard, connections }
    }

    fn config(&self, more: Value) -> Value {
        let mut config = json!({
            "servers": [format!("127.0.0.1:{}", self.port)],
            "ca_pem": self.authority.pem,
            "find": {"by": "search", "bind_dn": "cn=service,dc=x", "base": "dc=x", "filter": "(uid={name})"},
            "attributes": {"subject": "objectGUID", "name": "sAMAccountName"}
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        config
    }

    fn heard(&self, text: &str) -> bool {
        self.heard.lock().windows(text.len()).any(|window| window == text.as_bytes())
    }
}

const GUID: &[u8] = b"0123456789abcdef";

/// Binds succeed; a search finds ada.
fn kind_words(tag: u8, id: i32) -> Vec<u8> {
    let ada = entry("cn=ada,dc=x", &[("objectGUID", &[GUID]), ("sAMAccountName", &[b"ada"])]);
    match tag {
        0x60 => message(id, &outcome(0x61, 0, "")),
        0x63 => [message(id, &ada), message(id, &outcome(0x65, 0, ""))].concat(),
        _ => Vec::new(),
    }
}

async fn tls(script: impl Fn(u8, i32, &[u8]) -> Vec<u8> + Send + Sync + 'static) -> Twin {
    Twin::start(Speaks::Tls, &["127.0.0.1"], Arc::new(script)).await
}

async fn refused(twin: &Twin, more: Value) -> (Why, String) {
    let refusal = Asker::ldap(twin.config(more), "service password").refused("ada", "canary password").await;
    (refusal.why, refusal.detail)
}

#[tokio::test]
async fn the_twin_is_believed_when_it_behaves() {
    let twin = tls(|tag, id, _| kind_words(tag, id)).await;
    let ada = Asker::ldap(twin.config(json!({})), "service password").person("ada", "canary password").await;
    assert_eq!(ada.subject, "33323130-3534-3736-3839-616263646566");
    assert!(twin.heard("canary password"), "inside of TLS");
}

#[tokio::test]
async fn whoever_takes_starttls_away_hears_no_password() {
    let strip: Script = Arc::new(|_, id, _| message(id, &outcome(0x78, 2, "unsupported")));
    let twin = Twin::start(Speaks::Clear, &["127.0.0.1"], strip).await;
    let (why, detail) = refused(&twin, json!({"security": "starttls"})).await;
    assert_eq!(why, Why::Unreachable);
    assert!(detail.contains("offers no StartTLS"), "{detail}");
    assert!(!twin.heard("password") && !twin.heard("cn=service"));

    // Success, and then no TLS but LDAP in clear.
    let pretend: Script = Arc::new(|_, id, _| message(id, &outcome(0x78, 0, "")));
    let twin = Twin::start(Speaks::Clear, &["127.0.0.1"], pretend).await;
    assert_eq!(refused(&twin, json!({"security": "starttls"})).await.0, Why::Unreachable);
    assert!(!twin.heard("password") && !twin.heard("cn=service"));
}

#[tokio::test]
async fn words_in_clear_behind_starttls_are_not_taken_for_the_servers() {
    let inject: Script = Arc::new(|tag, id, _| match tag {
        0x77 => [message(id, &outcome(0x78, 0, "")), message(2, &outcome(0x61, 0, ""))].concat(),
        _ => kind_words(tag, id),
    });
    let twin = Twin::start(Speaks::Starttls, &["127.0.0.1"], inject).await;
    let (why, detail) = refused(&twin, json!({"security": "starttls"})).await;
    assert_eq!(why, Why::Unreachable);
    assert!(detail.contains("behind the answer to StartTLS") || detail.contains("no TLS"), "{detail}");
    assert!(!twin.heard("password"));
}

#[tokio::test]
async fn a_server_in_clear_or_of_another_name_hears_no_password() {
    let kind: Script = Arc::new(|tag, id, _| kind_words(tag, id));
    let twin = Twin::start(Speaks::Clear, &["127.0.0.1"], Arc::clone(&kind)).await;
    assert_eq!(refused(&twin, json!({})).await.0, Why::Unreachable);
    assert!(!twin.heard("password"));

    let twin = Twin::start(Speaks::Tls, &["dc1.evil.example"], kind).await;
    let (why, detail) = refused(&twin, json!({})).await;
    assert_eq!(why, Why::Unreachable);
    assert!(detail.contains("for other names") && detail.contains("dc1.evil.example"), "{detail}");
    assert!(!twin.heard("password"));
}

#[tokio::test]
async fn answers_without_end_have_one() {
    let begun = Instant::now();
    let endless = tls(|tag, id, _| match tag {
        0x63 => message(id, &entry("cn=a,dc=x", &[])).repeat(100_000),
        _ => kind_words(tag, id),
    })
    .await;
    assert!(refused(&endless, json!({})).await.1.contains("more than the 2 entries"));

    let huge = tls(|_, _, _| vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0, 0]).await;
    assert!(refused(&huge, json!({})).await.1.contains("4294967295 bytes"));

    let nested = tls(|_, id, _| {
        let mut inner = tlv(4, b"x");
        for _ in 0..20_000 {
            inner = tlv(0x30, &inner);
        }
        message(id, &inner)
    })
    .await;
    assert!(refused(&nested, json!({})).await.0 == Why::Unreachable);

    let indefinite = tls(|_, _, _| vec![0x30, 0x80, 2, 1, 2]).await;
    assert!(refused(&indefinite, json!({})).await.1.contains("not LDAP"));

    let pages = json!({"groups": {"from": "search", "base": "dc=x"}});
    let endless_pages = tls(|tag, id, raw| match tag {
        0x63 if raw.windows(6).any(|window| window == b"member") => {
            let value = tlv(0x30, &[tlv(2, &[0]), tlv(4, b"more")].concat());
            let control = tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &value)].concat());
            let id = id.to_be_bytes();
            tlv(0x30, &[tlv(2, &id), outcome(0x65, 0, ""), tlv(0xa0, &control)].concat())
        }
        _ => kind_words(tag, id),
    })
    .await;
    assert!(refused(&endless_pages, pages).await.1.contains("has no end"));
    assert!(begun.elapsed() < Duration::from_secs(30));
}

#[tokio::test]
async fn silence_is_not_waited_out() {
    let silent = tls(|tag, id, _| if tag == 0x63 { vec![0x30] } else { kind_words(tag, id) }).await;
    let begun = Instant::now();
    assert!(refused(&silent, json!({})).await.1.contains("no answer in time"));
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn an_answer_to_another_question_is_none() {
    let other = tls(|tag, id, _| match tag {
        0x60 => message(id + 1, &outcome(0x61, 0, "")),
        _ => kind_words(tag, id),
    })
    .await;
    assert!(refused(&other, json!({})).await.1.contains("was not asked"));
    let wrong = tls(|_, id, _| message(id, &outcome(0x65, 0, ""))).await;
    assert!(refused(&wrong, json!({})).await.1.contains("something else"));
    let farewell = tls(|_, _, _| message(0, &outcome(0x78, 52, "going down"))).await;
    assert!(refused(&farewell, json!({})).await.1.contains("going down"));
}

#[tokio::test]
async fn a_referral_to_an_attacker_is_not_followed() {
    let attacker = tls(|tag, id, _| kind_words(tag, id)).await;
    let to = format!("ldaps://localhost:{}/dc=x", attacker.port);
    for whole in [true, false] {
        let to = to.clone();
        let near = tls(move |tag, id, _| match tag {
            0x63 if whole => {
                let referral = tlv(0xa3, &tlv(4, to.as_bytes()));
                let parts = [tlv(0x0a, &[10]), tlv(4, b""), tlv(4, b""), referral].concat();
                message(id, &tlv(0x65, &parts))
            }
            0x63 => {
                let reference = tlv(0x73, &tlv(4, to.as_bytes()));
                [message(id, &reference), message(id, &outcome(0x65, 0, ""))].concat()
            }
            _ => kind_words(tag, id),
        })
        .await;
        let more = json!({"follow_referrals_to": ["dc2.corp.example"]});
        assert_eq!(refused(&near, more).await.0, Why::Wrong);
    }
    assert_eq!(*attacker.connections.lock(), 0);
}

#[tokio::test]
async fn a_directory_that_lets_anybody_in_is_told_by_the_walk() {
    let twin = tls(|tag, id, _| kind_words(tag, id)).await;
    let steps = Asker::ldap(twin.config(json!({})), "service password").test().await;
    let text = lines(&steps);
    assert!(text.contains("FAIL Try a name that nobody has: the directory let it in!"), "{text}");
}

#[tokio::test]
async fn entries_that_cannot_be_lead_nowhere() {
    for (dn, part) in [
        ("", "outside of the base"),
        ("cn=admin,dc=elsewhere", "outside of the base"),
        ("cn=a,dc=x\0", "outside of the base"),
        ("nonsense", "outside of the base"),
    ] {
        let twin = tls(move |tag, id, _| match tag {
            0x63 => {
                let found = entry(dn, &[("objectGUID", &[GUID])]);
                [message(id, &found), message(id, &outcome(0x65, 0, ""))].concat()
            }
            _ => kind_words(tag, id),
        })
        .await;
        let (why, detail) = refused(&twin, json!({})).await;
        assert_eq!(why, Why::Refused, "{dn:?}");
        assert!(detail.contains(part), "{dn:?}: {detail}");
        assert!(!twin.heard("canary password"));
    }
    // Without what identifies it for ever, or with two of that.
    for values in [&[][..], &[GUID, b"fedcba9876543210"], &[b"short"]] {
        let found = entry("cn=a,dc=x", &[("objectGUID", values)]);
        let twin = tls(move |tag, id, _| match tag {
            0x63 => [message(id, &found), message(id, &outcome(0x65, 0, ""))].concat(),
            _ => kind_words(tag, id),
        })
        .await;
        assert_eq!(refused(&twin, json!({})).await.0, Why::Misconfigured);
        assert!(!twin.heard("canary password"));
    }
}

#[tokio::test]
async fn hostile_texts_are_cleaned() {
    let twin = tls(|tag, id, _| match tag {
        0x63 => {
            let found = entry(
                "cn=ada,dc=x",
                &[
                    ("objectGUID", &[GUID]),
                    ("sAMAccountName", &[b"a\x1b[31mda\0\n"]),
                    ("cn", &[&[b'x'; 5_000]]),
                    ("mail", &[b"\xff\xfe", b"second"]),
                ],
            );
            [message(id, &found), message(id, &outcome(0x65, 0, ""))].concat()
        }
        _ => kind_words(tag, id),
    })
    .await;
    let ada = Asker::ldap(twin.config(json!({})), "service password").person("ada", "p").await;
    assert_eq!([&*ada.name, &*ada.mail], ["ada", "\u{fffd}\u{fffd}"]);
    assert!(ada.display_name.len() <= 250);
}

/// What Active Directory says, by a twin: there is none that a test could start.
#[tokio::test]
async fn active_directorys_accounts_are_told_apart_for_the_administrator_alone() {
    for (data, part) in [
        ("533", "is disabled"),
        ("775", "is locked"),
        ("701", "has expired"),
        ("532", "password has expired"),
        ("773", "must be changed"),
        ("52e", "name or password is wrong"),
    ] {
        let twin = tls(move |tag, id, raw| match tag {
            0x60 if raw.windows(6).any(|window| window == b"canary") => {
                let text = format!("80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data {data}, v3839");
                message(id, &outcome(0x61, 49, &text))
            }
            _ => kind_words(tag, id),
        })
        .await;
        let (why, detail) = refused(&twin, json!({})).await;
        assert_eq!(why, Why::Wrong, "{data}");
        assert!(detail.contains(part), "{data}: {detail}");
    }
    // Disabled in the entry, while the bind succeeds.
    let twin = tls(|tag, id, _| match tag {
        0x63 => {
            let found = entry("cn=ada,dc=x", &[("objectGUID", &[GUID]), ("userAccountControl", &[b"514"])]);
            [message(id, &found), message(id, &outcome(0x65, 0, ""))].concat()
        }
        _ => kind_words(tag, id),
    })
    .await;
    assert!(refused(&twin, json!({})).await.1.contains("is disabled"));
}

#[tokio::test]
async fn active_directory_is_asked_for_chains_by_its_own_rule() {
    let twin = tls(|tag, id, raw| match tag {
        0x63 if raw.windows(22).any(|window| window == b"1.2.840.113556.1.4.194") => {
            let groups: Vec<u8> = ["CN=Ops,OU=Groups,DC=x", "CN=All Staff,OU=Groups,DC=x"]
                .iter()
                .flat_map(|dn| message(id, &entry(dn, &[])))
                .collect();
            [groups, message(id, &outcome(0x65, 0, ""))].concat()
        }
        _ => kind_words(tag, id),
    })
    .await;
    let groups = json!({"groups": {
        "from": "search", "base": "ou=groups,dc=x", "member_attributes": ["member"], "nested": "in_chain"
    }});
    let ada = Asker::ldap(twin.config(groups), "service password").person("ada", "p").await;
    assert_eq!(ada.groups, ["cn=all staff,ou=groups,dc=x", "cn=ops,ou=groups,dc=x"]);
    assert!(twin.heard("cn=ada,dc=x"));
}

#[tokio::test]
async fn a_part_of_the_values_is_not_taken_for_all() {
    let twin = tls(|tag, id, _| match tag {
        0x63 => {
            let found =
                entry("cn=ada,dc=x", &[("objectGUID", &[GUID]), ("memberOf;range=0-1499", &[b"cn=g,dc=x"])]);
            [message(id, &found), message(id, &outcome(0x65, 0, ""))].concat()
        }
        _ => kind_words(tag, id),
    })
    .await;
    let (why, detail) = refused(&twin, json!({"groups": {"from": "member_of"}})).await;
    assert_eq!(why, Why::Refused);
    assert!(detail.contains("only a part"), "{detail}");
}
