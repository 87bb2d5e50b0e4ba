//! Identities that others vouch for: who comes in, as what, and who stays out. One provider is a script of ours, that says
//! what a test wants; the other is `oidc-provider` (npm), which is not ours.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use parking_lot::Mutex;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use wk_authz::Role;
use wk_domain::Timestamp;
use wk_egress::{Egress, Reach};
use wk_engine::ports::{AccessStore as _, OutsideStore as _, Store as _};
use wk_identity::Totp;
use wk_identity::outside::{
    Answer as Said, Departure, Ended, Here, Kind, Once, Outside, Provider, ProviderKind, Refusal, Returned,
    SecretNeed, Step, Why, Wrong,
};
use wk_seal::{Secret, SecretBytes, SecretString};

use crate::passkeys;
use crate::rig::Rig;
use crate::signing::{Claimed, PASSWORD, claimed_with, first_step, second_step, totp};
use crate::site::*;
use crate::soft::Soft;

/// A provider that says what it is told to.
#[derive(Debug, Clone)]
struct Script {
    kind: Kind,
    says: Arc<Mutex<Result<Outside, Refusal>>>,
    ended: Arc<Mutex<Option<Ended>>>,
}

fn nobody_yet() -> Refusal {
    Refusal::new(Why::Unreachable, "nobody said what to say")
}

impl Script {
    fn new(kind: Kind) -> Self {
        Self { kind, says: Arc::new(Mutex::new(Err(nobody_yet()))), ended: Arc::default() }
    }

    fn says(&self, outside: Outside) {
        *self.says.lock() = Ok(outside);
    }

    fn said(&self, provider: &Provider) -> Result<Outside, Refusal> {
        self.says.lock().clone().map(|outside| Outside { provider: provider.id, ..outside })
    }
}

fn outside(subject: &str, name: &str, groups: &[&str]) -> Outside {
    Outside {
        provider: wk_domain::ProviderId::from_uuid(uuid::Uuid::nil()),
        subject: subject.to_owned(),
        name: name.to_owned(),
        display_name: format!("Full {name}"),
        mail: "maria@watch.example".to_owned(),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        second_factor: false,
        proved_at: None,
        session: Some(format!("s-{subject}")),
        once: Vec::new(),
    }
}

#[async_trait]
impl ProviderKind for Script {
    fn kind(&self) -> Kind {
        self.kind
    }
    fn check(&self, config: &Value) -> Result<Value, Wrong> {
        match config.get("place") {
            Some(Value::String(_)) => Ok(config.clone()),
            _ => Err(Wrong::at("/place", "say where")),
        }
    }
    fn secret(&self, _: &Value) -> SecretNeed {
        SecretNeed::Required
    }
    async fn test(&self, provider: &Provider, _: &Here) -> Vec<Step> {
        let secret = provider.secret.as_ref().map(|secret| secret.expose().clone()).unwrap_or_default();
        vec![Step::good("Secret", format!("{} bytes", secret.len())), Step::bad("Place", "there is nobody")]
    }
    async fn password(
        &self,
        provider: &Provider,
        here: &Here,
        _: &str,
        password: &SecretString,
    ) -> Result<Said, Refusal> {
        match password.expose().as_str() {
            "right" => Ok(Said::In(Box::new(self.said(provider)?))),
            "ask" => Ok(Said::Ask {
                prompt: "Which digits?".to_owned(),
                echo: false,
                state: Secret::new(here.now.as_ms().to_string().into_bytes()),
            }),
            _ => Err(Refusal::new(Why::Wrong, "wrong password")),
        }
    }
    async fn answer(
        &self,
        provider: &Provider,
        _: &Here,
        _: &SecretBytes,
        answer: &SecretString,
    ) -> Result<Said, Refusal> {
        match answer.expose().as_str() {
            "123" => Ok(Said::In(Box::new(self.said(provider)?))),
            _ => Err(Refusal::new(Why::Wrong, "wrong digits")),
        }
    }
    async fn begin(&self, _: &Provider, here: &Here, fresh: bool) -> Result<Departure, Refusal> {
        let url = format!("https://op.example/?back={}&fresh={fresh}", here.callback);
        Ok(Departure { url, kept: Secret::new(b"kept".to_vec()), returns_by_post: false })
    }
    async fn finish(
        &self,
        provider: &Provider,
        _: &Here,
        kept: Option<&SecretBytes>,
        _: &Returned,
    ) -> Result<Outside, Refusal> {
        match kept {
            Some(_) => self.said(provider),
            None => Err(Refusal::new(Why::Refused, "nobody began")),
        }
    }
    async fn logout(&self, _: &Provider, _: &Here, _: &Returned) -> Result<Ended, Refusal> {
        self.ended.lock().clone().ok_or_else(|| Refusal::new(Why::Refused, "not signed"))
    }
}

/// A site with an administrator who has a password, an authenticator and a fresh factor.
struct Scene {
    site: Site,
    admin: Persona,
    maria: Claimed,
    oidc: Script,
    ldap: Script,
}

impl Scene {
    async fn new() -> Self {
        let (oidc, ldap) = (Script::new(Kind::Oidc), Script::new(Kind::Ldap));
        let kinds: Vec<Arc<dyn ProviderKind>> = vec![Arc::new(oidc.clone()), Arc::new(ldap.clone())];
        let (site, maria) = claimed_with(Site::outside(Rig::new().await, false, kinds).await).await;
        let admin = maria.who.clone();
        Self { site, admin, maria, oidc, ldap }
    }

    async fn provider(&self, kind: &str, more: Value) -> String {
        let mut input = json!({
            "kind": kind, "name": kind.to_uppercase(), "config": {"place": "there"}, "secret": "hunter2",
            "create_accounts": true, "rules": [{"group": "ops", "role": "operator"}],
        });
        for (name, value) in more.as_object().unwrap() {
            input[name] = value.clone();
        }
        let made = self.site.post(&self.admin, "/providers", input).await;
        assert_eq!(made.status, 200, "{:?}", made.body);
        made.json()["id"].as_str().unwrap().to_owned()
    }

    /// A browser goes there and comes back: the answer to its return.
    async fn walk(&self, id: &str) -> Answer {
        let gone = self.site.get(&Persona::Nobody, &format!("/providers/{id}/begin?to=/hosts")).await;
        assert_eq!(gone.status, 303, "{:?}", gone.body);
        self.back(id, Some(&gone.cookie("__Host-away"))).await
    }

    async fn back(&self, id: &str, cookie: Option<&str>) -> Answer {
        let path = format!("/api/v1/providers/{id}/callback?code=c&state=s&session_state=whatever");
        let mut request = self.site.request(&Persona::Nobody, "get", &path, None);
        // As a browser says that another site's page sent it.
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        request.headers_mut().insert("sec-fetch-mode", "navigate".parse().unwrap());
        if let Some(cookie) = cookie {
            request.headers_mut().insert("cookie", format!("__Host-away={cookie}").parse().unwrap());
        }
        self.site.send(request).await
    }

    /// What a browser that came back has to do, as its page asks.
    async fn next(&self, back: &Answer) -> Answer {
        assert!(back.header("location").starts_with("/signin?outside=back"), "{}", back.header("location"));
        let mut request = self.site.request(&Persona::Nobody, "get", "/api/v1/sign-in/outside", None);
        let cookie = format!("__Host-back={}", back.cookie("__Host-back"));
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        self.site.send(request).await
    }

    /// Somebody new enrols an authenticator: their session and their authenticator.
    async fn enrols(&self, challenge: &Value) -> (Persona, Totp) {
        assert_eq!(challenge["factors"], json!(["enrol"]), "{challenge}");
        let body = json!({"challenge": challenge["challenge"]});
        let half = self.site.post(&Persona::Nobody, "/session/enrol", body).await;
        assert_eq!(half.status, 200, "{:?}", half.body);
        let who = Persona::Session(half.session());
        let refused = self.site.get(&who, "/hosts").await;
        assert_eq!(refused.status, 403, "such a session is there to enrol");
        let setup = self.site.post(&who, "/me/totp/begin", json!({})).await;
        assert_eq!(setup.status, 200, "{:?}", setup.body);
        let totp = totp(setup.json()["secret"].as_str().unwrap());
        let code = totp.code_at(Totp::step_of(self.site.rig.now())).expose().clone();
        let done = self.site.post(&who, "/me/totp/finish", json!({"code": code})).await;
        assert_eq!(done.status, 200, "{:?}", done.body);
        (Persona::Session(done.session()), totp)
    }

    async fn user(&self, name: &str) -> Option<wk_engine::ports::rows::UserRow> {
        self.site.rig.store.user_by_name(name).await.unwrap()
    }
}

fn refused(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{:?}", answer.body);
    let to = answer.header("location");
    assert!(!to.starts_with("/hosts"), "{to}");
    to.split_once("?refused=").unwrap_or_else(|| panic!("{to}")).1.to_owned()
}

#[tokio::test]
async fn whoever_comes_for_the_first_time_gets_an_account_by_the_rules_and_a_factor() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({})).await;
    scene.oidc.says(outside("7", "Ada@acme.example", &["ops", "x"]));
    let back = scene.walk(&id).await;
    assert!(back.cookie_line("__Host-away").contains("Max-Age=0"));
    let next = scene.next(&back).await.json();
    let (who, totp) = scene.enrols(&next["challenge"]).await;
    let me = scene.site.get(&who, "/me").await.json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("ada@acme.example"), Some("operator")));
    let sessions = scene.site.get(&who, "/me/sessions").await.json();
    assert_eq!(sessions["items"][0]["method"], "oidc:OIDC+totp");
    // The next time the account is there, and asks for its factor.
    scene.site.rig.pass(Duration::from_secs(60)).await;
    let next = scene.next(&scene.walk(&id).await).await.json();
    assert_eq!(next["challenge"]["factors"], json!(["totp", "recovery"]));
    let code = totp.code_at(Totp::step_of(scene.site.rig.now())).expose().clone();
    let done = second_step(&scene.site, &next["challenge"], &code).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    // No password opens it.
    assert_eq!(first_step(&scene.site, "ada@acme.example", "").await.status, 401);
    scene.site.end().await;
}

#[tokio::test]
async fn rules_are_applied_at_each_sign_in_and_whom_none_fits_is_out_at_once() {
    let scene = Scene::new().await;
    let group = json!({"name": "Databases"});
    let group =
        scene.site.post(&scene.admin, "/groups", group).await.json()["id"].as_str().unwrap().to_owned();
    let rules = json!([
        {"group": "db", "groups": [group]},
        {"group": "ops", "role": "operator"},
        {"group": "all", "role": "viewer"},
    ]);
    let id = scene.provider("oidc", json!({"rules": rules, "trusts_factor": true})).await;
    let comes = async |groups: &[&str]| {
        scene.oidc.says(Outside { second_factor: true, ..outside("7", "ada", groups) });
        scene.walk(&id).await
    };
    let first = comes(&["ops", "db"]).await;
    assert_eq!(first.header("location"), "/hosts", "the provider's factor is trusted");
    let who = Persona::Session(first.cookie("__Host-sid"));
    let ada = scene.user("ada").await.unwrap();
    assert_eq!(ada.role, "operator");
    let members = || async { scene.site.rig.store.memberships().await.unwrap() };
    assert_eq!(members().await.len(), 1);
    assert_eq!(members().await[0].origin, id);
    // Less over there is less here.
    assert_eq!(comes(&["all"]).await.header("location"), "/hosts");
    assert_eq!(scene.user("ada").await.unwrap().role, "viewer");
    assert!(members().await.is_empty());
    assert_eq!(scene.site.get(&who, "/me").await.json()["role"], "viewer", "in sessions that are open, too");
    // None of them: out, with what was open.
    assert_eq!(refused(&comes(&["ALL", "op"]).await), "no-rule");
    assert_eq!(scene.site.get(&who, "/me").await.status, 401);
    assert_eq!(refused(&comes(&[]).await), "no-rule");
    scene.site.end().await;
}

#[tokio::test]
async fn no_name_and_no_address_links_to_an_account_that_is_there() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({})).await;
    // The administrator's own name and mail address, as somebody over there calls themselves.
    scene.oidc.says(Outside { second_factor: true, ..outside("evil", "maria", &["ops"]) });
    assert_eq!(refused(&scene.walk(&id).await), "name-taken");
    scene.oidc.says(outside("evil", "MARIA", &["ops"]));
    assert_eq!(refused(&scene.walk(&id).await), "name-taken");
    scene.oidc.says(outside("evil", "ma ria", &["ops"]));
    assert_eq!(refused(&scene.walk(&id).await), "refused", "no name is guessed");
    scene.oidc.says(outside("a\nb", "bob", &["ops"]));
    assert_eq!(refused(&scene.walk(&id).await), "refused");
    assert!(scene.user("bob").await.is_none());
    let maria = scene.user("maria").await.unwrap();
    assert!(scene.site.rig.store.links_of(maria.id).await.unwrap().is_empty());
    // Where none are made, none is made.
    let closed = scene.provider("ldap", json!({"create_accounts": false, "name": "Closed"})).await;
    scene.ldap.says(outside("7", "carl", &["ops"]));
    let body = json!({"provider": closed, "name": "carl", "password": "right"});
    assert_eq!(scene.site.post(&Persona::Nobody, "/sign-in/outside", body).await.status, 409);
    assert!(scene.user("carl").await.is_none());
    scene.site.end().await;
}

#[tokio::test]
async fn an_owner_links_from_inside_and_keeps_the_role_that_was_given_here() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({})).await;
    scene.oidc.says(outside("m", "someone", &["ops"]));
    let gone = scene.site.post(&scene.admin, "/me/outside/link", json!({"provider": id})).await;
    assert_eq!(gone.status, 200, "{:?}", gone.body);
    assert!(gone.json()["url"].as_str().unwrap().starts_with("https://op.example/"));
    let away = gone.cookie("__Host-away");
    assert_eq!(scene.back(&id, Some(&away)).await.header("location"), "/me?linked=yes");
    assert_eq!(refused(&scene.back(&id, Some(&away)).await), "expired", "once");
    // From now on they come in by it, give their own factor, and are what they were.
    scene.site.rig.pass(Duration::from_secs(60)).await;
    let next = scene.next(&scene.walk(&id).await).await.json();
    let done = second_step(&scene.site, &next["challenge"], &scene.maria.code(&scene.site)).await;
    assert_eq!(done.json()["role"], "admin", "{:?}", done.body);
    let over = Persona::Session(done.session());
    let mine = scene.site.get(&over, "/me/outside").await.json();
    assert_eq!(
        (mine["items"][0]["name"].as_str(), mine["items"][0]["made_account"].as_bool()),
        (Some("someone"), Some(false))
    );
    // Taken off: sessions that came over it end, and it opens nothing any more.
    let off = scene.site.delete(&scene.admin, &format!("/me/outside/{id}")).await;
    assert_eq!(off.status, 204, "{:?}", off.body);
    assert_eq!(scene.site.get(&over, "/me").await.status, 401);
    scene.oidc.says(outside("m", "maria", &["ops"]));
    assert_eq!(refused(&scene.walk(&id).await), "name-taken");
    scene.site.end().await;
}

#[tokio::test]
async fn linking_asks_for_a_fresh_factor_and_ends_with_the_session() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({})).await;
    scene.oidc.says(outside("m", "someone", &["ops"]));
    let gone = scene.site.post(&scene.admin, "/me/outside/link", json!({"provider": id})).await;
    let away = gone.cookie("__Host-away");
    scene.site.delete(&scene.admin, "/session").await;
    assert_eq!(refused(&scene.back(&id, Some(&away)).await), "expired");
    let maria = scene.user("maria").await.unwrap();
    assert!(scene.site.rig.store.links_of(maria.id).await.unwrap().is_empty());
    let later = scene.site.session_of(maria.id).await;
    scene.site.rig.pass(Duration::from_secs(11 * 60)).await;
    let stale = scene.site.post(&later, "/me/outside/link", json!({"provider": id})).await;
    assert_eq!(stale.status, 403, "{:?}", stale.body);
    scene.site.end().await;
}

#[tokio::test]
async fn a_return_without_its_browser_twice_late_or_for_another_provider_is_refused() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({"trusts_factor": true})).await;
    let other = scene.provider("oidc", json!({"name": "Other", "trusts_factor": true})).await;
    scene.oidc.says(Outside { second_factor: true, ..outside("7", "ada", &["ops"]) });
    let leave = async || {
        let gone = scene.site.get(&Persona::Nobody, &format!("/providers/{id}/begin")).await;
        let line = gone.cookie_line("__Host-away");
        assert!(line.contains("Secure; HttpOnly; SameSite=Lax"), "{line}");
        gone.cookie("__Host-away")
    };
    assert_eq!(refused(&scene.back(&id, None).await), "refused");
    assert_eq!(refused(&scene.back(&id, Some("x")).await), "expired");
    assert_eq!(refused(&scene.back(&other, Some(&leave().await)).await), "refused");
    let late = leave().await;
    scene.site.rig.pass(Duration::from_secs(601)).await;
    assert_eq!(refused(&scene.back(&id, Some(&late)).await), "expired");
    let good = leave().await;
    let back = scene.back(&id, Some(&good)).await;
    assert_eq!(back.header("location"), "/");
    assert!(back.cookie_line("__Host-sid").contains("SameSite=Strict"));
    assert_eq!(refused(&scene.back(&id, Some(&good)).await), "expired");
    // Other routes are as closed to other sites as ever.
    let mut request = scene.site.request(&scene.admin, "get", "/api/v1/providers", None);
    request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    assert_eq!(scene.site.send(request).await.status, 403);
    scene.site.end().await;
}

#[tokio::test]
async fn what_counts_once_counts_once_and_the_closed_stay_out() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({"trusts_factor": true})).await;
    let until = scene.site.rig.now() + Duration::from_secs(300);
    let once = vec![Once { key: "assertion-1".to_owned(), until }];
    scene.oidc.says(Outside { second_factor: true, once, ..outside("7", "ada", &["ops"]) });
    assert_eq!(scene.walk(&id).await.header("location"), "/hosts");
    assert_eq!(refused(&scene.walk(&id).await), "refused");
    scene.oidc.says(Outside { second_factor: true, ..outside("7", "ada", &["ops"]) });
    let ada = scene.user("ada").await.unwrap();
    let path = format!("/users/{}/disable", ada.id);
    assert_eq!(scene.site.post(&scene.admin, &path, json!({"reason": "left"})).await.status, 204);
    assert_eq!(refused(&scene.walk(&id).await), "closed");
    scene.site.end().await;
}

#[tokio::test]
async fn sessions_end_with_the_providers_word_a_change_its_switch_and_its_removal() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({"trusts_factor": true})).await;
    let comes = async |subject: &str| {
        scene
            .oidc
            .says(Outside { second_factor: true, ..outside(subject, &format!("p{subject}"), &["ops"]) });
        Persona::Session(scene.walk(&id).await.cookie("__Host-sid"))
    };
    let lives = async |who: &Persona| scene.site.get(who, "/me").await.status == 200;
    let word = async || {
        let path = format!("/api/v1/providers/{id}/logout");
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", format!("localhost:{}", scene.site.address.port()))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from("logout_token=x")))
            .unwrap();
        scene.site.send(request).await
    };
    let (one, two) = (comes("1").await, comes("2").await);
    assert_eq!(word().await.status, 400, "unsigned");
    let now = scene.site.rig.now();
    let ended = Ended {
        subject: Some("1".to_owned()),
        session: None,
        once: vec![Once { key: "logout:1".to_owned(), until: now + Duration::from_secs(300) }],
    };
    *scene.oidc.ended.lock() = Some(ended);
    let (answer, audited) = scene.site.audited(word()).await;
    assert_eq!(answer.status, 200);
    assert!(audited.iter().any(|row| row.action == "session.end"));
    assert!(!lives(&one).await && lives(&two).await, "seen within one request");
    let one = comes("1").await;
    assert_eq!(word().await.status, 400, "the same word again");
    assert!(lives(&one).await);
    // Which session, and whose, must both fit.
    let wrong = Ended { subject: Some("2".to_owned()), session: Some("s-1".to_owned()), once: Vec::new() };
    *scene.oidc.ended.lock() = Some(wrong);
    assert_eq!(word().await.status, 200);
    assert!(lives(&one).await && lives(&two).await);
    // A name that changes nobody's rights ends nothing; new rules do.
    let put = async |change: Value| {
        let mut view = scene.site.get(&scene.admin, &format!("/providers/{id}")).await.json();
        let object = view.as_object_mut().unwrap();
        for name in ["id", "has_secret", "people", "callback", "logout", "metadata"] {
            object.remove(name);
        }
        for (name, value) in change.as_object().unwrap() {
            object.insert(name.clone(), value.clone());
        }
        let answer = scene.site.put(&scene.admin, &format!("/providers/{id}"), view).await;
        assert_eq!(answer.status, 200, "{:?}", answer.body);
    };
    put(json!({"name": "Renamed"})).await;
    assert!(lives(&two).await);
    put(json!({"rules": [{"group": "ops", "role": "viewer"}]})).await;
    assert!(!lives(&two).await);
    let two = comes("2").await;
    put(json!({"enabled": false})).await;
    assert!(!lives(&two).await);
    assert_eq!(
        scene.site.get(&Persona::Nobody, &format!("/providers/{id}/begin")).await.header("location"),
        "/signin?refused=misconfigured"
    );
    put(json!({"enabled": true})).await;
    let two = comes("2").await;
    assert_eq!(scene.site.delete(&scene.admin, &format!("/providers/{id}")).await.status, 204);
    assert!(!lives(&two).await);
    assert!(lives(&scene.admin).await);
    scene.site.end().await;
}

#[tokio::test]
async fn a_directory_is_asked_by_name_and_password_and_guessing_is_slowed_down() {
    let scene = Scene::new().await;
    let id = scene.provider("ldap", json!({})).await;
    let methods = scene.site.get(&Persona::Nobody, "/sign-in/methods").await.json();
    assert_eq!(methods["items"], json!([{"id": id, "name": "LDAP", "kind": "ldap", "asks_password": true}]));
    scene.ldap.says(outside("uuid-7", "ada", &["ops"]));
    let ask = async |name: &str, password: &str| {
        let body = json!({"provider": id, "name": name, "password": password});
        scene.site.post(&Persona::Nobody, "/sign-in/outside", body).await
    };
    assert_eq!(ask("ada", "").await.status, 401, "an empty password binds as nobody");
    assert_eq!(ask("ada", "wrong").await.status, 401);
    let next = ask("ada", "right").await;
    assert_eq!(next.json()["next"], "factor", "{:?}", next.body);
    let (who, _) = scene.enrols(&next.json()["challenge"]).await;
    assert_eq!(scene.site.get(&who, "/me").await.json()["name"], "ada");
    // A question, answered wrong and right; a ticket is good once.
    let asked = ask("ada", "ask").await.json();
    assert_eq!(
        (asked["next"].as_str(), asked["question"]["prompt"].as_str()),
        (Some("answer"), Some("Which digits?"))
    );
    let answer = async |ticket: &Value, answer: &str| {
        let body = json!({"ticket": ticket, "answer": answer});
        scene.site.post(&Persona::Nobody, "/sign-in/outside/answer", body).await
    };
    assert_eq!(answer(&asked["question"]["ticket"], "000").await.status, 401);
    assert_eq!(answer(&asked["question"]["ticket"], "123").await.status, 410);
    let asked = ask("ada", "ask").await.json();
    let next = answer(&asked["question"]["ticket"], "123").await.json();
    assert_eq!(next["challenge"]["factors"], json!(["totp", "recovery"]), "{next}");
    // Strangers who guess are slowed down, as they are at home.
    let mut slowed = false;
    for _ in 0..10 {
        slowed |= ask("carl", "wrong").await.status == 429;
    }
    assert!(slowed);
    // Our own accounts' passwords are not sent there, nor theirs tried here.
    assert_eq!(first_step(&scene.site, "ada", "right").await.status, 401);
    scene.site.end().await;
}

#[tokio::test]
async fn secrets_go_in_are_sealed_under_their_revision_and_never_come_out() {
    let scene = Scene::new().await;
    let made = scene.provider("oidc", json!({"secret": "canary-7f3a"})).await;
    let list = scene.site.get(&scene.admin, "/providers").await;
    assert!(!String::from_utf8_lossy(&list.body).contains("canary"), "{:?}", list.body);
    let view = scene.site.get(&scene.admin, &format!("/providers/{made}")).await.json();
    assert_eq!((view["has_secret"].as_bool(), view["revision"].as_i64()), (Some(true), Some(1)));
    assert!(view["callback"].as_str().unwrap().ends_with(&format!("/api/v1/providers/{made}/callback")));
    let test = scene.site.post(&scene.admin, &format!("/providers/{made}/test"), json!({})).await.json();
    assert_eq!((test["ok"].as_bool(), test["steps"][0]["detail"].as_str()), (Some(false), Some("11 bytes")));
    // An older secret put back in its place does not open.
    let id = made.parse().unwrap();
    let store = &scene.site.rig.store;
    let old = store.provider(id).await.unwrap().unwrap();
    let input = json!({"kind": "oidc", "name": "OIDC", "config": {"place": "there"}, "secret": "newer"});
    assert_eq!(scene.site.put(&scene.admin, &format!("/providers/{made}"), input).await.status, 200);
    let row = store.provider(id).await.unwrap().unwrap();
    assert_eq!(row.revision, 2);
    let rolled = wk_engine::ports::outside::ProviderRow { secret_sealed: old.secret_sealed, ..row };
    store.put_provider(rolled, None, Vec::new()).await.unwrap();
    assert_eq!(
        scene.site.post(&scene.admin, &format!("/providers/{made}/test"), json!({})).await.status,
        500
    );
    let audit = scene.site.rig.audit().await;
    assert!(audit.iter().all(|row| !row.entry_json.contains("canary")));
    assert!(audit.iter().any(|row| row.action == "provider.create"));
    scene.site.end().await;
}

#[tokio::test]
async fn what_is_not_right_is_said_by_its_field_and_only_those_who_may_change_it() {
    let scene = Scene::new().await;
    let good = json!({"kind": "oidc", "name": "A", "config": {"place": "x"}, "secret": "s"});
    let with = |name: &str, value: Value| {
        let mut input = good.clone();
        input[name] = value;
        input
    };
    for (input, pointer) in [
        (with("kind", json!("x")), "/kind"),
        (with("kind", json!("radius")), "/kind"),
        (with("name", json!("a:b")), "/name"),
        (with("name", json!("")), "/name"),
        (with("config", json!({})), "/config/place"),
        (with("secret", json!("")), "/secret"),
        (with("rules", json!([{"group": ""}])), "/rules/0/group"),
        (with("rules", json!([{"group": "a"}])), "/rules/0/role"),
        (with("rules", json!([{"group": "a", "role": "king"}])), "/rules/0/role"),
        (with("rules", json!([{"group": "a", "groups": ["group_x"]}])), "/rules/0/groups/0"),
    ] {
        let answer = scene.site.post(&scene.admin, "/providers", input.clone()).await;
        assert_eq!(answer.status, 422, "{input}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{input}");
    }
    assert_eq!(scene.site.post(&scene.admin, "/providers", good.clone()).await.status, 200);
    assert_eq!(scene.site.post(&scene.admin, "/providers", good.clone()).await.status, 409);
    for role in [Role::Viewer, Role::Operator, Role::Auditor] {
        let who = scene.site.as_role(role).await;
        assert_eq!(scene.site.post(&who, "/providers", good.clone()).await.status, 403, "{role:?}");
    }
    scene.site.rig.pass(Duration::from_secs(11 * 60)).await;
    let stale = scene.site.post(&scene.admin, "/providers", with("name", json!("B"))).await;
    assert_eq!(stale.status, 403, "a fresh factor is asked for");
    scene.site.end().await;
}

#[tokio::test]
async fn on_the_day_the_providers_are_down_the_emergency_account_opens_and_tells() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({})).await;
    let site = &scene.site;
    let only = json!({"local": "emergency", "reason": "policy"});
    assert_eq!(
        site.put(&scene.admin, "/sign-in/local", only.clone()).await.status,
        409,
        "nobody could come in"
    );
    let maria = scene.user("maria").await.unwrap();
    let keep = json!({"emergency": true, "reason": "that day"});
    // Somebody who could not come in on that day is no help.
    let weak = site.person("weak", Role::Admin).await;
    assert_eq!(site.post(&scene.admin, &format!("/users/{weak}/emergency"), keep.clone()).await.status, 409);
    assert_eq!(site.post(&scene.admin, &format!("/users/{}/emergency", maria.id), keep).await.status, 204);
    assert_eq!(site.put(&scene.admin, "/sign-in/local", only).await.status, 204);
    assert_eq!(site.get(&Persona::Nobody, "/sign-in/methods").await.json()["local"], "emergency");
    let made = site.post(&scene.admin, "/channels", Site::channel("ops")).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    // No provider gets hold of it.
    scene.oidc.says(outside("m", "someone", &["ops"]));
    let gone = site.post(&scene.admin, "/me/outside/link", json!({"provider": id})).await;
    assert_eq!(refused(&scene.back(&id, Some(&gone.cookie("__Host-away"))).await), "name-taken");
    // It opens, and tells.
    site.rig.pass(Duration::from_secs(60)).await;
    let challenge = first_step(site, "maria", PASSWORD).await.json();
    let done = second_step(site, &challenge, &scene.maria.code(site)).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let page = wk_engine::ports::rows::Page { limit: 10, after: None };
    let sent = site.rig.store.outbox_recent(&wk_engine::ports::TenantScope::whole(), page).await.unwrap();
    assert_eq!((sent.len(), sent[0].kind.as_str()), (1, "notice"));
    assert!(sent[0].payload_json.contains("emergency account maria"));
    // The last one stays.
    let stop = json!({"emergency": false, "reason": "x"});
    assert_eq!(site.post(&scene.admin, &format!("/users/{}/emergency", maria.id), stop).await.status, 409);
    // Whoever looks after the server sees it on every page.
    let me = site.get(&scene.admin, "/me").await.json();
    assert_eq!(me["emergency_used"]["name"], "maria", "{me}");
    assert!(me["emergency_used"]["at"].is_string(), "{me}");
    let viewer = site.person("viewer", Role::Viewer).await;
    let viewer = site.session_of(viewer).await;
    assert!(site.get(&viewer, "/me").await.json().get("emergency_used").is_none());
    site.rig.pass(Duration::from_secs(86_400)).await;
    let later = site.session_of(maria.id).await;
    assert!(site.get(&later, "/me").await.json().get("emergency_used").is_none(), "it is over");
    let everybody = json!({"local": "everybody", "reason": "it is over"});
    assert_eq!(site.put(&Persona::Local, "/sign-in/local", everybody).await.status, 204);
    scene.site.end().await;
}

#[tokio::test]
async fn while_local_sign_in_is_off_right_factors_open_nothing_but_the_emergency_account() {
    let scene = Scene::new().await;
    scene.provider("oidc", json!({})).await;
    let site = &scene.site;
    let maria = scene.user("maria").await.unwrap();
    let spare = wk_engine::ports::rows::UserRow {
        id: wk_engine::ids::new_id(site.rig.now()),
        name: "spare".to_owned(),
        ..maria.clone()
    };
    let made =
        wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "user.create", "user", spare.id);
    site.rig.store.create_user(spare.clone(), vec![vec![7; 32]], made).await.unwrap();
    let keep = json!({"emergency": true, "reason": "that day"});
    assert_eq!(site.post(&scene.admin, &format!("/users/{}/emergency", spare.id), keep).await.status, 204);
    let only = json!({"local": "emergency", "reason": "policy"});
    assert_eq!(site.put(&scene.admin, "/sign-in/local", only).await.status, 204);
    assert_eq!(site.get(&scene.admin, "/me").await.status, 200, "whoever is in stays in");
    site.rig.pass(Duration::from_secs(60)).await;
    let sessions = async || site.rig.store.sessions(maria.id).await.unwrap().len();
    let before = sessions().await;
    // A wrong password and a wrong code are answered as ever: whose account it is shows after both.
    assert_eq!(first_step(site, "maria", "not the password").await.status, 401);
    let challenge = first_step(site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(site, &challenge, "000000").await.status, 401);
    let refused = second_step(site, &challenge, &scene.maria.code(site)).await;
    assert_eq!(refused.status, 409, "{:?}", refused.body);
    assert!(refused.json()["detail"].as_str().unwrap().contains("over your organisation's provider"));
    assert_eq!(refused.headers.get("set-cookie"), None, "nothing is opened");
    assert_eq!(sessions().await, before);
    let me = site.get(&scene.admin, "/me").await.json();
    assert!(me.get("emergency_used").is_none(), "nobody used one: {me}");
    // The same right code opens it when everybody may come again.
    let everybody = json!({"local": "everybody", "reason": "it is over"});
    assert_eq!(site.put(&scene.admin, "/sign-in/local", everybody).await.status, 204);
    let challenge = first_step(site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(site, &challenge, &scene.maria.code(site)).await.status, 200);
    scene.site.end().await;
}

#[tokio::test]
async fn a_fresh_factor_given_at_the_provider_counts_for_ten_minutes_and_for_its_owner_alone() {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({"trusts_factor": true})).await;
    let weak = scene.provider("oidc", json!({"name": "Weak"})).await;
    let site = &scene.site;
    let ada = || Outside { second_factor: true, ..outside("7", "ada", &["ops"]) };
    scene.oidc.says(ada());
    let old = Persona::Session(scene.walk(&id).await.cookie("__Host-sid"));
    let mine = site.get(&old, "/me/outside").await.json();
    assert_eq!(mine["items"][0]["confirms"], true, "{mine}");
    // What asks for a fresh factor; she has none here that she could give.
    let dangerous =
        async |who: &Persona| site.post(who, "/me/outside/link", json!({"provider": weak})).await.status;
    assert_eq!(dangerous(&old).await, 403);
    let leave = async |id: &str, to: &str| {
        let gone = site.post(&old, "/me/outside/elevate", json!({"provider": id, "to": to})).await;
        assert_eq!(gone.status, 200, "{:?}", gone.body);
        assert!(
            gone.json()["url"].as_str().unwrap().contains("fresh=true"),
            "it is asked for anew over there"
        );
        gone.cookie("__Host-away")
    };
    let now = || Some(site.rig.now());
    for (says, why) in [
        (Outside { proved_at: None, ..ada() }, "it does not say when"),
        (
            Outside { proved_at: Some(Timestamp::from_ms(now().unwrap().as_ms() - 121_000)), ..ada() },
            "long ago",
        ),
        (Outside { proved_at: Some(now().unwrap() + Duration::from_secs(3_600)), ..ada() }, "not yet"),
        (Outside { proved_at: now(), second_factor: false, ..ada() }, "one factor"),
        (Outside { proved_at: now(), subject: "8".to_owned(), ..ada() }, "somebody else"),
    ] {
        scene.oidc.says(says);
        let back = scene.back(&id, Some(&leave(&id, "/access").await)).await;
        assert_eq!(refused(&back), "refused", "{why}");
        assert!(back.header("location").starts_with("/me?"), "{why}");
        assert_eq!(dangerous(&old).await, 403, "{why}");
    }
    // One whose word does not count for that, or who is not linked.
    scene.oidc.says(Outside { proved_at: now(), ..ada() });
    assert_eq!(refused(&scene.back(&weak, Some(&leave(&weak, "/access").await)).await), "refused");
    // Her own, just now: the session goes on under another token, and dangerous acts are hers for ten minutes.
    let away = leave(&id, "/access?tab=tokens").await;
    let back = scene.back(&id, Some(&away)).await;
    assert_eq!(back.header("location"), "/access?tab=tokens");
    let raised = Persona::Session(back.cookie("__Host-sid"));
    assert_eq!(site.get(&old, "/me").await.status, 401, "the former token is worth nothing");
    assert_eq!(dangerous(&raised).await, 200);
    assert!(site.get(&raised, "/me/factors").await.json()["fresh_until"].is_string());
    assert_eq!(refused(&scene.back(&id, Some(&away)).await), "expired", "once");
    site.rig.pass(Duration::from_secs(601)).await;
    assert_eq!(dangerous(&raised).await, 403, "ten minutes");
    // Then nowhere but to a page of ours; and not once the session is over.
    let leave = async |to: &str| {
        let gone = site.post(&raised, "/me/outside/elevate", json!({"provider": id, "to": to})).await;
        gone.cookie("__Host-away")
    };
    scene.oidc.says(Outside { proved_at: now(), ..ada() });
    let (first, second) = (leave("//evil.example/").await, leave("/").await);
    let back = scene.back(&id, Some(&first)).await;
    assert_eq!(back.header("location"), "/");
    site.delete(&Persona::Session(back.cookie("__Host-sid")), "/session").await;
    assert_eq!(refused(&scene.back(&id, Some(&second)).await), "expired");
    scene.site.end().await;
}

#[tokio::test]
async fn a_provider_whose_rules_give_power_takes_two() {
    let oidc = Script::new(Kind::Oidc);
    let kinds: Vec<Arc<dyn ProviderKind>> = vec![Arc::new(oidc.clone())];
    let site = Site::outside(Rig::new().await, true, kinds).await;
    let rogue = site.person("rogue", Role::Admin).await;
    let honest = site.person("honest", Role::Admin).await;
    let (rogue, honest) = (site.session_of(rogue).await, site.session_of(honest).await);
    let with = |role: &str| {
        json!({
            "kind": "oidc", "name": format!("For {role}"), "config": {"place": "mine"}, "secret": "canary-7f3a",
            "create_accounts": true, "trusts_factor": true, "rules": [{"group": "*", "role": role}],
            "reason": "everybody comes in over it",
        })
    };
    // Nobody becomes more than a viewer by it: that is one person's to do.
    assert_eq!(site.post(&rogue, "/providers", with("viewer")).await.status, 200);
    let asked = site.post(&rogue, "/providers", with("admin")).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    assert!(!String::from_utf8_lossy(&asked.body).contains("canary"));
    assert_eq!(site.rig.store.providers().await.unwrap().len(), 1, "nothing was done");
    let asked = asked.json();
    let agree = json!({"payload_sha256": asked["payload_sha256"], "note": "as agreed"});
    let path = format!("/approvals/{}/agree", asked["id"].as_str().unwrap());
    assert_ne!(
        site.post(&rogue, &path, agree.clone()).await.status,
        200,
        "one's own word is not a second one"
    );
    let done = site.post(&honest, &path, agree).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let made =
        site.rig.store.providers().await.unwrap().into_iter().find(|row| row.name == "For admin").unwrap();
    // And its secret opens where it stands.
    let test = site.post(&rogue, &format!("/providers/{}/test", made.id), json!({})).await.json();
    assert_eq!(test["steps"][0]["detail"], "11 bytes", "{test}");
    site.end().await;
}

/// An administrator who has linked who she is at `oidc`, whose rules give nobody any power.
async fn with_a_linked_administrator() -> (Scene, String) {
    let scene = Scene::new().await;
    let id = scene.provider("oidc", json!({"trusts_factor": true})).await;
    scene.oidc.says(outside("m", "someone", &["ops"]));
    let gone = scene.site.post(&scene.admin, "/me/outside/link", json!({"provider": id})).await;
    let back = scene.back(&id, Some(&gone.cookie("__Host-away"))).await;
    assert_eq!(back.header("location"), "/me?linked=yes");
    (scene, id)
}

fn elsewhere() -> Value {
    json!({
        "kind": "oidc", "name": "OIDC", "config": {"place": "mine"}, "secret": "hunter2", "create_accounts": true,
        "trusts_factor": true, "rules": [{"group": "ops", "role": "operator"}], "reason": "it has moved",
    })
}

#[tokio::test]
async fn nobody_alone_turns_a_provider_into_one_that_says_he_is_another_administrator() {
    let (scene, id) = with_a_linked_administrator().await;
    let rogue = scene.site.person("rogue", Role::Admin).await;
    let rogue = scene.site.session_of(rogue).await;
    let path = format!("/providers/{id}");
    let asked = scene.site.put(&rogue, &path, elsewhere()).await;
    assert_eq!(asked.status, 202, "{:?}", asked.body);
    // Not in two steps either.
    let mut off = elsewhere();
    off["enabled"] = json!(false);
    assert_eq!(scene.site.put(&rogue, &path, off).await.status, 200);
    assert_eq!(scene.site.put(&rogue, &path, elsewhere()).await.status, 202);
    // What lets in oneself alone is one's own to change.
    assert_eq!(scene.site.put(&scene.admin, &path, elsewhere()).await.status, 200);
    scene.site.end().await;
}

#[tokio::test]
async fn whoever_may_change_providers_and_no_more_does_not_become_whom_they_let_in() {
    let (scene, id) = with_a_linked_administrator().await;
    let role = json!({"name": "sign-in-keeper", "about": "Keeps providers", "actions": ["provider.read", "provider.write"]});
    let made = scene.site.post(&scene.admin, "/roles", role).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    let keeper = scene.site.person("keeper", Role::Operator).await;
    let grant = json!({
        "person": keeper.to_string(), "role": "sign-in-keeper", "reason": "keeps providers",
    });
    let given = scene.site.post(&scene.admin, "/grants", grant).await;
    assert_eq!(given.status, 200, "{:?}", given.body);
    let keeper = scene.site.session_of(keeper).await;
    let path = format!("/providers/{id}");
    assert_eq!(scene.site.get(&keeper, &path).await.status, 200);
    let tried = scene.site.put(&keeper, &path, elsewhere()).await;
    assert_eq!(tried.status, 403, "{:?}", tried.body);
    scene.site.end().await;
}

#[tokio::test]
async fn whom_no_rule_lets_in_any_more_keeps_nothing_that_rules_gave() {
    let scene = Scene::new().await;
    let group = scene.site.post(&scene.admin, "/groups", json!({"name": "Databases"})).await.json();
    let rules = json!([{"group": "ops", "role": "operator", "groups": [group["id"]]}]);
    let id = scene.provider("oidc", json!({"rules": rules, "trusts_factor": true})).await;
    scene.oidc.says(Outside { second_factor: true, ..outside("7", "ada", &["ops"]) });
    assert_eq!(scene.walk(&id).await.header("location"), "/hosts");
    let ada = scene.user("ada").await.unwrap();
    // A session that does not hang on the provider, and a token would do the same.
    let other = scene.site.session_of(ada.id).await;
    assert_eq!(scene.site.get(&other, "/hosts").await.status, 200);
    scene.oidc.says(outside("7", "ada", &["left"]));
    assert_eq!(refused(&scene.walk(&id).await), "no-rule");
    assert_eq!(scene.user("ada").await.unwrap().role, "none");
    assert!(scene.site.rig.store.memberships().await.unwrap().is_empty());
    assert_eq!(scene.site.get(&other, "/hosts").await.status, 403);
    // Let in again, they are what the rules say again.
    scene.oidc.says(Outside { second_factor: true, ..outside("7", "ada", &["ops"]) });
    assert_eq!(scene.walk(&id).await.header("location"), "/hosts");
    assert_eq!(scene.user("ada").await.unwrap().role, "operator");
    scene.site.end().await;
}

#[tokio::test]
async fn a_passkey_is_no_way_past_the_provider_that_an_account_was_made_for() {
    let scene = Scene::new().await;
    let site = &scene.site;
    let id = scene.provider("oidc", json!({"trusts_factor": true})).await;
    scene.oidc.says(Outside {
        second_factor: true,
        proved_at: Some(site.rig.now()),
        ..outside("7", "ada", &["ops"])
    });
    let first = scene.walk(&id).await;
    let ada = Persona::Session(first.cookie("__Host-sid"));
    let mut soft = Soft::p256();
    let done = passkeys::register(site, &ada, &soft).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    let off = json!({
        "kind": "oidc", "name": "OIDC", "config": {"place": "there"}, "enabled": false, "create_accounts": true,
        "trusts_factor": true, "rules": [{"group": "ops", "role": "operator"}],
    });
    assert_eq!(site.put(&scene.admin, &format!("/providers/{id}"), off).await.status, 200);
    let owner = scene.user("ada").await.unwrap().id;
    let alone = passkeys::passwordless(site, &mut soft, Some(owner)).await;
    assert_eq!(alone.status, 409, "{:?}", alone.body);
    scene.site.end().await;
}

#[tokio::test]
async fn a_right_password_gives_no_endless_tries_at_the_digits() {
    let scene = Scene::new().await;
    let id = scene.provider("ldap", json!({})).await;
    scene.ldap.says(outside("uuid-7", "ada", &["ops"]));
    let mut slowed = false;
    for _ in 0..10 {
        let body = json!({"provider": id, "name": "ada", "password": "ask"});
        let asked = scene.site.post(&Persona::Nobody, "/sign-in/outside", body).await;
        slowed |= asked.status == 429;
        if asked.status == 200 {
            let body = json!({"ticket": asked.json()["question"]["ticket"], "answer": "000"});
            let wrong = scene.site.post(&Persona::Nobody, "/sign-in/outside/answer", body).await;
            assert_eq!(wrong.status, 401, "{:?}", wrong.body);
        }
    }
    assert!(slowed);
    scene.site.end().await;
}

#[tokio::test]
async fn a_closed_account_is_not_told_from_a_wrong_password_by_the_clock() {
    let scene = Scene::new().await;
    let id = scene.provider("ldap", json!({})).await;
    scene.ldap.says(outside("uuid-7", "ada", &["ops"]));
    let ask = async |password: &str| {
        let body = json!({"provider": id, "name": "ada", "password": password});
        scene.site.post(&Persona::Nobody, "/sign-in/outside", body).await
    };
    assert_eq!(ask("right").await.json()["next"], "factor");
    let ada = scene.user("ada").await.unwrap();
    let path = format!("/users/{}/disable", ada.id);
    assert_eq!(scene.site.post(&scene.admin, &path, json!({"reason": "left"})).await.status, 204);
    let wrong = ask("wrong").await;
    let begun = std::time::Instant::now();
    let closed = ask("right").await;
    assert_eq!((closed.status, &closed.json()["detail"]), (401, &wrong.json()["detail"]));
    assert!(begun.elapsed() >= Duration::from_millis(600), "no refusal comes before that");
    scene.site.end().await;
}

// A provider that is not ours ------------------------------------------------------------------------------------------

struct Tls {
    ca_pem: String,
    cert_pem: String,
    key_pem: String,
}

fn certificate() -> Tls {
    let ca_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca_pem = params.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(params, ca_key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let cert = params.signed_by(&key, &issuer).unwrap();
    Tls { ca_pem, cert_pem: cert.pem(), key_pem: key.serialize_pem() }
}

/// A browser as far as the provider's pages need one.
struct Browser {
    root_pem: String,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    async fn ask(&mut self, url: &str, form: Option<&str>) -> (Option<String>, String) {
        let url: wk_egress::https::HttpsUrl = url.parse().unwrap();
        let (egress, dial) = (Egress::new(Vec::new()), wk_egress::tls::Tls::default());
        let tcp = egress.connect(url.host(), url.port(), Reach::Site).await.unwrap();
        let stream = dial.connect(tcp, url.host(), Some(&self.root_pem), true).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = Request::builder()
            .method(if form.is_some() { "POST" } else { "GET" })
            .uri(url.target())
            .header("host", url.authority())
            .header("cookie", cookies.join("; "))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(form.unwrap_or_default().to_owned())))
            .unwrap();
        let response = sender.send_request(request).await.unwrap();
        for line in response.headers().get_all("set-cookie") {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let to = response.headers().get("location").map(|value| value.to_str().unwrap().to_owned());
        let page = response.into_body().collect().await.unwrap().to_bytes();
        (to, String::from_utf8_lossy(&page).into_owned())
    }

    /// Signs in there, and gives the address the browser is sent back to.
    async fn sign_in(&mut self, issuer: &str, url: &str, who: &str) -> String {
        let mut url = url.to_owned();
        let mut form: Option<String> = None;
        for _ in 0..20 {
            let (to, page) = self.ask(&url, form.take().as_deref()).await;
            if let Some(to) = to {
                url = if to.starts_with('/') { format!("{issuer}{to}") } else { to };
                if !url.starts_with(issuer) {
                    return url;
                }
                continue;
            }
            let action = page.split("action=\"").nth(1).expect(&page).split('"').next().unwrap();
            url = if action.starts_with('/') { format!("{issuer}{action}") } else { action.to_owned() };
            form = Some(match page.contains("name=\"login\"") {
                true => format!("prompt=login&login={who}&password=x"),
                false => "prompt=consent".to_owned(),
            });
        }
        panic!("the provider sends the browser in circles");
    }
}

#[tokio::test]
async fn a_whole_sign_in_and_its_end_at_a_provider_that_is_not_ours() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/oidc");
    assert!(
        folder.join("node_modules/oidc-provider").is_dir(),
        "oidc-provider is missing; install it with `npm ci --prefix {}`; `cargo xtask test` does",
        folder.display()
    );
    let kinds: Vec<Arc<dyn ProviderKind>> = vec![Arc::new(wk_oidc::Oidc::new(Egress::new(Vec::new())))];
    let (site, maria) = claimed_with(Site::outside(Rig::new().await, false, kinds).await).await;
    let ours = format!("https://localhost:{}", site.address.port());
    let tls = certificate();
    // The provider must know our addresses, and we its own: ours are made with its id, so it is told of a placeholder
    // first, and started when they are known.
    let input = json!({
        "kind": "oidc", "name": "Real", "enabled": true, "create_accounts": true, "secret": "the-client-secret",
        "config": {"issuer": "https://localhost:1", "client_id": "watchkeep", "root_pem": tls.ca_pem,
                   "scopes": ["openid", "profile", "email", "groups"]},
        "rules": [{"group": "admins", "role": "admin"}, {"group": "ops", "role": "operator"}],
    });
    let made = site.post(&maria.who, "/providers", input.clone()).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    let made = made.json();
    let id = made["id"].as_str().unwrap().to_owned();
    let (callback, logout) = (made["callback"].as_str().unwrap(), made["logout"].as_str().unwrap());
    assert!(callback.starts_with(&ours), "{callback}");
    let ca = site.rig.dir.path().join("ours.pem");
    std::fs::write(&ca, site.roots_pem()).unwrap();
    let mut child = tokio::process::Command::new("node")
        .arg("op.mjs")
        .current_dir(&folder)
        .env("NODE_EXTRA_CA_CERTS", &ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("node is missing; see https://nodejs.org");
    let settings = json!({
        "key": tls.key_pem, "cert": tls.cert_pem, "thin": false,
        "client": {"id": "watchkeep", "secret": "the-client-secret", "redirect_uris": [callback], "logout": logout,
                   "auth": "client_secret_basic", "alg": "RS256"},
        "people": {"ada": ["ops"], "eve": []},
    });
    child.stdin.as_mut().unwrap().write_all(format!("{settings}\n").as_bytes()).await.unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("the provider says where it listens");
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let said: Value = serde_json::from_str(&line).unwrap();
    let issuer = said["issuer"].as_str().unwrap().to_owned();
    let mut changed = input.clone();
    changed["config"]["issuer"] = json!(issuer);
    changed.as_object_mut().unwrap().remove("secret");
    assert_eq!(site.put(&maria.who, &format!("/providers/{id}"), changed).await.status, 200);
    let test = site.post(&maria.who, &format!("/providers/{id}/test"), json!({})).await.json();
    assert_eq!(test["ok"], true, "{test:#}");

    let comes = async |browser: &mut Browser, who: &str| -> Answer {
        let gone = site.get(&Persona::Nobody, &format!("/providers/{id}/begin?to=/hosts")).await;
        let to = browser.sign_in(&issuer, gone.header("location"), who).await;
        let path = to.strip_prefix(&ours).unwrap_or_else(|| panic!("{to}"));
        let mut request = site.request(&Persona::Nobody, "get", path, None);
        let cookie = format!("__Host-away={}", gone.cookie("__Host-away"));
        request.headers_mut().insert("cookie", cookie.parse().unwrap());
        request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
        site.send(request).await
    };
    let new = || Browser { root_pem: tls.ca_pem.clone(), cookies: BTreeMap::new() };
    let mut browser = new();
    let back = comes(&mut browser, "ada").await;
    let scene = Scene {
        site,
        admin: maria.who.clone(),
        maria,
        oidc: Script::new(Kind::Oidc),
        ldap: Script::new(Kind::Ldap),
    };
    let next = scene.next(&back).await.json();
    let (who, _) = scene.enrols(&next["challenge"]).await;
    let me = scene.site.get(&who, "/me").await.json();
    assert_eq!((me["name"].as_str(), me["role"].as_str()), (Some("ada"), Some("operator")));
    // She signs out over there: her session here ends with it.
    let (_, page) = browser.ask(&format!("{issuer}/session/end"), None).await;
    let xsrf =
        page.split("name=\"xsrf\" value=\"").nth(1).expect(&page).split('"').next().unwrap().to_owned();
    browser.ask(&format!("{issuer}/session/end/confirm"), Some(&format!("xsrf={xsrf}&logout=yes"))).await;
    let began = std::time::Instant::now();
    while scene.site.get(&who, "/me").await.status == 200 {
        assert!(began.elapsed() < Duration::from_secs(30), "nobody told us");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    child.kill().await.unwrap();
    // The provider is down: that is said, and our own accounts open.
    let gone = scene.site.get(&Persona::Nobody, &format!("/providers/{id}/begin")).await;
    assert!(matches!(gone.status, 303), "{:?}", gone.body);
    let _: Timestamp = scene.site.rig.now();
    scene.site.rig.pass(Duration::from_secs(60)).await;
    let challenge = first_step(&scene.site, "maria", PASSWORD).await.json();
    assert_eq!(second_step(&scene.site, &challenge, &scene.maria.code(&scene.site)).await.status, 200);
    scene.site.end().await;
}
