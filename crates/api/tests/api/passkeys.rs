//! Passkeys through the API: every way in, what is refused, and what happens to the last factor.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use serde_json::{Value, json};
use wk_authz::Role;
use wk_domain::UserId;
use wk_engine::ports::rows::{AuditRow, EndSessions, EventFilter, Page, UserChange, UserRow};
use wk_engine::ports::store::StoreError;
use wk_engine::ports::{PasskeyStore, Store};

use crate::signing::{Claimed, PASSWORD, claimed, first_step};
use crate::site::*;
use crate::soft::{GOOD, Scene, Soft, text};

/// The page that a browser has open.
fn origin(site: &Site) -> String {
    format!("https://localhost:{}", site.address.port())
}

fn scene(site: &Site, kind: &str, asked: &Value) -> Scene {
    Scene::new(kind, asked["rp_id"].as_str().unwrap(), &origin(site), asked["challenge"].as_str().unwrap())
}

fn made(soft: &Soft, scene: &Scene) -> Value {
    let (client, object) = soft.create(scene);
    json!({"client_data": text(&client), "attestation": text(&object), "transports": ["internal"]})
}

fn signed(soft: &Soft, owner: Option<UserId>, parts: (Vec<u8>, Vec<u8>, Vec<u8>)) -> Value {
    let (client, data, signature) = parts;
    json!({
        "id": text(&soft.id),
        "client_data": text(&client),
        "authenticator_data": text(&data),
        "signature": text(&signature),
        "user_handle": owner.map(|owner| text(owner.uuid().as_bytes())),
    })
}

async fn id_of(site: &Site, name: &str) -> UserId {
    site.rig.store.user_by_name(name).await.unwrap().unwrap().id
}

/// Registers a passkey in a session that has just given a factor; the session goes on.
pub(crate) async fn register(site: &Site, who: &Persona, soft: &Soft) -> Answer {
    let asked = site.post(who, "/me/passkeys/begin", json!({})).await;
    assert_eq!(asked.status, 200, "{:?}", asked.body);
    let body = json!({"name": "Laptop", "passkey": made(soft, &scene(site, "create", &asked.json()))});
    site.post(who, "/me/passkeys", body).await
}

async fn with_passkey() -> (Site, Claimed, Soft) {
    let (site, maria) = claimed().await;
    let soft = Soft::p256();
    let done = register(&site, &maria.who, &soft).await;
    assert_eq!((done.status, &done.json()["passkeys"]), (200, &json!(1)), "{:?}", done.body);
    (site, maria, soft)
}

pub(crate) async fn passwordless(site: &Site, soft: &mut Soft, owner: Option<UserId>) -> Answer {
    let asked = site.post(&site.as_nobody(), "/session/passkey/begin", json!({})).await.json();
    assert_eq!(asked["allow"], json!([]), "it names nobody's passkeys");
    let parts = soft.get(&scene(site, "get", &asked));
    site.post(&site.as_nobody(), "/session/passkey", json!({"passkey": signed(soft, owner, parts)})).await
}

fn actions(audit: &[AuditRow]) -> Vec<(&str, &str)> {
    audit.iter().map(|row| (row.action.as_str(), row.outcome.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_claimed_with_a_passkey_instead_of_an_application() {
    let site = Site::unclaimed().await;
    let nobody = site.as_nobody();
    let link = site.desk.open_claim(&site.rig.engine, "https://127.0.0.1:8443").await.unwrap();
    let token = link.expose().split('#').nth(1).unwrap().to_owned();
    let begin = json!({"token": token, "name": "maria", "password": PASSWORD});
    let setup = site.post(&nobody, "/claim/begin", begin).await.json();
    let mut soft = Soft::p256();
    let elsewhere = Scene::new("create", "localhost", &origin(&site), &URL_SAFE_NO_PAD.encode([7; 32]));
    let finish = |passkey: Value| json!({"token": token, "passkey": {"name": "Key", "passkey": passkey}});
    let refused = site.post(&nobody, "/claim/finish", finish(made(&soft, &elsewhere))).await;
    assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!("/passkey")));
    let good = made(&soft, &scene(&site, "create", &setup["passkey"]));
    let done = site.post(&nobody, "/claim/finish", finish(good)).await;
    assert_eq!(done.status, 200, "{:?}", done.body);
    assert_eq!(done.json()["recovery_codes"].as_array().unwrap().len(), 10);
    let maria = id_of(&site, "maria").await;
    let inside = passwordless(&site, &mut soft, Some(maria)).await;
    assert_eq!((inside.status, &inside.json()["name"]), (200, &json!("maria")), "{:?}", inside.body);
    let offer = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(offer["factors"], json!(["passkey", "recovery"]), "no application, so no code of one");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_opens_an_account_alone_after_the_password_and_for_dangerous_acts() {
    let (site, maria, mut soft) = with_passkey().await;
    let owner = id_of(&site, "maria").await;
    let (alone, audit) = site.audited(passwordless(&site, &mut soft, Some(owner))).await;
    assert_eq!((alone.status, actions(&audit)), (200, vec![("session.open", "success")]));
    assert!(alone.cookie_line("__Host-sid").contains("; Secure; HttpOnly; SameSite=Strict"));
    assert!(!alone.cookie("__Host-dev").is_empty(), "the browser is known from now on");

    let offer = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(offer["factors"], json!(["passkey", "totp", "recovery"]), "best first");
    assert_eq!(offer["passkey"]["allow"][0]["id"], text(&soft.id));
    let parts = soft.get(&scene(&site, "get", &offer["passkey"]));
    let body = json!({"challenge": offer["challenge"], "passkey": signed(&soft, Some(owner), parts)});
    let second = site.post(&site.as_nobody(), "/session/factor", body.clone()).await;
    assert_eq!(second.status, 200, "{:?}", second.body);
    let who = Persona::Session(second.session());
    let sessions = site.get(&who, "/me/sessions").await.json();
    let methods: Vec<_> = sessions["items"].as_array().unwrap().iter().map(|s| s["method"].clone()).collect();
    assert!(
        methods.contains(&json!("passkey")) && methods.contains(&json!("password+passkey")),
        "{methods:?}"
    );
    assert_eq!(site.post(&site.as_nobody(), "/session/factor", body).await.status, 401, "once");

    site.rig.clock.advance(Duration::from_secs(10 * 60));
    let olga = site.person("olga", Role::Viewer).await;
    let (disable, why) = (format!("/users/{olga}/disable"), json!({"reason": "left"}));
    assert_eq!(site.post(&who, &disable, why.clone()).await.json()["type"], "/problems/elevate");
    let asked = site.post(&who, "/me/elevate/begin", json!({})).await.json();
    let parts = soft.get(&scene(&site, "get", &asked));
    let body = json!({"passkey": signed(&soft, None, parts)});
    let risen = site.post(&who, "/me/elevate", body.clone()).await;
    assert_eq!(risen.status, 200, "{:?}", risen.body);
    let fresh = Persona::Session(risen.session());
    assert_eq!(site.get(&who, "/me").await.status, 401, "under another token");
    assert_eq!(site.post(&fresh, "/me/elevate", body).await.status, 422, "a challenge is answered once");
    assert_eq!(site.post(&fresh, &disable, why).await.status, 204);

    let lowered = site.delete(&fresh, "/me/elevate").await;
    assert_eq!((lowered.status, &lowered.json()["fresh_until"]), (200, &Value::Null));
    let low = Persona::Session(lowered.session());
    assert_eq!(site.get(&fresh, "/me").await.status, 401);
    let enable = site.post(&low, &format!("/users/{olga}/enable"), json!({"reason": "back"})).await;
    assert_eq!(enable.json()["type"], "/problems/elevate", "the ten minutes were ended early");
    drop(maria);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_elsewhere_for_something_else_or_by_somebody_else_opens_nothing() {
    let (site, _maria, mut soft) = with_passkey().await;
    let owner = id_of(&site, "maria").await;
    let nobody = site.as_nobody();
    let begin = async || site.post(&nobody, "/session/passkey/begin", json!({})).await.json();
    let send = async |soft: &Soft, owner, scene: &Scene| {
        let body = json!({"passkey": signed(soft, owner, soft.sign(scene))});
        site.post(&nobody, "/session/passkey", body).await
    };
    soft.count = 5;
    type Twist = fn(&mut Scene);
    let twists: [(&str, Twist); 8] = [
        ("another site", |s| s.origin = "https://evil.example".to_owned()),
        ("another program of this machine", |s| s.origin = "https://localhost:1".to_owned()),
        ("another name", |s| s.rp_id = "example".to_owned()),
        ("nobody checked", |s| s.flags = GOOD & !4),
        ("nobody there", |s| s.flags = GOOD & !1),
        ("in a frame", |s| s.more = r#","crossOrigin":true"#.to_owned()),
        ("made, not used", |s| s.kind = "webauthn.create".to_owned()),
        ("no challenge of ours", |s| s.challenge = URL_SAFE_NO_PAD.encode([7; 32])),
    ];
    for (what, twist) in twists {
        let mut odd = scene(&site, "get", &begin().await);
        twist(&mut odd);
        let answer = send(&soft, Some(owner), &odd).await;
        assert_eq!((answer.status, answer.header("set-cookie")), (401, ""), "{what}");
    }
    let stranger = Soft { id: soft.id.clone(), count: 6, ..Soft::p256() };
    let good = scene(&site, "get", &begin().await);
    for (who, claims, what) in [
        (&stranger, Some(owner), "a stranger's key under a known id"),
        (&Soft::p256(), Some(owner), "a key nobody knows"),
        (&soft, None, "a key that does not say whose it is"),
        (&soft, Some(site.person("olga", Role::Viewer).await), "a key that says it is somebody else's"),
    ] {
        assert_eq!(send(who, claims, &good).await.status, 401, "{what}");
    }
    // A second-step challenge of one sign-in is worth nothing in another, nor without a password, nor in a session.
    let (one, two) = (
        first_step(&site, "maria", PASSWORD).await.json(),
        first_step(&site, "maria", PASSWORD).await.json(),
    );
    let parts = soft.sign(&scene(&site, "get", &one["passkey"]));
    let crossed =
        json!({"challenge": two["challenge"], "passkey": signed(&soft, Some(owner), parts.clone())});
    assert_eq!(site.post(&nobody, "/session/factor", crossed).await.status, 401);
    let alone = json!({"passkey": signed(&soft, Some(owner), parts)});
    assert_eq!(site.post(&nobody, "/session/passkey", alone).await.status, 401);
    let late = scene(&site, "get", &begin().await);
    site.rig.clock.advance(Duration::from_secs(5 * 60));
    assert_eq!(send(&soft, Some(owner), &late).await.status, 401, "five minutes, no more");
    let good = scene(&site, "get", &begin().await);
    assert_eq!(send(&soft, Some(owner), &good).await.status, 200, "and after all that the owner comes in");
    assert_eq!(send(&soft, Some(owner), &good).await.status, 401, "but nobody who has listened");
    let huge = json!({"passkey": {"id": "A".repeat(3000), "client_data": "e30", "authenticator_data": "", "signature": ""}});
    assert!([401, 422].contains(&site.post(&nobody, "/session/passkey", huge).await.status));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copied_passkey_is_refused_and_everybody_hears_of_it() {
    let (site, _maria, mut soft) = with_passkey().await;
    let owner = id_of(&site, "maria").await;
    soft.count = 9;
    assert_eq!(passwordless(&site, &mut soft, Some(owner)).await.status, 200);
    soft.count = 4;
    let (copy, audit) = site.audited(passwordless(&site, &mut soft, Some(owner))).await;
    assert_eq!((copy.status, actions(&audit)[0]), (401, ("passkey.copied", "denied")));
    let scope = wk_engine::ports::tenants::TenantScope::whole();
    let page = Page { limit: 10, after: None };
    let events = site.rig.store.events(&scope, EventFilter::default(), page).await.unwrap();
    assert!(
        events.iter().any(|e| e.kind == "security" && e.summary.contains("there is a copy")),
        "{events:?}"
    );
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_uses_of_one_code_at_the_same_time_open_one_session() {
    let (site, maria) = claimed().await;
    site.rig.clock.advance(Duration::from_secs(60));
    let code = maria.code(&site);
    let mut steps = Vec::new();
    for _ in 0..6 {
        steps.push(first_step(&site, "maria", PASSWORD).await.json());
    }
    let nobody = site.as_nobody();
    let tries = steps.iter().take(3).map(|step| {
        site.post(&nobody, "/session/factor", json!({"challenge": step["challenge"], "code": code}))
    });
    let answers = futures_util::future::join_all(tries).await;
    let opened = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(opened, 1, "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bare_address_has_no_passkeys_and_says_how_to_mend_it() {
    let (site, maria) = claimed().await;
    let Persona::Session(token) = &maria.who else { panic!() };
    let request = |host: String| {
        Request::builder()
            .method("POST")
            .uri("/api/v1/me/passkeys/begin")
            .header("host", host)
            .header("cookie", format!("__Host-sid={token}"))
            .body(http_body_util::Full::default())
            .unwrap()
    };
    let port = site.address.port();
    for (host, says) in [
        (format!("127.0.0.1:{port}"), "under a bare address"),
        ("localhost:1".to_owned(), "add the address to `origins`"),
    ] {
        let answer = site.send(request(host)).await;
        assert_eq!(answer.status, 409);
        assert!(answer.json()["detail"].as_str().unwrap().contains(says), "{:?}", answer.body);
    }
    let named = site.send(request(format!("watch.acme.example:{port}"))).await;
    assert_eq!((named.status, &named.json()["rp_id"]), (200, &json!("watch.acme.example")));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passkeys_are_named_counted_and_removed_and_another_names_are_not_there() {
    let (site, maria, soft) = with_passkey().await;
    let twice = register(&site, &maria.who, &soft).await;
    assert_eq!(twice.status, 409, "the same one twice");
    let other = Soft::ed25519();
    assert_eq!(register(&site, &maria.who, &other).await.status, 200);
    let listed = site.get(&maria.who, "/me/passkeys").await.json();
    let (one, here) =
        (listed["items"][0]["id"].as_str().unwrap().to_owned(), listed["items"][0]["works_here"].clone());
    assert_eq!((listed["items"].as_array().unwrap().len(), here), (2, json!(true)));
    assert!(
        !String::from_utf8_lossy(&site.get(&maria.who, "/me/passkeys").await.body).contains("public_key")
    );
    let renamed =
        site.put(&maria.who, &format!("/me/passkeys/{one}"), json!({"name": "  Blue\u{7} key "})).await;
    assert_eq!(renamed.status, 204);
    let listed = site.get(&maria.who, "/me/passkeys").await.json();
    assert!(listed["items"][0]["name"].as_str().unwrap().starts_with("Blue"));
    let olga = site.person("olga", Role::Admin).await;
    let hers = site.session_of(olga).await;
    for answer in [
        site.put(&hers, &format!("/me/passkeys/{one}"), json!({"name": "mine"})).await,
        site.delete(&hers, &format!("/me/passkeys/{one}")).await,
    ] {
        assert_eq!(answer.status, 404, "another's");
    }
    assert_eq!(site.delete(&maria.who, &format!("/me/passkeys/{one}")).await.status, 204);
    assert_eq!(site.get(&maria.who, "/me/factors").await.json()["passkeys"], 1);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_factor_goes_after_a_day_in_which_anybody_can_stop_it() {
    let (site, maria) = claimed().await;
    let ask = async || site.delete(&maria.who, "/me/totp").await.status;
    let (asked, audit) = site.audited(ask()).await;
    assert_eq!((asked, actions(&audit)), (204, vec![("user.ask_factor_removal", "success")]));
    assert_eq!(ask().await, 409, "once");
    let factors = site.get(&maria.who, "/me/factors").await.json();
    assert_eq!(
        (&factors["totp"], &factors["removal"]["factor"]),
        (&json!(true), &json!("totp")),
        "still there"
    );
    // Another administrator sees it, and stops it.
    let olga = site.person("olga", Role::Admin).await;
    let hers = site.session_of(olga).await;
    let owner = id_of(&site, "maria").await;
    assert_eq!(site.get(&hers, "/factor-removals").await.json()["items"][0]["user_name"], "maria");
    assert_eq!(site.delete(&hers, &format!("/users/{owner}/factor-removal")).await.status, 204);
    assert_eq!(site.get(&maria.who, "/me/factors").await.json()["removal"], Value::Null);
    // The owner stops it, too.
    assert_eq!(ask().await, 204);
    assert_eq!(site.delete(&maria.who, "/me/factor-removal").await.status, 204);
    // Nobody stops it: after a day the account has no factor and can do nothing but enrol one.
    assert_eq!(ask().await, 204);
    site.rig.clock.advance(Duration::from_secs(24 * 60 * 60));
    let offer = first_step(&site, "maria", PASSWORD).await.json();
    assert_eq!(offer["factors"], json!(["enrol"]));
    let body = json!({"challenge": offer["challenge"], "code": maria.recovery[0]});
    assert_eq!(
        site.post(&site.as_nobody(), "/session/factor", body).await.status,
        401,
        "its codes went with it"
    );
    let inside =
        site.post(&site.as_nobody(), "/session/enrol", json!({"challenge": offer["challenge"]})).await;
    assert_eq!(inside.status, 200, "{:?}", inside.body);
    let bare = Persona::Session(inside.session());
    assert_eq!(site.get(&bare, "/me/factors").await.json()["must_enrol"], true);
    for path in ["/hosts", "/users", "/overview", "/system", "/audit"] {
        let refused = site.get(&bare, path).await;
        assert_eq!((refused.status, &refused.json()["type"]), (403, &json!("/problems/enrol")), "{path}");
    }
    let soft = Soft::p256();
    let done = register(&site, &bare, &soft).await;
    assert_eq!((done.status, &done.json()["must_enrol"]), (200, &json!(false)), "{:?}", done.body);
    let whole = Persona::Session(done.session());
    assert_eq!(site.get(&whole, "/users").await.status, 200);
    assert_eq!(site.get(&bare, "/me").await.status, 401, "under another token");
    let late = site.post(&site.as_nobody(), "/session/enrol", json!({"challenge": offer["challenge"]})).await;
    assert_eq!(late.status, 401, "once");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_seed_put_back_into_the_database_does_not_open() {
    let (site, maria) = claimed().await;
    let old = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let setup = site.post(&maria.who, "/me/totp/begin", json!({})).await.json();
    let new = crate::signing::totp(setup["secret"].as_str().unwrap());
    let code = new.code_at(wk_identity::Totp::step_of(site.rig.now())).expose().clone();
    assert_eq!(site.post(&maria.who, "/me/totp/finish", json!({"code": code})).await.status, 200);
    let now = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    assert!(now.totp_revision > old.totp_revision);
    let forged = wk_engine::ports::rows::UserRow { totp_sealed: old.totp_sealed, ..now };
    let audit = wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "test", "user", "maria");
    site.rig.store.update_user(forged, audit).await.unwrap();
    site.rig.clock.advance(Duration::from_secs(60));
    let offer = first_step(&site, "maria", PASSWORD).await.json();
    let body = json!({"challenge": offer["challenge"], "code": maria.code(&site)});
    let refused = site.post(&site.as_nobody(), "/session/factor", body).await;
    assert_eq!(refused.status, 500, "{:?}", refused.body);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_that_this_server_did_not_write_is_not_taken() {
    let (site, _maria, mut soft) = with_passkey().await;
    let olga = site.person("olga", Role::Admin).await;
    let mut row = site.rig.store.passkey_by_credential(&soft.id).await.unwrap().unwrap();
    let thief = Soft::p256();
    (row.id, row.user, row.credential, row.public_key) =
        (wk_engine::ids::new_id(site.rig.now()), olga, thief.id.clone(), thief.cose());
    let audit = wk_engine::record::draft(&wk_authz::Actor::system(), site.rig.now(), "test", "user", "olga");
    site.rig.store.add_passkey(row, None, vec![audit]).await.unwrap();
    let mut thief = thief;
    assert_eq!(passwordless(&site, &mut thief, Some(olga)).await.status, 401);
    let maria = id_of(&site, "maria").await;
    assert_eq!(passwordless(&site, &mut soft, Some(maria)).await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_whose_day_has_come_opens_nothing() {
    let (site, maria, mut soft) = with_passkey().await;
    let owner = id_of(&site, "maria").await;
    assert_eq!(site.delete(&maria.who, "/me/totp").await.status, 204);
    let key = site.rig.store.passkeys(owner).await.unwrap()[0].id;
    assert_eq!(site.delete(&maria.who, &format!("/me/passkeys/{key}")).await.status, 204);
    let today = passwordless(&site, &mut soft, Some(owner)).await;
    assert_eq!(today.status, 200, "it is asked for, and not done");
    site.rig.clock.advance(Duration::from_secs(24 * 60 * 60));
    assert_eq!(passwordless(&site, &mut soft, Some(owner)).await.status, 401);
    assert_eq!(site.rig.store.passkeys(owner).await.unwrap(), []);
    site.end().await;
}

/// Each request has seen that another factor is there; the store sees them one after the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_factors_removed_at_the_same_time_one_stays() {
    let (site, maria, soft) = with_passkey().await;
    let owner = id_of(&site, "maria").await;
    let (store, now) = (&site.rig.store, site.rig.now());
    let said = || wk_engine::record::draft(&wk_authz::Actor::system(), now, "test", "user", "maria");
    let end = || EndSessions { keep: None, at: now };
    let seen = store.user(owner).await.unwrap().unwrap();
    let key = store.passkeys(owner).await.unwrap()[0].id;
    store.delete_passkey(owner, key, end(), vec![said()]).await.unwrap();
    let without = UserChange::of(UserRow { totp_sealed: Vec::new(), ..seen });
    let second = store.change_user(without, vec![said()]).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert!(!store.user(owner).await.unwrap().unwrap().totp_sealed.is_empty());

    let who = site.session_of(owner).await;
    assert_eq!(register(&site, &who, &soft).await.status, 200);
    assert_eq!(register(&site, &who, &Soft::ed25519()).await.status, 200);
    assert_eq!(site.delete(&who, "/me/totp").await.status, 204);
    let keys = store.passkeys(owner).await.unwrap();
    store.delete_passkey(owner, keys[0].id, end(), vec![said()]).await.unwrap();
    let second = store.delete_passkey(owner, keys[1].id, end(), vec![said()]).await;
    assert!(matches!(second, Err(StoreError::Conflict { .. })), "{second:?}");
    assert_eq!(store.passkeys(owner).await.unwrap().len(), 1);
    drop(maria);
    site.end().await;
}

/// A thief in a session can change what its owner signs in with, but not unseen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_hears_of_a_changed_factor() {
    let (site, maria, _soft) = with_passkey().await;
    assert_eq!(site.post(&maria.who, "/me/recovery-codes", json!({})).await.status, 200);
    assert_eq!(site.delete(&maria.who, "/me/totp").await.status, 204);
    assert_eq!(register(&site, &maria.who, &Soft::ed25519()).await.status, 200);
    let key =
        site.get(&maria.who, "/me/passkeys").await.json()["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(site.delete(&maria.who, &format!("/me/passkeys/{key}")).await.status, 204);
    let scope = wk_engine::ports::tenants::TenantScope::whole();
    let page = Page { limit: 20, after: None };
    let events = site.rig.store.events(&scope, EventFilter::default(), page).await.unwrap();
    for told in [
        "maria has another passkey now, `Laptop`",
        "maria has other recovery codes now",
        "maria has no authenticator any more",
        "maria has no passkey `Laptop` any more",
    ] {
        assert!(
            events.iter().any(|e| e.kind == "security" && e.summary.starts_with(told)),
            "{told}: {events:?}"
        );
    }
    site.end().await;
}

/// Or anybody could fill the audit log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_brings_nonsense_is_sent_away_and_known_browsers_beside_it_are_not() {
    let (site, maria, mut soft) = with_passkey().await;
    let owner = id_of(&site, "maria").await;
    let nobody = site.as_nobody();
    let nonsense =
        json!({"passkey": {"id": "AAAA", "client_data": "e30", "authenticator_data": "", "signature": ""}});
    let tries = async {
        let mut statuses = Vec::new();
        for _ in 0..25 {
            statuses.push(site.post(&nobody, "/session/passkey", nonsense.clone()).await.status);
        }
        statuses
    };
    let (statuses, audit) = site.audited(tries).await;
    assert_eq!((&statuses[..20], &statuses[20..]), (&[401; 20][..], &[429; 5][..]));
    assert_eq!(audit.len(), 20);
    assert_eq!(passwordless(&site, &mut soft, Some(owner)).await.status, 429);
    let asked = site.post(&nobody, "/session/passkey/begin", json!({})).await.json();
    let parts = soft.get(&scene(&site, "get", &asked));
    let body = json!({"passkey": signed(&soft, Some(owner), parts)});
    let mut request = site.request(&nobody, "post", "/api/v1/session/passkey", Some(&body));
    request.headers_mut().insert("cookie", format!("__Host-dev={}", maria.device).parse().unwrap());
    assert_eq!(site.send(request).await.status, 200);
    site.end().await;
}
