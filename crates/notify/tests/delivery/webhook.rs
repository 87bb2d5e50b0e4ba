//! Webhooks: signed, in order, at least once, and only to where they may go.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use wk_engine::ids::new_id;
use wk_engine::ports::Store as _;
use wk_engine::ports::rows::{ChannelRow, OutboxRow};
use wk_notify::deliver::Policy;

use crate::support::{Answer, Authority, Bench, KEY, Receiver, about, draft, now, policy, problem};

#[tokio::test]
async fn a_problem_and_its_recovery_arrive_signed_and_in_order() {
    let receiver = Receiver::start(vec![]).await;
    let mut bench = Bench::new().await;
    let hook = bench.hook(&receiver).await;
    let check = new_id(now());
    let first = bench.put(about(&hook, check, "problem", "critical", "Disk /var", "97 %\nof 20 GiB")).await;
    let second = bench.put(about(&hook, check, "recovery", "ok", "Disk /var", "50 %")).await;
    bench.delivered(&first).await;
    let row = bench.delivered(&second).await;
    assert_eq!((row.attempts, row.last_error.as_str()), (1, ""));

    let posted = receiver.posted();
    assert_eq!(posted.len(), 2);
    for (posted, row) in posted.iter().zip([&first, &second]) {
        assert_eq!(posted.path, "/in?x=1");
        assert_eq!(posted.id(), row.id.to_string());
        assert_eq!(posted.headers["content-type"], "application/json");
        assert_eq!(posted.headers["host"], format!("hooks.test:{}", receiver.port));
        assert!(posted.is_signed_with(KEY));
        assert!(!posted.is_signed_with(b"another key"));
        assert_eq!(posted.json()["id"], row.id.to_string());
        assert_eq!(posted.json()["link"], format!("https://watch.test:8443/hosts/{}", row.host));
    }
    assert_eq!(posted[0].json()["kind"], "problem");
    assert_eq!(posted[0].json()["output"], "97 %\nof 20 GiB");
    assert_eq!(posted[1].json()["kind"], "recovery");

    let events = bench.events().await;
    assert_eq!(events.len(), 2);
    assert!(
        events.iter().all(|e| e.kind == "notification" && e.severity == "info" && e.check == Some(check))
    );
    assert!(
        events.iter().any(|e| e.summary == format!("Told {}: CRITICAL web-1: Disk /var", hook.name)),
        "{events:?}"
    );
    bench.stop().await;
    assert_eq!(bench.heard.events.lock().len(), 2, "those who look are told");
    assert_eq!(bench.heard.counts.lock()["notify.delivered"], 2);
}

#[tokio::test]
async fn whatever_goes_wrong_on_the_way_it_is_tried_again_under_the_same_id() {
    let answers = vec![
        Answer::Status(500),
        Answer::Silence,
        Answer::Drop,
        Answer::Status(503),
        Answer::With(429, "retry-after", "0".to_owned()),
    ];
    let receiver = Receiver::start(answers).await;
    let policy = Policy { webhook_deadline: Duration::from_millis(700), ..policy() };
    let bench = Bench::with(policy, vec!["127.0.0.0/8"]).await;
    let hook = bench.hook(&receiver).await;
    let row = bench.put(problem(&hook)).await;
    let row = bench.until(&row, |row| row.attempts >= 1).await;
    assert!(
        ["hooks.test answers 500", "no answer within 0 s"].contains(&row.last_error.as_str()),
        "{}",
        row.last_error
    );
    let done = bench.delivered(&row).await;
    let posted = receiver.posted();
    assert!(posted.len() >= 6 && done.attempts >= 6, "{} {}", posted.len(), done.attempts);
    assert!(
        posted
            .iter()
            .all(|p| p.id() == row.id.to_string() && p.body == posted[0].body && p.is_signed_with(KEY))
    );
    let attempts: Vec<_> =
        posted.iter().map(|p| p.headers["x-watchkeep-attempt"].to_str().unwrap()).collect();
    assert_eq!(attempts[..3], ["1", "2", "3"]);
    assert_eq!(bench.events().await.len(), 1, "one entry, however many attempts");
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_it_when_it_is_back() {
    let authority = Authority::new();
    let gone = Receiver::with(&authority, "hooks.test", 0, vec![]).await;
    let (port, config) = (gone.port, gone.config());
    drop(gone);
    let bench = Bench::new().await;
    let hook = bench.channel("webhook", config, KEY).await;
    let row = bench.put(problem(&hook)).await;
    let failed = bench.until(&row, |row| row.attempts >= 2).await;
    assert_eq!(failed.state, "pending");
    assert!(failed.last_error.contains("cannot connect to hooks.test (127.0.0.1:"), "{}", failed.last_error);
    let back = Receiver::with(&authority, "hooks.test", port, vec![]).await;
    bench.delivered(&row).await;
    assert_eq!(back.posted().len(), 1);
}

#[tokio::test]
async fn after_a_day_it_is_given_up_and_the_timeline_says_so() {
    let receiver = Receiver::start(vec![Answer::Status(500); 3]).await;
    let policy = Policy { give_up_attempts: 3, give_up_after: Duration::ZERO, ..policy() };
    let bench = Bench::with(policy, vec!["127.0.0.0/8"]).await;
    let hook = bench.hook(&receiver).await;
    let row = bench.put(problem(&hook)).await;
    let failed = bench.failed(&row).await;
    assert_eq!((failed.attempts, failed.last_error.as_str()), (3, "hooks.test answers 500"));
    let next = bench.put(problem(&hook)).await;
    bench.delivered(&next).await;
    let events = bench.events().await;
    let given_up = events.iter().find(|event| event.severity == "warning").unwrap();
    assert_eq!(
        given_up.summary,
        format!("Could not tell {}: CRITICAL web-1: Disk /var: hooks.test answers 500", hook.name)
    );
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::start(vec![]).await;
    let to = format!("https://hooks.test:{}/", elsewhere.port);
    let receiver = Receiver::start(vec![Answer::With(307, "location", to); 9]).await;
    let bench = Bench::new().await;
    let hook = bench.hook(&receiver).await;
    let row = bench.put(problem(&hook)).await;
    let failed = bench.failed(&row).await;
    assert_eq!(failed.last_error, "hooks.test answers 307: redirects are not followed; enter the final URL");
    assert_eq!(failed.attempts, 5);
    assert_eq!(*elsewhere.dialled.lock(), 0);
}

#[tokio::test]
async fn a_certificate_of_another_authority_or_name_is_refused_before_a_word() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let bench = Bench::new().await;
    for (authority, name, wanted) in [
        (&other, "hooks.test", "its authority is not trusted"),
        (&trusted, "evil.test", "it is for another name"),
    ] {
        let receiver = Receiver::with(authority, name, 0, vec![]).await;
        let mut config = receiver.config();
        config["root_pem"] = json!(trusted.pem);
        let hook = bench.channel("webhook", config, KEY).await;
        let row = bench.put(problem(&hook)).await;
        let failed = bench.until(&row, |row| row.attempts >= 1).await;
        let start = "the certificate of hooks.test is not accepted: ";
        assert!(
            failed.last_error.starts_with(start) && failed.last_error.contains(wanted),
            "{}",
            failed.last_error
        );
        assert_eq!(receiver.posted().len(), 0);
        bench.store.delete_channel(hook.id, draft()).await.unwrap();
    }
    // Nor is one that only the machine's own authorities could vouch for.
    let receiver = Receiver::with(&other, "hooks.test", 0, vec![]).await;
    let config = json!({"url": format!("https://hooks.test:{}/", receiver.port)});
    let row = bench.put(problem(&bench.channel("webhook", config, KEY).await)).await;
    let failed = bench.until(&row, |row| row.attempts >= 1).await;
    assert!(
        failed.last_error.contains("is not accepted") || failed.last_error.contains("No CA"),
        "{}",
        failed.last_error
    );
    assert_eq!(receiver.posted().len(), 0);
}

#[tokio::test]
async fn a_private_address_is_not_dialled_unless_it_is_listed() {
    let receiver = Receiver::start(vec![]).await;
    let bench = Bench::with(policy(), vec!["10.0.0.0/8"]).await;
    let by_name = bench.hook(&receiver).await;
    let by_address = json!({"url": format!("https://127.0.0.1:{}/", receiver.port)});
    let by_address = bench.channel("webhook", by_address, KEY).await;
    let mapped = json!({"url": format!("https://[::ffff:127.0.0.1]:{}/", receiver.port)});
    let mapped = bench.channel("webhook", mapped, KEY).await;
    let metadata =
        bench.channel("webhook", json!({"url": "https://169.254.169.254/latest/meta-data/"}), KEY).await;
    for (hook, wanted) in
        [(by_name, "loopback"), (by_address, "loopback"), (mapped, "IPv4-mapped"), (metadata, "metadata")]
    {
        let row = bench.put(problem(&hook)).await;
        let failed = bench.failed(&row).await;
        assert!(failed.last_error.contains(wanted), "{}", failed.last_error);
    }
    assert_eq!(*receiver.dialled.lock(), 0);
}

#[tokio::test]
async fn an_answer_without_end_ends_nothing_else() {
    let receiver = Receiver::start(vec![Answer::Endless]).await;
    let bench = Bench::new().await;
    let hook = bench.hook(&receiver).await;
    let row = bench.put(problem(&hook)).await;
    bench.delivered(&row).await;
}

#[tokio::test]
async fn a_slow_receiver_holds_up_nobody_else() {
    let gate = Arc::new(Notify::new());
    let slow = Receiver::start(vec![Answer::Gate(Arc::clone(&gate))]).await;
    let quick = Receiver::start(vec![]).await;
    let bench = Bench::new().await;
    let slow_hook = bench.hook(&slow).await;
    let mut held = Vec::new();
    for _ in 0..300 {
        held.push(problem(&slow_hook));
    }
    let commit = wk_engine::ports::rows::IngestCommit { outbox: held.clone(), ..Default::default() };
    bench.store.commit_ingest(commit).await.unwrap();
    bench.wake.notify_one();
    slow.arrived.notified().await;
    let hook = bench.hook(&quick).await;
    for _ in 0..3 {
        let row = bench.put(problem(&hook)).await;
        bench.delivered(&row).await;
    }
    assert_eq!(slow.posted().len(), 1, "one at a time for each channel");
    assert_eq!(bench.row(&held[0]).await.state, "pending");
    gate.notify_one();
    slow.arrived.notified().await;
}

#[tokio::test]
async fn a_recovery_waits_for_its_problem_even_over_a_restart() {
    let receiver = Receiver::start(vec![Answer::Status(500)]).await;
    let policy = Policy {
        backoff_first: Duration::from_millis(1_500),
        backoff_max: Duration::from_secs(2),
        ..policy()
    };
    let mut bench = Bench::with(policy, vec!["127.0.0.0/8"]).await;
    let hook = bench.hook(&receiver).await;
    let check = new_id(now());
    let first = bench.put(about(&hook, check, "problem", "critical", "Disk", "")).await;
    bench.until(&first, |row| row.attempts == 1).await;
    let second = bench.put(about(&hook, check, "recovery", "ok", "Disk", "")).await;
    let other = bench.put(problem(&hook)).await;
    bench.kill().await;
    bench.start();
    bench.delivered(&second).await;
    bench.delivered(&other).await;
    let order: Vec<String> = receiver.posted().iter().map(|posted| posted.id().to_owned()).collect();
    let place = |row: &OutboxRow| order.iter().rposition(|id| *id == row.id.to_string()).unwrap();
    assert!(place(&first) < place(&second), "{order:?}");
    assert!(place(&other) < place(&first), "another check's message does not wait: {order:?}");
}

#[tokio::test]
async fn killed_between_sending_and_recording_it_sends_again_under_the_same_id() {
    let gate = Arc::new(Notify::new());
    let receiver = Receiver::start(vec![Answer::Gate(gate); 3]).await;
    let mut bench = Bench::new().await;
    let hook = bench.hook(&receiver).await;
    let row = bench.put(problem(&hook)).await;
    for _ in 0..3 {
        // The receiver has it and we do not know: the worst moment.
        receiver.arrived.notified().await;
        bench.kill().await;
        assert_eq!(bench.row(&row).await.state, "pending");
        bench.start();
    }
    bench.delivered(&row).await;
    let posted = receiver.posted();
    assert_eq!(posted.len(), 4);
    assert!(posted.iter().all(|p| p.id() == row.id.to_string() && p.body == posted[0].body));
    assert_eq!(bench.events().await.len(), 1);
}

#[tokio::test]
async fn killed_at_any_instant_nothing_is_lost() {
    let receiver = Receiver::start(vec![]).await;
    let mut bench = Bench::idle(policy(), vec!["127.0.0.0/8"]).await;
    let hook = bench.hook(&receiver).await;
    let rows: Vec<OutboxRow> = (0..30).map(|_| problem(&hook)).collect();
    let commit = wk_engine::ports::rows::IngestCommit { outbox: rows.clone(), ..Default::default() };
    bench.store.commit_ingest(commit).await.unwrap();
    for after_ms in [1, 3, 7, 12, 20, 33, 50] {
        bench.start();
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        bench.kill().await;
    }
    bench.start();
    for row in &rows {
        bench.delivered(row).await;
    }
    let mut seen: Vec<String> = receiver.posted().iter().map(|posted| posted.id().to_owned()).collect();
    let again = seen.len() - rows.len();
    assert!(again <= 7, "at most one is sent again for each kill: {again}");
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), rows.len());
    assert_eq!(bench.events().await.len(), rows.len());
}

#[tokio::test]
async fn stopping_lets_what_is_under_way_end() {
    let gate = Arc::new(Notify::new());
    let receiver = Receiver::start(vec![Answer::Gate(Arc::clone(&gate))]).await;
    let mut bench = Bench::new().await;
    let hook = bench.hook(&receiver).await;
    let row = bench.put(problem(&hook)).await;
    receiver.arrived.notified().await;
    gate.notify_one();
    bench.stop().await;
    assert_eq!(bench.row(&row).await.state, "delivered");
}

#[tokio::test]
async fn a_disabled_deleted_or_unfinished_channel_fails_with_that_reason() {
    let receiver = Receiver::start(vec![]).await;
    let bench = Bench::new().await;
    let hook = bench.hook(&receiver).await;
    let off = bench.store.put_channel(ChannelRow { enabled: false, ..hook.clone() }, draft()).await.unwrap();
    let row = bench.put(problem(&off)).await;
    assert_eq!(bench.failed(&row).await.last_error, format!("the channel {} is disabled", off.name));

    bench.store.delete_channel(off.id, draft()).await.unwrap();
    // Committed by a round that was under way when the channel went.
    let row = bench.put(problem(&off)).await;
    assert_eq!(bench.failed(&row).await.last_error, "the channel was deleted");

    let unsigned = bench.channel("webhook", receiver.config(), b"").await;
    let row = bench.put(problem(&unsigned)).await;
    let error = bench.failed(&row).await.last_error;
    assert_eq!(error, "the channel has no signing key; enter one as its secret, and give it to the receiver");
    assert_eq!(*receiver.dialled.lock(), 0);
}

#[tokio::test]
async fn a_test_is_answered_at_once_whatever_waits() {
    let receiver = Receiver::start(vec![Answer::Status(500), Answer::Status(403)]).await;
    let policy = Policy {
        backoff_first: Duration::from_secs(3_000),
        pause_max: Duration::from_secs(3_000),
        backoff_max: Duration::from_secs(3_000),
        ..policy()
    };
    let bench = Bench::with(policy, vec!["127.0.0.0/8"]).await;
    let hook = bench.hook(&receiver).await;
    let waiting = bench.put(problem(&hook)).await;
    bench.until(&waiting, |row| row.attempts == 1).await;
    let test = bench.put(about(&hook, waiting.check, "test", "ok", "Disk", "a test")).await;
    let failed = bench.failed(&test).await;
    assert_eq!((failed.attempts, failed.last_error.as_str()), (1, "hooks.test answers 403"));
    let test = bench.put(about(&hook, waiting.check, "test", "ok", "Disk", "a test")).await;
    bench.delivered(&test).await;
    assert_eq!(receiver.posted().last().unwrap().json()["kind"], "test");
}
