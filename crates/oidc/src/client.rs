//! What is fetched from a provider, and from nobody else: every address is checked against the configured hosts, redirects
//! are not followed, answers are bounded in size and time, and what is kept is fetched again only so often.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use parking_lot::Mutex;
use serde_json::{Map, Value};
use wk_domain::text::clean_line;
use wk_domain::{ProviderId, Timestamp};
use wk_egress::https::{Ask, HttpsUrl, Said, exchange};
use wk_egress::tls::Tls;
use wk_egress::{Egress, Reach};
use wk_identity::outside::{Refusal, Returned, Why};
use wk_seal::SecretBytes;

use crate::config::{ClientAuth, Config};
use crate::json;
use crate::keys::{Keys, SET_MAX};

/// One exchange, from the first look-up to the last byte.
const WITHIN: Duration = Duration::from_secs(8);
/// Bytes of an answer.
const ANSWER_MAX: usize = 256 * 1024;
/// What was discovered is used this long.
const KNOWN_FOR: Duration = Duration::from_secs(10 * 60);
/// Keys are fetched anew for an unknown key id at most this often: whoever makes tokens up must not make us fetch.
const KEYS_EVERY: Duration = Duration::from_secs(30);
/// Providers whose documents are kept.
const KEPT_MAX: usize = 64;

/// What a provider says of itself.
#[derive(Debug, Clone)]
pub(crate) struct Discovery {
    pub(crate) authorization: HttpsUrl,
    pub(crate) token: HttpsUrl,
    pub(crate) jwks: HttpsUrl,
    pub(crate) userinfo: Option<HttpsUrl>,
    /// RFC 9207: it names itself when the browser comes back.
    pub(crate) names_itself: bool,
    /// The document, for the test's explanations.
    pub(crate) document: Map<String, Value>,
}

impl Discovery {
    /// Whether a list of the document has `word`; `None` when there is no such list.
    pub(crate) fn lists(&self, name: &str, word: &str) -> Option<bool> {
        let list = self.document.get(name)?.as_array()?;
        Some(list.iter().any(|item| item == word))
    }
}

#[derive(Debug, Clone)]
struct Kept {
    /// What it was fetched with: another configuration is another provider.
    config: Config,
    discovery: Arc<Discovery>,
    discovered: Timestamp,
    keys: Option<(Arc<Keys>, Timestamp)>,
}

/// Fetches.
#[derive(Debug)]
pub(crate) struct Client {
    egress: Egress,
    tls: Tls,
    kept: Mutex<HashMap<ProviderId, Kept>>,
}

fn refused(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(Why::Refused, detail)
}

fn unreachable(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(Why::Unreachable, detail)
}

impl Client {
    pub(crate) fn new(egress: Egress) -> Self {
        Self { egress, tls: Tls::default(), kept: Mutex::default() }
    }

    async fn say(
        &self,
        config: &Config,
        what: &str,
        url: &HttpsUrl,
        body: Option<(&'static str, Vec<u8>)>,
        authorization: Option<String>,
        most: usize,
    ) -> Result<Said, Refusal> {
        let ask = Ask {
            url,
            body,
            accept: "application/json",
            authorization,
            root_pem: config.root_pem(),
            reach: Reach::Site,
            within: WITHIN,
            most,
        };
        let said = exchange(&self.egress, &self.tls, ask).await;
        let said = said.map_err(|error| unreachable(format!("{what}: {error}")))?;
        if said.status.is_redirection() {
            return Err(refused(format!(
                "{what}: {} answers {}; redirects are not followed",
                url.authority(),
                said.status.as_u16()
            )));
        }
        Ok(said)
    }

    async fn document(
        &self,
        config: &Config,
        what: &str,
        url: &HttpsUrl,
        most: usize,
    ) -> Result<Vec<u8>, Refusal> {
        let said = self.say(config, what, url, None, None, most).await?;
        if said.status.as_u16() != 200 {
            let (whom, status) = (url.authority(), said.status.as_u16());
            let detail = format!("{what}: {whom} answers {status}");
            return Err(if said.status.is_server_error() { unreachable(detail) } else { refused(detail) });
        }
        Ok(said.body)
    }

    /// Fetches what the provider says of itself, and believes it only as far as it stays on the configured hosts.
    pub(crate) async fn discover(&self, config: &Config) -> Result<Discovery, Refusal> {
        let address = format!("{}/.well-known/openid-configuration", config.issuer.trim_end_matches('/'));
        let url = config.endpoint("discovery document", &address).map_err(refused)?;
        let body = self.document(config, "discovery", &url, ANSWER_MAX).await?;
        let document = json::object(&body).map_err(|why| refused(format!("discovery: {why}")))?;
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        if text("issuer") != Some(config.issuer.as_str()) {
            let said = clean_line(text("issuer").unwrap_or("nothing"), 200);
            return Err(refused(format!(
                "discovery: it calls itself {said}, and {} was entered: they must be the same to the letter",
                config.issuer
            )));
        }
        let endpoint = |name: &str| {
            let raw = text(name).ok_or_else(|| refused(format!("discovery: it has no {name}")))?;
            config.endpoint(name, raw).map_err(|why| refused(format!("discovery: {why}")))
        };
        let userinfo = match text("userinfo_endpoint") {
            Some(_) if config.userinfo => Some(endpoint("userinfo_endpoint")?),
            _ => None,
        };
        let names_itself = document.get("authorization_response_iss_parameter_supported");
        Ok(Discovery {
            authorization: endpoint("authorization_endpoint")?,
            token: endpoint("token_endpoint")?,
            jwks: endpoint("jwks_uri")?,
            userinfo,
            names_itself: names_itself == Some(&Value::Bool(true)),
            document,
        })
    }

    fn known(&self, id: ProviderId, config: &Config, now: Timestamp) -> Option<Kept> {
        let kept = self.kept.lock().get(&id).cloned()?;
        let fresh = now.checked_since(kept.discovered).is_some_and(|age| age < KNOWN_FOR);
        (fresh && kept.config == *config).then_some(kept)
    }

    fn keep(&self, id: ProviderId, kept: Kept) {
        let mut all = self.kept.lock();
        if all.len() >= KEPT_MAX && !all.contains_key(&id) {
            all.clear();
        }
        all.insert(id, kept);
    }

    /// What the provider says of itself, fetched every ten minutes.
    pub(crate) async fn discovery(
        &self,
        id: ProviderId,
        config: &Config,
        now: Timestamp,
    ) -> Result<Arc<Discovery>, Refusal> {
        if let Some(kept) = self.known(id, config, now) {
            return Ok(kept.discovery);
        }
        let discovery = Arc::new(self.discover(config).await?);
        let kept =
            Kept { config: config.clone(), discovery: Arc::clone(&discovery), discovered: now, keys: None };
        self.keep(id, kept);
        Ok(discovery)
    }

    /// Its keys; with `anew`, fetched again if that was not done just now.
    pub(crate) async fn keys(
        &self,
        id: ProviderId,
        config: &Config,
        now: Timestamp,
        anew: bool,
    ) -> Result<Arc<Keys>, Refusal> {
        let discovery = self.discovery(id, config, now).await?;
        if let Some((keys, fetched)) = self.known(id, config, now).and_then(|kept| kept.keys) {
            let old = now.checked_since(fetched).is_none_or(|age| age >= KEYS_EVERY);
            if !(anew && old) {
                return Ok(keys);
            }
        }
        let keys = Arc::new(self.fetch_keys(config, &discovery).await?);
        if let Some(kept) = self.kept.lock().get_mut(&id).filter(|kept| kept.config == *config) {
            kept.keys = Some((Arc::clone(&keys), now));
        }
        Ok(keys)
    }

    pub(crate) async fn fetch_keys(&self, config: &Config, discovery: &Discovery) -> Result<Keys, Refusal> {
        let body = self.document(config, "keys", &discovery.jwks, SET_MAX).await?;
        let keys = Keys::parse(&body).map_err(|why| refused(format!("keys: {why}")))?;
        if keys.len() == 0 {
            return Err(refused("keys: none of them is one that signatures are verified with here"));
        }
        Ok(keys)
    }

    /// Asks the token endpoint: status and document.
    pub(crate) async fn token(
        &self,
        config: &Config,
        secret: Option<&SecretBytes>,
        url: &HttpsUrl,
        fields: &[(&str, &str)],
    ) -> Result<(u16, Map<String, Value>), Refusal> {
        let mut form: Vec<(&str, &str)> = fields.to_vec();
        let secret =
            secret.map(|secret| String::from_utf8_lossy(secret.expose()).into_owned()).unwrap_or_default();
        let mut authorization = None;
        match config.client_auth {
            ClientAuth::Basic => {
                // Both are form-encoded first (RFC 6749, 2.3.1).
                let pair = format!("{}:{}", escaped(&config.client_id), escaped(&secret));
                authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
            ClientAuth::Post => {
                form.push(("client_id", &config.client_id));
                form.push(("client_secret", &secret));
            }
            ClientAuth::None => form.push(("client_id", &config.client_id)),
        }
        let body = Some(("application/x-www-form-urlencoded", encoded(&form).into_bytes()));
        let said = self.say(config, "token", url, body, authorization, ANSWER_MAX).await?;
        let status = said.status.as_u16();
        let document = json::object(&said.body)
            .map_err(|why| refused(format!("token: {} answers {status}, and {why}", url.authority())))?;
        Ok((status, document))
    }

    /// Claims that the ID token left out.
    pub(crate) async fn userinfo(
        &self,
        config: &Config,
        url: &HttpsUrl,
        access_token: &str,
    ) -> Result<Map<String, Value>, Refusal> {
        let authorization = Some(format!("Bearer {access_token}"));
        let said = self.say(config, "userinfo", url, None, authorization, ANSWER_MAX).await?;
        if said.status.as_u16() != 200 || !said.is("application/json") {
            return Err(refused(format!(
                "userinfo: {} answers {} and no plain JSON; give the claims in the ID token, and switch userinfo off here",
                url.authority(),
                said.status.as_u16()
            )));
        }
        json::object(&said.body).map_err(|why| refused(format!("userinfo: {why}")))
    }

    /// How the authorization endpoint takes our request, as far as that shows without a browser: the status.
    pub(crate) async fn knock(&self, config: &Config, url: &HttpsUrl) -> Result<u16, Refusal> {
        let ask = Ask {
            url,
            body: None,
            accept: "text/html",
            authorization: None,
            root_pem: config.root_pem(),
            reach: Reach::Site,
            within: WITHIN,
            most: ANSWER_MAX * 8,
        };
        let said = exchange(&self.egress, &self.tls, ask).await;
        said.map(|said| said.status.as_u16()).map_err(|error| unreachable(format!("authorization: {error}")))
    }
}

/// Escapes for a query or a form.
pub(crate) fn escaped(raw: &str) -> String {
    Returned::escaped(raw)
}

/// A query or a form.
pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    let one = |(name, value): &(&str, &str)| format!("{}={}", escaped(name), escaped(value));
    pairs.iter().map(one).collect::<Vec<_>>().join("&")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_escaped_is_read_back(name in ".{1,20}", value in ".{0,40}") {
            let read = Returned::parse(&encoded(&[(&name, &value)])).unwrap();
            prop_assert_eq!(read.one(&name), Some(value.as_str()));
        }
    }
}
