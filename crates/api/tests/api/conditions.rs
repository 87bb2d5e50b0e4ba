//! What acts of administrators ask for beside the right to do them.

use serde_json::{Value, json};
use wk_authz::Role;

use crate::signing::claimed;
use crate::site::*;
use crate::soft::{Scene, Soft, text};

async fn disable(site: &Site, who: &Persona, name: &str) -> Answer {
    let id = site.person(name, Role::Viewer).await;
    site.post(who, &format!("/users/{id}/disable"), json!({"reason": "left"})).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn administration_from_a_wrong_network_is_refused_and_the_local_socket_is_the_way_back() {
    let (site, maria) = claimed().await;
    assert_eq!(disable(&site, &maria.who, "a").await.status, 204);
    let shown = site.get(&maria.who, "/admin-conditions").await.json();
    assert_eq!((&shown["address"], &shown["unmet"]), (&json!("127.0.0.1"), &Value::Null));
    assert_eq!(shown["seen_networks"], json!(["127.0.0.0/24"]), "what is proposed");
    let out = site.put(&maria.who, "/admin-conditions", json!({"networks": ["192.0.2.0/24"]})).await;
    assert_eq!(out.status, 409);
    assert!(out.json()["detail"].as_str().unwrap().contains("would lock you out"), "{:?}", out.body);
    for (bad, pointer) in [
        (json!({"networks": ["0.0.0.0/0"]}), "/networks/0"),
        (json!({"networks": ["127.0.0.1/8"]}), "/networks/0"),
        (json!({"actions": ["host.shell"]}), "/actions/0"),
    ] {
        let refused = site.put(&maria.who, "/admin-conditions", bad).await;
        assert_eq!((refused.status, &refused.json()["errors"][0]["pointer"]), (422, &json!(pointer)));
    }
    let set =
        site.put(&maria.who, "/admin-conditions", json!({"networks": ["127.0.0.0/8", "::1/128"]})).await;
    assert_eq!(set.status, 200, "{:?}", set.body);
    assert_eq!(disable(&site, &maria.who, "b").await.status, 204, "from inside");
    // The local socket is never asked, and may set what would lock everybody else out.
    let local = site.as_local();
    assert_eq!(
        site.put(&local, "/admin-conditions", json!({"networks": ["192.0.2.0/24"]})).await.status,
        200
    );
    let (refused, audit) = site.audited(disable(&site, &maria.who, "c")).await;
    assert_eq!((refused.status, &refused.json()["type"]), (403, &json!("/problems/condition")));
    assert!(refused.json()["detail"].as_str().unwrap().contains("127.0.0.1"));
    assert!(audit.iter().any(|row| (row.action.as_str(), row.outcome.as_str()) == ("user.write", "denied")));
    assert_eq!(site.get(&maria.who, "/hosts").await.status, 200, "what is no administration goes on");
    assert!(site.get(&maria.who, "/admin-conditions").await.json()["unmet"].is_string());
    assert_eq!(site.put(&local, "/admin-conditions", json!({})).await.status, 200);
    assert_eq!(disable(&site, &maria.who, "d").await.status, 204);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_enrolled_by_a_passkey_and_its_cookie_is_asked_for() {
    let (site, maria) = claimed().await;
    let origin = format!("https://localhost:{}", site.address.port());
    let scene = |kind: &str, asked: &Value| {
        Scene::new(kind, "localhost", &origin, asked["challenge"].as_str().unwrap())
    };
    let mut soft = Soft::p256();
    let out = site.put(&maria.who, "/admin-conditions", json!({"device": true})).await;
    assert_eq!(out.status, 409, "she would lock herself out");
    let asked = site.post(&maria.who, "/me/passkeys/begin", json!({})).await.json();
    let (client, object) = soft.create(&scene("create", &asked));
    let made = json!({"client_data": text(&client), "attestation": text(&object)});
    let added = site.post(&maria.who, "/me/passkeys", json!({"name": "Key", "passkey": made})).await;
    assert_eq!(added.status, 200, "{:?}", added.body);
    let asked = site.post(&maria.who, "/me/elevate/begin", json!({})).await.json();
    let (client, data, signature) = soft.get(&scene("get", &asked));
    let used = json!({"id": text(&soft.id), "client_data": text(&client), "authenticator_data": text(&data),
        "signature": text(&signature)});
    let enrolled = site.post(&maria.who, "/me/devices", json!({"name": "Desk", "passkey": used})).await;
    assert_eq!(enrolled.status, 200, "{:?}", enrolled.body);
    let line = enrolled.cookie_line("__Host-adm");
    for guard in ["; Secure", "; HttpOnly", "; SameSite=Strict", "; Path=/"] {
        assert!(line.contains(guard), "{line}");
    }
    let (session, device) = (enrolled.cookie("__Host-sid"), enrolled.cookie("__Host-adm"));
    let bare = Persona::Session(session.clone());
    let from_device = Persona::Session(format!("{session}; __Host-adm={device}"));
    assert_eq!(site.put(&bare, "/admin-conditions", json!({"device": true})).await.status, 409);
    assert_eq!(site.put(&from_device, "/admin-conditions", json!({"device": true})).await.status, 200);
    let refused = disable(&site, &bare, "a").await;
    assert_eq!(refused.json()["type"], "/problems/condition", "the session alone, from another browser");
    assert_eq!(disable(&site, &from_device, "b").await.status, 204);
    // Another person's device is none of hers.
    let olga = site.person("olga", Role::Admin).await;
    let Persona::Session(hers) = site.session_of(olga).await else { panic!() };
    let stolen = Persona::Session(format!("{hers}; __Host-adm={device}"));
    assert_eq!(disable(&site, &stolen, "c").await.json()["type"], "/problems/condition");
    let listed = site.get(&from_device, "/me/devices").await.json();
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["current"]), (&json!("Desk"), &json!(true)));
    let id = listed["items"][0]["id"].as_str().unwrap();
    assert_eq!(site.delete(&stolen, &format!("/me/devices/{id}")).await.status, 404);
    assert_eq!(site.delete(&from_device, &format!("/me/devices/{id}")).await.status, 204);
    assert_eq!(disable(&site, &from_device, "d").await.json()["type"], "/problems/condition");
    site.end().await;
}
