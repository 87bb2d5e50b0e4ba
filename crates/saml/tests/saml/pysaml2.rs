//! A whole sign-in with an identity provider that shares no line with ours: `pysaml2`, over HTTP, each exchanging its
//! metadata with the other's.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tempfile::TempDir;
use wk_domain::{ProviderId, Timestamp};
use wk_identity::outside::{Here, Outside, Provider, ProviderKind as _, Refusal, Returned, Why};
use wk_saml::Saml;

struct Idp {
    child: Child,
    port: u16,
    here: Here,
    provider: Provider,
    _folder: TempDir,
}

impl Drop for Idp {
    fn drop(&mut self) {
        // It ends when its input does; this is for one that hangs.
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap())
}

impl Idp {
    fn start(more: Value) -> Self {
        let folder = TempDir::new().unwrap();
        let mut child = Command::new("/usr/bin/python3")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/saml/idp.py"))
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
        let id: ProviderId =
            wk_domain::id::Id::from_uuid("01900000-0000-7000-8000-000000000001".parse().unwrap());
        let here = Here::of("https://watch.example", id, now());
        let metadata = std::fs::read_to_string(folder.path().join("idp.xml")).unwrap();
        let mut config = json!({ "metadata": metadata });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let config = Saml.check(&config).unwrap();
        assert_eq!(config["sso_url"], format!("https://127.0.0.1:{port}/sso"));
        let secret = Saml.own_secret(&here, None).unwrap().unwrap();
        let provider = Provider { id, name: "pysaml2".to_owned(), config, secret: Some(secret) };
        let (_, own) = Saml.metadata(&provider, &here).unwrap();
        std::fs::write(folder.path().join("sp.xml"), own).unwrap();
        Self { child, port, here, provider, _folder: folder }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{path}: {answer}");
        body.to_owned()
    }

    fn mode(&self, mode: &str) {
        self.get(&format!("/mode/{mode}"));
    }

    /// What the page's form would post, and where to.
    fn form(page: &str, field: &str) -> (String, Returned) {
        let between = |from: &str| {
            let at = page.find(from).unwrap_or_else(|| panic!("no {from} in {page}")) + from.len();
            page[at..].split('"').next().unwrap().to_owned()
        };
        let value = between(&format!("name=\"{field}\" value=\""));
        let to = between("action=\"").replace("&amp;", "&");
        (to, Returned { pairs: vec![(field.to_owned(), value)] })
    }

    async fn sign_in(&self, mode: &str) -> Result<Outside, Refusal> {
        self.mode(mode);
        let departure = Saml.begin(&self.provider, &self.here, false).await.unwrap();
        let path = departure.url.strip_prefix(&format!("https://127.0.0.1:{}", self.port)).unwrap();
        let (to, returned) = Self::form(&self.get(path), "SAMLResponse");
        assert_eq!(to, self.here.callback);
        Saml.finish(&self.provider, &self.here, Some(&departure.kept), &returned).await
    }
}

#[tokio::test]
async fn people_come_in_over_pysaml2_however_it_signs_and_encrypts() {
    let groups = json!({"groups": ["urn:oid:1.3.6.1.4.1.5923.1.1.1.1"]});
    let idp = Idp::start(json!({ "attributes": groups }));
    for mode in
        ["assertion", "response", "assertion+response", "assertion+encrypted", "assertion+response+encrypted"]
    {
        let outside = idp.sign_in(mode).await.unwrap_or_else(|refusal| panic!("{mode}: {refusal:?}"));
        assert_eq!(outside.subject, format!("https://127.0.0.1:{}/idp ada-7f3a", idp.port), "{mode}");
        assert_eq!((outside.name.as_str(), outside.display_name.as_str()), ("ada", "Ada Lovelace"));
        assert_eq!((outside.mail.as_str(), outside.second_factor), ("ada@example.test", false));
        assert_eq!(outside.groups, ["ops", "dba & co"]);
    }
    let steps = Saml.test(&idp.provider, &idp.here).await;
    assert!(steps.iter().all(|step| step.ok), "{steps:?}");
}

#[tokio::test]
async fn what_pysaml2_signs_for_others_or_weakly_or_not_at_all_is_refused() {
    let token = "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken";
    let idp = Idp::start(json!({ "factor_contexts": [token] }));
    for (mode, says) in [
        ("none", "signed"),
        ("encrypted", "signed"),
        ("assertion+sha1", "rsa-sha1"),
        ("assertion+audience", "somebody-else"),
        ("assertion+transient", "transient"),
    ] {
        let refused = idp.sign_in(mode).await.unwrap_err();
        assert_eq!(refused.why, Why::Refused, "{mode}");
        assert!(refused.detail.contains(says), "{mode}: {}", refused.detail);
    }
    assert!(idp.sign_in("assertion+factor").await.unwrap().second_factor);

    // It begins by itself: refused unless that was switched on, and then never as an answer to something else.
    idp.mode("assertion");
    let (_, returned) = Idp::form(&idp.get("/begin"), "SAMLResponse");
    let refused = Saml.finish(&idp.provider, &idp.here, None, &returned).await.unwrap_err();
    assert_eq!(refused.why, Why::Expired);
    let departure = Saml.begin(&idp.provider, &idp.here, false).await.unwrap();
    assert!(Saml.finish(&idp.provider, &idp.here, Some(&departure.kept), &returned).await.is_err());
    let mut open = idp.provider.clone();
    open.config["unsolicited"] = json!(true);
    assert_eq!(Saml.finish(&open, &idp.here, None, &returned).await.unwrap().name, "ada");
}

#[tokio::test]
async fn pysaml2_ends_a_session() {
    let idp = Idp::start(json!({}));
    let (to, returned) = Idp::form(&idp.get("/logout?index=id-7"), "SAMLRequest");
    assert_eq!(to, idp.here.logout);
    let ended = Saml.logout(&idp.provider, &idp.here, &returned).await.unwrap();
    assert_eq!(ended.session.as_deref(), Some("id-7"));
    assert!(ended.subject.unwrap().ends_with(" ada-7f3a"));
    // The browser that brought it goes back with an answer that pysaml2 believes.
    let mut with_address = idp.provider.clone();
    assert_eq!(
        with_address.config["slo_url"],
        format!("https://127.0.0.1:{}/slo", idp.port),
        "from its metadata"
    );
    with_address.config["slo_url"] = json!("");
    assert!(Saml.farewell(&with_address, &idp.here, &returned).is_none(), "no address, no answer");
    with_address = idp.provider.clone();
    let mut relayed = returned.clone();
    relayed.pairs.push(("RelayState".to_owned(), "a&b=c".to_owned()));
    let back = Saml.farewell(&with_address, &idp.here, &relayed).unwrap();
    assert!(back.contains("&RelayState=a%26b%3Dc&SigAlg="), "{back}");
    let path = back.strip_prefix(&format!("https://127.0.0.1:{}", idp.port)).unwrap();
    assert_eq!(idp.get(path), "ended");
    let (_, all) = Idp::form(&idp.get("/logout"), "SAMLRequest");
    assert_eq!(Saml.logout(&idp.provider, &idp.here, &all).await.unwrap().session, None);
}
