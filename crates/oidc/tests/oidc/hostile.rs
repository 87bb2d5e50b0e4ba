//! A provider that lies: in its tokens, in its documents, on the way, and in how it answers.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use wk_identity::outside::{ProviderKind as _, Returned, Why};

use crate::support::*;

async fn scene() -> (Op, Signer, wk_oidc::Oidc) {
    let signer = Signer::new("one");
    (Op::new(&signer).await, signer, kind())
}

#[tokio::test]
async fn a_provider_that_behaves_lets_in() {
    let (op, signer, kind) = scene().await;
    let provider = op.provider();
    let gone = leave(&kind, &provider).await.unwrap();
    assert_eq!(gone.asked("response_type"), "code");
    assert_eq!(gone.asked("code_challenge_method"), "S256");
    assert_eq!(gone.asked("redirect_uri"), here(&provider).callback);
    op.gives(&signer.token(&op.claims(gone.asked("nonce"))));
    let outside = gone.back(&kind, &provider, &gone.returned(&op.issuer)).await.unwrap();
    assert_eq!(outside.subject, format!("{} 7", op.issuer));
    assert_eq!((outside.name.as_str(), outside.groups.as_slice()), ("ada", &["ops".to_owned()][..]));
    assert!(!outside.second_factor);
    // The verifier belongs to the challenge, and the secret was escaped before it was encoded.
    let asked = op.last("/token");
    let verifier = asked.form.one("code_verifier").unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    assert_eq!(b64(digest), gone.asked("code_challenge"));
    let pair = format!("{CLIENT}:{}", Returned::escaped(SECRET));
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair);
    assert_eq!(asked.authorization, format!("Basic {basic}"));
    assert_eq!(asked.form.one("client_secret"), None);
}

#[tokio::test]
async fn no_token_that_is_wrong_lets_in() {
    let (op, signer, kind) = scene().await;
    let provider = op.provider();
    let other = Signer::new("one");
    let unknown = Signer::new("nine");
    let s = now().as_ms() / 1000;
    let with = |nonce: &str, change: Value| {
        let mut claims = op.claims(nonce);
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(name);
            } else {
                claims[name] = value.clone();
            }
        }
        claims
    };
    let head = |alg: &str| json!({"alg": alg, "kid": "one", "typ": "JWT"});
    let jwk = signer.jwk();
    type Make<'a> = Box<dyn Fn(&str) -> String + 'a>;
    let cases: Vec<(&str, Make<'_>)> = vec![
        (
            "alg none",
            Box::new(|n| format!("{}.{}.", b64(head("none").to_string()), b64(op.claims(n).to_string()))),
        ),
        ("alg none with a signature", Box::new(|n| signer.sign(&head("none"), &op.claims(n)))),
        (
            "no signature",
            Box::new(|n| {
                let token = signer.token(&op.claims(n));
                token[..=token.rfind('.').unwrap()].to_owned()
            }),
        ),
        (
            "HS256 with the key set",
            Box::new(|n| signer.with_public_key_as_secret(&op.claims(n), jwk.to_string().as_bytes())),
        ),
        (
            "HS256 with the modulus",
            Box::new(|n| {
                signer.with_public_key_as_secret(&op.claims(n), jwk["n"].as_str().unwrap().as_bytes())
            }),
        ),
        (
            "HS256 with the client's secret",
            Box::new(|n| signer.with_public_key_as_secret(&op.claims(n), SECRET.as_bytes())),
        ),
        ("another key under the same id", Box::new(|n| other.token(&op.claims(n)))),
        ("a key nobody published", Box::new(|n| unknown.token(&op.claims(n)))),
        (
            "its own key in the header",
            Box::new(|n| {
                unknown.sign(&json!({"alg": "RS256", "kid": "nine", "jwk": unknown.jwk()}), &op.claims(n))
            }),
        ),
        ("another algorithm's name", Box::new(|n| signer.sign(&head("RS512"), &op.claims(n)))),
        ("wrong aud", Box::new(|n| signer.token(&with(n, json!({"aud": "another"}))))),
        ("aud of two without azp", Box::new(|n| signer.token(&with(n, json!({"aud": [CLIENT, "another"]}))))),
        ("wrong azp", Box::new(|n| signer.token(&with(n, json!({"azp": "another"}))))),
        ("wrong iss", Box::new(|n| signer.token(&with(n, json!({"iss": "https://evil.example"}))))),
        (
            "iss with a slash more",
            Box::new(|n| signer.token(&with(n, json!({"iss": format!("{}/", op.issuer)})))),
        ),
        ("expired", Box::new(|n| signer.token(&with(n, json!({"exp": s - 120}))))),
        ("no exp", Box::new(|n| signer.token(&with(n, json!({"exp": null}))))),
        (
            "made long ago",
            Box::new(|n| signer.token(&with(n, json!({"iat": s - 86_400, "exp": s + 86_400})))),
        ),
        (
            "made tomorrow",
            Box::new(|n| signer.token(&with(n, json!({"iat": s + 86_400, "exp": s + 99_999})))),
        ),
        ("not yet", Box::new(|n| signer.token(&with(n, json!({"nbf": s + 600}))))),
        ("no nonce", Box::new(|n| signer.token(&with(n, json!({"nonce": null}))))),
        ("another nonce", Box::new(|_| signer.token(&op.claims("n-of-yesterday")))),
        ("no sub", Box::new(|n| signer.token(&with(n, json!({"sub": null}))))),
        ("an access token of another", Box::new(|n| signer.token(&with(n, json!({"at_hash": "AAAA"}))))),
        (
            "a logout token",
            Box::new(|n| {
                signer.sign(&json!({"alg": "RS256", "kid": "one", "typ": "logout+jwt"}), &op.claims(n))
            }),
        ),
        ("five parts", Box::new(|n| format!("a.b.{}", signer.token(&op.claims(n))))),
        ("nothing", Box::new(|_| String::new())),
        ("a megabyte", Box::new(|n| signer.token(&with(n, json!({"groups": ["x".repeat(1 << 20)]}))))),
    ];
    for (what, make) in cases {
        let gone = leave(&kind, &provider).await.unwrap();
        op.gives(&make(gone.asked("nonce")));
        let refusal = gone.back(&kind, &provider, &gone.returned(&op.issuer)).await.expect_err(what);
        assert!(matches!(refusal.why, Why::Refused | Why::Unreachable), "{what}: {refusal:?}");
    }
    // The last thing it says counts for nothing against the next good one.
    let gone = leave(&kind, &provider).await.unwrap();
    op.gives(&signer.token(&op.claims(gone.asked("nonce"))));
    gone.back(&kind, &provider, &gone.returned(&op.issuer)).await.unwrap();
}

#[tokio::test]
async fn a_token_of_another_sign_in_and_a_swapped_code_are_refused() {
    let (op, signer, kind) = scene().await;
    let provider = op.provider();
    let (mine, theirs) = (leave(&kind, &provider).await.unwrap(), leave(&kind, &provider).await.unwrap());
    // The attacker's code, in the victim's browser: its token has the attacker's nonce.
    op.gives(&signer.token(&op.claims(theirs.asked("nonce"))));
    let refusal = mine.back(&kind, &provider, &mine.returned(&op.issuer)).await.unwrap_err();
    assert!(refusal.detail.contains("nonce"), "{refusal}");
    // The attacker's whole return, in the victim's browser.
    let refusal = mine.back(&kind, &provider, &theirs.returned(&op.issuer)).await.unwrap_err();
    assert!(refusal.detail.contains("state"), "{refusal}");
    // Nobody began here.
    let refusal =
        kind.finish(&provider, &here(&provider), None, &mine.returned(&op.issuer)).await.unwrap_err();
    assert_eq!(refusal.why, Why::Refused);
    assert_eq!(op.fetched("/token"), 1, "a wrong state costs the provider nothing");
    // The code was redeemed by somebody else: the provider sees that the verifier is another.
    op.put("/token", Reply { status: 400, ..Reply::json(&json!({"error": "invalid_grant"})) });
    assert_eq!(mine.back(&kind, &provider, &mine.returned(&op.issuer)).await.unwrap_err().why, Why::Refused);
}

#[tokio::test]
async fn a_mixed_up_browser_is_noticed() {
    let (op, signer, kind) = scene().await;
    let provider = op.provider();
    let gone = leave(&kind, &provider).await.unwrap();
    op.gives(&signer.token(&op.claims(gone.asked("nonce"))));
    let good = gone.returned(&op.issuer);
    let change = |name: &str, value: Option<&str>| {
        let mut pairs = good.pairs.clone();
        pairs.retain(|(known, _)| known != name);
        pairs.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Returned { pairs }
    };
    let mut twice = good.clone();
    twice.pairs.push(("iss".to_owned(), op.issuer.clone()));
    let mut two_states = good.clone();
    two_states.pairs.push(("state".to_owned(), "x".to_owned()));
    for wrong in [
        change("iss", Some("https://evil.example")),
        change("iss", Some("")),
        change("iss", None),
        twice,
        change("state", None),
        change("state", Some("")),
        two_states,
        change("code", None),
        change("code", Some("")),
        change("code", Some(&"x".repeat(10_000))),
        Returned::default(),
    ] {
        let refusal = gone.back(&kind, &provider, &wrong).await.unwrap_err();
        assert_eq!(refusal.why, Why::Refused, "{wrong:?}");
    }
    assert_eq!(op.fetched("/token"), 0, "no code went to anybody");
    gone.back(&kind, &provider, &good).await.unwrap();
}

#[tokio::test]
async fn what_the_person_declined_is_said_as_that() {
    let (op, _, kind) = scene().await;
    let provider = op.provider();
    let gone = leave(&kind, &provider).await.unwrap();
    let said = |error: &str| {
        let mut returned = gone.returned(&op.issuer);
        returned.pairs.retain(|(name, _)| name != "code");
        returned.pairs.push(("error".to_owned(), error.to_owned()));
        returned.pairs.push(("error_description".to_owned(), "<b>no</b>\r\nSet-Cookie: a=b".to_owned()));
        returned
    };
    for (error, why) in [
        ("access_denied", Why::Cancelled),
        ("server_error", Why::Unreachable),
        ("invalid_request", Why::Refused),
        ("<script>", Why::Refused),
    ] {
        let refusal = gone.back(&kind, &provider, &said(error)).await.unwrap_err();
        assert_eq!(refusal.why, why);
        assert!(!refusal.detail.contains('\n'), "{refusal}");
    }
    let mut forged = said("access_denied");
    forged.pairs.retain(|(name, _)| name != "state");
    assert_eq!(gone.back(&kind, &provider, &forged).await.unwrap_err().why, Why::Refused);
}

#[tokio::test]
async fn documents_that_lead_elsewhere_are_not_followed() {
    let (op, _, kind) = scene().await;
    let provider = op.provider();
    let document = "/.well-known/openid-configuration";
    let good = op.discovery();
    let with = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        Reply::json(&document)
    };
    let redirect =
        Reply { status: 302, location: Some(format!("{}/elsewhere", op.issuer)), ..Reply::json(&good) };
    op.put("/elsewhere", Reply::json(&good));
    for (what, reply) in [
        ("another issuer", with("issuer", json!("https://evil.example"))),
        ("its keys on another host", with("jwks_uri", json!("https://evil.example/jwks"))),
        ("its keys in the house", with("jwks_uri", json!("https://169.254.169.254/latest/meta-data"))),
        ("its keys on another port", with("jwks_uri", json!("https://localhost:1/jwks"))),
        ("its keys without TLS", with("jwks_uri", json!("http://localhost/jwks"))),
        ("its keys in a file", with("jwks_uri", json!("file:///etc/passwd"))),
        ("its token endpoint elsewhere", with("token_endpoint", json!("https://evil.example/token"))),
        ("people sent elsewhere", with("authorization_endpoint", json!("https://evil.example/phish"))),
        ("people sent to a script", with("authorization_endpoint", json!("javascript:alert(1)"))),
        ("no endpoint", with("token_endpoint", Value::Null)),
        ("a redirect", redirect),
        ("no JSON", Reply { body: b"<html>".to_vec(), ..Reply::json(&good) }),
        ("two issuers", Reply { body: br#"{"issuer":"a","issuer":"b"}"#.to_vec(), ..Reply::json(&good) }),
        ("too much", Reply { body: vec![b' '; 1 << 20], ..Reply::json(&good) }),
        ("a fault", Reply { status: 500, ..Reply::json(&good) }),
    ] {
        op.put(document, reply);
        assert!(leave(&kind, &provider).await.is_err(), "{what}");
    }
    assert_eq!(op.fetched("/elsewhere"), 0);
    op.put(document, Reply::json(&good));
    leave(&kind, &provider).await.unwrap();
}

#[tokio::test]
async fn keys_that_are_wrong_too_many_or_asked_for_too_often() {
    let (op, signer, _) = scene().await;
    let provider = op.provider();
    let mut encrypts = signer.jwk();
    encrypts["use"] = json!("enc");
    let mut unnamed = signer.jwk();
    unnamed.as_object_mut().unwrap().remove("kid");
    let other = Signer::new("one");
    for (what, keys) in [
        ("none", json!({"keys": []})),
        ("for encryption", json!({"keys": [encrypts]})),
        ("without the id", json!({"keys": [unnamed]})),
        ("somebody else's", json!({"keys": [other.jwk()]})),
        ("a shared one", json!({"keys": [{"kty": "oct", "kid": "one", "k": b64(SECRET)}]})),
        ("no set", json!([signer.jwk()])),
        ("too many bytes", json!({"keys": [signer.jwk()], "pad": "x".repeat(1 << 20)})),
    ] {
        let kind = kind();
        op.put("/jwks", Reply::json(&keys));
        let gone = leave(&kind, &provider).await.unwrap();
        op.gives(&signer.token(&op.claims(gone.asked("nonce"))));
        assert!(gone.back(&kind, &provider, &gone.returned(&op.issuer)).await.is_err(), "{what}");
    }
    // A new key is found by asking again; whoever makes key ids up does not make us ask each time.
    let kind = kind();
    op.put("/jwks", Reply::json(&json!({"keys": [signer.jwk()]})));
    let gone = leave(&kind, &provider).await.unwrap();
    op.gives(&signer.token(&op.claims(gone.asked("nonce"))));
    gone.back(&kind, &provider, &gone.returned(&op.issuer)).await.unwrap();
    let before = op.fetched("/jwks");
    let made_up = Signer::new("made-up");
    for _ in 0..20 {
        let token = made_up.token(&op.claims("x"));
        let returned = Returned { pairs: vec![("logout_token".to_owned(), token)] };
        assert!(kind.logout(&provider, &here(&provider), &returned).await.is_err());
    }
    assert_eq!(op.fetched("/jwks"), before, "fetched just now");
    let mut later = here(&provider);
    later.now = later.now + Duration::from_secs(31);
    let newer = Signer::new("two");
    op.put("/jwks", Reply::json(&json!({"keys": [signer.jwk(), newer.jwk()]})));
    let gone = leave(&kind, &provider).await.unwrap();
    op.gives(&newer.token(&op.claims(gone.asked("nonce"))));
    let kept = Some(&gone.departure.kept);
    kind.finish(&provider, &later, kept, &gone.returned(&op.issuer)).await.unwrap();
    assert_eq!(op.fetched("/jwks"), before + 1);
}

#[tokio::test]
async fn whoever_does_not_answer_is_not_waited_for() {
    let (op, _, kind) = scene().await;
    let provider = op.provider();
    let good = Reply::json(&op.discovery());
    op.put("/.well-known/openid-configuration", Reply { delay: Duration::from_secs(600), ..good });
    let began = Instant::now();
    let Err(refusal) = leave(&kind, &provider).await else { panic!("it answered") };
    assert_eq!(refusal.why, Why::Unreachable);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_not_accepted() {
    let (op, _, kind) = scene().await;
    let mut provider = op.provider();
    provider.config["root_pem"] = json!(Tls::new().ca_pem);
    let Err(refusal) = leave(&kind, &provider).await else { panic!("a stranger was believed") };
    assert_eq!(refusal.why, Why::Unreachable);
    assert!(refusal.detail.contains("certificate"), "{refusal}");
}

#[tokio::test]
async fn userinfo_fills_in_and_speaks_of_nobody_else() {
    let (op, signer, kind) = scene().await;
    let mut document = op.discovery();
    document["userinfo_endpoint"] = json!(format!("{}/userinfo", op.issuer));
    op.put("/.well-known/openid-configuration", Reply::json(&document));
    let provider = op.provider();
    let thin = |nonce: &str| {
        let mut claims = op.claims(nonce);
        for name in ["preferred_username", "name", "email", "groups"] {
            claims.as_object_mut().unwrap().remove(name);
        }
        signer.token(&claims)
    };
    for (said, lets_in) in [
        (json!({"sub": "7", "preferred_username": "ada", "groups": ["admins"]}), true),
        (json!({"sub": "8", "preferred_username": "ada", "groups": ["admins"]}), false),
        (json!({"preferred_username": "ada"}), false),
    ] {
        op.put("/userinfo", Reply::json(&said));
        let gone = leave(&kind, &provider).await.unwrap();
        op.gives(&thin(gone.asked("nonce")));
        let outside = gone.back(&kind, &provider, &gone.returned(&op.issuer)).await;
        assert_eq!(outside.is_ok(), lets_in, "{said}");
        if let Ok(outside) = outside {
            assert_eq!(outside.groups, ["admins"]);
        }
    }
    assert_eq!(op.last("/userinfo").authorization, "Bearer at");
}

#[tokio::test]
async fn a_second_factor_counts_by_the_list_and_proving_anew_is_asked_for_and_seen() {
    let (op, signer, kind) = scene().await;
    let provider = op.provider_with(json!({"amr": ["mfa", "hwk"], "acr": ["gold"]}));
    let here = here(&provider);
    let departure = kind.begin(&provider, &here, true).await.unwrap();
    let query = Returned::parse(departure.url.split_once('?').unwrap().1).unwrap();
    assert_eq!((query.one("prompt"), query.one("max_age")), (Some("login"), Some("0")));
    assert_eq!(query.one("acr_values"), Some("gold"));
    let gone = Gone { departure, query };
    let s = now().as_ms() / 1000;
    for (more, factor) in [
        (json!({"amr": ["pwd", "hwk"], "auth_time": s}), Some(true)),
        (json!({"acr": "gold", "auth_time": s}), Some(true)),
        (json!({"amr": ["pwd"], "acr": "silver", "auth_time": s}), Some(false)),
        (json!({"amr": ["mfa"], "auth_time": s - 3_600}), None),
        (json!({"amr": ["mfa"]}), None),
    ] {
        let mut claims = op.claims(gone.asked("nonce"));
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        op.gives(&signer.token(&claims));
        let outside = gone.back(&kind, &provider, &gone.returned(&op.issuer)).await;
        assert_eq!(outside.ok().map(|outside| outside.second_factor), factor, "{more}");
    }
}

#[tokio::test]
async fn the_word_that_a_session_is_over_is_signed_fresh_and_for_us() {
    let (op, signer, kind) = scene().await;
    let provider = op.provider();
    let s = now().as_ms() / 1000;
    let good = json!({
        "iss": op.issuer, "aud": CLIENT, "iat": s, "exp": s + 120, "jti": "j-1", "sub": "7", "sid": "s-1",
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    let tell = async |token: String| {
        let returned = Returned { pairs: vec![("logout_token".to_owned(), token)] };
        kind.logout(&provider, &here(&provider), &returned).await
    };
    let ended = tell(signer.token(&good)).await.unwrap();
    assert_eq!(ended.subject, Some(format!("{} 7", op.issuer)));
    assert_eq!(ended.session.as_deref(), Some("s-1"));
    assert_eq!(ended.once.len(), 1, "the frame lets it count once");
    let with = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    for (what, token) in [
        ("unsigned", format!("{}.{}.", b64(r#"{"alg":"none"}"#), b64(good.to_string()))),
        ("a stranger's", Signer::new("one").token(&good)),
        ("HS256", signer.with_public_key_as_secret(&good, SECRET.as_bytes())),
        ("an ID token", signer.token(&op.claims("n"))),
        ("with a nonce", signer.token(&with("nonce", json!("n")))),
        ("for another", signer.token(&with("aud", json!("another")))),
        ("of another", signer.token(&with("iss", json!("https://evil.example")))),
        ("old", signer.token(&with("iat", json!(s - 3_600)))),
        ("expired", signer.token(&with("exp", json!(s - 120)))),
        ("without an id", signer.token(&with("jti", Value::Null))),
        ("of another event", signer.token(&with("events", json!({"x": {}})))),
        ("empty", String::new()),
    ] {
        assert_eq!(tell(token).await.expect_err(what).why, Why::Refused, "{what}");
    }
    let none = kind.logout(&provider, &here(&provider), &Returned::default()).await;
    assert!(none.is_err());
}

#[tokio::test]
async fn the_test_button_names_what_is_wrong() {
    let (op, _, kind) = scene().await;
    let provider = op.provider();
    op.put("/token", Reply { status: 401, ..Reply::json(&json!({"error": "invalid_client"})) });
    op.put("/auth", Reply { status: 400, ..Reply::json(&json!({"error": "invalid_redirect_uri"})) });
    let steps = kind.test(&provider, &here(&provider)).await;
    let failed: Vec<_> = steps.iter().filter(|step| !step.ok).map(|step| step.title.as_str()).collect();
    assert_eq!(failed, ["Client id and secret", "Redirect address"], "{steps:#?}");
    assert!(steps.iter().any(|step| step.detail.contains(&here(&provider).callback)));
    op.put("/token", Reply { status: 400, ..Reply::json(&json!({"error": "invalid_grant"})) });
    op.put("/auth", Reply { status: 302, ..Reply::json(&json!({})) });
    op.put("/jwks", Reply::json(&json!({"keys": []})));
    let steps = kind.test(&provider, &here(&provider)).await;
    let failed: Vec<_> = steps.iter().filter(|step| !step.ok).map(|step| step.title.as_str()).collect();
    assert_eq!(failed, ["Keys"], "{steps:#?}");
    assert!(steps.iter().all(|step| !step.detail.contains(SECRET)));
    let nobody = {
        let mut nobody = provider.clone();
        nobody.config["issuer"] = json!("https://localhost:1");
        nobody
    };
    let steps = kind.test(&nobody, &here(&nobody)).await;
    assert_eq!((steps.len(), steps[0].ok, steps[0].title.as_str()), (1, false, "Discovery"));
}
