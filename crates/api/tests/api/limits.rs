//! How much anybody may ask for, and what a flood leaves behind.

use std::time::Duration;

use serde_json::{Value, json};
use wk_api::{Budget, Limits};
use wk_authz::Actor;
use wk_engine::ports::Store;
use wk_engine::record;

use crate::signing::{PASSWORD, claimed, first_step, second_step};
use crate::site::*;

fn problem(answer: &Answer) -> Value {
    let problem = answer.json();
    assert_eq!(problem["instance"], answer.header("x-request-id"));
    problem
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_asks_too_much_waits_and_people_who_are_signed_in_do_not() {
    let slow = Budget { per_second: 0.2, burst: 20.0, open_max: 8 };
    let site = Site::limited(Limits { source: slow, ..Limits::DEFAULT }).await;
    let who = site.as_viewer().await;
    assert_eq!(site.get(&who, "/me").await.status, 200, "known from here on");
    let mut shed = 0;
    for n in 0..30 {
        // A made-up cookie is no session.
        let made_up = Persona::Session(format!("{n:0>43}"));
        let answer = site.get(if n % 2 == 0 { &made_up } else { &Persona::Nobody }, "/me").await;
        match answer.status {
            401 => assert_eq!(shed, 0, "first what is free, then nothing"),
            429 => {
                shed += 1;
                let wait: u64 = answer.header("retry-after").parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                assert_eq!(problem(&answer)["type"], "/problems/too-many");
            }
            other => panic!("{other}"),
        }
    }
    assert!((8..=12).contains(&shed), "{shed}");
    for path in ["/me", "/overview", "/problems"] {
        assert_eq!(site.get(&who, path).await.status, 200, "{path}");
    }
    assert_eq!(site.ask(&site.as_nobody(), "get", "/", None).await.status, 429, "pages count as well");
    assert_eq!(site.get(&site.as_local(), "/me").await.status, 200, "this machine's own way is open");
    let counters = site.get(&site.as_local(), "/system").await.json()["counters"].clone();
    assert!(counters["api.shed"].as_u64() >= Some(9), "what is shed is counted: {counters}");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_asks_too_much_waits_and_others_do_not() {
    let slow = Budget { per_second: 0.2, burst: 60.0, open_max: 8 };
    let site = Site::limited(Limits { session: slow, ..Limits::DEFAULT }).await;
    let (one, other) = (site.as_admin().await, site.as_admin().await);
    for who in [&one, &other] {
        assert_eq!(site.get(who, "/me").await.status, 200);
    }
    let mut statuses = Vec::new();
    for _ in 0..80 {
        statuses.push(site.get(&one, "/me").await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 20, "{statuses:?}");
    // What costs the server more, weighs more.
    assert_eq!(site.get(&other, "/audit/verify").await.status, 200);
    assert_eq!(site.get(&other, "/audit/verify").await.status, 429);
    assert_eq!(site.get(&other, "/me").await.status, 200);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_follows_so_many_streams_at_once() {
    let site = Site::limited(Limits { streams_max: 2, ..Limits::DEFAULT }).await;
    let (one, other) = (site.as_viewer().await, site.as_viewer().await);
    let follow = async |who: &Persona| {
        let request = site.request(who, "get", "/api/v1/live", None);
        site.open(request, false).await
    };
    let (first, second) = (follow(&one).await, follow(&one).await);
    assert_eq!((first.status(), second.status()), (http::StatusCode::OK, http::StatusCode::OK));
    let third = follow(&one).await;
    assert_eq!(third.status(), 429);
    assert!(third.headers().contains_key("retry-after"));
    assert_eq!(follow(&other).await.status(), 200);
    drop(first);
    for attempt in 0.. {
        if follow(&one).await.status() == 200 {
            break;
        }
        assert!(attempt < 200, "its place is never free again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    site.end().await;
}

/// A program that is denied in a loop is one entry a minute.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn denials_in_a_loop_do_not_fill_the_audit_log() {
    let site = Site::new().await;
    let who = site.as_viewer().await;
    let (_, audit) = site
        .audited(async {
            for _ in 0..40 {
                assert_eq!(site.get(&who, "/audit").await.status, 403);
            }
            assert_eq!(site.post(&who, "/hosts", json!({"name": "x-1"})).await.status, 403);
        })
        .await;
    let actions: Vec<&str> = audit.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["audit.read", "host.write"]);
    let counters = site.get(&site.as_local(), "/system").await.json()["counters"].clone();
    assert_eq!(counters["api.denied"], 41);
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_send_little_and_a_password_is_judged_within_bounds() {
    let site = Site::new().await;
    let nobody = site.as_nobody();
    for path in
        ["/session", "/session/factor", "/claim/check", "/claim/begin", "/claim/finish", "/password/check"]
    {
        let body = json!({"password": "x".repeat(17 << 10)});
        let answer = site.post(&nobody, path, body).await;
        assert_eq!(answer.status, 413, "{path}");
        assert!(problem(&answer)["detail"].as_str().unwrap().contains("16384"), "{path}");
    }
    // Somebody without a session is told so before a byte of the body is read.
    assert_eq!(site.post(&nobody, "/hosts", json!({"name": "x".repeat(1 << 17)})).await.status, 401);
    // As long as they come, alike and unlike.
    for (password, context) in [
        ("a".repeat(256), vec!["b".repeat(5000); 2]),
        ("aB3$".repeat(64), vec!["x".to_owned(); 2000]),
        ("qwertyuiop".repeat(25), Vec::new()),
        ("\u{1f600}".repeat(255), Vec::new()),
    ] {
        let body = json!({"password": password, "context": context});
        let answer = site.post(&nobody, "/password/check", body).await;
        assert!([200, 413].contains(&answer.status), "{}: {:?}", answer.status, answer.body);
    }
    // Many at once are judged or told to come back, and others are answered meanwhile.
    let check = || {
        let body = json!({"password": "p4sw0rd-Watchkeep-".repeat(14), "context": []});
        site.post(&nobody, "/password/check", body)
    };
    let answers = tokio::join!(check(), check(), check(), check(), check(), site.get(&nobody, "/meta"));
    for answer in [&answers.0, &answers.1, &answers.2, &answers.3, &answers.4] {
        assert!([200, 503, 429].contains(&answer.status), "{}", answer.status);
        assert!(answer.status == 200 || !answer.header("retry-after").is_empty());
    }
    assert_eq!(answers.5.status, 200);
    site.end().await;
}

/// With both factors from one's own browser, one comes in whatever strangers try.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_locks_nobody_out_of_their_own_browser() {
    let (site, maria) = claimed().await;
    let step = async |cookie: &str, name: &str, password: &str| {
        let body = json!({"name": name, "password": password});
        let mut request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
        request.headers_mut().insert("cookie", format!("__Host-dev={cookie}").parse().unwrap());
        site.send(request).await
    };
    let finish = async |cookie: &str, challenge: &Answer, code: &str| {
        let body = json!({"challenge": challenge.json()["challenge"], "code": code});
        let mut request = site.request(&site.as_nobody(), "post", "/api/v1/session/factor", Some(&body));
        request.headers_mut().insert("cookie", format!("__Host-dev={cookie}").parse().unwrap());
        site.send(request).await
    };
    let mut device = maria.device.clone();
    let flags = maria.device_line.split("; ").skip(1).collect::<Vec<_>>();
    for flag in ["Path=/", "Secure", "HttpOnly", "SameSite=Strict", "Max-Age=7776000"] {
        assert!(flags.contains(&flag), "{flag} in {flags:?}");
    }
    for round in 0..3 {
        // From the very same address, until it is told to wait.
        let mut last = 0;
        for _ in 0..10 {
            last = first_step(&site, "maria", "wrong password again").await.status;
        }
        assert_eq!(last, 429, "round {round}");
        assert_eq!(first_step(&site, "maria", PASSWORD).await.status, 429, "strangers wait, right or wrong");
        assert_eq!(
            step(&format!("{device}x"), "maria", PASSWORD).await.status,
            429,
            "a forged cookie is a stranger's"
        );
        let challenge = step(&device, "maria", PASSWORD).await;
        assert_eq!(challenge.status, 200, "round {round}: {:?}", challenge.body);
        site.rig.clock.advance(Duration::from_secs(30));
        let done = finish(&device, &challenge, &maria.code(&site)).await;
        assert_eq!(done.status, 200, "round {round}: {:?}", done.body);
        let next = done.cookie("__Host-dev");
        assert_ne!(next, device, "a new one at each sign-in");
        device = next;
    }
    // Closed by a hundred failures of strangers: her own browser still comes in, and opens it for her other ones.
    site.rig.clock.advance(Duration::from_secs(3600));
    let user = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let closing = |failures| {
        let audit = record::draft(&Actor::system(), site.rig.now(), "session.open", "user", user.id);
        site.rig.store.set_failures(user.id, failures, audit)
    };
    closing(100).await.unwrap();
    assert_eq!(first_step(&site, "maria", PASSWORD).await.status, 401, "strangers find it closed");
    let challenge = step(&device, "maria", PASSWORD).await;
    assert_eq!(challenge.status, 200);
    let done = finish(&device, &challenge, &maria.code(&site)).await;
    assert_eq!(done.status, 200);
    // Its old cookie is worth nothing any more.
    let device = done.cookie("__Host-dev");
    let user = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    assert_eq!(user.failures, 0, "and open again");
    // Wrong tries from her own browser do not close it to her others; ten make the browser a stranger.
    for _ in 0..10 {
        assert_eq!(step(&device, "maria", "wrong password again").await.status, 401);
    }
    let user = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    assert_eq!(user.failures, 0);
    for _ in 0..5 {
        step(&device, "maria", "wrong password again").await;
    }
    assert_eq!(step(&device, "maria", PASSWORD).await.status, 429, "a stranger now");
    site.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_is_one_persons_and_can_be_forgotten() {
    let (site, maria) = claimed().await;
    let step = async |cookie: &str, name: &str| {
        let body = json!({"name": name, "password": "wrong password again"});
        let mut request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
        request.headers_mut().insert("cookie", format!("__Host-dev={cookie}").parse().unwrap());
        site.send(request).await.status
    };
    let told_to_wait = async |name: &str, cookie: &str| {
        let mut statuses = Vec::new();
        for _ in 0..7 {
            statuses.push(step(cookie, name).await);
        }
        site.rig.clock.advance(Duration::from_secs(3600));
        statuses.contains(&429)
    };
    site.person("peter", wk_authz::Role::Viewer).await;
    assert!(!told_to_wait("maria", &maria.device).await, "hers has tries of its own");
    assert!(told_to_wait("peter", &maria.device).await, "it is nothing for another's account");
    assert!(told_to_wait("nobody-here", &maria.device).await);
    let bent = if maria.device.as_bytes()[80] == b'A' { "B" } else { "A" };
    let forged = format!("{}{bent}{}", &maria.device[..80], &maria.device[81..]);
    assert!(told_to_wait("maria", &forged).await);
    let user = site.rig.store.user_by_name("maria").await.unwrap().unwrap();
    let who = site.session_of(user.id).await;
    let ended = site.delete(&who, "/me/sessions").await;
    assert_eq!(ended.status, 204, "{:?}", ended.body);
    assert!(told_to_wait("maria", &maria.device).await, "forgotten with the other sessions");
    let own = ended.cookie("__Host-dev");
    assert!(!told_to_wait("maria", &own).await, "the browser at hand is known on");
    site.end().await;
}

/// Whoever has the password guesses at the code: three a step, thirty a day, then even the right one does not count.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_are_few_a_step_and_few_a_day() {
    let (site, maria) = claimed().await;
    let mut tried = 0;
    for step in 0..12 {
        site.rig.clock.advance(Duration::from_secs(1000));
        let challenge = first_step(&site, "maria", PASSWORD).await;
        assert_eq!(challenge.status, 200, "step {step}: {:?}", challenge.body);
        let challenge = challenge.json();
        let mut statuses = Vec::new();
        for _ in 0..4 {
            let answer = second_step(&site, &challenge, "000000").await;
            tried += usize::from(answer.status == 401);
            statuses.push(answer.status);
        }
        assert_eq!(statuses[3], 429, "step {step}: {statuses:?}");
    }
    assert_eq!(tried, 30);
    site.rig.clock.advance(Duration::from_secs(1000));
    let challenge = first_step(&site, "maria", PASSWORD).await.json();
    let answer = second_step(&site, &challenge, &maria.code(&site)).await;
    assert_eq!(answer.status, 429, "not even the right one");
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 3600);
    site.end().await;
}

/// The queue before the hashing is bounded: beyond, people are told when to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_full_queue_says_when_to_come_back() {
    let site = Site::new().await;
    let tries = (0..60).map(|n| {
        let body = json!({"name": format!("user-{n}"), "password": PASSWORD});
        let request = site.request(&site.as_nobody(), "post", "/api/v1/session", Some(&body));
        site.send(request)
    });
    let answers = futures_util::future::join_all(tries).await;
    let of = |status| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!(of(401) + of(503) + of(429), 60);
    assert!(of(401) >= 1 && of(401) <= 20, "a source has twenty: {}", of(401));
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        assert!(!answer.header("retry-after").is_empty(), "{}", answer.status);
    }
    assert_eq!(site.get(&site.as_nobody(), "/meta").await.status, 200);
    site.end().await;
}

/// Browsers report what they refuse; anybody may send reports, and gets nowhere with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reports_of_the_content_policy_are_counted_and_bounded() {
    let site = Site::new().await;
    let report = async |media: &str, body: Vec<u8>| {
        let mut request = site.request(&site.as_nobody(), "post", "/api/v1/csp-reports", None);
        request.headers_mut().insert("content-type", media.parse().unwrap());
        *request.body_mut() = http_body_util::Full::new(body.into());
        site.send(request).await.status
    };
    let one = json!([{"type": "csp-violation", "body": {"effectiveDirective": "img-src", "blockedURL": "https://x.example/"}}]);
    let one = serde_json::to_vec(&one).unwrap();
    for _ in 0..5 {
        assert_eq!(report("application/reports+json", one.clone()).await, 204);
    }
    assert_eq!(
        report("application/csp-report", br#"{"csp-report":{"blocked-uri":"x"}}"#.to_vec()).await,
        204
    );
    assert_eq!(report("text/html", one.clone()).await, 400);
    assert_eq!(report("application/reports+json", b"not json".to_vec()).await, 400);
    assert_eq!(report("application/reports+json", vec![b'['; 17 << 10]).await, 413);
    let counters = site.get(&site.as_local(), "/system").await.json()["counters"].clone();
    assert_eq!(counters["csp.reports"], 6);
    let page = site.ask(&site.as_nobody(), "get", "/", None).await;
    assert_eq!(page.header("reporting-endpoints"), "csp=\"/api/v1/csp-reports\"");
    assert!(page.header("content-security-policy").ends_with("trusted-types app; report-to csp"));
    site.end().await;
}
