//! The kind as the server uses it: configuration, the way out and back, and who may begin.

use serde_json::{Value, json};
use wk_domain::{ProviderId, Timestamp};
use wk_identity::outside::{
    Departure, Here, Kind, Outside, Provider, ProviderKind as _, Refusal, Returned, Why,
};
use wk_saml::{OwnKey, SIGNS_AFTER, Saml, ServiceProvider};

use crate::forge::{Forge, IDP, NOW_MS, Say, encoded};

fn here() -> Here {
    let id: ProviderId =
        wk_domain::id::Id::from_uuid("01900000-0000-7000-8000-000000000001".parse().unwrap());
    Here::of("https://watch.example", id, Timestamp::from_ms(NOW_MS))
}

fn config(forge: &Forge) -> Value {
    json!({
        "entity_id": IDP,
        "sso_url": "https://idp.example/sso",
        "certificates": [forge.idp.certificates[0].to_text()],
    })
}

fn provider(config: &Value, here: &Here) -> Provider {
    Provider {
        id: wk_domain::id::Id::from_uuid("01900000-0000-7000-8000-000000000001".parse().unwrap()),
        name: "Corporate".to_owned(),
        config: Saml.check(config).unwrap(),
        secret: Some(Saml.own_secret(here, None).unwrap().unwrap()),
    }
}

/// What the provider says to whoever left with `departure`.
fn answer(forge: &Forge, departure: &Departure, here: &Here, change: impl Fn(&mut Say)) -> Returned {
    let kept: Value = serde_json::from_slice(departure.kept.expose()).unwrap();
    let mut say = Say {
        in_response_to: Some(kept["request"].as_str().unwrap().to_owned()),
        destination: here.callback.clone(),
        recipient: here.callback.clone(),
        audience: here.metadata.clone(),
        ..Say::default()
    };
    change(&mut say);
    Returned { pairs: vec![("SAMLResponse".to_owned(), encoded(forge.say(&say).as_bytes()))] }
}

struct Walk {
    forge: Forge,
    here: Here,
    provider: Provider,
}

impl Walk {
    fn new(change: impl Fn(&mut Value)) -> Self {
        let (forge, here) = (Forge::new(), here());
        let mut config = config(&forge);
        change(&mut config);
        let provider = provider(&config, &here);
        Self { forge, here, provider }
    }

    async fn enter(&self, change: impl Fn(&mut Say)) -> Result<Outside, Refusal> {
        let departure = Saml.begin(&self.provider, &self.here, false).await.unwrap();
        assert!(departure.returns_by_post && departure.url.contains("&Signature="));
        let returned = answer(&self.forge, &departure, &self.here, change);
        Saml.finish(&self.provider, &self.here, Some(&departure.kept), &returned).await
    }
}

#[tokio::test]
async fn somebody_comes_in_with_name_groups_and_a_key_that_stays() {
    let walk = Walk::new(|_| {});
    let outside = walk.enter(|_| {}).await.unwrap();
    assert_eq!(outside.subject, format!("{IDP} ada-7f3a"));
    assert_eq!((outside.name.as_str(), outside.display_name.as_str()), ("ada-7f3a", "Ada L."));
    assert_eq!(outside.groups, ["ops", "dba & co"]);
    assert!(!outside.second_factor, "a password is no second factor");
    assert_eq!(outside.session.as_deref(), Some("_s1"));
    assert_eq!(outside.once.len(), 1);
    assert!(outside.once[0].key.starts_with("saml-assertion:"));
}

#[tokio::test]
async fn a_second_factor_counts_where_the_provider_names_one_that_is_listed() {
    let walk = Walk::new(|config| {
        config["factor_contexts"] =
            json!(["urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"])
    });
    assert!(walk.enter(|_| {}).await.unwrap().second_factor);
    let walk = Walk::new(|_| {});
    let methods = "<saml:Attribute Name=\"http://schemas.microsoft.com/claims/authnmethodsreferences\"><saml:AttributeValue>\
                   http://schemas.microsoft.com/claims/multipleauthn</saml:AttributeValue></saml:Attribute>";
    assert!(walk.enter(|say| say.attributes.push_str(methods)).await.unwrap().second_factor);
}

#[tokio::test]
async fn an_answer_counts_only_for_the_browser_that_asked() {
    let walk = Walk::new(|_| {});
    let (mine, theirs) = (
        Saml.begin(&walk.provider, &walk.here, false).await.unwrap(),
        Saml.begin(&walk.provider, &walk.here, false).await.unwrap(),
    );
    let returned = answer(&walk.forge, &theirs, &walk.here, |_| {});
    let finish = |kept| Saml.finish(&walk.provider, &walk.here, kept, &returned);
    // The attacker's own answer, posted by the victim's browser: with a request of its own there, and with none.
    assert_eq!(finish(Some(&mine.kept)).await.unwrap_err().why, Why::Expired);
    assert_eq!(finish(None).await.unwrap_err().why, Why::Expired);
    finish(Some(&theirs.kept)).await.unwrap();
    // An answer without a name of a request, too.
    assert_eq!(walk.enter(|say| say.in_response_to = None).await.unwrap_err().why, Why::Expired);
    // Two answers in one form.
    let twice = Returned { pairs: [returned.pairs.clone(), returned.pairs].concat() };
    let refused = Saml.finish(&walk.provider, &walk.here, Some(&theirs.kept), &twice).await.unwrap_err();
    assert_eq!(refused.why, Why::Refused);
}

#[tokio::test]
async fn the_provider_begins_only_where_that_is_switched_on() {
    for (allowed, expected) in [(false, Some(Why::Expired)), (true, None)] {
        let walk = Walk::new(|config| config["unsolicited"] = json!(allowed));
        let departure = Saml.begin(&walk.provider, &walk.here, false).await.unwrap();
        let returned = answer(&walk.forge, &departure, &walk.here, |say| say.in_response_to = None);
        let entered = Saml.finish(&walk.provider, &walk.here, None, &returned).await;
        assert_eq!(entered.err().map(|refusal| refusal.why), expected);
        // Even then an answer to a request counts only where it was asked.
        let returned = answer(&walk.forge, &departure, &walk.here, |_| {});
        assert!(Saml.finish(&walk.provider, &walk.here, None, &returned).await.is_err());
    }
}

#[tokio::test]
async fn a_name_that_does_not_stay_is_nobodys_key() {
    let walk = Walk::new(|_| {});
    for format in [
        "urn:oasis:names:tc:SAML:2.0:nameid-format:transient",
        "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
    ] {
        let refused = walk.enter(|say| say.name_id_format = format.to_owned()).await.unwrap_err();
        assert_eq!(refused.why, Why::Refused);
        assert!(refused.detail.contains("NameID is"), "{}", refused.detail);
    }
    let by_attribute = Walk::new(|config| config["subject"] = json!("displayName"));
    let transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    let outside = by_attribute.enter(|say| say.name_id_format = transient.to_owned()).await.unwrap();
    assert_eq!(outside.subject, format!("{IDP} Ada L."));
    let two = Walk::new(|config| config["subject"] = json!("groups"));
    assert!(two.enter(|_| {}).await.is_err(), "two values are nobody");
}

#[tokio::test]
async fn groups_and_subjects_count_to_the_letter() {
    let attribute = |name: &str, value: &str| {
        format!(
            "<saml:Attribute Name=\"{name}\"><saml:AttributeValue>{value}</saml:AttributeValue></saml:Attribute>"
        )
    };
    let walk = Walk::new(|config| config["subject"] = json!("key"));
    for value in ["ops ", "ops\u{3000}", " ops"] {
        let said = format!("{}{}", attribute("groups", value), attribute("key", value));
        let outside = walk.enter(|say| say.attributes = said.clone()).await.unwrap();
        assert_eq!(outside.groups, [value]);
        assert_eq!(outside.subject, format!("{IDP} {value}"));
    }
}

#[tokio::test]
async fn who_must_prove_it_anew_does_not_come_with_an_old_sign_in() {
    let walk = Walk::new(|_| {});
    let mut later = walk.here.clone();
    later.now = Timestamp::from_ms(NOW_MS + 150_000);
    let departure = Saml.begin(&walk.provider, &later, true).await.unwrap();
    let returned = answer(&walk.forge, &departure, &walk.here, |_| {});
    let refused = Saml.finish(&walk.provider, &later, Some(&departure.kept), &returned).await.unwrap_err();
    assert!(refused.detail.contains("anew"), "{}", refused.detail);
}

#[test]
fn configurations_are_read_strictly_and_metadata_fills_them() {
    let forge = Forge::new();
    let good = config(&forge);
    let kept = Saml.check(&good).unwrap();
    assert_eq!(kept["clock_skew_s"], 60);
    assert_eq!(kept["unsolicited"], false);
    assert_eq!(Saml.check(&kept).unwrap(), kept, "what is kept is good");
    for (field, value, pointer) in [
        ("entity_id", json!(""), "/entity_id"),
        ("entity_id", json!("a b"), "/entity_id"),
        ("sso_url", json!("http://idp.example/sso"), "/sso_url"),
        ("sso_url", json!("javascript:alert(1)"), "/sso_url"),
        ("slo_url", json!("http://idp.example/slo"), "/slo_url"),
        ("certificates", json!([]), "/certificates"),
        ("certificates", json!(["AAAA"]), "/certificates/0"),
        ("name_id_format", json!("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"), "/name_id_format"),
        ("clock_skew_s", json!(301), "/clock_skew_s"),
        ("metadata", json!("<a/>"), "/metadata"),
        ("accept_sha1", json!(true), ""),
    ] {
        let mut wrong = good.clone();
        wrong[field] = value;
        assert_eq!(Saml.check(&wrong).unwrap_err().pointer, pointer, "{field}");
    }
    let metadata = format!(
        "<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" entityID=\"{IDP}\"><IDPSSODescriptor \
         protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor><ds:KeyInfo \
         xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate>\
         </ds:X509Data></ds:KeyInfo></KeyDescriptor><SingleSignOnService \
         Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\" Location=\"https://idp.example/sso\"/>\
         </IDPSSODescriptor></EntityDescriptor>",
        forge.idp.certificates[0].to_text()
    );
    let filled = Saml.check(&json!({ "metadata": metadata })).unwrap();
    assert_eq!((&filled["entity_id"], &filled["sso_url"]), (&good["entity_id"], &good["sso_url"]));
    assert_eq!(filled["certificates"], good["certificates"]);
    assert!(filled.get("metadata").is_none());
}

#[tokio::test]
async fn a_new_own_key_is_shown_before_it_signs_and_the_old_one_still_opens() {
    let here = here();
    let first = Saml.own_secret(&here, None).unwrap().unwrap();
    let mut later = here.clone();
    later.now = Timestamp::from_ms(NOW_MS + 86_400_000);
    let second = Saml.own_secret(&later, Some(&first)).unwrap().unwrap();
    let third = Saml.own_secret(&later, Some(&second)).unwrap().unwrap();
    let made = |secret: &wk_seal::SecretBytes| -> Vec<i64> {
        let text = String::from_utf8(secret.expose().clone()).unwrap();
        text.lines().map(|line| OwnKey::from_secret(line).unwrap().made.as_ms() - NOW_MS).collect()
    };
    assert_eq!(made(&second), [86_400_000, 0]);
    assert_eq!(made(&third), [86_400_000, 86_400_000], "two at most");
    let text = String::from_utf8(second.expose().clone()).unwrap();
    let keys = text.lines().map(|line| OwnKey::from_secret(line).unwrap()).collect();
    let sp =
        ServiceProvider { entity_id: String::new(), acs_url: String::new(), logout_url: String::new(), keys };
    assert_eq!(sp.signing_key(later.now).unwrap().made, here.now);
    let shown = Timestamp::from_ms(later.now.as_ms() + SIGNS_AFTER.as_millis() as i64);
    assert_eq!(sp.signing_key(shown).unwrap().made, later.now);

    let forge = Forge::new();
    let mut provider = provider(&config(&forge), &here);
    provider.secret = Some(second);
    let (media, metadata) = Saml.metadata(&provider, &here).unwrap();
    assert_eq!(media, "application/samlmetadata+xml");
    assert_eq!(metadata.matches("use=\"signing\"").count(), 2);
    assert_eq!(metadata.matches("use=\"encryption\"").count(), 1);
    let steps = Saml.test(&provider, &here).await;
    assert!(steps.iter().all(|step| step.ok), "{steps:?}");
    assert_eq!(Saml.kind(), Kind::Saml);
}
