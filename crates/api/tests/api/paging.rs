//! Every list ends where it ends, no parameter is taken for another, and what the overview counts is what it shows.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use wk_domain::Status;

use wk_engine::ports::Store as _;

use crate::rig::{meta, secs};
use crate::site::*;

/// Walks a list in pages of `limit`; the ids (or whatever tells its items apart), page by page.
async fn walk(site: &Site, who: &Persona, list: &str, limit: usize) -> Vec<Vec<String>> {
    let (mut pages, mut after) = (Vec::new(), String::new());
    loop {
        let answer = site.get(who, &format!("{list}?limit={limit}{after}")).await;
        assert_eq!(answer.status, 200, "{list}: {:?}", answer.json());
        let page = answer.json();
        let items = page["items"].as_array().unwrap();
        pages.push(items.iter().map(ToString::to_string).collect());
        let Some(next) = page.get("next").and_then(Value::as_str) else { return pages };
        let next: String = next.bytes().map(|b| format!("%{b:02x}")).collect();
        after = format!("&after={next}");
        assert!(pages.len() < 100, "{list} does not end");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exactly_full_last_page_has_no_next() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let mut agents = Vec::new();
    for n in 0..4 {
        agents.push(site.rig.connected(&format!("web-{n}"), &[]).await);
    }
    let mut first = agents[0].clone();
    for n in 0..4 {
        let check = site.rig.probe(&first, &format!("tcp:{n}")).await;
        site.rig.report(&mut first, check, Status::Critical).await;
        site.rig.clock.advance(secs(1));
        site.rig.channel(&format!("team-{n}")).await;
        let at = |s: i64| {
            jiff::Timestamp::from_millisecond(site.rig.now().as_ms() + s * 1000).unwrap().to_string()
        };
        let plan = json!({
            "targets": [{"host": first.host.to_string()}], "start_at": at(0), "end_at": at(3600), "note": "n",
        });
        assert_eq!(site.post(&who, "/downtimes", plan).await.status, 200);
    }
    let packages = wk_engine::desk::ObservedInventory {
        section: "packages".to_owned(),
        full: true,
        items: (0..4).map(|n| (format!("p{n}"), Vec::new())).collect(),
        removed: Vec::new(),
        at: site.rig.now(),
    };
    let batch = wk_engine::desk::Observations { inventory: vec![packages], ..crate::rig::empty() };
    site.rig.send(&mut first, batch).await;
    // What time drives has happened: no list grows while it is read.
    site.rig.engine.tick_now().await;
    let lists = [
        "/agents".to_owned(),
        "/enrolment-tokens".to_owned(),
        "/channels".to_owned(),
        "/certificates".to_owned(),
        "/downtimes".to_owned(),
        "/hosts".to_owned(),
        "/checks".to_owned(),
        "/problems".to_owned(),
        "/events".to_owned(),
        "/audit".to_owned(),
        format!("/hosts/{}/inventory/packages", first.host),
    ];
    for list in &lists {
        let whole = walk(&site, &who, list, 500).await;
        assert_eq!(whole.len(), 1, "{list}");
        let whole = &whole[0];
        assert!(whole.len() >= 4, "{list} has only {}", whole.len());
        for limit in [1, 2, 3, whole.len() / 2, whole.len() - 1, whole.len()] {
            let pages = walk(&site, &who, list, limit).await;
            assert_eq!(pages.concat(), *whole, "{list} by {limit}");
            assert_eq!(
                pages.len(),
                whole.len().div_ceil(limit),
                "{list} by {limit}: no empty page at its end"
            );
        }
        let different: BTreeSet<&String> = whole.iter().collect();
        assert_eq!(different.len(), whole.len(), "{list} shows something twice");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_parameter_that_no_route_has_is_refused_by_name() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let person = site.rig.store.user_by_name("admin").await.unwrap().unwrap().id;
    let mut asked = 0;
    // What a provider sends back is the provider's to name.
    let strict = |path: &str| !path.ends_with("/live") && !path.ends_with("/callback");
    for route in site.table.iter().filter(|route| route.method == "get" && strict(&route.path)) {
        let id = match route.path.split('/').nth(3) {
            Some("hosts") => agent.host.to_string(),
            Some("users") => person.to_string(),
            _ => agent.id.to_string(),
        };
        let path = route.path.replace("{id}", &id).replace("{section}", "packages");
        let path = path.strip_prefix("/api/v1").unwrap();
        let answer = site.get(&who, &format!("{path}?colour=red")).await;
        assert_eq!(answer.status, 400, "{path}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains("no parameter `colour`; it takes "), "{path}: {detail}");
        asked += 1;
    }
    assert!(asked > 20, "{asked}");
    let answer = site.get(&who, "/problems?fliter=state:critical").await;
    assert_eq!(
        answer.json()["detail"],
        "this route has no parameter `fliter`; it takes filter, host, sort, limit, after"
    );
    assert_eq!(site.get(&who, "/overview?").await.status, 200);
    // Who may not ask learns nothing of the route.
    let viewer = site.as_viewer().await;
    assert_eq!(site.get(&viewer, "/enrolment-tokens?colour=red").await.status, 403);
    assert_eq!(site.get(&site.as_nobody(), "/hosts?colour=red").await.status, 401);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_without_a_key_is_refused() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let channel = |secret: Value| {
        json!({
            "name": "team", "kind": "webhook", "config": {"url": "https://hooks.example/"},
            "secret": secret, "enabled": true,
        })
    };
    for secret in [Value::Null, json!("")] {
        let answer = site.post(&who, "/channels", channel(secret)).await;
        assert_eq!(answer.status, 422);
        let error = &answer.json()["errors"][0];
        assert_eq!(error["pointer"], "/secret");
        assert!(error["detail"].as_str().unwrap().contains("key"), "{error}");
    }
    let made = site.post(&who, "/channels", channel(json!("0123456789abcdef0123456789abcdef"))).await;
    assert_eq!(made.status, 200, "{:?}", made.json());
    let id = made.json()["id"].as_str().unwrap().to_owned();
    // The key that is there stays when none is given.
    let kept = site.ask(&who, "put", &format!("/api/v1/channels/{id}"), Some(&channel(Value::Null))).await;
    assert_eq!(kept.status, 200, "{:?}", kept.json());
    assert_eq!(kept.json()["has_secret"], true);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_ok_has_no_problems_to_count() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let mut agent = site.rig.connected("web-1", &[]).await;
    let check = site.rig.probe(&agent, "tcp:web").await;
    let other = site.rig.probe(&agent, "tcp:other").await;
    site.rig.report(&mut agent, other, Status::Ok).await;
    let cell = async |site: &Site| {
        let overview = site.get(&who, "/overview").await.json();
        let cell = &overview["hosts"][0];
        format!("{} {}", cell["status"].as_str().unwrap(), cell["problems"])
    };
    assert_eq!(cell(&site).await, "ok 0");
    for expected in ["ok 0", "ok 0", "critical 1"] {
        site.rig.clock.advance(secs(12));
        site.rig.report(&mut agent, check, Status::Critical).await;
        assert_eq!(cell(&site).await, expected, "a failure counts when it is confirmed");
    }
    let ack = json!({"checks": [check.to_string()], "note": "mine", "sticky": false});
    assert_eq!(site.post(&who, "/acknowledgements", ack).await.status, 200);
    assert_eq!(cell(&site).await, "ok 0", "somebody has it");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_system_says_what_ended_and_what_waits() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let mut agent = site.rig.connected("web-1", &[]).await;
    site.rig.send(&mut agent, crate::rig::empty()).await;
    let selfs = async |site: &Site| {
        let checks = site.get(&who, "/system").await.json()["self_checks"].clone();
        checks
            .as_array()
            .unwrap()
            .iter()
            .map(|c| {
                format!("{} {}: {}", c["key"].as_str().unwrap(), c["status"].as_str().unwrap(), c["detail"])
            })
            .collect::<Vec<_>>()
            .join("\n")
    };
    let calm = selfs(&site).await;
    assert!(calm.contains("tasks ok: ") && !calm.contains("trouble"), "{calm}");
    site.rig.clock.fault_in("clock_was_set");
    let batch = |seq| wk_engine::desk::Observations {
        epoch: 1,
        seq,
        series: std::sync::Arc::new([meta("load.1", &[])].into_iter().collect()),
        ..crate::rig::empty()
    };
    use wk_engine::desk::AgentDesk;
    assert!(site.rig.engine.ingest(&agent.peer, crate::rig::LINK, batch(2)).await.is_err());
    site.rig.engine.ingest(&agent.peer, crate::rig::LINK, batch(2)).await.unwrap();
    let told = selfs(&site).await;
    assert!(told.contains("tasks warning: \"ingest ended 1 times") && told.contains("runs again"), "{told}");
    assert_eq!(site.get(&who, "/system").await.json()["counters"]["tasks.restarted"], 1);

    site.rig
        .store
        .judge(|_| Some(wk_engine::ports::StoreError::CannotWrite { detail: "the disk is full".into() }));
    assert!(site.rig.engine.ingest(&agent.peer, crate::rig::LINK, batch(3)).await.is_err());
    let told = selfs(&site).await;
    assert!(told.contains("trouble critical") && told.contains("the disk is full"), "{told}");
    site.rig.store.heal();
    site.rig.engine.ingest(&agent.peer, crate::rig::LINK, batch(3)).await.unwrap();
    site.rig.engine.tick_now().await;
    assert!(!selfs(&site).await.contains("trouble"), "{}", selfs(&site).await);
    site.end().await;
}
