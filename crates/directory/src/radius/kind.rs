//! RADIUS as a kind of provider.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wk_domain::ProviderId;
use wk_egress::Egress;
use wk_identity::outside::{
    Answer, Here, Kind, Outside, Provider, ProviderKind, Refusal, SecretNeed, Step, Why, Wrong,
};
use wk_seal::{SecretBytes, SecretString, sha256};

use super::client::{Client, Continued, Said};
use super::config::{RadiusConfig, Transport, weak_secret};
use crate::Denied;
use crate::guard::LockoutGuard;
use crate::ldap::{outside, refusal};
use crate::name::LoginName;
use crate::trace::Trace;

/// Providers that are kept ready; beyond this all are made anew.
const KEPT_MAX: usize = 64;

#[derive(Debug, Clone)]
struct Kept {
    config: Value,
    secret: [u8; 32],
    client: Arc<Client>,
    guard: Arc<LockoutGuard>,
}

/// Sign-in with name and password, and what else is asked for, by a RADIUS server.
#[derive(Debug)]
pub struct RadiusKind {
    egress: Egress,
    kept: Mutex<HashMap<ProviderId, Kept>>,
}

/// What is kept between a challenge and its answer.
#[derive(Debug, Serialize, Deserialize)]
struct Asked {
    name: String,
    server: usize,
    state: Vec<u8>,
    /// Challenges so far.
    round: u8,
}

fn read(config: &Value) -> Result<RadiusConfig, Wrong> {
    serde_json::from_value(config.clone()).map_err(|error| Wrong::at("", error.to_string()))
}

impl RadiusKind {
    /// Goes out by `egress`.
    pub fn new(egress: Egress) -> Self {
        Self { egress, kept: Mutex::default() }
    }

    fn client(&self, provider: &Provider) -> Result<Kept, Refusal> {
        let misconfigured = |why: String| Refusal::new(Why::Misconfigured, why);
        let Some(bytes) = &provider.secret else {
            return Err(misconfigured("the shared secret, or the private key, is not set".to_owned()));
        };
        let secret = sha256(bytes.expose());
        let known = self.kept.lock().get(&provider.id).cloned();
        if let Some(known) = &known
            && known.config == provider.config
            && known.secret == secret
        {
            return Ok(known.clone());
        }
        let config = read(&provider.config).map_err(|wrong| misconfigured(wrong.to_string()))?;
        let plan = config.plan().map_err(|wrong| misconfigured(wrong.to_string()))?;
        let client = Client::new(plan, self.egress.clone(), bytes).map_err(misconfigured)?;
        let kept = Kept {
            config: provider.config.clone(),
            secret,
            client: Arc::new(client),
            guard: known.map(|known| known.guard).unwrap_or_default(),
        };
        let mut all = self.kept.lock();
        if all.len() >= KEPT_MAX && !all.contains_key(&provider.id) {
            all.clear();
        }
        all.insert(provider.id, kept.clone());
        Ok(kept)
    }

    /// Turns what the server said into what the frame takes.
    fn answered(
        provider: &Provider,
        kept: &Kept,
        name: &LoginName,
        said: Said,
        round: u8,
    ) -> Result<Answer, Denied> {
        match said {
            Said::In(person) => {
                kept.guard.succeeded(name.as_str());
                Ok(Answer::In(Box::new(outside(provider, person))))
            }
            Said::Ask { .. } if round >= kept.client.plan().challenges_max => {
                Err(Denied::Wrong(format!("the server asks more than {round} times (challenges_max)")))
            }
            Said::Ask { prompt, echo, state, server } => {
                let asked = Asked { name: name.as_str().to_owned(), server, state, round: round + 1 };
                let state = serde_json::to_vec(&asked).map_err(|error| Denied::Unsound(error.to_string()))?;
                Ok(Answer::Ask { prompt, echo, state: SecretBytes::new(state) })
            }
        }
    }

    async fn first(
        provider: &Provider,
        here: &Here,
        kept: &Kept,
        name: &str,
        password: &SecretString,
    ) -> Result<Answer, Denied> {
        let name: LoginName = name.parse().map_err(|why| Denied::Wrong(format!("{why}")))?;
        let limits = &kept.client.plan().protection;
        if !kept.guard.admit(limits, name.as_str(), here.known_browser, here.now) {
            return Err(Denied::Held);
        }
        let said = kept.client.ask(&name, password, None, here.address, &mut Trace::default()).await;
        if let Err(Denied::Unavailable(_) | Denied::Misconfigured(_)) = &said {
            kept.guard.withdrawn(name.as_str());
        }
        Self::answered(provider, kept, &name, said?, 0)
    }

    async fn further(
        provider: &Provider,
        here: &Here,
        kept: &Kept,
        state: &SecretBytes,
        answer: &SecretString,
    ) -> Result<Answer, Denied> {
        let unsound = || Denied::Unsound("the question that was asked is not known any more".to_owned());
        let asked: Asked = serde_json::from_slice(state.expose()).map_err(|_| unsound())?;
        let name: LoginName = asked.name.parse().map_err(|_| unsound())?;
        // Not counted again: a wrong answer ends the sign-in, and beginning anew counts.
        let continued = Continued { server: asked.server, state: asked.state };
        let said =
            kept.client.ask(&name, answer, Some(&continued), here.address, &mut Trace::default()).await?;
        Self::answered(provider, kept, &name, said, asked.round)
    }
}

#[async_trait]
impl ProviderKind for RadiusKind {
    fn kind(&self) -> Kind {
        Kind::Radius
    }

    fn check(&self, config: &Value) -> Result<Value, Wrong> {
        let config = read(config)?;
        config.plan()?;
        serde_json::to_value(&config).map_err(|error| Wrong::at("", error.to_string()))
    }

    fn secret(&self, _: &Value) -> SecretNeed {
        SecretNeed::Required
    }

    fn check_secret(&self, config: &Value, secret: &SecretBytes) -> Result<(), Wrong> {
        let config = read(config)?;
        let wrong = |why: String| Wrong::at("/secret", why);
        if config.transport == Transport::Udp {
            return weak_secret(secret.expose()).map_or(Ok(()), |why| Err(wrong(why.to_owned())));
        }
        Client::new(config.plan()?, self.egress.clone(), secret).map(|_| ()).map_err(wrong)
    }

    async fn test(&self, provider: &Provider, _: &Here) -> Vec<Step> {
        let mut trace = Trace::default();
        match self.client(provider) {
            Ok(kept) => kept.client.walk(&mut trace).await,
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
        let Some(password) = password else { return (self.test(provider, here).await, None) };
        let mut trace = Trace::default();
        let (kept, name) = match (self.client(provider), name.parse::<LoginName>()) {
            (Ok(kept), Ok(name)) => (kept, name),
            (Err(refusal), _) => {
                trace.failed("Read the settings", refusal.detail);
                return (trace.into_steps(), None);
            }
            (_, Err(why)) => {
                trace.failed("Read the name", why.to_string());
                return (trace.into_steps(), None);
            }
        };
        if !kept.guard.admit(&kept.client.plan().protection, name.as_str(), true, here.now) {
            trace.failed("Result", Denied::Held.to_string());
            return (trace.into_steps(), None);
        }
        let found = match kept.client.ask(&name, password, None, here.address, &mut trace).await {
            Ok(Said::In(person)) => {
                kept.guard.succeeded(name.as_str());
                trace.ok("Who it is", format!("{}, known here by this name", person.subject));
                Some(outside(provider, person))
            }
            Ok(Said::Ask { prompt, .. }) => {
                trace.ok(
                    "The server asks further",
                    format!("{prompt} (the walk ends here; a sign-in goes on)"),
                );
                None
            }
            Err(denied) => {
                trace.failed("Result", denied.to_string());
                None
            }
        };
        (trace.into_steps(), found)
    }

    async fn password(
        &self,
        provider: &Provider,
        here: &Here,
        name: &str,
        password: &SecretString,
    ) -> Result<Answer, Refusal> {
        let kept = self.client(provider)?;
        Self::first(provider, here, &kept, name, password).await.map_err(|denied| refusal(&denied))
    }

    async fn answer(
        &self,
        provider: &Provider,
        here: &Here,
        state: &SecretBytes,
        answer: &SecretString,
    ) -> Result<Answer, Refusal> {
        let kept = self.client(provider)?;
        Self::further(provider, here, &kept, state, answer).await.map_err(|denied| refusal(&denied))
    }
}
