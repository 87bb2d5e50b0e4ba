//! The whole walk: the browser goes with state, nonce and challenge, comes back with a code, and the code becomes a person.

use async_trait::async_trait;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wk_domain::Timestamp;
use wk_domain::text::clean_line;
use wk_egress::Egress;
use wk_identity::outside::{
    Departure, Ended, Here, Kind, Outside, Provider, ProviderKind, Refusal, Returned, SecretNeed, Step, Why,
    Wrong,
};
use wk_seal::{Secret, SecretBytes};

use crate::claims::{self, Expected};
use crate::client::{Client, Discovery, encoded};
use crate::config::{ClientAuth, Config};
use crate::jwt::{self, Believed};

/// Longest code, and longest access token.
const CODE_MAX: usize = 8 * 1024;
/// Longest client secret.
const CLIENT_SECRET_MAX: usize = 1_024;
const S256: &str = "S256";

/// OpenID Connect.
#[derive(Debug)]
pub struct Oidc {
    client: Client,
}

/// What is kept while the browser is away.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    issuer: String,
    state: String,
    nonce: String,
    verifier: String,
    /// The person had to prove it anew, from this instant (ms).
    fresh: Option<i64>,
}

fn refused(detail: impl AsRef<str>) -> Refusal {
    Refusal::new(Why::Refused, detail)
}

fn random() -> Result<String, Refusal> {
    let bytes: [u8; 32] = wk_seal::random_array()
        .map_err(|_| Refusal::new(Why::Misconfigured, "this machine gives no random numbers"))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()))
}

fn read(provider: &Provider) -> Result<Config, Refusal> {
    Config::read(&provider.config).map_err(|wrong| Refusal::new(Why::Misconfigured, wrong.to_string()))
}

/// The error that a provider gives, as far as it may be shown.
fn said(code: &str, description: Option<&str>) -> String {
    let code = clean_line(code, 60);
    match description.map(|text| clean_line(text, 300)).filter(|text| !text.is_empty()) {
        Some(text) => format!("{code} ({text})"),
        None => code,
    }
}

fn subject(config: &Config, sub: &str) -> String {
    // An issuer has no blank in it: the two cannot run into each other.
    format!("{} {sub}", config.issuer)
}

impl Oidc {
    /// One that dials through `egress`.
    pub fn new(egress: Egress) -> Self {
        Self { client: Client::new(egress) }
    }

    /// Believes a token with the keys at hand, or with newer ones.
    async fn believe(
        &self,
        provider: &Provider,
        config: &Config,
        now: Timestamp,
        raw: &str,
    ) -> Result<Believed, Refusal> {
        let keys = self.client.keys(provider.id, config, now, false).await?;
        let first = jwt::believe(raw, &config.algorithms, &keys);
        let judged = match first {
            Err(error) if error.wants_keys() => {
                let keys = self.client.keys(provider.id, config, now, true).await?;
                jwt::believe(raw, &config.algorithms, &keys)
            }
            other => other,
        };
        judged.map_err(|error| refused(error.to_string()))
    }

    async fn redeem(
        &self,
        provider: &Provider,
        config: &Config,
        discovery: &Discovery,
        here: &Here,
        kept: &Kept,
        code: &str,
    ) -> Result<Outside, Refusal> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &here.callback),
            ("code_verifier", &kept.verifier),
        ];
        let (status, answer) =
            self.client.token(config, provider.secret.as_ref(), &discovery.token, &fields).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if status != 200 {
            let why = match text("error") {
                Some("invalid_client" | "unauthorized_client") => Why::Misconfigured,
                _ => Why::Refused,
            };
            let detail = said(text("error").unwrap_or("no reason"), text("error_description"));
            return Err(Refusal::new(why, format!("the token endpoint answers {status}: {detail}")));
        }
        let access_token = match text("access_token") {
            Some(token) if token.len() <= CODE_MAX && token.bytes().all(|b| b.is_ascii_graphic()) => {
                Some(token)
            }
            Some(_) => return Err(refused("the access token is too long, or no token")),
            None => None,
        };
        let raw = text("id_token").ok_or_else(|| refused("the token endpoint gives no ID token"))?;
        let token = self.believe(provider, config, here.now, raw).await?;
        let proved_after = kept.fresh.map(Timestamp::from_ms);
        let expected = Expected { nonce: &kept.nonce, access_token, proved_after };
        let known = claims::id_token(config, &token, &expected, here.now).map_err(refused)?;
        let mut claims = token.claims;
        if let (Some(url), Some(access_token)) = (&discovery.userinfo, access_token)
            && lacks_any(config, &claims)
        {
            let more = self.client.userinfo(config, url, access_token).await?;
            // Somebody else's would be a token that was swapped (OpenID Connect Core 1.0, 5.3.2).
            if more.get("sub").and_then(Value::as_str) != Some(&known.sub) {
                return Err(refused("the userinfo endpoint tells of somebody else than the ID token"));
            }
            for (name, value) in more {
                claims.entry(name).or_insert(value);
            }
        }
        let claims = Value::Object(claims);
        let one =
            |path: &str| claims::claim(&claims, path).and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = Some(one(&config.claims.name)).filter(|name| !name.is_empty());
        Outside {
            provider: provider.id,
            subject: subject(config, &known.sub),
            name: name.unwrap_or_else(|| known.sub.clone()),
            display_name: one(&config.claims.display_name),
            mail: one(&config.claims.mail),
            groups: claims::groups(&claims, &config.claims.groups),
            second_factor: known.second_factor,
            proved_at: known.auth_time,
            session: known.sid,
            once: Vec::new(),
        }
        .bounded()
    }
}

/// Whether something is missing that userinfo may have.
fn lacks_any(config: &Config, claims: &serde_json::Map<String, Value>) -> bool {
    let claims = Value::Object(claims.clone());
    let wanted =
        [&config.claims.name, &config.claims.display_name, &config.claims.mail, &config.claims.groups];
    wanted.into_iter().any(|path| claims::claim(&claims, path).is_none())
}

fn departure(
    config: &Config,
    discovery: &Discovery,
    here: &Here,
    fresh: bool,
) -> Result<(String, Kept), Refusal> {
    let kept = Kept {
        issuer: config.issuer.clone(),
        state: random()?,
        nonce: random()?,
        verifier: random()?,
        fresh: fresh.then(|| here.now.as_ms()),
    };
    let (scope, acr) = (config.scopes.join(" "), config.acr.join(" "));
    let challenge = challenge(&kept.verifier);
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", config.client_id.as_str()),
        ("redirect_uri", &here.callback),
        ("scope", &scope),
        ("state", &kept.state),
        ("nonce", &kept.nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", S256),
    ];
    if !acr.is_empty() {
        fields.push(("acr_values", &acr));
    }
    if fresh {
        fields.push(("prompt", "login"));
        fields.push(("max_age", "0"));
    }
    let endpoint = discovery.authorization.to_string();
    let glue = if discovery.authorization.target().contains('?') { '&' } else { '?' };
    let url = format!("{endpoint}{glue}{}", encoded(&fields));
    Ok((url, kept))
}

#[async_trait]
impl ProviderKind for Oidc {
    fn kind(&self) -> Kind {
        Kind::Oidc
    }

    fn check(&self, config: &Value) -> Result<Value, Wrong> {
        let config = Config::read(config)?;
        serde_json::to_value(config).map_err(|error| Wrong::at("", error.to_string()))
    }

    fn secret(&self, config: &Value) -> SecretNeed {
        match Config::read(config).map(|config| config.client_auth) {
            Ok(ClientAuth::None) => SecretNeed::None,
            _ => SecretNeed::Required,
        }
    }

    fn check_secret(&self, _: &Value, secret: &SecretBytes) -> Result<(), Wrong> {
        let secret = secret.expose();
        let fits = secret.len() <= CLIENT_SECRET_MAX && secret.iter().all(|byte| (0x20..0x7f).contains(byte));
        if fits {
            return Ok(());
        }
        Err(Wrong::at("/secret", format!("a client secret has at most {CLIENT_SECRET_MAX} ASCII characters")))
    }

    async fn begin(&self, provider: &Provider, here: &Here, fresh: bool) -> Result<Departure, Refusal> {
        let config = read(provider)?;
        let discovery = self.client.discovery(provider.id, &config, here.now).await?;
        let (url, kept) = departure(&config, &discovery, here, fresh)?;
        let kept =
            serde_json::to_vec(&kept).map_err(|error| Refusal::new(Why::Misconfigured, error.to_string()))?;
        Ok(Departure { url, kept: Secret::new(kept), returns_by_post: false })
    }

    async fn finish(
        &self,
        provider: &Provider,
        here: &Here,
        kept: Option<&SecretBytes>,
        returned: &Returned,
    ) -> Result<Outside, Refusal> {
        let config = read(provider)?;
        let kept = kept.ok_or_else(|| refused("nobody here began this sign-in"))?;
        let kept: Kept =
            serde_json::from_slice(kept.expose()).map_err(|_| refused("what was kept cannot be read"))?;
        if kept.issuer != config.issuer {
            return Err(Refusal::new(Why::Expired, "the provider's configuration was changed meanwhile"));
        }
        let state = returned.one("state").ok_or_else(|| refused("the browser came back without a state"))?;
        let as_secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        if as_secret(state) != as_secret(&kept.state) {
            return Err(refused("the browser came back with another state than it left with"));
        }
        let discovery = self.client.discovery(provider.id, &config, here.now).await?;
        match returned.one("iss") {
            Some(iss) if iss == config.issuer => {}
            Some(iss) => {
                let iss = clean_line(iss, 200);
                return Err(refused(format!("the browser comes from {iss}, not from {}", config.issuer)));
            }
            // Absent, or there twice.
            None if discovery.names_itself || returned.pairs.iter().any(|(name, _)| name == "iss") => {
                return Err(refused(
                    "the provider names itself when the browser comes back, and did not (`iss`)",
                ));
            }
            None => {}
        }
        if let Some(error) = returned.one("error") {
            let why = match error {
                "access_denied" | "interaction_required" | "login_required" | "consent_required" => {
                    Why::Cancelled
                }
                "temporarily_unavailable" | "server_error" => Why::Unreachable,
                _ => Why::Refused,
            };
            let detail = said(error, returned.one("error_description"));
            return Err(Refusal::new(why, format!("the provider says {detail}")));
        }
        let code = returned.one("code").filter(|code| !code.is_empty() && code.len() <= CODE_MAX);
        let code = code.ok_or_else(|| refused("the browser came back without a code"))?;
        self.redeem(provider, &config, &discovery, here, &kept, code).await
    }

    async fn logout(&self, provider: &Provider, here: &Here, returned: &Returned) -> Result<Ended, Refusal> {
        let config = read(provider)?;
        let raw = returned.one("logout_token").ok_or_else(|| refused("there is no logout token"))?;
        let token = self.believe(provider, &config, here.now, raw).await?;
        let out = claims::logout_token(&config, &token, here.now).map_err(refused)?;
        let subject = out.sub.map(|sub| subject(&config, &sub));
        Ok(Ended { subject, session: out.sid, once: vec![out.once] })
    }

    async fn test(&self, provider: &Provider, here: &Here) -> Vec<Step> {
        let mut steps = Vec::new();
        let config = match read(provider) {
            Ok(config) => config,
            Err(error) => return vec![Step::bad("Configuration", error.detail)],
        };
        let discovery = match self.client.discover(&config).await {
            Ok(discovery) => discovery,
            Err(error) => {
                steps.push(Step::bad("Discovery", error.detail));
                return steps;
            }
        };
        steps.push(Step::good(
            "Discovery",
            format!("{} answers over verified TLS, and calls itself that", config.issuer),
        ));
        let places = [&discovery.authorization, &discovery.token, &discovery.jwks].map(|url| url.authority());
        steps.push(Step::good("Endpoints", format!("on {}", places.join(", "))));
        steps.push(match discovery.lists("code_challenge_methods_supported", S256) {
            Some(true) => Step::good("PKCE", "it takes S256"),
            Some(false) => Step::bad("PKCE", "it does not list S256 among its code challenge methods"),
            None => Step::good("PKCE", "it does not say which methods it takes; S256 is sent in any case"),
        });
        steps.push(if discovery.names_itself {
            Step::good("Mix-up", "it names itself when the browser comes back, and that is checked")
        } else {
            Step::good(
                "Mix-up",
                "it does not name itself (RFC 9207); each provider has a redirect address of its own here",
            )
        });
        steps.push(self.test_keys(&config, &discovery).await);
        steps.push(self.test_client(provider, &config, &discovery, here).await);
        steps.push(self.test_redirect(&config, &discovery, here).await);
        steps.push(match discovery.document.get("backchannel_logout_supported") {
            Some(Value::Bool(true)) => Step::good(
                "Back-channel logout",
                format!("offered; enter {} there, with a session id if it asks", here.logout),
            ),
            _ => Step::good("Back-channel logout", "not offered: sessions here end by their own limits"),
        });
        steps
    }
}

impl Oidc {
    async fn test_keys(&self, config: &Config, discovery: &Discovery) -> Step {
        let title = "Keys";
        let keys = match self.client.fetch_keys(config, discovery).await {
            Ok(keys) => keys,
            Err(error) => return Step::bad(title, error.detail),
        };
        let offered: Vec<String> = config
            .algorithms
            .iter()
            .filter(|alg| keys.can(**alg))
            .map(|alg| format!("{alg:?}"))
            .filter(|alg| discovery.lists("id_token_signing_alg_values_supported", alg) != Some(false))
            .collect();
        if offered.is_empty() {
            return Step::bad(title, "no key fits an algorithm that it offers and that was entered here");
        }
        Step::good(title, format!("{} for signatures; usable: {}", keys.len(), offered.join(", ")))
    }

    /// A code that cannot be one: whoever knows our secret is told that the code is wrong, not the secret.
    async fn test_client(
        &self,
        provider: &Provider,
        config: &Config,
        discovery: &Discovery,
        here: &Here,
    ) -> Step {
        let title = "Client id and secret";
        let Ok(verifier) = random() else { return Step::bad(title, "this machine gives no random numbers") };
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", "watchkeep-test"),
            ("redirect_uri", here.callback.as_str()),
            ("code_verifier", verifier.as_str()),
        ];
        let answer = self.client.token(config, provider.secret.as_ref(), &discovery.token, &fields).await;
        match answer {
            Err(error) => Step::bad(title, error.detail),
            Ok((_, answer)) => match answer.get("error").and_then(Value::as_str) {
                Some("invalid_grant") => Step::good(title, "accepted"),
                Some("invalid_client" | "unauthorized_client") => {
                    Step::bad(title, "refused: the client id, the secret or the way to send it is not right")
                }
                Some(other) => {
                    let detail = said(other, answer.get("error_description").and_then(Value::as_str));
                    Step::bad(title, format!("the token endpoint answers {detail}"))
                }
                None => Step::bad(title, "the token endpoint answers a code that was made up"),
            },
        }
    }

    async fn test_redirect(&self, config: &Config, discovery: &Discovery, here: &Here) -> Step {
        let title = "Redirect address";
        let Ok((url, _)) = departure(config, discovery, here, false) else {
            return Step::bad(title, "this machine gives no random numbers");
        };
        let Ok(url) = url.parse() else { return Step::bad(title, "the request would be too long") };
        match self.client.knock(config, &url).await {
            Ok(status @ 200..=399) => Step::good(
                title,
                format!("the provider answers {status} to a request that comes back to {}", here.callback),
            ),
            Ok(status) => Step::bad(
                title,
                format!(
                    "the provider answers {status}; enter exactly {} as redirect address there",
                    here.callback
                ),
            ),
            Err(error) => Step::bad(title, error.detail),
        }
    }
}
