//! LDAP as a kind of provider.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde_json::Value;
use wk_domain::ProviderId;
use wk_egress::Egress;
use wk_identity::outside::{
    Answer, Here, Kind, Outside, Provider, ProviderKind, Refusal, SecretNeed, Step, Why, Wrong,
};
use wk_seal::{SecretBytes, SecretString, sha256};

use super::config::{Find, LdapConfig};
use super::directory::{Directory, Try, password_fits};
use crate::guard::LockoutGuard;
use crate::name::LoginName;
use crate::trace::Trace;
use crate::{Denied, Person};

/// Providers that are kept ready; beyond this all are made anew.
const KEPT_MAX: usize = 64;

#[derive(Debug, Clone)]
struct Kept {
    config: Value,
    secret: [u8; 32],
    directory: Arc<Directory>,
    guard: Arc<LockoutGuard>,
}

/// Sign-in with name and password of an LDAP directory.
#[derive(Debug)]
pub struct LdapKind {
    egress: Egress,
    kept: Mutex<HashMap<ProviderId, Kept>>,
}

fn read(config: &Value) -> Result<LdapConfig, Wrong> {
    serde_json::from_value(config.clone()).map_err(|error| Wrong::at("", error.to_string()))
}

impl LdapKind {
    /// Goes out by `egress`.
    pub fn new(egress: Egress) -> Self {
        Self { egress, kept: Mutex::default() }
    }

    /// The directory of a provider, with the counts that protect its accounts; these outlive a change of its settings.
    fn directory(&self, provider: &Provider) -> Result<Kept, Refusal> {
        let misconfigured = |why: String| Refusal::new(Why::Misconfigured, why);
        let secret =
            sha256(provider.secret.as_ref().map(|secret| secret.expose().as_slice()).unwrap_or_default());
        let known = self.kept.lock().get(&provider.id).cloned();
        if let Some(known) = &known
            && known.config == provider.config
            && known.secret == secret
        {
            return Ok(known.clone());
        }
        let config = read(&provider.config).map_err(|wrong| misconfigured(wrong.to_string()))?;
        let plan = config.plan().map_err(|wrong| misconfigured(wrong.to_string()))?;
        let text = match &provider.secret {
            None => None,
            Some(bytes) => Some(
                SecretString::from_utf8(bytes)
                    .ok_or_else(|| misconfigured("the service account's password is not text".to_owned()))?,
            ),
        };
        let directory = Directory::new(plan, self.egress.clone(), text).map_err(misconfigured)?;
        let kept = Kept {
            config: provider.config.clone(),
            secret,
            directory: Arc::new(directory),
            guard: known.map(|known| known.guard).unwrap_or_default(),
        };
        let mut all = self.kept.lock();
        if all.len() >= KEPT_MAX && !all.contains_key(&provider.id) {
            all.clear();
        }
        all.insert(provider.id, kept.clone());
        Ok(kept)
    }
}

pub(crate) fn outside(provider: &Provider, person: Person) -> Outside {
    Outside {
        provider: provider.id,
        subject: person.subject,
        name: person.name,
        display_name: person.display_name,
        mail: person.mail,
        groups: person.groups,
        second_factor: person.second_factor,
        proved_at: None,
        session: None,
        once: Vec::new(),
    }
}

/// What is said outside. Whatever depends on the name or the password is one word.
pub(crate) fn refusal(denied: &Denied) -> Refusal {
    let why = match denied {
        Denied::Wrong(_) | Denied::Account(_) | Denied::Held => Why::Wrong,
        Denied::Unsound(_) => Why::Refused,
        Denied::Misconfigured(_) => Why::Misconfigured,
        Denied::Unavailable(_) => Why::Unreachable,
    };
    Refusal::new(why, denied.to_string())
}

#[async_trait]
impl ProviderKind for LdapKind {
    fn kind(&self) -> Kind {
        Kind::Ldap
    }

    fn check(&self, config: &Value) -> Result<Value, Wrong> {
        let config = read(config)?;
        config.plan()?;
        serde_json::to_value(&config).map_err(|error| Wrong::at("", error.to_string()))
    }

    fn secret(&self, config: &Value) -> SecretNeed {
        match read(config).map(|config| config.find) {
            Ok(Find::Template { .. }) => SecretNeed::None,
            _ => SecretNeed::Required,
        }
    }

    fn check_secret(&self, _: &Value, secret: &SecretBytes) -> Result<(), Wrong> {
        match SecretString::from_utf8(secret) {
            Some(text) if password_fits(&text) => Ok(()),
            _ => Err(Wrong::at("/secret", "write the service account's password: 1 to 512 bytes of text")),
        }
    }

    async fn test(&self, provider: &Provider, _: &Here) -> Vec<Step> {
        let mut trace = Trace::default();
        match self.directory(provider) {
            Ok(kept) => kept.directory.walk(&mut trace).await,
            Err(refusal) => trace.failed("Read the settings", refusal.detail),
        }
        trace.into_steps()
    }

    async fn test_as(
        &self,
        provider: &Provider,
        here: &Here,
        name: &str,
        password: Option<&SecretString>,
    ) -> (Vec<Step>, Option<Outside>) {
        let mut trace = Trace::default();
        let kept = match self.directory(provider) {
            Ok(kept) => kept,
            Err(refusal) => {
                trace.failed("Read the settings", refusal.detail);
                return (trace.into_steps(), None);
            }
        };
        let Ok(name) = name.parse::<LoginName>() else {
            trace.failed("Read the name", "nobody can be called that");
            return (trace.into_steps(), None);
        };
        let by = Try { guard: &kept.guard, known_browser: true, now: here.now };
        match Box::pin(kept.directory.walk_as(&name, password, by, &mut trace)).await {
            Ok(person) => {
                let known_by =
                    format!("{} ({}), known here by {}", person.name, person.display_name, person.subject);
                trace.ok("Who it is", known_by);
                (trace.into_steps(), Some(outside(provider, person)))
            }
            Err(denied) => {
                trace.failed("Result", denied.to_string());
                (trace.into_steps(), None)
            }
        }
    }

    async fn password(
        &self,
        provider: &Provider,
        here: &Here,
        name: &str,
        password: &SecretString,
    ) -> Result<Answer, Refusal> {
        let kept = self.directory(provider)?;
        let done = match name.parse::<LoginName>() {
            Ok(name) => {
                let by = Try { guard: &kept.guard, known_browser: here.known_browser, now: here.now };
                Box::pin(kept.directory.sign_in(&name, password, by, &mut Trace::default())).await
            }
            Err(why) => Err(Denied::Wrong(why.to_string())),
        };
        match done {
            Ok(person) => Ok(Answer::In(Box::new(outside(provider, person)))),
            Err(denied) => Err(refusal(&denied)),
        }
    }
}
