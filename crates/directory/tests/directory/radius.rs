//! Sign-in by a real FreeRADIUS.

use serde_json::{Value, json};
use wk_identity::outside::{Answer, Why};
use wk_seal::SecretBytes;

use super::freeradius::{FreeRadius, SECRET};
use super::{Asker, lines};

fn udp(port: u16, more: Value) -> Value {
    let mut config =
        json!({"servers": [format!("127.0.0.1:{port}")], "transport": "udp", "timeout_ms": 4000});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    config
}

fn asked(answer: Result<Answer, wk_identity::outside::Refusal>) -> (String, SecretBytes) {
    match answer {
        Ok(Answer::Ask { prompt, state, .. }) => (prompt, state),
        other => panic!("it does not ask: {other:?}"),
    }
}

#[tokio::test]
async fn name_and_password_are_judged_and_groups_are_read() {
    let server = FreeRadius::start();
    let with = |groups: Value| Asker::radius(udp(server.udp, json!({"groups": groups})), SECRET);
    let ada = with(json!({"type": 11})).person("Ada", "correct horse").await;
    assert_eq!((ada.subject.as_str(), ada.second_factor), ("ada", false));
    assert_eq!(ada.groups, ["ops", "staff"], "Filter-Id");
    let ada = with(json!({"type": 25, "prefix": "ou="})).person("ada", "correct horse").await;
    assert_eq!(ada.groups, ["engineers"], "Class");
    let cisco = json!({"type": 26, "vendor": 9, "vendor_type": 1, "prefix": "group="});
    assert_eq!(with(cisco).person("ada", "correct horse").await.groups, ["network"]);

    let asker = Asker::radius(udp(server.udp, json!({})), SECRET);
    assert_eq!(asker.refused("ada", "wrong").await.why, Why::Wrong);
    assert_eq!(asker.refused("nobody", "correct horse").await.why, Why::Wrong);
    asker.person("long", &"p".repeat(128)).await;
    assert_eq!(asker.refused("long", &"p".repeat(129)).await.why, Why::Wrong);
}

#[tokio::test]
async fn a_challenge_is_passed_on_and_answered() {
    let server = FreeRadius::start();
    let asker = Asker::radius(udp(server.udp, json!({"second_factor": "challenge"})), SECRET);
    let (prompt, state) = asked(asker.password("grace", "first").await);
    assert_eq!(prompt, "Enter the code that was sent to you");
    match asker.answer(&state, "424242").await {
        Ok(Answer::In(grace)) => assert!(grace.second_factor),
        other => panic!("{other:?}"),
    }
    let (_, state) = asked(asker.password("grace", "first").await);
    assert_eq!(asker.answer(&state, "000000").await.unwrap_err().why, Why::Wrong);
    // A State counts once.
    assert_eq!(asker.answer(&state, "424242").await.unwrap_err().why, Why::Wrong);
    assert_eq!(asker.refused("grace", "wrong").await.why, Why::Wrong);
    for forged in [&b""[..], b"{}", b"[1]", br#"{"name":"grace","server":9,"state":[1],"round":0}"#] {
        let state = SecretBytes::new(forged.to_vec());
        assert!(asker.answer(&state, "424242").await.is_err());
    }
}

#[tokio::test]
async fn challenges_have_an_end() {
    let server = FreeRadius::start();
    let asker = Asker::radius(udp(server.udp, json!({"challenges_max": 2})), SECRET);
    let (_, state) = asked(asker.password("endless", "x").await);
    let (_, state) = asked(asker.answer(&state, "x").await);
    let refusal = asker.answer(&state, "x").await.unwrap_err();
    assert!(refusal.detail.contains("more than 2 times"), "{refusal}");
}

#[tokio::test]
async fn radsec_wants_certificates_on_both_sides() {
    let server = FreeRadius::start();
    let ours = server.client();
    let config = |host: &str, ca: &str, certificate: &str| {
        json!({
            "servers": [format!("{host}:{}", server.radsec)],
            "ca_pem": ca,
            "certificate_pem": certificate,
            "groups": {"type": 11}
        })
    };
    let asker = Asker::radius(config("localhost", &server.authority.pem, &ours.pem), &ours.key);
    assert_eq!(asker.person("ada", "correct horse").await.groups, ["ops", "staff"]);
    assert_eq!(asker.refused("ada", "wrong").await.why, Why::Wrong);
    let (_, state) = asked(asker.password("grace", "first").await);
    assert!(matches!(asker.answer(&state, "424242").await, Ok(Answer::In(_))));

    let other = super::authority::Authority::new();
    let strange = other.leaf(&["watchkeep.example"]);
    let asker = Asker::radius(config("localhost", &server.authority.pem, &strange.pem), &strange.key);
    assert_eq!(
        asker.refused("ada", "correct horse").await.why,
        Why::Unreachable,
        "our certificate is not theirs"
    );
    let asker = Asker::radius(config("localhost", &other.pem, &ours.pem), &ours.key);
    let refusal = asker.refused("ada", "correct horse").await;
    assert!(refusal.detail.contains("authority is not trusted"), "{refusal}");
}

#[tokio::test]
async fn a_server_that_signs_nothing_lets_nobody_in() {
    let server = FreeRadius::start();
    let asker = Asker::radius(udp(server.old, json!({})), SECRET);
    let refusal = asker.refused("ada", "correct horse").await;
    assert_eq!(refusal.why, Why::Unreachable);
    assert!(refusal.detail.contains("no Message-Authenticator"), "{refusal}");
}

#[tokio::test]
async fn another_shared_secret_is_told_and_the_next_server_is_asked() {
    let server = FreeRadius::start();
    let asker = Asker::radius(udp(server.udp, json!({"timeout_ms": 1000})), "another secret of 24 byte");
    assert_eq!(asker.refused("ada", "correct horse").await.why, Why::Unreachable);

    let down = super::process::free_port();
    let both = json!({"servers": [format!("127.0.0.1:{down}"), format!("127.0.0.1:{}", server.udp)]});
    let asker = Asker::radius(udp(0, both), SECRET);
    asker.person("ada", "correct horse").await;
}

#[tokio::test]
async fn the_walk_explains_and_the_server_demanded_our_signature() {
    let server = FreeRadius::start();
    let asker = Asker::radius(udp(server.udp, json!({"groups": {"type": 11}})), SECRET);
    let steps = asker.test().await;
    let text = lines(&steps);
    assert!(steps.iter().all(|step| step.ok) && text.contains("refused, as it must be"), "{text}");
    let (steps, ada) = asker.test_as("ada", Some("correct horse")).await;
    let text = lines(&steps);
    assert!(text.contains("ops | staff") && ada.is_some(), "{text}");
    assert!(!text.contains("correct horse") && !text.contains(SECRET));
    let (steps, _) = asker.test_as("grace", Some("first")).await;
    assert!(lines(&steps).contains("Enter the code"), "{}", lines(&steps));
    // The server's configuration drops requests without one.
    assert!(server.said().contains("Message-Authenticator"));

    let text = lines(&Asker::radius(udp(server.old, json!({"timeout_ms": 1000})), SECRET).test().await);
    assert!(text.contains("FAIL Ask") && text.contains("CVE-2024-3596"), "{text}");
}
