//! Headers of every kind of answer.

use crate::site::*;

const ALWAYS: [(&str, &str); 6] = [
    ("strict-transport-security", "max-age=63072000; includeSubDomains"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("cross-origin-embedder-policy", "require-corp"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_answer_carries_the_headers() {
    let site = Site::new().await;
    let admin = site.as_admin().await;
    let nobody = site.as_nobody();
    let answers = [
        ("an answer", site.get(&admin, "/overview").await, 200),
        ("a public answer", site.get(&nobody, "/meta").await, 200),
        ("nobody signed in", site.get(&nobody, "/overview").await, 401),
        ("denied", site.get(&site.as_viewer().await, "/audit").await, 403),
        ("no such route", site.get(&admin, "/nothing").await, 404),
        ("no such thing", site.get(&admin, "/hosts/nothing").await, 404),
        ("not right", site.get(&admin, "/checks?limit=0").await, 422),
        ("signed out", site.delete(&admin, "/session").await, 204),
        ("the page", site.ask(&nobody, "get", "/", None).await, 200),
        ("a page below", site.ask(&nobody, "get", "/hosts/x", None).await, 200),
        ("a missing asset", site.ask(&nobody, "get", "/assets/none.js", None).await, 404),
        ("no way to ask", site.ask(&nobody, "post", "/", None).await, 405),
        ("upwards", site.ask(&nobody, "get", "/../../etc/passwd", None).await, 200),
        (
            "upwards, hidden",
            site.ask(&nobody, "get", "/assets/%2e%2e/%2e%2e/%2e%2e/Cargo.toml", None).await,
            404,
        ),
    ];
    for (what, answer, status) in &answers {
        if *status == 200 && answer.status == 404 && answer.body.starts_with(b"The console was not built") {
            panic!(
                "the console is not built; build it with: cargo xtask run, or npm ci && npm run build in console/"
            );
        }
        assert_eq!(answer.status, *status, "{what}");
        for (name, value) in ALWAYS {
            assert_eq!(answer.header(name), value, "{what}");
            assert_eq!(answer.headers.get_all(name).iter().count(), 1, "{what}: {name}");
        }
        assert_eq!(answer.headers.get_all("content-security-policy").iter().count(), 1, "{what}");
        let policy = answer.header("content-security-policy");
        for directive in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
            assert!(policy.contains(directive), "{what}: {directive} in {policy}");
        }
        assert!(!policy.contains("unsafe"), "{what}: {policy}");
        let permissions = answer.header("permissions-policy");
        for feature in permissions.split(", ") {
            let ours = ["publickey-credentials-get", "publickey-credentials-create", "clipboard-write"];
            let allowed = if ours.contains(&feature.split('=').next().unwrap()) { "=(self)" } else { "=()" };
            assert!(feature.ends_with(allowed), "{what}: {feature}");
        }
        for feature in ["camera=()", "geolocation=()", "fullscreen=()", "sync-xhr=()"] {
            assert!(permissions.contains(feature), "{what}: {feature}");
        }
        assert!(answer.headers.get("alt-svc").is_none() && answer.headers.get("via").is_none(), "{what}");
        assert!(answer.headers.get("server").is_none(), "{what} says what serves it");
        assert!(answer.headers.get("x-powered-by").is_none(), "{what}");
        assert!(answer.header("x-request-id").starts_with("req_"), "{what}");
        assert!(!String::from_utf8_lossy(&answer.body).contains("root:"), "{what}");
        let cache = answer.header("cache-control");
        let expected = "no-store";
        assert_eq!(cache, expected, "{what}");
    }
    let tags: std::collections::BTreeSet<&str> =
        answers.iter().map(|(_, answer, _)| answer.header("x-request-id")).collect();
    assert_eq!(tags.len(), answers.len(), "each request has its own");
    assert_eq!(answers[7].1.header("clear-site-data"), "\"cache\", \"storage\"");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_has_a_nonce_of_its_own_each_time() {
    let site = Site::new().await;
    let mut seen = std::collections::BTreeSet::new();
    let mut asset = None;
    for _ in 0..3 {
        let page = site.ask(&site.as_nobody(), "get", "/", None).await;
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert_eq!(page.status, 200, "{html}; build the console: npm ci && npm run build in console/");
        assert!(page.header("content-type").starts_with("text/html"));
        let policy = page.header("content-security-policy");
        let nonce = policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned();
        assert!(nonce.len() >= 22, "at least 128 bits: {nonce}");
        assert!(html.contains(&nonce), "the page has it");
        assert!(!html.contains("__CSP_NONCE__"), "the mark is gone");
        assert!(policy.contains("script-src 'self';"), "{policy}");
        assert!(policy.contains("require-trusted-types-for 'script'"), "{policy}");
        assert!(seen.insert(nonce), "no nonce twice");
        asset = html.split('"').find(|part| part.starts_with("/assets/")).map(str::to_owned);
    }
    let asset = asset.expect("the page has an asset");
    let answer = site.ask(&site.as_nobody(), "get", &asset, None).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    assert!(!answer.header("content-type").is_empty());
    site.end().await;
}
