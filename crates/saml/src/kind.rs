//! The whole walk as a kind of provider: the browser goes with a request, comes back by a POST with an answer, and the
//! answer becomes a person.
//!
//! Login CSRF: an answer counts only in the browser that asked. The frame keeps the request's id for that browser alone,
//! by a cookie that no other site can set, and the answer must name that id, in a part that the provider signed. Somebody
//! who makes a victim's browser post the attacker's own answer finds either no request there or another one.
//! Where `unsolicited` is on there is no request, and so no such proof: the documentation says what that costs.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wk_domain::Timestamp;
use wk_identity::outside::{
    Departure, Ended, Here, Kind, Once, Outside, Provider, ProviderKind, Refusal as Refused, Returned,
    SecretNeed, Step, Why, Wrong,
};
use wk_seal::{Secret, SecretBytes};

use crate::config::Config;
use crate::key::OwnKey;
use crate::metadata::sp_metadata;
use crate::request::{Ask, Farewell, authn_request, logout_response};
use crate::response::{
    EMAIL, Expect, IdentityProvider, Refusal, ServiceProvider, TRANSIENT, Verified, decode_post, read_logout,
    read_response,
};
use crate::time;

/// Own keys that are kept: the present one and the one before or after.
const OWN_KEYS_MAX: usize = 2;
/// A warning when one of the provider's certificates ends so soon.
const ENDS_SOON: Duration = Duration::from_secs(30 * 86_400);
/// Longest state of the provider's that is sent back to it, in bytes; the bindings (3.4.3) allow 80, some need more.
const RELAY_MAX: usize = 1_024;
/// Where Microsoft's providers say how somebody proved it.
const METHODS: &str = "http://schemas.microsoft.com/claims/authnmethodsreferences";

/// SAML 2.0.
#[derive(Debug, Clone, Copy, Default)]
pub struct Saml;

/// What is kept while the browser is away.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    entity_id: String,
    request: String,
    /// The person had to prove it anew, from this instant (ms).
    fresh: Option<i64>,
}

fn misconfigured(detail: impl AsRef<str>) -> Refused {
    Refused::new(Why::Misconfigured, detail)
}

fn own_keys(secret: Option<&SecretBytes>) -> Result<Vec<OwnKey>, Wrong> {
    let wrong = |detail: &str| Wrong::at("/secret", detail);
    let Some(secret) = secret else { return Ok(Vec::new()) };
    let text =
        std::str::from_utf8(secret.expose()).map_err(|_| wrong("this is no key that this server made"))?;
    let keys = text.lines().filter(|line| !line.trim().is_empty()).map(OwnKey::from_secret);
    let keys: Vec<OwnKey> = keys.collect::<Result<_, _>>().map_err(|error| wrong(&error.to_string()))?;
    if keys.is_empty() || keys.len() > OWN_KEYS_MAX {
        return Err(wrong("one or two keys"));
    }
    Ok(keys)
}

/// A new own key, and with it the newest of the old ones: what a provider encrypts until it knows the new one still opens.
///
/// # Errors
/// [`Wrong`] when there is no randomness, or the old ones cannot be read.
pub fn renewed(name: &str, old: Option<&SecretBytes>, now: Timestamp) -> Result<SecretBytes, Wrong> {
    let new = OwnKey::generate(name, now).map_err(|error| Wrong::at("/secret", error.to_string()))?;
    let mut text = String::clone(&new.to_secret());
    for key in own_keys(old)?.iter().take(OWN_KEYS_MAX - 1) {
        text.push('\n');
        text.push_str(&key.to_secret());
    }
    Ok(Secret::new(text.into_bytes()))
}

struct Parties {
    config: Config,
    sp: ServiceProvider,
    idp: IdentityProvider,
}

fn parties(provider: &Provider, here: &Here) -> Result<Parties, Refused> {
    let config = Config::read(&provider.config).map_err(|wrong| misconfigured(wrong.to_string()))?;
    let idp = config.idp().map_err(|wrong| misconfigured(wrong.to_string()))?;
    let keys = own_keys(provider.secret.as_ref()).map_err(|wrong| misconfigured(wrong.detail))?;
    let sp = ServiceProvider {
        entity_id: here.metadata.clone(),
        acs_url: here.callback.clone(),
        logout_url: here.logout.clone(),
        keys,
    };
    Ok(Parties { config, sp, idp })
}

fn skew(config: &Config) -> Duration {
    Duration::from_secs(config.clock_skew_s.into())
}

/// What the sign-in page may say of a refusal.
fn refused(refusal: &Refusal) -> Refused {
    let why = match refusal {
        Refusal::Status(_) => Why::Cancelled,
        // Another window began anew, or this one is older than what is kept.
        Refusal::InResponseTo | Refusal::Unsolicited => Why::Expired,
        _ => Why::Refused,
    };
    Refused::new(why, refusal.to_string())
}

fn departure(parties: &Parties, here: &Here, fresh: bool) -> Result<(String, Kept), Refused> {
    let random: [u8; 20] =
        wk_seal::random_array().map_err(|_| misconfigured("this machine gives no random numbers"))?;
    let ask = Ask {
        fresh,
        name_id_format: &parties.config.name_id_format,
        contexts: &parties.config.contexts,
        signed: parties.config.sign_requests,
    };
    let request = authn_request(&parties.sp, &parties.idp, &ask, &random, here.now)
        .map_err(|error| misconfigured(format!("our request cannot be signed: {error}")))?;
    let kept = Kept {
        entity_id: parties.idp.entity_id.clone(),
        request: request.id,
        fresh: fresh.then(|| here.now.as_ms()),
    };
    Ok((request.url, kept))
}

/// The provider's name cannot run into the person's: it has no blank.
fn subject_of(config: &Config, name: &str) -> String {
    format!("{} {name}", config.entity_id)
}

fn outside(provider: &Provider, config: &Config, verified: &Verified) -> Result<Outside, Refused> {
    let refused = |detail: &str| Refused::new(Why::Refused, detail);
    let first = |names: &[String]| -> Vec<String> {
        names
            .iter()
            .map(|name| verified.values(name).filter(|value| !value.is_empty()).map(str::to_owned).collect())
            .find(|values: &Vec<String>| !values.is_empty())
            .unwrap_or_default()
    };
    let one = |names: &[String]| first(names).into_iter().next().unwrap_or_default();
    let who = if config.subject.is_empty() {
        if verified.name_id_format == TRANSIENT {
            return Err(refused(
                "the NameID is transient, another each time: let the provider send a persistent one, or name an attribute as \
                 the subject here",
            ));
        }
        if verified.name_id_format == EMAIL && !config.mail_is_subject {
            return Err(refused(
                "the NameID is an e-mail address, which may be somebody else's one day: let the provider send a persistent \
                 one, or name an attribute as the subject here",
            ));
        }
        verified.name_id.clone()
    } else {
        let values: Vec<&str> = verified.values(&config.subject).filter(|value| !value.is_empty()).collect();
        let [value] = values.as_slice() else {
            return Err(refused("the attribute that says who it is has not exactly one value"));
        };
        (*value).to_owned()
    };
    let name = Some(one(&config.attributes.name)).filter(|name| !name.is_empty());
    let stands = |said: &str| config.factor_contexts.iter().any(|known| known == said);
    Outside {
        provider: provider.id,
        subject: subject_of(config, &who),
        name: name.unwrap_or_else(|| verified.name_id.clone()),
        display_name: one(&config.attributes.display_name),
        mail: one(&config.attributes.mail),
        groups: first(&config.attributes.groups),
        second_factor: verified.contexts.iter().any(|class| stands(class))
            || verified.values(METHODS).any(stands),
        proved_at: Some(verified.authenticated_at),
        session: verified.session_index.clone(),
        once: vec![Once { key: verified.once.clone(), until: verified.once_until }],
    }
    .bounded()
}

#[async_trait]
impl ProviderKind for Saml {
    fn kind(&self) -> Kind {
        Kind::Saml
    }

    fn check(&self, config: &Value) -> Result<Value, Wrong> {
        let config = Config::read(config)?;
        serde_json::to_value(config).map_err(|error| Wrong::at("", error.to_string()))
    }

    fn secret(&self, _: &Value) -> SecretNeed {
        SecretNeed::Optional
    }

    fn check_secret(&self, _: &Value, secret: &SecretBytes) -> Result<(), Wrong> {
        own_keys(Some(secret)).map(|_| ())
    }

    fn own_secret(&self, here: &Here, old: Option<&SecretBytes>) -> Option<Result<SecretBytes, Wrong>> {
        Some(renewed(&here.metadata, old, here.now))
    }

    async fn begin(&self, provider: &Provider, here: &Here, fresh: bool) -> Result<Departure, Refused> {
        let parties = parties(provider, here)?;
        let (url, kept) = departure(&parties, here, fresh)?;
        let kept = serde_json::to_vec(&kept).map_err(|error| misconfigured(error.to_string()))?;
        Ok(Departure { url, kept: Secret::new(kept), returns_by_post: true })
    }

    async fn finish(
        &self,
        provider: &Provider,
        here: &Here,
        kept: Option<&SecretBytes>,
        returned: &Returned,
    ) -> Result<Outside, Refused> {
        let parties = parties(provider, here)?;
        let kept: Option<Kept> = kept
            .map(|kept| serde_json::from_slice(kept.expose()))
            .transpose()
            .map_err(|_| Refused::new(Why::Expired, "what was kept cannot be read"))?;
        if kept.as_ref().is_some_and(|kept| kept.entity_id != parties.config.entity_id) {
            return Err(Refused::new(Why::Expired, "the provider's configuration was changed meanwhile"));
        }
        let expect = match &kept {
            Some(kept) => Expect::Answer(&kept.request),
            None if parties.config.unsolicited => Expect::Unsolicited,
            None => return Err(refused(&Refusal::Unsolicited)),
        };
        let answer = returned.one("SAMLResponse").ok_or_else(|| {
            Refused::new(Why::Refused, "the browser came back without exactly one SAMLResponse")
        })?;
        let bytes = decode_post(answer).map_err(|refusal| refused(&refusal))?;
        let reading =
            read_response(&bytes, &parties.sp, &parties.idp, expect, here.now, skew(&parties.config));
        let verified = reading.result.map_err(|refusal| {
            // The step tells an administrator how far it came.
            let step = reading.steps.last().map_or("", |step| step.title);
            Refused { detail: format!("{step}: {refusal}"), ..refused(&refusal) }
        })?;
        if let Some(since) = kept.and_then(|kept| kept.fresh) {
            let earliest = since - i64::from(parties.config.clock_skew_s) * 1_000;
            if verified.authenticated_at.as_ms() < earliest {
                return Err(Refused::new(
                    Why::Refused,
                    "it was to be proved anew, and the provider tells of an earlier sign-in",
                ));
            }
        }
        outside(provider, &parties.config, &verified)
    }

    async fn logout(&self, provider: &Provider, here: &Here, returned: &Returned) -> Result<Ended, Refused> {
        let parties = parties(provider, here)?;
        let request = returned
            .one("SAMLRequest")
            .ok_or_else(|| Refused::new(Why::Refused, "there is not exactly one SAMLRequest"))?;
        if !parties.config.subject.is_empty() {
            return Err(misconfigured(
                "the subject is an attribute here, and a request to end a session names none",
            ));
        }
        let bytes = decode_post(request).map_err(|refusal| refused(&refusal))?;
        let ended = read_logout(&bytes, &parties.sp, &parties.idp, here.now, skew(&parties.config))
            .map_err(|refusal| refused(&refusal))?;
        Ok(Ended {
            subject: Some(subject_of(&parties.config, &ended.name_id)),
            // Of several, all of the person's sessions end.
            session: match ended.session_indexes.as_slice() {
                [one] => Some(one.clone()),
                _ => None,
            },
            once: vec![Once { key: ended.once, until: ended.once_until }],
        })
    }

    fn farewell(&self, provider: &Provider, here: &Here, returned: &Returned) -> Option<String> {
        let parties = parties(provider, here).ok()?;
        if parties.config.slo_url.is_empty() {
            return None;
        }
        let bytes = decode_post(returned.one("SAMLRequest")?).ok()?;
        let ended = read_logout(&bytes, &parties.sp, &parties.idp, here.now, skew(&parties.config)).ok()?;
        let random: [u8; 20] = wk_seal::random_array().ok()?;
        // The provider finds its own thread by what it sent along.
        let relay = returned.one("RelayState").filter(|relay| relay.len() <= RELAY_MAX);
        let answer = Farewell { to: &parties.config.slo_url, in_response_to: &ended.id, relay };
        logout_response(&parties.sp, &answer, &random, here.now).ok()
    }

    fn metadata(&self, provider: &Provider, here: &Here) -> Option<(&'static str, String)> {
        let parties = parties(provider, here).ok()?;
        let Parties { config, sp, .. } = &parties;
        Some(("application/samlmetadata+xml", sp_metadata(sp, config.sign_requests, &config.name_id_format)))
    }

    async fn test(&self, provider: &Provider, here: &Here) -> Vec<Step> {
        let parties = match parties(provider, here) {
            Ok(parties) => parties,
            Err(refused) => return vec![Step::bad("Configuration", refused.detail)],
        };
        let Parties { config, sp, idp } = &parties;
        let mut steps = vec![Step::good("Configuration", format!("{} is known here", idp.entity_id))];
        for certificate in &idp.certificates {
            let ends = time::write(certificate.not_after);
            let title = "The provider's certificate";
            let what =
                format!("{}, until {ends}, SHA-256 {}", certificate.subject, certificate.fingerprint());
            let left = certificate.not_after.as_ms() - here.now.as_ms();
            steps.push(if left <= 0 {
                // Still believed: who signs is settled here, not by a date. But providers change keys around that day.
                Step::bad(title, format!("{what}: it has ended. Load the provider's metadata anew"))
            } else if left < ENDS_SOON.as_millis() as i64 {
                Step::bad(title, format!("{what}: it ends soon. Ask for the next one and enter both"))
            } else {
                Step::good(title, what)
            });
        }
        let title = "This server's own key";
        steps.push(match (sp.signing_key(here.now), config.sign_requests) {
            (Some(key), _) => {
                let fingerprint =
                    key.certificate().map(|certificate| certificate.fingerprint()).unwrap_or_default();
                let made = time::write(key.made);
                Step::good(
                    title,
                    format!("made {made}, SHA-256 {fingerprint}; {} in the metadata", sp.keys.len()),
                )
            }
            (None, true) => {
                Step::bad(title, "there is none, and requests are to be signed: make a new key here")
            }
            (None, false) => Step::good(
                title,
                "there is none: requests are not signed, and assertions cannot be encrypted",
            ),
        });
        steps.push(match departure(&parties, here, false) {
            Ok((url, _)) => {
                let signed = if config.sign_requests { "signed" } else { "not signed" };
                Step::good("Request", format!("{signed}, {} bytes, to {}", url.len(), idp.sso_url))
            }
            Err(refused) => Step::bad("Request", refused.detail),
        });
        steps.push(Step::good(
            "What to enter over there",
            format!(
                "entity id {}, assertion consumer (HTTP-POST) {}, or load that entity id as metadata",
                here.metadata, here.callback
            ),
        ));
        steps.push(if config.unsolicited {
            Step::bad(
                "Who begins",
                "the provider may begin by itself: whoever tricks a person's browser into posting another's answer signs them \
                 in as that other. Switch it off unless it is needed",
            )
        } else {
            Step::good("Who begins", "only this server's sign-in page")
        });
        steps.push(Step::good(
            "What no test can see",
            "SAML goes through a browser alone: sign in once, and see the audit log for what the provider sent",
        ));
        steps
    }
}
