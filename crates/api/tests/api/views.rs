//! Saved views: whose they are, who sees them, and what is no view.

use serde_json::{Value, json};

use crate::site::*;

fn view(name: &str, shared: bool) -> Value {
    json!({"list": "problems", "name": name, "filter": "state:critical -handled", "sort": "-since", "shared": shared})
}

async fn names(site: &Site, who: &Persona) -> Vec<String> {
    let listed = site.get(who, "/views").await.json();
    let items = listed["items"].as_array().unwrap().clone();
    items.iter().map(|view| view["name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_view_is_ones_own_until_it_is_shared() {
    let site = Site::new().await;
    let (viewer, operator, admin) = (site.as_viewer().await, site.as_operator().await, site.as_admin().await);
    let (kept, audit) = site.audited(site.post(&viewer, "/views", view("Mine", false))).await;
    assert_eq!((kept.status, audit.len(), audit[0].action.as_str()), (200, 1, "view.keep"));
    let mine = kept.json();
    assert_eq!(
        (&mine["mine"], &mine["owner"], &mine["revision"]),
        (&json!(true), &json!("viewer"), &json!(1))
    );
    let (refused, audit) = site.audited(site.post(&viewer, "/views", view("For all", true))).await;
    assert_eq!(
        (refused.status, audit[0].action.as_str(), audit[0].outcome.as_str()),
        (403, "view.share", "denied")
    );
    let shared = site.post(&operator, "/views", view("Duty", true)).await.json();
    assert_eq!(names(&site, &viewer).await, ["Duty", "Mine"]);
    assert_eq!(names(&site, &operator).await, ["Duty"]);
    assert_eq!(names(&site, &site.as_local()).await, ["Duty"]);

    let path = |view: &Value| format!("/views/{}", view["id"].as_str().unwrap());
    for who in [&operator, &admin] {
        assert_eq!(site.put(who, &path(&mine), view("Taken", false)).await.status, 404, "not theirs to see");
        assert_eq!(site.delete(who, &path(&mine)).await.status, 404);
    }
    assert_eq!(site.put(&admin, &path(&shared), view("Taken", true)).await.status, 409);
    assert_eq!(site.delete(&viewer, &path(&shared)).await.status, 409);
    let mut upgrade = view("Mine", true);
    assert_eq!(
        site.put(&viewer, &path(&mine), upgrade.clone()).await.status,
        403,
        "sharing by the back door"
    );
    upgrade["shared"] = json!(false);
    upgrade["filter"] = json!("host:paris-*");
    let changed = site.put(&viewer, &path(&mine), upgrade.clone()).await.json();
    assert_eq!((&changed["filter"], &changed["revision"]), (&json!("host:paris-*"), &json!(2)));
    upgrade["revision"] = json!(1);
    assert_eq!(site.put(&viewer, &path(&mine), upgrade).await.status, 409, "another tab was first");
    let other = site.post(&operator, "/views", view("Night", true)).await.json();
    assert_eq!(site.delete(&admin, &path(&other)).await.status, 204, "an administrator tidies up");
    let users = site.get(&admin, "/users").await.json();
    let duty = users["items"].as_array().unwrap().iter().find(|user| user["name"] == "operator").unwrap();
    let role = format!("/users/{}/role", duty["id"].as_str().unwrap());
    let less = json!({"role": "viewer", "reason": "left the team"});
    assert_eq!(site.post(&admin, &role, less).await.status, 204);
    assert_eq!(site.get(&operator, "/views").await.status, 401, "another role ends sessions");
    let operator = site.as_operator().await;
    let kept = site.put(&operator, &path(&shared), view("Duty", true)).await;
    assert_eq!(kept.status, 403, "what everybody sees is no longer theirs to change");
    assert_eq!(site.put(&operator, &path(&shared), view("Duty", false)).await.status, 200, "their own it is");
    assert_eq!(site.put(&operator, &path(&shared), view("Duty", true)).await.status, 403);
    assert_eq!(site.delete(&operator, &path(&shared)).await.status, 204);
    assert_eq!(site.delete(&viewer, &path(&mine)).await.status, 204);
    assert!(names(&site, &viewer).await.is_empty());
    site.end().await;
}

#[tokio::test]
async fn what_is_no_view_is_refused_beside_the_field() {
    let site = Site::new().await;
    let operator = site.as_operator().await;
    let with = |field: &str, value: Value| {
        let mut input = view("Paris", false);
        input[field] = value;
        input
    };
    for (input, field) in [
        (with("name", json!(" \u{7} ")), "/name"),
        (with("list", json!("agents")), "/list"),
        (with("filter", json!("state:")), "/filter"),
        (with("filter", json!("colour:red")), "/filter"),
        (with("filter", json!("x".repeat(3000))), "/filter"),
        (with("scope", json!("everything")), "/scope"),
        (with("sort", json!("name; DROP TABLE person")), "/sort"),
    ] {
        let refused = site.post(&operator, "/views", input.clone()).await;
        assert_eq!(
            (refused.status, &refused.json()["errors"][0]["pointer"]),
            (422, &json!(field)),
            "{input}"
        );
    }
    assert_eq!(site.post(&operator, "/views", with("owner", json!("admin"))).await.status, 400);
    assert_eq!(site.post(&operator, "/views", view("Paris", false)).await.status, 200);
    let taken = site.post(&operator, "/views", view("Paris", false)).await;
    assert_eq!(taken.status, 409);
    assert!(taken.json()["detail"].as_str().unwrap().contains("Paris"));
    assert_eq!(site.post(&site.as_local(), "/views", view("Local", false)).await.status, 409);
    for n in 1..100 {
        assert_eq!(site.post(&operator, "/views", view(&format!("v{n}"), false)).await.status, 200);
    }
    let much = site.post(&operator, "/views", view("one more", false)).await;
    assert_eq!(much.status, 409);
    site.end().await;
}
