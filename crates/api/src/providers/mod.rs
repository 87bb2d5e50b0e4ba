//! Identities that others vouch for: the frame that every kind of provider fits into.
//!
//! | file | what |
//! |---|---|
//! | `manage` | providers: listed, made, changed, removed, tested |
//! | `person` | the test of a directory as one person |
//! | `enter` | what a provider says becomes an account with rights here |
//! | `walk` | the browser goes there and comes back; name and password given here; sessions ended from there |
//! | `own` | my outside identities: linked from inside, and a fresh factor by the provider |
//! | `emergency` | accounts for the day the providers are down |
//!
//! Nothing links an identity to an account that was not made for it but the account's owner, from inside, with a fresh
//! factor: no e-mail address and no name does. No rule that matches: nobody comes in.

pub(crate) mod dto;
pub(crate) mod emergency;
mod enter;
mod manage;
mod own;
mod person;
mod walk;

pub(crate) use manage::carry_out;

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wk_domain::{ProviderId, SessionId, Timestamp, UserId};
use wk_engine::ports::outside::ProviderRow;
use wk_identity::SessionToken;
use wk_identity::outside::{Here, Kind, Provider, ProviderKind, Refusal, Why};
use wk_seal::{FieldAddress, SecretBytes};

use crate::auth::one_cookie;
use crate::error::ApiError;
use crate::routes::Routes;
use crate::state::App;

/// How long a browser may be away at a provider.
const AWAY: Duration = Duration::from_secs(10 * 60);
/// How long a question of a provider waits for its answer, and a browser that came back for its page.
const WAITS: Duration = Duration::from_secs(5 * 60);
/// Browsers that are away at once, and those of one source; the oldest is forgotten.
const AWAY_MAX: usize = 10_000;
const AWAY_OF_SOURCE: usize = 200;
/// Questions of providers that wait.
const ASKED_MAX: usize = 10_000;
/// Conversations with providers at once, with one of them, and how long one more waits for its turn: a provider that
/// answers slowly must not keep people from the others.
const TALKING_MAX: usize = 64;
const TALKING_WITH_ONE: usize = 8;
const TURN: Duration = Duration::from_secs(3);
/// Binds a browser that is away. The one that is sent along with a POST from the provider's page has its own name.
const AWAY_COOKIE: &str = "__Host-away";
/// Binds a browser that came back and still has something to do.
const BACK_COOKIE: &str = "__Host-back";

/// Why the browser was sent away.
#[derive(Debug, Clone)]
enum Purpose {
    /// To come in, and go on to this page.
    SignIn { to: String },
    /// To link what it finds there to this account.
    Link { user: UserId, session: SessionId },
    /// To give a fresh factor there, and go on to this page.
    Elevate { user: UserId, session: SessionId, to: String },
}

/// A browser that is away.
#[derive(Debug)]
struct Away {
    provider: ProviderId,
    /// Of the provider: whatever was changed meanwhile, this sign-in began under something else.
    revision: i64,
    origin: String,
    kept: SecretBytes,
    purpose: Purpose,
    site: [u8; 16],
    began: Timestamp,
}

/// A provider's question that waits for an answer.
#[derive(Debug)]
struct Question {
    provider: ProviderId,
    revision: i64,
    name: String,
    state: SecretBytes,
    rounds: u8,
    /// Of the name and the password: it counts as failed until the last answer was right.
    attempt: wk_identity::Attempt,
    began: Timestamp,
}

/// Somebody came in over a provider, and still has to give a factor of ours.
#[derive(Debug, Clone)]
struct Back {
    user: UserId,
    ticket: SessionToken,
    began: Timestamp,
}

/// What the frame remembers, in memory and for minutes, and the kinds it knows.
#[derive(Debug)]
pub(crate) struct Doorway {
    kinds: Vec<Arc<dyn ProviderKind>>,
    away: Mutex<HashMap<[u8; 32], Away>>,
    asked: Mutex<HashMap<[u8; 32], Question>>,
    back: Mutex<HashMap<[u8; 32], Back>>,
    talking: Arc<Semaphore>,
    talking_with: Mutex<HashMap<ProviderId, Arc<Semaphore>>>,
}

/// A turn to talk with a provider, as long as it is held.
#[derive(Debug)]
struct Turn(#[expect(dead_code, reason = "held")] [OwnedSemaphorePermit; 2]);

impl Doorway {
    pub(crate) fn new(kinds: Vec<Arc<dyn ProviderKind>>) -> Self {
        Self {
            kinds,
            away: Mutex::default(),
            asked: Mutex::default(),
            back: Mutex::default(),
            talking: Arc::new(Semaphore::new(TALKING_MAX)),
            talking_with: Mutex::default(),
        }
    }

    fn kind(&self, word: &str) -> Option<&Arc<dyn ProviderKind>> {
        self.kinds.iter().find(|kind| kind.kind().as_str() == word)
    }

    /// A turn to talk with a provider.
    async fn turn(&self, provider: ProviderId) -> Result<Turn, Refusal> {
        let busy = || Refusal::new(Why::Unreachable, "too many people sign in over providers at once");
        let own = {
            let mut all = self.talking_with.lock();
            // Those nobody talks with are as good as new ones.
            all.retain(|_, own| Arc::strong_count(own) > 1);
            let own = all.entry(provider).or_insert_with(|| Arc::new(Semaphore::new(TALKING_WITH_ONE)));
            Arc::clone(own)
        };
        let both = async {
            let own = own.acquire_owned().await.ok()?;
            Some(Turn([own, Arc::clone(&self.talking).acquire_owned().await.ok()?]))
        };
        tokio::time::timeout(TURN, both).await.ok().flatten().ok_or_else(busy)
    }

    fn leave(&self, key: [u8; 32], away: Away) {
        let mut all = self.away.lock();
        let now = away.began;
        all.retain(|_, one| now.since(one.began) < AWAY);
        let oldest = |all: &HashMap<[u8; 32], Away>, of: Option<[u8; 16]>| {
            let some = all.iter().filter(|(_, one)| of.is_none_or(|site| one.site == site));
            some.min_by_key(|(_, one)| one.began).map(|(key, _)| *key)
        };
        if all.values().filter(|one| one.site == away.site).count() >= AWAY_OF_SOURCE {
            oldest(&all, Some(away.site)).map(|key| all.remove(&key));
        }
        if all.len() >= AWAY_MAX {
            oldest(&all, None).map(|key| all.remove(&key));
        }
        all.insert(key, away);
    }

    /// The browser that is back; there is no second time.
    fn returns(&self, key: &[u8; 32], now: Timestamp) -> Option<Away> {
        let away = self.away.lock().remove(key)?;
        now.checked_since(away.began).is_some_and(|gone| gone < AWAY).then_some(away)
    }

    fn ask(&self, key: [u8; 32], question: Question) {
        let mut all = self.asked.lock();
        let now = question.began;
        all.retain(|_, one| now.since(one.began) < WAITS);
        if all.len() >= ASKED_MAX {
            let oldest = all.iter().min_by_key(|(_, one)| one.began).map(|(key, _)| *key);
            oldest.map(|key| all.remove(&key));
        }
        all.insert(key, question);
    }

    fn answered(&self, key: &[u8; 32], now: Timestamp) -> Option<Question> {
        let question = self.asked.lock().remove(key)?;
        now.checked_since(question.began).is_some_and(|gone| gone < WAITS).then_some(question)
    }

    fn came_back(&self, key: [u8; 32], back: Back) {
        let mut all = self.back.lock();
        let now = back.began;
        all.retain(|_, one| now.since(one.began) < WAITS);
        if all.len() >= ASKED_MAX {
            let oldest = all.iter().min_by_key(|(_, one)| one.began).map(|(key, _)| *key);
            oldest.map(|key| all.remove(&key));
        }
        all.insert(key, back);
    }

    fn is_back(&self, key: &[u8; 32], now: Timestamp) -> Option<Back> {
        let back = self.back.lock().get(key).cloned()?;
        now.checked_since(back.began).is_some_and(|gone| gone < WAITS).then_some(back)
    }
}

pub(crate) fn routes(routes: Routes) -> Routes {
    emergency::routes(own::routes(walk::routes(person::routes(manage::routes(routes)))))
}

/// Whether a request is a browser's return from a provider, or a provider's own word: the only ones that may come from
/// another site. What binds them is in their cookie and their contents.
pub(crate) fn comes_from_outside(path: &str) -> bool {
    let Some(rest) = path.strip_prefix(crate::routes::BASE).and_then(|rest| rest.strip_prefix("/providers/"))
    else {
        return false;
    };
    rest.split_once('/').is_some_and(|(id, what)| {
        !id.contains('/') && matches!(what, "callback" | "logout" | "metadata" | "begin")
    })
}

fn secret_at(id: &str, revision: i64) -> FieldAddress<'_> {
    let revision = u64::try_from(revision).unwrap_or(0);
    FieldAddress { table: "provider", column: "secret", row: id.as_bytes(), revision }
}

/// The secret of a provider, if it has one.
fn open_secret(app: &App, row: &ProviderRow) -> Result<Option<SecretBytes>, ApiError> {
    if row.secret_sealed.is_empty() {
        return Ok(None);
    }
    let id = row.id.to_string();
    let opened = app.people.keys.open_field(&secret_at(&id, row.revision), &row.secret_sealed);
    opened.map(Some).map_err(|error| {
        tracing::error!(provider.id = %row.id, "the secret of a sign-in method cannot be opened: {error}");
        ApiError::Internal
    })
}

/// A provider as its kind is asked about it.
fn provider_of(app: &App, row: &ProviderRow) -> Result<Provider, ApiError> {
    let config = serde_json::from_str(&row.config_json).map_err(|error| {
        tracing::error!(provider.id = %row.id, "a sign-in method's configuration is no JSON: {error}");
        ApiError::Internal
    })?;
    Ok(Provider { id: row.id, name: row.name.clone(), config, secret: open_secret(app, row)? })
}

/// Where the browser found us: the origin of the request's own host, which the door has let through.
#[derive(Debug, Clone)]
pub(crate) struct At(pub(crate) String);

impl FromRequestParts<App> for At {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let host = crate::server::host_of(parts).map(|host| host.to_string().to_ascii_lowercase());
        let host = host.ok().or_else(|| app.names.first().cloned()).unwrap_or_else(|| "localhost".to_owned());
        Ok(Self(format!("https://{host}")))
    }
}

impl At {
    fn here(&self, provider: ProviderId, now: Timestamp) -> Here {
        Here::of(&self.0, provider, now)
    }
}

/// A cookie for minutes. `elsewhere`: it is sent when another site's page sends the browser here; by GET alone, or by POST
/// too.
fn cookie(name: &str, token: &SessionToken, same_site: &str, seconds: u64) -> Result<HeaderValue, ApiError> {
    let text = format!(
        "{name}={}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age={seconds}",
        token.text().expose()
    );
    let mut value = HeaderValue::from_str(&text).map_err(|_| ApiError::Internal)?;
    value.set_sensitive(true);
    Ok(value)
}

fn forget(name: &str, same_site: &str) -> Result<HeaderValue, ApiError> {
    let text = format!("{name}=; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age=0");
    HeaderValue::from_str(&text).map_err(|_| ApiError::Internal)
}

/// The digest of a cookie's token.
fn bound(headers: &HeaderMap, name: &str) -> Option<[u8; 32]> {
    one_cookie(headers, name).and_then(|raw| SessionToken::parse(raw).ok()).map(|token| token.sha256())
}

/// A page of ours to go on to; the start page for anything that is none.
fn local_page(raw: Option<&str>) -> String {
    let fits = |raw: &&str| {
        let rest = raw.strip_prefix('/');
        rest.is_some_and(|rest| !rest.starts_with(['/', '\\']))
            && raw.len() <= 512
            && raw.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            && !raw.starts_with("/api/")
    };
    raw.filter(fits).unwrap_or("/").to_owned()
}

/// Kinds that exist, whether this program has them or not.
fn kind_word(raw: &str) -> Result<Kind, ApiError> {
    Kind::parse(raw).ok_or_else(|| ApiError::field("/kind", "use oidc, saml, ldap or radius"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_provider_that_answers_slowly_keeps_nobody_from_the_others() {
        let doorway = Doorway::new(Vec::new());
        let [slow, other] = [1, 2].map(|n| ProviderId::from_uuid(uuid::Uuid::from_u128(n)));
        let mut held = Vec::new();
        for _ in 0..TALKING_WITH_ONE {
            held.push(doorway.turn(slow).await.unwrap());
        }
        let (one_more, elsewhere) = tokio::join!(doorway.turn(slow), doorway.turn(other));
        assert_eq!(one_more.unwrap_err().why, Why::Unreachable);
        assert!(elsewhere.is_ok());
        held.pop();
        assert!(doorway.turn(slow).await.is_ok());
    }

    #[test]
    fn only_pages_of_ours_are_gone_on_to() {
        for page in ["/", "/hosts/host_1?x=1#y", "/a//b"] {
            assert_eq!(local_page(Some(page)), page);
        }
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "x",
            "/api/v1/me",
            "/a\r\nb",
            "/ü",
        ] {
            assert_eq!(local_page(Some(other)), "/", "{other}");
        }
        assert_eq!(local_page(None), "/");
    }

    #[test]
    fn only_returns_and_words_of_providers_come_from_other_sites() {
        for path in ["callback", "logout", "metadata", "begin"] {
            assert!(comes_from_outside(&format!("/api/v1/providers/idp_1/{path}")));
        }
        for path in [
            "/api/v1/providers",
            "/api/v1/providers/idp_1",
            "/api/v1/providers/idp_1/test",
            "/api/v1/providers/idp_1/callback/x",
            "/api/v1/hosts/x/callback",
            "/providers/idp_1/callback",
        ] {
            assert!(!comes_from_outside(path), "{path}");
        }
    }
}
