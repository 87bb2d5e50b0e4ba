//! A whole sign-in at `oidc-provider` (npm), which is not ours: its pages are filled in as a browser would.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use wk_domain::ProviderId;
use wk_egress::tls::Tls as Dial;
use wk_egress::{Egress, Reach};
use wk_identity::outside::{Provider, ProviderKind as _, Returned, Why};
use wk_seal::Secret;

use crate::support::*;

fn folder() -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oidc");
    assert!(
        folder.join("node_modules/oidc-provider").is_dir(),
        "oidc-provider is missing; install it with `npm ci --prefix {}`; `cargo xtask test` does",
        folder.display()
    );
    folder
}

/// The provider's process; it ends with its input.
struct Real {
    child: Child,
    issuer: String,
    tls: Tls,
}

impl Real {
    async fn start(callback: &str, auth: &str, thin: bool) -> Self {
        let tls = Tls::new();
        let mut child = Command::new("node")
            .arg("op.mjs")
            .current_dir(folder())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("node is missing; see https://nodejs.org");
        let settings = json!({
            "key": tls.key_pem, "cert": tls.cert_pem, "thin": thin,
            "client": {"id": CLIENT, "secret": SECRET, "redirect_uris": [callback], "auth": auth, "alg": "RS256"},
            "people": {"ada": ["ops", "admins"], "bob": []},
        });
        let input = child.stdin.as_mut().unwrap();
        input.write_all(format!("{settings}\n").as_bytes()).await.unwrap();
        input.flush().await.unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next_line().await.unwrap().expect("the provider says where it listens");
        let said: Value = serde_json::from_str(&line).unwrap();
        // Nobody may be left writing into nothing.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { child, issuer: said["issuer"].as_str().unwrap().to_owned(), tls }
    }

    fn provider(&self, more: Value) -> Provider {
        let mut config = json!({
            "issuer": self.issuer, "client_id": CLIENT, "root_pem": self.tls.ca_pem,
            "scopes": ["openid", "profile", "email", "groups"],
        });
        for (name, value) in more.as_object().unwrap() {
            config[name] = value.clone();
        }
        Provider {
            id: ProviderId::from_uuid(uuid::Uuid::from_u128(7)),
            name: "Test".to_owned(),
            config,
            secret: Some(Secret::new(SECRET.as_bytes().to_vec())),
        }
    }
}

/// A browser: cookies, redirects by hand, forms.
struct Browser {
    egress: Egress,
    dial: Dial,
    root_pem: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn ask(&mut self, url: &str, form: Option<&str>) -> (u16, Option<String>, String) {
        use http_body_util::BodyExt as _;
        let url: wk_egress::https::HttpsUrl = url.parse().unwrap();
        let tcp = self.egress.connect(url.host(), url.port(), Reach::Site).await.unwrap();
        let stream = self.dial.connect(tcp, url.host(), Some(&self.root_pem), true).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(hyper_util::rt::TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = http::Request::builder()
            .method(if form.is_some() { "POST" } else { "GET" })
            .uri(url.target())
            .header("host", url.authority())
            .header("accept", "text/html")
            .header("cookie", cookies.join("; "))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(http_body_util::Full::new(hyper::body::Bytes::from(form.unwrap_or_default().to_owned())))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, location, String::from_utf8_lossy(&body).into_owned())
    }

    /// Walks until it is sent to `callback`; gives what was added to that.
    async fn sign_in(&mut self, real: &Real, url: &str, callback: &str, who: &str) -> Returned {
        let mut url = url.to_owned();
        let mut form: Option<String> = None;
        for _ in 0..20 {
            let (status, location, page) = self.ask(&url, form.take().as_deref()).await;
            if let Some(to) = location {
                let to = if to.starts_with('/') { format!("{}{to}", real.issuer) } else { to };
                if let Some(query) = to.strip_prefix(callback) {
                    return Returned::parse(query.trim_start_matches('?')).unwrap();
                }
                url = to;
                continue;
            }
            assert_eq!(status, 200, "{page}");
            // The page's only form: a sign-in, or a consent.
            let action = page.split("action=\"").nth(1).expect(&page).split('"').next().unwrap();
            url =
                if action.starts_with('/') { format!("{}{action}", real.issuer) } else { action.to_owned() };
            form = Some(match page.contains("name=\"login\"") {
                true => format!("prompt=login&login={who}&password=x"),
                false => "prompt=consent".to_owned(),
            });
        }
        panic!("the provider sends the browser in circles");
    }
}

fn browser(real: &Real) -> Browser {
    let (egress, dial) = (Egress::new(Vec::new()), Dial::default());
    Browser { egress, dial, root_pem: real.tls.ca_pem.clone(), cookies: BTreeMap::new() }
}

#[tokio::test]
async fn somebody_signs_in_at_a_provider_that_is_not_ours() {
    for (auth, ours, thin) in [
        ("client_secret_basic", "basic", false),
        ("client_secret_post", "post", true),
        ("none", "none", true),
    ] {
        let id = ProviderId::from_uuid(uuid::Uuid::from_u128(7));
        let callback = wk_identity::outside::Here::of("https://watch.example", id, now()).callback;
        let mut real = Real::start(&callback, auth, thin).await;
        let provider = real.provider(json!({"client_auth": ours}));
        let kind = kind();
        let gone = leave(&kind, &provider).await.unwrap();
        let mut browser = browser(&real);
        let returned = browser.sign_in(&real, &gone.departure.url, &callback, "ada").await;
        assert_eq!(returned.one("iss"), Some(real.issuer.as_str()), "it names itself (RFC 9207)");
        let outside = gone.back(&kind, &provider, &returned).await.unwrap();
        assert_eq!(outside.subject, format!("{} ada", real.issuer), "{auth}");
        assert_eq!((outside.name.as_str(), outside.display_name.as_str()), ("ada", "Person ada"));
        assert_eq!(
            (outside.mail.as_str(), outside.groups.join(" ").as_str()),
            ("ada@op.example", "ops admins")
        );
        // The code was good once.
        let again = gone.back(&kind, &provider, &returned).await.unwrap_err();
        assert_eq!(again.why, Why::Refused, "{again}");
        // And not in another browser's sign-in: its verifier is another.
        let other = leave(&kind, &provider).await.unwrap();
        let theirs = leave(&kind, &provider).await.unwrap();
        let mut swapped = browser.sign_in(&real, &theirs.departure.url, &callback, "bob").await;
        swapped.pairs.retain(|(name, _)| name != "state");
        swapped.pairs.push(("state".to_owned(), other.asked("state").to_owned()));
        let refusal = other.back(&kind, &provider, &swapped).await.unwrap_err();
        assert!(refusal.detail.contains("invalid_grant"), "{refusal}");
        real.child.kill().await.unwrap();
    }
}

#[tokio::test]
async fn the_test_button_is_green_there_and_red_with_a_wrong_secret_or_address() {
    let id = ProviderId::from_uuid(uuid::Uuid::from_u128(7));
    let here = wk_identity::outside::Here::of("https://watch.example", id, now());
    let real = Real::start(&here.callback, "client_secret_basic", false).await;
    let (kind, mut provider) = (kind(), real.provider(json!({})));
    let steps = kind.test(&provider, &here).await;
    assert!(steps.iter().all(|step| step.ok), "{steps:#?}");
    provider.secret = Some(Secret::new(b"another".to_vec()));
    let elsewhere = wk_identity::outside::Here::of("https://elsewhere.example", id, now());
    let steps = kind.test(&provider, &elsewhere).await;
    let failed: Vec<_> = steps.iter().filter(|step| !step.ok).map(|step| step.title.as_str()).collect();
    assert_eq!(failed, ["Client id and secret", "Redirect address"], "{steps:#?}");
}

#[tokio::test]
async fn a_person_who_must_prove_it_anew_does() {
    let id = ProviderId::from_uuid(uuid::Uuid::from_u128(7));
    let here = wk_identity::outside::Here::of("https://watch.example", id, now());
    let real = Real::start(&here.callback, "client_secret_basic", false).await;
    let (kind, provider) = (kind(), real.provider(json!({})));
    let mut browser = browser(&real);
    let gone = leave(&kind, &provider).await.unwrap();
    let returned = browser.sign_in(&real, &gone.departure.url, &here.callback, "ada").await;
    gone.back(&kind, &provider, &returned).await.unwrap();
    // The browser is known there now, and the person is asked again all the same.
    let departure = kind.begin(&provider, &here, true).await.unwrap();
    let query = Returned::parse(departure.url.split_once('?').unwrap().1).unwrap();
    let gone = Gone { departure, query };
    let returned = browser.sign_in(&real, &gone.departure.url, &here.callback, "ada").await;
    let outside = gone.back(&kind, &provider, &returned).await.unwrap();
    let proved = outside.proved_at.expect("auth_time");
    assert!(now().since(proved) < std::time::Duration::from_secs(120));
}
