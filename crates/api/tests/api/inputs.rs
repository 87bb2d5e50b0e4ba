//! What people and programs send: bounded, typed, and refused with a sentence that says what to mend.

use bytes::Bytes;
use http_body_util::Full;
use serde_json::{Value, json};

use crate::site::*;

async fn raw(site: &Site, who: &Persona, path: &str, media: Option<&str>, body: Vec<u8>) -> Answer {
    let mut request = site.request(who, "post", &format!("/api/v1{path}"), None);
    if let Some(media) = media {
        request.headers_mut().insert("content-type", media.parse().unwrap());
    }
    *request.body_mut() = Full::new(Bytes::from(body));
    site.send(request).await
}

fn detail(answer: &Answer) -> String {
    let problem = answer.json();
    assert_eq!(problem["status"], answer.status);
    for field in ["type", "title", "detail", "instance"] {
        assert!(problem[field].as_str().is_some_and(|text| !text.is_empty()), "{field}: {problem}");
    }
    assert_eq!(problem["instance"], answer.header("x-request-id"));
    problem["detail"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_json_of_the_right_shape_and_size_or_are_refused() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let good = br#"{"name":"db-1"}"#.to_vec();
    for media in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")]
    {
        let answer = raw(&site, &who, "/hosts", media, good.clone()).await;
        assert_eq!(answer.status, 400, "{media:?}");
        assert!(detail(&answer).contains("application/json"));
    }
    let media = Some("application/json");
    let cases: [(&[u8], &str); 7] = [
        (b"", "JSON"),
        (b"{", "JSON"),
        (b"[]", "JSON"),
        (b"{\"name\":7}", "string"),
        (b"{\"name\":\"db-1\",\"colour\":\"red\"}", "colour"),
        (b"{\"name\":\"db-1\",\"name\":\"db-2\"}", "duplicate"),
        (b"{\"name\":\"\xff\"}", "JSON"),
    ];
    for (body, says) in cases {
        let answer = raw(&site, &who, "/hosts", media, body.to_vec()).await;
        assert_eq!(answer.status, 400, "{}", String::from_utf8_lossy(body));
        assert!(detail(&answer).contains(says), "{says}: {}", detail(&answer));
    }
    // Over HTTP/2, where an answer before the end of the body is one; HTTP/1.1 may close the connection instead.
    let mut request = site.request(&who, "post", "/api/v1/hosts", Some(&json!({})));
    *request.uri_mut() = format!("https://localhost:{}/api/v1/hosts", site.address.port()).parse().unwrap();
    request.headers_mut().remove("host");
    *request.body_mut() = Full::new(Bytes::from(vec![b' '; (1 << 20) + 1]));
    let large = site.open_h2(request).await;
    let large = site.finish(large).await;
    assert_eq!(large.status, 413);
    assert!(detail(&large).contains("1048576"));
    let deep = raw(&site, &who, "/hosts", media, b"[".repeat(200_000)).await;
    assert_eq!(deep.status, 400, "nesting does not end the server");
    let answer = raw(&site, &who, "/hosts", Some("application/json; charset=utf-8"), good).await;
    assert_eq!(answer.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_refuse_limits_cursors_ids_and_filters_that_make_no_sense() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let lists = [
        "/checks".to_owned(),
        "/problems".to_owned(),
        "/hosts".to_owned(),
        "/events".to_owned(),
        "/audit".to_owned(),
        "/notifications".to_owned(),
        format!("/agents/{}/executions", agent.id),
        format!("/hosts/{}/inventory/packages", agent.host),
    ];
    for list in &lists {
        for limit in ["0", "501", "4294967295"] {
            let answer = site.get(&who, &format!("{list}?limit={limit}")).await;
            assert_eq!(answer.status, 422, "{list}?limit={limit}");
            assert_eq!(answer.json()["errors"][0]["pointer"], "/limit");
        }
        for limit in ["-1", "x", "1.5", "4294967296", ""] {
            let answer = site.get(&who, &format!("{list}?limit={limit}")).await;
            assert!([400, 422].contains(&answer.status), "{list}?limit={limit}: {}", answer.status);
            detail(&answer);
        }
        for limit in ["1", "500"] {
            assert_eq!(site.get(&who, &format!("{list}?limit={limit}")).await.status, 200, "{list}");
        }
        for after in ["garbage", "-1", "%00", "99999999999999999999999", "a%2Fb%2Fc"] {
            let answer = site.get(&who, &format!("{list}?after={after}")).await;
            assert!(answer.status < 500, "{list}?after={after}: {}", answer.status);
        }
    }
    for path in [
        "/hosts/nothing".to_owned(),
        format!("/hosts/{}", agent.id),
        format!("/checks/{}", agent.host),
        "/agents/agent_0000000000000000000000000".to_owned(),
        "/hosts/host_zzzzzzzzzzzzzzzzzzzzzzzzzz".to_owned(),
        "/hosts/%2e%2e%2f%2e%2e".to_owned(),
        "/hosts/%00".to_owned(),
        "/hosts/%ff".to_owned(),
    ] {
        let answer = site.get(&who, &path).await;
        assert!([400, 404].contains(&answer.status), "{path}: {}", answer.status);
        detail(&answer);
    }
    for (list, query, pointer) in [
        ("/checks", "filter=colour:red", "/filter"),
        ("/checks", "filter=state:broken", "/filter"),
        ("/problems", "filter=%22open", "/filter"),
        ("/problems", "filter=state:", "/filter"),
        ("/checks", "host=web-1", "/host"),
        ("/checks", "sort=colour", "/sort"),
        ("/problems", "sort=-", "/sort"),
        ("/hosts", "sort=field.", "/sort"),
        ("/events", "host=x", "/host"),
        ("/events", "check=x", "/check"),
        ("/events", "from=yesterday", "/from"),
        ("/events", "to=2026-13-01T00:00:00Z", "/to"),
        ("/audit", "from=1", "/from"),
    ] {
        let answer = site.get(&who, &format!("{list}?{query}")).await;
        assert_eq!(answer.status, 422, "{list}?{query}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{list}?{query}");
    }
    let long = site.get(&who, &format!("/checks?filter={}", "a".repeat(1001))).await;
    assert_eq!(long.status, 422);
    let unknown = site.get(&who, "/events?colour=red").await;
    assert_eq!(unknown.status, 400);
    assert!(detail(&unknown).contains("colour"));
    let range = format!("/hosts/{}/range", agent.host);
    for (query, pointer) in [
        ("name=cpu.&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "/from"),
        ("name=cpu.&from=1970-01-01T00:00:00Z&step_ms=1000", "/step_ms"),
        ("name=cpu.&label=novalue", "/label"),
    ] {
        let answer = site.get(&who, &format!("{range}?{query}")).await;
        assert_eq!(answer.status, 422, "{query}");
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
    assert_eq!(site.get(&who, &format!("{range}?name=cpu.&step_ms=-5")).await.status, 200);
    site.end().await;
}

const CORPUS: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'-alert(1)-'",
    "javascript:alert(1)",
    "</textarea><svg onload=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "<!--<script>-->",
    "\u{2028}\u{2029}alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "\u{202e}txt.exe",
    "=HYPERLINK(\"https://evil.example\")",
];

/// Each hostile text goes in wherever text goes, and comes back only as JSON text that no browser takes for a page.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_text_comes_back_as_json_text_and_nothing_else() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let spec = json!({"kind": "tcp", "address": "192.0.2.1", "port": 80});
    for (n, text) in CORPUS.into_iter().enumerate() {
        let host = json!({"name": format!("x{n}"), "fields": {"note": text}});
        assert_eq!(site.post(&who, "/hosts", host).await.status, 200, "{text}");
        let check =
            json!({"host": agent.host.to_string(), "key": format!("tcp:x{n}"), "title": text, "spec": spec});
        assert_eq!(site.post(&who, "/checks", check).await.status, 200, "{text}");
        let id = site.rig.check_named(agent.host, &format!("tcp:x{n}")).unwrap();
        let note = json!({"checks": [id.to_string()], "text": text});
        assert_eq!(site.post(&who, "/comments", note).await.json()["done"], 1, "{text}");
        let mut channel = Site::channel(text);
        channel["config"]["url"] = json!(text);
        assert_eq!(site.post(&who, "/channels", channel).await.status, 200, "{text}");
        for refused in [
            site.post(&who, "/hosts", json!({"name": text})).await,
            site.get(&who, &format!("/checks?filter=colour:{}", percent(text))).await,
            site.get(&who, &format!("/hosts/{}", percent(text))).await,
        ] {
            assert!((400..500).contains(&refused.status), "{text}: {}", refused.status);
            inert(&refused);
        }
    }
    let mut seen = 0;
    for path in [
        "/hosts?limit=500",
        "/checks?limit=500",
        "/events?limit=500",
        "/channels",
        "/audit?limit=500",
        "/overview",
    ] {
        let answer = site.get(&who, path).await;
        assert_eq!(answer.status, 200, "{path}");
        inert(&answer);
        seen += count(&answer.json(), CORPUS[0]);
    }
    assert!(seen >= 4, "the texts are there, as text: {seen}");
    site.end().await;
}

fn inert(answer: &Answer) {
    let media = answer.header("content-type");
    assert!(media == "application/json" || media == "application/problem+json", "{media}");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    answer.json();
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn count(value: &Value, text: &str) -> usize {
    match value {
        Value::String(found) => usize::from(found.contains(text)),
        Value::Array(list) => list.iter().map(|value| count(value, text)).sum(),
        Value::Object(map) => map.values().map(|value| count(value, text)).sum(),
        _ => 0,
    }
}

/// A bulk act says what was done and what was not, and why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bulk_acts_say_what_came_of_each() {
    let site = Site::new().await;
    let who = site.as_operator().await;
    let agent = site.rig.connected("web-1", &[]).await;
    let check = site.rig.probe(&agent, "tcp:web").await.to_string();
    let absent = wk_domain::CheckId::new(1, [1; 10]).to_string();
    let answer = site.post(&who, "/comments", json!({"checks": [check, absent], "text": "x"})).await.json();
    assert_eq!(answer["done"], 1);
    assert_eq!(answer["failed"][0]["id"], json!(absent));
    let answer = site.post(&who, "/acknowledgements", json!({"checks": [check], "note": "x"})).await.json();
    assert_eq!(answer["done"], 0, "there is no problem");
    for (body, pointer) in [
        (json!({"checks": [], "text": "x"}), "/checks"),
        (json!({"checks": vec![check.clone(); 1001], "text": "x"}), "/checks"),
        (json!({"checks": [check, "nonsense"], "text": "x"}), "/checks/1"),
        (json!({"checks": [check], "text": "  "}), "/text"),
    ] {
        let (answer, audit) = site.audited(site.post(&who, "/comments", body)).await;
        assert_eq!(answer.status, 422);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
        assert!(audit.is_empty(), "nothing was done");
    }
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_was_slower_is_told_so() {
    let site = Site::new().await;
    let who = site.as_admin().await;
    let host = site.post(&who, "/hosts", json!({"name": "db-1"})).await.json();
    let path = format!("/hosts/{}", host["id"].as_str().unwrap());
    let edit = json!({"name": "db-2", "revision": host["revision"]});
    assert_eq!(site.put(&who, &path, edit.clone()).await.status, 200);
    assert_eq!(site.put(&who, &path, edit).await.status, 409);
    assert_eq!(site.post(&who, "/hosts", json!({"name": "db-2"})).await.status, 409, "the name is taken");
    site.end().await;
}

/// A secret goes in and is used; neither who may read checks nor who wrote it reads it again.
#[tokio::test]
async fn a_header_that_holds_a_secret_is_not_read_back() {
    let site = Site::new().await;
    let (admin, viewer) = (site.as_admin().await, site.as_viewer().await);
    let agent = site.rig.connected("web-1", &[]).await;
    let spec = json!({
        "kind": "http", "url": "https://shop.example/",
        "headers": [["Authorization", "Bearer hunter2"], ["Accept", "text/html"]],
    });
    let new = json!({"host": agent.host.to_string(), "key": "http:shop", "spec": spec});
    assert_eq!(site.post(&admin, "/checks", new).await.status, 200);
    let check = site.rig.check_named(agent.host, "http:shop").unwrap();
    for who in [&admin, &viewer, &site.as_local()] {
        let read = site.get(who, &format!("/checks/{check}")).await.json();
        assert!(!read.to_string().contains("hunter2"), "{read}");
        assert_eq!(read["spec"]["headers"][1], json!(["Accept", "text/html"]));
    }
    let used = site.rig.engine.world().checks[&check].row.spec_json.clone();
    assert!(used.contains("Bearer hunter2"), "the agent is given the whole");
    site.end().await;
}
