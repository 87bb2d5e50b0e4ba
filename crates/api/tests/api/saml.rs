//! A whole sign-in over SAML: our server, a browser of few lines, and an identity provider that is not ours (`pysaml2`).

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use wk_engine::ports::{Clock as _, SystemClock};

use crate::site::*;

const TOKEN: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";

struct Idp {
    child: Child,
    port: u16,
    folder: TempDir,
}

impl Drop for Idp {
    fn drop(&mut self) {
        // It ends when its input does; this is for one that hangs.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Idp {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../saml/tests/saml/idp.py"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let port = line.trim().strip_prefix("port ").and_then(|port| port.parse().ok()).unwrap_or_else(|| {
            panic!(
                "the identity provider did not start. As root:\n  apt-get install -y --no-install-recommends \
                 python3-pysaml2 xmlsec1 openssl"
            )
        });
        Self { child, port, folder }
    }

    fn metadata(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("idp.xml")).unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = String::new();
        let read = tokio::time::timeout(Duration::from_secs(60), stream.read_to_string(&mut answer));
        read.await.expect("an answer in time").unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{path}: {answer}");
        body.to_owned()
    }

    /// What the form on a page posts.
    fn field(page: &str, name: &str) -> String {
        let from = format!("name=\"{name}\" value=\"");
        let at = page.find(&from).unwrap_or_else(|| panic!("no {name} in {page}")) + from.len();
        let value = page[at..].split('"').next().unwrap();
        value.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(['\n', '\r'], "")
    }
}

/// The pages of one browser.
struct Walk {
    site: Site,
    idp: Idp,
    id: String,
}

impl Walk {
    async fn new(more: &Value) -> Self {
        let (site, idp) = (Site::new().await, Idp::start());
        let mut config = json!({
            "metadata": idp.metadata(),
            "factor_contexts": [TOKEN],
            "attributes": {"groups": ["urn:oid:1.3.6.1.4.1.5923.1.1.1.1"]},
        });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let input = json!({
            "kind": "saml", "name": "Corporate", "config": config, "create_accounts": true, "trusts_factor": true,
            "rules": [{"group": "ops", "role": "operator"}], "reason": "people have accounts there",
        });
        let made = site.post(&site.as_admin().await, "/providers", input).await;
        assert_eq!(made.status, 200, "{}", String::from_utf8_lossy(&made.body));
        let made = made.json();
        assert_eq!(made["has_secret"], true, "it has a key of its own");
        assert!(made["config"].get("metadata").is_none());
        let id = made["id"].as_str().unwrap().to_owned();
        let metadata = site.get(&site.as_nobody(), &format!("/providers/{id}/metadata")).await;
        assert_eq!(metadata.status, 200);
        std::fs::write(idp.folder.path().join("sp.xml"), &metadata.body).unwrap();
        Self { site, idp, id }
    }

    /// The server's clock stands; the provider's goes.
    fn now(&self) {
        let behind = SystemClock.now().since(self.site.rig.now());
        self.site.rig.clock.advance(behind);
    }

    /// Leaves for the provider: the cookie that binds this browser, and the page that comes back from there.
    async fn leave(&self, mode: &str) -> (String, String) {
        self.now();
        self.idp.get(&format!("/mode/{mode}")).await;
        let path = format!("/providers/{}/begin?to=/hosts", self.id);
        let away = self.site.get(&self.site.as_nobody(), &path).await;
        assert_eq!(away.status, 303);
        let line = away.cookie_line("__Host-away");
        assert!(
            line.contains("SameSite=None; ") && line.contains("Secure") && line.contains("HttpOnly"),
            "{line}"
        );
        let to =
            away.header("location").strip_prefix(&format!("https://127.0.0.1:{}", self.idp.port)).unwrap();
        let page = self.idp.get(to).await;
        self.now();
        (away.cookie("__Host-away"), Idp::field(&page, "SAMLResponse"))
    }

    /// Posts from the provider's page.
    async fn post(&self, what: &str, field: &str, value: &str, cookie: Option<&str>) -> Answer {
        let path = format!("/api/v1/providers/{}/{what}", self.id);
        let mut request = Request::post(path)
            .header("host", format!("localhost:{}", self.site.address.port()))
            .header("origin", format!("https://127.0.0.1:{}", self.idp.port))
            .header("sec-fetch-site", "cross-site")
            .header("sec-fetch-mode", "navigate")
            .header("content-type", "application/x-www-form-urlencoded");
        if let Some(cookie) = cookie {
            request = request.header("cookie", format!("__Host-away={cookie}"));
        }
        self.site.send(request.body(Full::new(Bytes::from(format!("{field}={value}")))).unwrap()).await
    }

    async fn back(&self, response: &str, cookie: Option<&str>) -> Answer {
        self.post("callback", "SAMLResponse", response, cookie).await
    }

    async fn why(&self, part: &str) {
        let audit = self.site.rig.audit().await;
        let found = audit.iter().any(|row| format!("{row:?}").contains(part));
        assert!(found, "nothing in the log says `{part}`");
    }
}

fn refused(answer: &Answer) -> &str {
    assert_eq!(answer.status, 303);
    assert!(
        answer
            .headers
            .get_all("set-cookie")
            .iter()
            .all(|line| !line.to_str().unwrap().starts_with("__Host-sid"))
    );
    answer.header("location").strip_prefix("/signin?refused=").unwrap_or("not refused")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_comes_in_over_saml_and_goes_when_the_provider_says_so() {
    let walk = Walk::new(&json!({})).await;
    let (cookie, response) = walk.leave("assertion+response+encrypted+factor").await;
    let back = walk.back(&response, Some(&cookie)).await;
    assert_eq!((back.status, back.header("location")), (303, "/hosts"));
    let session = back.cookie("__Host-sid");
    assert!(back.cookie_line("__Host-sid").contains("SameSite=Strict"));
    let ada = Persona::Session(session);
    let me = walk.site.get(&ada, "/me").await.json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("ada"), Some("operator")));
    assert_eq!(me["display_name"], "Ada Lovelace");

    // The same answer again: the browser's sign-in is used up. And in another that began, too.
    assert_eq!(refused(&walk.back(&response, Some(&cookie)).await), "expired");
    let (other, _) = walk.leave("assertion+factor").await;
    assert_eq!(refused(&walk.back(&response, Some(&other)).await), "expired");
    assert_eq!(refused(&walk.back(&response, None).await), "expired");

    // Somebody's logout over there ends what came over it, and only what is theirs.
    let admin = walk.site.as_admin().await;
    let page = walk.idp.get("/logout").await;
    walk.now();
    let forged = Idp::field(&page, "SAMLRequest");
    let wrong = walk.post("logout", "SAMLRequest", &forged.replace("ZS", "ZT"), None).await;
    assert_eq!(wrong.status, 400);
    assert_eq!(walk.site.get(&ada, "/me").await.status, 200);
    let ended = walk.post("logout", "SAMLRequest", &forged, None).await;
    // The browser brought it, and goes back to a page over there that waits for it.
    assert_eq!(ended.status, 303, "{}", String::from_utf8_lossy(&ended.body));
    let there = format!("https://127.0.0.1:{}", walk.idp.port);
    assert_eq!(walk.idp.get(ended.header("location").strip_prefix(&there).unwrap()).await, "ended");
    assert_eq!(walk.site.get(&ada, "/me").await.status, 401);
    assert_eq!(walk.site.get(&admin, "/me").await.status, 200);
    assert_eq!(walk.post("logout", "SAMLRequest", &forged, None).await.status, 400, "it counts once");
    walk.site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_not_asked_for_or_is_not_proved_stays_out_and_the_log_says_why() {
    let walk = Walk::new(&json!({})).await;
    for (mode, word, reason) in [
        ("encrypted", "refused", "neither the response nor the assertion is signed"),
        ("assertion+sha1", "refused", "rsa-sha1"),
        ("assertion+audience", "refused", "somebody-else.test"),
        ("assertion+transient", "refused", "transient"),
    ] {
        let (cookie, response) = walk.leave(mode).await;
        assert_eq!(refused(&walk.back(&response, Some(&cookie)).await), word, "{mode}");
        walk.why(reason).await;
    }
    // Login CSRF: the attacker's own good answer, posted by a victim's browser that began by itself, and by one that
    // did not.
    let (_, attackers) = walk.leave("assertion+factor").await;
    let (victim, _) = walk.leave("assertion+factor").await;
    assert_eq!(refused(&walk.back(&attackers, Some(&victim)).await), "expired");
    assert_eq!(refused(&walk.back(&attackers, None).await), "expired");
    // The provider begins: not unless that is switched on.
    let begun = Idp::field(&walk.idp.get("/begin").await, "SAMLResponse");
    walk.now();
    assert_eq!(refused(&walk.back(&begun, None).await), "expired");
    walk.why("nobody asked for it here").await;
    // Without a trusted second factor there is one of ours to give first.
    let (cookie, response) = walk.leave("assertion").await;
    let back = walk.back(&response, Some(&cookie)).await;
    assert!(back.header("location").starts_with("/signin?outside="), "{}", back.header("location"));
    assert!(
        !back
            .headers
            .get_all("set-cookie")
            .iter()
            .any(|line| line.to_str().unwrap().starts_with("__Host-sid"))
    );
    // Other forms and other sizes.
    for body in ["", "SAMLResponse=", "SAMLResponse=%%%", "SAMLResponse=AAAA&SAMLResponse=AAAA", "x=1"] {
        let (field, value) = body.split_once('=').unwrap_or((body, ""));
        assert!(matches!(walk.post("callback", field, value, None).await.status, 303 | 400));
    }
    assert_eq!(walk.back(&"A".repeat(300 << 10), None).await.status, 413);
    walk.site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_provider_may_begin_each_assertion_counts_once() {
    let walk = Walk::new(&json!({"unsolicited": true})).await;
    walk.idp.get("/mode/assertion+factor").await;
    let begun = Idp::field(&walk.idp.get("/begin").await, "SAMLResponse");
    walk.now();
    let back = walk.back(&begun, None).await;
    assert_eq!((back.status, back.header("location")), (303, "/"));
    assert_eq!(refused(&walk.back(&begun, None).await), "refused");
    walk.why("used before").await;
    walk.site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_own_key_stands_beside_the_old_one() {
    let walk = Walk::new(&json!({})).await;
    let admin = walk.site.as_admin().await;
    let path = format!("/providers/{}", walk.id);
    let metadata = async || {
        let answer = walk.site.get(&walk.site.as_nobody(), &format!("{path}/metadata")).await;
        String::from_utf8(answer.body.to_vec()).unwrap()
    };
    let before = metadata().await;
    let view = walk.site.get(&admin, &path).await.json();
    let change = |renew: bool| {
        json!({
            "kind": "saml", "name": "Corporate", "config": view["config"], "create_accounts": true, "trusts_factor": true,
            "rules": view["rules"], "renew_secret": renew,
        })
    };
    assert_eq!(walk.site.put(&admin, &path, change(false)).await.status, 200);
    assert_eq!(metadata().await, before, "a change of something else keeps the key");
    assert_eq!(walk.site.put(&admin, &path, change(true)).await.status, 200);
    let after = metadata().await;
    assert_eq!((before.matches("use=\"signing\"").count(), after.matches("use=\"signing\"").count()), (1, 2));
    // What the provider encrypts for the old one still opens.
    let (cookie, response) = walk.leave("assertion+encrypted+factor").await;
    assert_eq!(walk.back(&response, Some(&cookie)).await.header("location"), "/hosts");
    let steps = walk.site.post(&admin, &format!("{path}/test"), json!({})).await.json();
    assert_eq!(steps["ok"], true, "{steps}");
    walk.site.end().await;
}
