//! What an act leaves behind: an entry with every field, hashes that others can compute, and no secret.

use http::header::{HeaderValue, USER_AGENT};
use serde_json::{Value, json};
use wk_audit::{Hash, Image};

use crate::site::*;

/// Every field of the form. An entry has these and no others, `null` where there is nothing to say.
const FIELDS: [&str; 20] = [
    "action",
    "actor",
    "after_hash",
    "before_hash",
    "diff",
    "diff_cut",
    "node",
    "object",
    "on_behalf_of",
    "outcome",
    "policy_version",
    "prev_ts_gap_ns",
    "reason",
    "request_id",
    "seq",
    "source",
    "tenant",
    "ts_mono_ns",
    "ts_ns",
    "v",
];

async fn newest(site: &Site, who: &Persona, action: &str) -> Value {
    let page = site.get(who, &format!("/audit?limit=1&action={action}")).await.json();
    page["items"][0]["entry"].clone()
}

async fn with_agent(site: &Site, who: &Persona, method: &str, path: &str, body: &Value) -> Answer {
    let mut request = site.request(who, method, &format!("/api/v1{path}"), Some(body));
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("Firefox/140"));
    site.send(request).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_act_over_the_api_leaves_an_entry_with_every_field() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let input = json!({"name": "db-1", "addresses": ["192.0.2.7"], "fields": {"location": "rack 4"}});
    let made = with_agent(&site, &who, "POST", "/hosts", &input).await;
    assert_eq!(made.status, 200, "{}", made.json());
    let host = made.json();
    let created = newest(&site, &who, "host.create").await;
    let change = json!({"name": "db-1", "addresses": ["192.0.2.7"], "fields": {"location": "rack 5"},
                        "revision": host["revision"]});
    let path = format!("/hosts/{}", host["id"].as_str().unwrap());
    let changed = with_agent(&site, &who, "PUT", &path, &change).await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    let entry = newest(&site, &who, "host.change").await;

    let mut keys: Vec<&str> = entry.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, FIELDS);
    for field in FIELDS.into_iter().filter(|field| !["on_behalf_of", "reason", "diff_cut"].contains(field)) {
        assert!(!entry[field].is_null(), "{field} is there: {entry:#}");
    }
    let actor = entry["actor"].as_object().unwrap();
    for field in ["aal", "auth_method", "id", "session", "type"] {
        assert!(actor.get(field).is_some_and(|value| !value.is_null()), "{field}: {entry:#}");
    }
    assert_eq!((&entry["actor"]["type"], &entry["actor"]["aal"]), (&json!("user"), &json!(2)));
    assert_eq!(entry["source"]["ua_hash"], Hash::of(b"Firefox/140").to_string());
    assert_eq!(entry["source"]["ip"], "127.0.0.1");
    assert_eq!(entry["object"]["rev"], changed.json()["revision"]);
    assert_eq!(entry["tenant"], "default");
    assert_eq!(entry["request_id"].as_str(), Some(changed.header("x-request-id")));
    let policy = format!("sha256:{}", Hash::of(wk_authz::policy_text().as_bytes()));
    assert_eq!(entry["policy_version"], policy.as_str(), "an auditor can compute which policy decided");
    assert_eq!(entry["diff"], json!([{"field": "field.location", "old": "rack 4", "new": "rack 5"}]));

    // The hashes join the entries of an object into its history, and are computed from what it is.
    assert_eq!(created["before_hash"], Value::Null);
    assert_eq!(created["after_hash"], entry["before_hash"]);
    assert_ne!(entry["before_hash"], entry["after_hash"]);
    let row =
        site.rig.engine.store().host(host["id"].as_str().unwrap().parse().unwrap()).await.unwrap().unwrap();
    let image = Image::new()
        .field("tenant", wk_domain::TenantId::ROOT.to_string())
        .field("name", "db-1")
        .field("agent", None::<&str>)
        .field("addresses", "192.0.2.7")
        .field("os", "")
        .field("created_ms", row.created.as_ms())
        .field("field.location", "rack 5");
    assert_eq!(entry["after_hash"], image.hash().to_string());

    // One process wrote both, on a clock of its own that only goes forward.
    let mono = |entry: &Value| entry["ts_mono_ns"].as_str().unwrap().parse::<u64>().unwrap();
    assert!(mono(&created) <= mono(&entry));
    assert_eq!(site.get(&who, "/audit/verify").await.json()["intact"], true);
    let progress = site.get(&who, "/audit/verify/progress").await.json();
    assert_eq!(progress, json!({"running": false, "done": 0, "total": 0}));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_is_a_commitment_in_the_log_whatever_holds_it() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let agent = site.rig.connected("web-1", &["probe"]).await;
    let mut channel = Site::channel("ops");
    channel["secret"] = json!("canary-7f3a-secret");
    let made = site.post(&who, "/channels", channel).await;
    assert_eq!(made.status, 200, "{}", made.json());
    let entry = newest(&site, &who, "channel.create").await;
    let secret = entry["diff"].as_array().unwrap().iter().find(|change| change["field"] == "secret").unwrap();
    assert_eq!(secret["new"]["commitment"].as_str().map(str::len), Some(64), "{entry:#}");

    let check = json!({
        "host": agent.host.to_string(), "key": "http:shop",
        "spec": {"kind": "http", "url": "https://shop.example/",
                 "headers": [["Authorization", "Bearer canary-7f3a-header"]]},
    });
    let made = site.post(&who, "/checks", check).await;
    assert_eq!(made.status, 200, "{}", made.json());
    let entry = newest(&site, &who, "check.create").await;
    assert!(
        entry["diff"].as_array().unwrap().contains(
            &json!({"field": "spec.headers.Authorization", "old": null, "new": {"withheld": true}})
        )
    );
    let log = site.rig.engine.store().audit_from(0, 1_000).await.unwrap();
    assert!(log.iter().all(|row| !row.entry_json.contains("canary-7f3a")));
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_sign_in_says_from_where_with_what_and_in_which_request() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let guess = json!({"name": "mallory", "password": "correct horse battery staple"});
    let refused = with_agent(&site, &site.as_nobody(), "POST", "/session", &guess).await;
    assert_eq!(refused.status, 401);
    let entry = newest(&site, &who, "session.open").await;
    assert_eq!((&entry["outcome"], &entry["actor"]["type"]), (&json!("denied"), &json!("anonymous")));
    assert_eq!(entry["source"]["ua_hash"], Hash::of(b"Firefox/140").to_string());
    assert_eq!(entry["request_id"].as_str(), Some(refused.header("x-request-id")));
    site.end().await;
}
