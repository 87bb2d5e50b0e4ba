//! Directories that are real, `slapd` and `freeradius` in temporary folders, and their hostile twins.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod authority;
mod freeradius;
mod ldap;
mod ldap_hostile;
mod process;
mod radius;
mod radius_hostile;
mod slapd;

use serde_json::Value;
use wk_directory::{LdapKind, RadiusKind};
use wk_domain::{ProviderId, Timestamp};
use wk_egress::Egress;
use wk_identity::outside::{Answer, Here, Outside, Provider, ProviderKind, Refusal, Step};
use wk_seal::{SecretBytes, SecretString};

/// A provider and the kind that asks it.
struct Asker<K> {
    kind: K,
    provider: Provider,
    here: Here,
}

fn provider(config: Value, secret: &str) -> Provider {
    Provider {
        id: ProviderId::from_uuid(uuid::Uuid::nil()),
        name: "corp".to_owned(),
        config,
        secret: Some(SecretBytes::new(secret.as_bytes().to_vec())),
    }
}

fn here() -> Here {
    let id = ProviderId::from_uuid(uuid::Uuid::nil());
    Here::of("https://watch.example:8443", id, Timestamp::from_ms(1_790_000_000_000))
}

impl Asker<LdapKind> {
    fn ldap(config: Value, secret: &str) -> Self {
        let kind = LdapKind::new(Egress::new(Vec::new()));
        let config = kind.check(&config).unwrap();
        Self { kind, provider: provider(config, secret), here: here() }
    }
}

impl Asker<RadiusKind> {
    fn radius(config: Value, secret: &str) -> Self {
        let kind = RadiusKind::new(Egress::new(Vec::new()));
        let config = kind.check(&config).unwrap();
        kind.check_secret(&config, &SecretBytes::new(secret.as_bytes().to_vec())).unwrap();
        Self { kind, provider: provider(config, secret), here: here() }
    }
}

impl<K: ProviderKind> Asker<K> {
    async fn password(&self, name: &str, password: &str) -> Result<Answer, Refusal> {
        self.kind.password(&self.provider, &self.here, name, &SecretString::new(password.to_owned())).await
    }

    /// As a browser in which the person has signed in before.
    async fn known(&self, name: &str, password: &str) -> Result<Answer, Refusal> {
        let here = Here { known_browser: true, ..self.here.clone() };
        self.kind.password(&self.provider, &here, name, &SecretString::new(password.to_owned())).await
    }

    async fn person(&self, name: &str, password: &str) -> Outside {
        match self.password(name, password).await {
            Ok(Answer::In(person)) => *person,
            other => panic!("{name} does not get in: {other:?}"),
        }
    }

    async fn refused(&self, name: &str, password: &str) -> Refusal {
        match self.password(name, password).await {
            Err(refusal) => refusal,
            Ok(answer) => panic!("{name} gets in: {answer:?}"),
        }
    }

    async fn answer(&self, state: &SecretBytes, answer: &str) -> Result<Answer, Refusal> {
        self.kind.answer(&self.provider, &self.here, state, &SecretString::new(answer.to_owned())).await
    }

    async fn test(&self) -> Vec<Step> {
        self.kind.test(&self.provider, &self.here).await
    }

    async fn test_as(&self, name: &str, password: Option<&str>) -> (Vec<Step>, Option<Outside>) {
        let password = password.map(|password| SecretString::new(password.to_owned()));
        self.kind.test_as(&self.provider, &self.here, name, password.as_ref()).await
    }
}

/// The steps as lines, for messages of tests and for looking at.
fn lines(steps: &[Step]) -> String {
    let line =
        |step: &Step| format!("{} {}: {}\n", if step.ok { "ok  " } else { "FAIL" }, step.title, step.detail);
    steps.iter().map(line).collect()
}

#[tokio::test]
async fn nobody_without_password_reaches_a_directory() {
    // The server is not there: whatever is refused as wrong was refused before anybody was asked.
    let asker = Asker::ldap(
        serde_json::json!({
            "servers": ["127.0.0.1:1"],
            "find": {"by": "template", "dn": "uid={name},dc=corp,dc=example"}
        }),
        "",
    );
    for (name, password) in [("ada", ""), ("ada", "a\0b"), ("", "x"), ("a\0da", "x")] {
        assert_eq!(asker.refused(name, password).await.why.as_str(), "wrong", "{name:?} {password:?}");
    }
    assert_eq!(asker.refused("ada", &"x".repeat(600)).await.why.as_str(), "wrong");
    assert_eq!(asker.refused("ada", "x").await.why.as_str(), "unreachable");
}
