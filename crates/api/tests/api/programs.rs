//! Programs with tokens: what one opens, what it never opens, and what ends it.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use wk_authz::Role;
use wk_domain::UserId;
use wk_engine::ports::ApiTokenStore as _;

use crate::site::*;

const DAY: Duration = Duration::from_secs(86_400);

fn input(role: &str) -> Value {
    json!({"name": "backup", "scopes": [{"role": role}]})
}

/// A token of the person behind `who`.
async fn token(site: &Site, who: &Persona, input: Value) -> (String, Persona) {
    let made = site.post(who, "/me/tokens", input).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    let made = made.json();
    let secret = made["secret"].as_str().unwrap().to_owned();
    (made["token"]["id"].as_str().unwrap().to_owned(), Persona::Bearer(secret))
}

fn said(answer: &Answer) -> (u16, Value) {
    let mut body = answer.json();
    body.as_object_mut().unwrap().remove("instance");
    (answer.status, body)
}

/// The one answer to tokens that are no good.
async fn nobody_there(site: &Site) -> (u16, Value) {
    let unknown = wk_identity::ApiToken::generate(wk_identity::ApiTokenForm::Personal).unwrap();
    let answer = site.get(&Persona::Bearer(unknown.text().expose().clone()), "/hosts").await;
    assert_eq!((answer.status, answer.header("www-authenticate")), (401, "Bearer"));
    said(&answer)
}

#[tokio::test]
async fn a_token_is_shown_once_and_does_what_its_scopes_say() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let (made, audit) = site.audited(site.post(&admin, "/me/tokens", input("viewer"))).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    let secret = made.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("wk_pat_") && secret.len() == 66);
    assert_eq!((audit.len(), audit[0].action.as_str()), (1, "token.create"));
    assert!(!audit[0].entry_json.contains(&secret[10..]), "the secret is in no log");
    let listed = site.get(&admin, "/me/tokens").await;
    assert!(!String::from_utf8_lossy(&listed.body).contains(&secret));
    let row = &listed.json()["items"][0];
    assert_eq!((&row["state"], &row["days_left"]), (&json!("live"), &json!(90)));
    assert_eq!(row["hint"].as_str().unwrap(), &secret[..11]);

    let program = Persona::Bearer(secret);
    assert_eq!(site.get(&program, "/hosts").await.status, 200);
    // Its owner may; the token is for looking.
    let denied = site.post(&program, "/hosts", json!({"name": "web-1"})).await;
    assert_eq!((denied.status, &denied.json()["type"]), (403, &json!("/problems/denied")));
    let after = site.get(&admin, "/me/tokens").await.json()["items"][0].clone();
    assert_eq!(after["last_address"], "127.0.0.1");
    assert!(after["last_used_at"].is_string());
    site.end().await;
}

#[tokio::test]
async fn a_token_never_has_more_than_its_owner_has_now() {
    let site = Site::new().await;
    let olga = site.person("olga", Role::Operator).await;
    let who = site.session_of(olga).await;
    // Asked for more than she has: it gets what she has.
    let (_, program) = token(&site, &who, input("admin")).await;
    assert_eq!(site.get(&program, "/system").await.status, 200);
    assert_eq!(site.get(&program, "/users").await.status, 403);
    assert_eq!(site.post(&program, "/hosts", json!({"name": "web-1"})).await.status, 403);
    let admin = site.as_admin().await;
    let role = json!({"role": "viewer", "reason": "moved on"});
    assert_eq!(site.post(&admin, &format!("/users/{olga}/role"), role).await.status, 204);
    assert_eq!(site.get(&program, "/system").await.status, 403, "within one request");
    assert_eq!(site.get(&program, "/hosts").await.status, 200);
    site.end().await;
}

#[tokio::test]
async fn a_revoked_token_and_one_of_a_disabled_owner_end_within_one_request() {
    let site = Site::new().await;
    let wrong = nobody_there(&site).await;
    let admin = site.as_admin().await;
    let olga = site.person("olga", Role::Operator).await;
    let who = site.session_of(olga).await;
    let (id, program) = token(&site, &who, input("viewer")).await;
    let (_, other) = token(&site, &who, input("viewer")).await;
    assert_eq!(site.get(&program, "/hosts").await.status, 200);
    let (done, audit) = site.audited(site.delete(&who, &format!("/me/tokens/{id}"))).await;
    assert_eq!((done.status, audit.len(), audit[0].action.as_str()), (204, 1, "token.revoke"));
    assert_eq!(said(&site.get(&program, "/hosts").await), wrong);
    assert_eq!(site.delete(&who, &format!("/me/tokens/{id}")).await.status, 409);

    let why = json!({"reason": "left the company"});
    assert_eq!(site.get(&other, "/hosts").await.status, 200);
    assert_eq!(site.post(&admin, &format!("/users/{olga}/disable"), why.clone()).await.status, 204);
    assert_eq!(said(&site.get(&other, "/hosts").await), wrong);
    assert_eq!(site.post(&admin, &format!("/users/{olga}/enable"), why).await.status, 204);
    assert_eq!(said(&site.get(&other, "/hosts").await), wrong, "an ended token stays ended");
    site.end().await;
}

#[tokio::test]
async fn a_stolen_token_opens_nothing_from_elsewhere_and_the_log_says_so() {
    let site = Site::new().await;
    let wrong = nobody_there(&site).await;
    let admin = site.as_admin().await;
    let from = |networks: Value| json!({"name": "ci", "scopes": [{"role": "viewer"}], "networks": networks});
    let (_, here) = token(&site, &admin, from(json!(["127.0.0.0/8", "2001:db8::/32"]))).await;
    let (id, elsewhere) = token(&site, &admin, from(json!(["192.0.2.0/24", "::1"]))).await;
    assert_eq!(site.get(&here, "/hosts").await.status, 200);
    let (refused, audit) = site.audited(site.get(&elsewhere, "/hosts")).await;
    assert_eq!(said(&refused), wrong);
    assert_eq!(
        (audit.len(), audit[0].action.as_str(), audit[0].outcome.as_str()),
        (1, "token.use", "denied")
    );
    assert!(audit[0].object == id && audit[0].entry_json.contains("may not be used from this address"));
    let (_, audit) = site.audited(site.get(&elsewhere, "/hosts")).await;
    assert!(audit.is_empty(), "a program in a loop does not fill the log");

    let refused = site.post(&admin, "/me/tokens", from(json!(["192.0.2.7/24"]))).await;
    let error = refused.json()["errors"][0].clone();
    assert_eq!((refused.status, &error["pointer"]), (422, &json!("/networks/0")));
    assert!(error["detail"].as_str().unwrap().contains("192.0.2.0/24"), "{error}");
    site.end().await;
}

#[tokio::test]
async fn a_rotated_token_works_beside_its_successor_for_as_long_as_was_said() {
    let site = Site::new().await;
    let olga = site.person("olga", Role::Viewer).await;
    let who = site.session_of(olga).await;
    let (id, old) = token(&site, &who, input("viewer")).await;
    let rotate = |hours: u32| json!({"overlap_hours": hours});
    let path = format!("/me/tokens/{id}/rotate");
    assert_eq!(site.post(&who, &path, rotate(169)).await.status, 422);
    let made = site.post(&who, &path, rotate(1)).await.json();
    assert!(made["token"]["old_secret_until"].is_string());
    let new = Persona::Bearer(made["secret"].as_str().unwrap().to_owned());
    assert_eq!((site.get(&old, "/hosts").await.status, site.get(&new, "/hosts").await.status), (200, 200));
    site.rig.clock.advance(Duration::from_secs(3600));
    assert_eq!((site.get(&old, "/hosts").await.status, site.get(&new, "/hosts").await.status), (401, 200));
    // At once, where it has leaked.
    let who = site.session_of(olga).await;
    let made = site.post(&who, &path, rotate(0)).await.json();
    let newest = Persona::Bearer(made["secret"].as_str().unwrap().to_owned());
    assert_eq!((site.get(&new, "/hosts").await.status, site.get(&newest, "/hosts").await.status), (401, 200));
    // And it ends by itself.
    site.rig.clock.advance(DAY * 90);
    assert_eq!(site.get(&newest, "/hosts").await.status, 401);
    let who = site.session_of(olga).await;
    let long = json!({"name": "x", "scopes": [{"role": "viewer"}], "days": 366});
    assert_eq!(site.post(&who, "/me/tokens", long).await.status, 422, "a year at most");
    site.end().await;
}

/// Sends a request with these headers.
async fn with(site: &Site, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/api/v1{path}"))
        .header("host", format!("localhost:{}", site.address.port()));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.header("content-type", "application/json");
    site.send(request.body(Full::new(if method == "GET" { "" } else { "{}" }.into())).unwrap()).await
}

#[tokio::test]
async fn a_token_comes_in_one_header_alone() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let Persona::Session(cookie) = &admin else { panic!() };
    let (_, Persona::Bearer(secret)) = token(&site, &admin, input("admin")).await else { panic!() };
    let bearer = format!("Bearer {secret}");
    let session = format!("__Host-sid={cookie}");
    assert_eq!(with(&site, "GET", "/hosts", &[("authorization", &bearer)]).await.status, 200);
    assert_eq!(
        with(&site, "GET", "/hosts", &[("authorization", &format!("bearer {secret}"))]).await.status,
        200
    );
    for headers in [
        &[("authorization", bearer.as_str()), ("cookie", session.as_str())][..],
        &[("authorization", &bearer), ("cookie", "theme=dark")],
        &[("authorization", &bearer), ("authorization", &bearer)],
    ] {
        assert_eq!(with(&site, "GET", "/hosts", headers).await.status, 400, "{}", headers.len());
    }
    // In the address it would be in logs and histories: no route has such a parameter.
    for query in [format!("access_token={secret}"), format!("token={secret}")] {
        assert_eq!(with(&site, "GET", &format!("/hosts?{query}"), &[]).await.status, 401);
        assert_eq!(with(&site, "GET", &format!("/hosts?{query}"), &[("cookie", &session)]).await.status, 400);
    }
    // A page of another site cannot send it for somebody.
    let evil = [
        ("authorization", bearer.as_str()),
        ("sec-fetch-site", "cross-site"),
        ("origin", "https://evil.example"),
    ];
    assert_eq!(with(&site, "POST", "/hosts", &evil).await.status, 403);
    // Whoever has the machine needs none, and does not get less by one.
    let request =
        Request::builder().uri("/api/v1/hosts").header("host", "local").header("authorization", &bearer);
    let local = site.open(request.body(Full::default()).unwrap(), true).await;
    assert_eq!(local.status().as_u16(), 400);
    site.end().await;
}

#[tokio::test]
async fn what_looks_like_a_jwt_is_no_token() {
    let site = Site::new().await;
    let wrong = nobody_there(&site).await;
    for text in [
        // alg none, with and without a dot at the end.
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9.",
        "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiJhZG1pbiIsInJvbGUiOiJhZG1pbiJ9",
        "eyJhbGciOiJOb05lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        // HS256 under an empty key, and one that names a key to be fetched.
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhZG1pbiJ9.Zm9yZ2VkLXNpZ25hdHVyZS1vZi0zMi1ieXRlcyEh",
        "eyJhbGciOiJSUzI1NiIsImprdSI6Imh0dHBzOi8vZXZpbC5leGFtcGxlL2p3a3MifQ.eyJzdWIiOiJhZG1pbiJ9.c2ln",
        "wk_pat_eyJhbGciOiJub25lIn0.e30.",
        "",
        "null",
        "undefined",
    ] {
        assert_eq!(said(&site.get(&Persona::Bearer(text.to_owned()), "/hosts").await), wrong, "{text}");
    }
    for scheme in ["Basic YWRtaW46YWRtaW4=", "Digest username=\"admin\"", "Bearer", "Negotiate YII="] {
        assert_eq!(with(&site, "GET", "/hosts", &[("authorization", scheme)]).await.status, 401, "{scheme}");
    }
    site.end().await;
}

/// Whatever the table lists that a stolen token must not be enough for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_signs_nobody_in_makes_no_tokens_and_has_no_fresh_factor() {
    let site = Site::limited(wk_api::Limits {
        session: wk_api::Budget { per_second: 1e6, burst: 1e6, open_max: 128 },
        ..wk_api::Limits::DEFAULT
    })
    .await;
    let admin = site.as_admin().await;
    let (_, program) = token(&site, &admin, input("admin")).await;
    let id = UserId::new(1, [1; 10]).to_string();
    let mut tried = 0;
    for route in site.table.iter().filter(|route| route.method != "get") {
        let path = route.path.replace("{id}", &id);
        let fresh = wk_authz::needs_fresh_factor(route.action);
        let own = route.action.starts_with("self.");
        if !(fresh || own || route.action == "public") {
            continue;
        }
        tried += 1;
        let answer = site.ask(&program, route.method, &path, Some(&json!({}))).await;
        // What may be asked for of another person is refused for its empty body, never done.
        let refused = match answer.status {
            403 => true,
            400 | 404 | 409 | 422 => !own && route.action != "public",
            _ => false,
        };
        assert!(refused, "{} {}: {} {:?}", route.method, route.path, answer.status, answer.body);
    }
    assert!(tried > 20, "{tried}");
    let refused = site.post(&program, &format!("/users/{id}/disable"), json!({"reason": "x"})).await;
    assert_eq!((refused.status, &refused.json()["type"]), (403, &json!("/problems/not-by-token")));
    let refused = site.post(&program, "/me/tokens", input("viewer")).await;
    assert_eq!(refused.status, 403);
    assert_eq!(site.rig.store.api_tokens(None).await.unwrap().len(), 1);
    site.end().await;
}

#[tokio::test]
async fn whoever_brings_wrong_tokens_waits_and_keeps_nobody_else_out() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let (_, program) = token(&site, &admin, input("viewer")).await;
    assert_eq!(site.get(&program, "/hosts").await.status, 200);
    let mut waits = 0;
    for _ in 0..40 {
        let unknown = wk_identity::ApiToken::generate(wk_identity::ApiTokenForm::Service).unwrap();
        let answer = site.get(&Persona::Bearer(unknown.text().expose().clone()), "/hosts").await;
        assert!(answer.status == 401 || answer.status == 429, "{}", answer.status);
        waits += usize::from(answer.status == 429);
    }
    assert!((15..=25).contains(&waits), "{waits} of 40 had to wait");
    assert_eq!(site.get(&program, "/hosts").await.status, 200, "a good one from the same address goes on");
    assert_eq!(site.get(&admin, "/hosts").await.status, 200);
    site.end().await;
}

#[tokio::test]
async fn a_token_has_a_budget_of_its_own() {
    let tight = wk_api::Budget { per_second: 0.01, burst: 5.0, open_max: 8 };
    let site = Site::limited(wk_api::Limits { session: tight, ..wk_api::Limits::DEFAULT }).await;
    let olga = site.person("olga", Role::Viewer).await;
    let (_, one) = token(&site, &site.session_of(olga).await, input("viewer")).await;
    let (_, other) = token(&site, &site.session_of(olga).await, input("viewer")).await;
    let mut shed = 0;
    for _ in 0..12 {
        shed += usize::from(site.get(&one, "/hosts").await.status == 429);
    }
    assert!(shed >= 5, "{shed}");
    assert_eq!(site.get(&other, "/hosts").await.status, 200, "its neighbour goes on");
    site.end().await;
}

#[tokio::test]
async fn a_service_account_is_somebodys_and_signs_in_nowhere() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    site.person("olga", Role::Operator).await;
    let new = |name: &str, owner: &str, purpose: &str| json!({"name": name, "role": "operator", "owner": owner, "purpose": purpose});
    for (bad, pointer) in [
        (new("ci", "olga", " "), "/purpose"),
        (new("ci", "nobody", "builds"), "/owner"),
        (json!({"name": "ci", "role": "root", "owner": "olga", "purpose": "builds"}), "/role"),
    ] {
        let refused = site.post(&admin, "/service-accounts", bad).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!(pointer)));
    }
    let (made, audit) =
        site.audited(site.post(&admin, "/service-accounts", new("ci", "olga", "builds"))).await;
    assert_eq!(made.status, 200, "{:?}", made.body);
    assert_eq!((audit.len(), audit[0].action.as_str()), (1, "service.create"));
    let made = made.json();
    assert_eq!((&made["owner"]["name"], &made["owner_living"]), (&json!("olga"), &json!(true)));
    let id = made["id"].as_str().unwrap().to_owned();

    let answer = site.post(&admin, &format!("/service-accounts/{id}/tokens"), input("operator")).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    let secret = answer.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("wk_svc_"));
    let program = Persona::Bearer(secret);
    assert_eq!(site.get(&program, "/system").await.status, 200);

    // No password opens it, and no link can give it one.
    let first = crate::signing::first_step(&site, "ci", crate::signing::PASSWORD).await;
    assert_eq!(first.status, 401);
    let reset = site.post(&admin, &format!("/users/{id}/reset"), json!({"reason": "x"})).await;
    assert_eq!(reset.status, 409, "{:?}", reset.body);
    // It is not the administrator that must be left over.
    let why = json!({"reason": "not needed"});
    assert_eq!(site.post(&admin, &format!("/users/{id}/disable"), why).await.status, 204);
    assert_eq!(site.get(&program, "/system").await.status, 401);
    let listed = site.get(&admin, "/service-accounts").await.json();
    assert_eq!(
        (&listed["items"][0]["disabled"], &listed["items"][0]["live_tokens"]),
        (&json!(true), &json!(0))
    );
    // The next owner answers for it from now on.
    let edit =
        json!({"owner": "admin", "purpose": "builds", "review_days": 30, "revision": made["revision"]});
    let changed = site.put(&admin, &format!("/service-accounts/{id}"), edit.clone()).await;
    assert_eq!((changed.status, &changed.json()["owner"]["name"]), (200, &json!("admin")));
    assert_eq!(
        site.put(&admin, &format!("/service-accounts/{id}"), edit).await.status,
        409,
        "somebody was faster"
    );
    site.end().await;
}

#[tokio::test]
async fn one_persons_tokens_are_nobody_elses() {
    let site = Site::new().await;
    let olga = site.session_of(site.person("olga", Role::Operator).await).await;
    let (id, _) = token(&site, &olga, input("viewer")).await;
    let viewer = site.as_viewer().await;
    assert_eq!(site.get(&viewer, "/me/tokens").await.json()["items"], json!([]));
    assert_eq!(site.delete(&viewer, &format!("/me/tokens/{id}")).await.status, 404);
    let rotate = json!({"overlap_hours": 1});
    assert_eq!(site.post(&viewer, &format!("/me/tokens/{id}/rotate"), rotate.clone()).await.status, 404);
    assert_eq!(site.get(&viewer, "/api-tokens").await.status, 403);
    let admin = site.as_admin().await;
    assert_eq!(site.get(&admin, "/api-tokens").await.json()["items"][0]["owner"]["name"], "olga");
    // Not even an administrator gets a secret by which he would be her.
    assert_eq!(site.post(&admin, &format!("/api-tokens/{id}/rotate"), rotate).await.status, 409);
    assert_eq!(site.delete(&admin, &format!("/api-tokens/{id}")).await.status, 204);
    site.end().await;
}
