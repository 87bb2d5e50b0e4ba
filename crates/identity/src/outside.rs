//! Identities that others vouch for: what a provider is, what it says of a person, and what that is worth here.
//!
//! A kind of provider (OpenID Connect, SAML, LDAP, RADIUS) fills [`ProviderKind`]; the API asks it and knows no protocol.
//! Not here: who has which account, sessions, and anything that is stored.
//!
//! ```text
//! password kinds   password() ─▶ Answer::In(Outside) | Answer::Ask(challenge) ─▶ answer() ─▶ ...
//! browser kinds    begin() ─▶ Departure ~~~ browser ~~~▶ finish() ─▶ Outside
//! ```

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use wk_domain::text::clean_line;
use wk_domain::{ProviderId, Timestamp};
use wk_seal::{SecretBytes, SecretString};

/// Longest subject, in bytes: an issuer and a `sub` of 255 each fit.
pub const SUBJECT_MAX: usize = 600;
/// Groups of one person that are looked at. Some directories put people into hundreds.
pub const GROUPS_MAX: usize = 2_000;
/// Longest name of a group, in bytes: a distinguished name fits.
pub const GROUP_MAX: usize = 1_024;
/// Rules of one provider.
pub const RULES_MAX: usize = 500;

/// The kinds of provider there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    Oidc,
    Saml,
    Ldap,
    Radius,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Oidc, Self::Saml, Self::Ldap, Self::Radius];

    /// `oidc`, `saml`, `ldap` or `radius`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Oidc => "oidc",
            Self::Saml => "saml",
            Self::Ldap => "ldap",
            Self::Radius => "radius",
        }
    }

    /// The kind that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == raw)
    }

    /// Whether people give name and password on our own page; otherwise the browser goes to the provider.
    pub const fn asks_password(self) -> bool {
        matches!(self, Self::Ldap | Self::Radius)
    }
}

/// A provider as its kind is asked about it.
#[derive(Debug, Clone)]
pub struct Provider {
    pub id: ProviderId,
    pub name: String,
    /// As [`ProviderKind::check`] gave it.
    pub config: Value,
    /// Client secret, bind password, shared secret, private key: whatever the kind calls its secret.
    pub secret: Option<SecretBytes>,
}

/// What the provider says of somebody who proved to it who they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outside {
    pub provider: ProviderId,
    /// What never changes and is never given to somebody else: `iss` and `sub`, `entryUUID`, a persistent NameID. Never
    /// an e-mail address.
    pub subject: String,
    /// What the account would be called.
    pub name: String,
    pub display_name: String,
    pub mail: String,
    pub groups: Vec<String>,
    /// Whether the provider asserts that a second factor was given.
    pub second_factor: bool,
    /// When the person proved it, where the provider says so.
    pub proved_at: Option<Timestamp>,
    /// The provider's own name for the session, by which it may end it.
    pub session: Option<String>,
    /// What must not have been seen before, such as an assertion's id.
    pub once: Vec<Once>,
}

/// Something that counts once: whoever shows it again is refused, by any server of the installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Once {
    pub key: String,
    /// From when on it would be refused anyway.
    pub until: Timestamp,
}

impl Outside {
    /// Refuses what cannot be kept as it is, and cuts what is only shown.
    ///
    /// # Errors
    /// [`Refusal`] when the subject cannot be a key.
    pub fn bounded(mut self) -> Result<Self, Refusal> {
        let wrong =
            |what: &str| Refusal::new(Why::Refused, format!("the provider's name for the person {what}"));
        if self.subject.is_empty() {
            return Err(wrong("is empty"));
        }
        if self.subject.len() > SUBJECT_MAX {
            return Err(wrong(&format!("has more than {SUBJECT_MAX} bytes")));
        }
        if self.subject.chars().any(char::is_control) {
            return Err(wrong("has control characters"));
        }
        self.display_name = clean_line(&self.display_name, 100);
        self.mail = clean_line(&self.mail, 254);
        self.groups.retain(|group| !group.is_empty() && group.len() <= GROUP_MAX);
        self.groups.truncate(GROUPS_MAX);
        Ok(self)
    }
}

/// Which groups over there mean what here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// In order.
    pub rules: Vec<Rule>,
}

/// Members of one outside group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The group's name there, compared byte for byte; `*` is everybody whom the provider knows.
    pub group: String,
    /// Their role here; absent: by a later rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Ids of groups here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub groups: Vec<String>,
}

/// What a person gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// By the first rule that matches and has one; absent: no rule gave one, and `none` is what they have.
    pub role: Option<String>,
    /// By all rules that match.
    pub groups: BTreeSet<String>,
    /// The outside groups that counted.
    pub because: Vec<String>,
}

impl Mapping {
    /// What members of `groups` get. `None`: no rule matches, and they stay out.
    pub fn apply(&self, groups: &[String]) -> Option<Mapped> {
        let mut mapped = Mapped { role: None, groups: BTreeSet::new(), because: Vec::new() };
        for rule in &self.rules {
            if rule.group != "*" && !groups.contains(&rule.group) {
                continue;
            }
            mapped.role = mapped.role.or_else(|| rule.role.clone());
            mapped.groups.extend(rule.groups.iter().cloned());
            mapped.because.push(rule.group.clone());
        }
        if mapped.because.is_empty() { None } else { Some(mapped) }
    }
}

/// A step of a test, for the person who pressed the button.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    pub title: String,
    pub ok: bool,
    /// What was found, or why it failed and how to mend it. No secret.
    pub detail: String,
}

impl Step {
    pub fn good(title: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self { title: title.into(), ok: true, detail: clean_line(detail.as_ref(), 1_000) }
    }

    pub fn bad(title: impl Into<String>, detail: impl AsRef<str>) -> Self {
        Self { title: title.into(), ok: false, detail: clean_line(detail.as_ref(), 1_000) }
    }
}

/// A configuration that is not right: a JSON pointer into it, and a sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{pointer}: {detail}")]
pub struct Wrong {
    pub pointer: String,
    pub detail: String,
}

impl Wrong {
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Whether a provider has a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretNeed {
    None,
    Optional,
    Required,
}

/// Why somebody does not come in. The word is for everybody, the detail for the audit log and the administrator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Refusal {
    pub why: Why,
    pub detail: String,
}

impl Refusal {
    pub fn new(why: Why, detail: impl AsRef<str>) -> Self {
        Self { why, detail: clean_line(detail.as_ref(), 1_000) }
    }
}

/// What may be said to whoever stands outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// Name, password or answer.
    Wrong,
    /// The provider does not answer.
    Unreachable,
    /// The person, or the provider, said no over there.
    Cancelled,
    /// It took too long, or another window began anew.
    Expired,
    /// What the provider says does not hold: forged, replayed, for somebody else, too old.
    Refused,
    /// The provider is switched off, or cannot work as it is configured here.
    Misconfigured,
    /// No rule lets members of the person's groups in.
    NoRule,
    /// An account of that name is there already, and is somebody else's as far as anybody can tell.
    NameTaken,
    /// There is no account, and this provider makes none.
    NoAccount,
    /// The account is closed, disabled or kept for emergencies.
    Closed,
}

impl Why {
    pub const ALL: [Self; 10] = [
        Self::Wrong,
        Self::Unreachable,
        Self::Cancelled,
        Self::Expired,
        Self::Refused,
        Self::Misconfigured,
        Self::NoRule,
        Self::NameTaken,
        Self::NoAccount,
        Self::Closed,
    ];

    /// `name-taken`, ...: what the sign-in page is told.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Unreachable => "unreachable",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Misconfigured => "misconfigured",
            Self::NoRule => "no-rule",
            Self::NameTaken => "name-taken",
            Self::NoAccount => "no-account",
            Self::Closed => "closed",
        }
    }
}

/// Where this server is, as browsers and providers see it, and what time it is.
#[derive(Debug, Clone)]
pub struct Here {
    pub now: Timestamp,
    /// `https://watch.example:8443`, without a slash at the end.
    pub origin: String,
    /// Where the browser comes back to: OIDC's redirect URI, SAML's assertion consumer. Exactly this text.
    pub callback: String,
    /// Where the provider says that a session is over.
    pub logout: String,
    /// Where our own metadata is, for kinds that have some; also our name (SAML's entity id).
    pub metadata: String,
    /// Password kinds: the browser is one in which this person has signed in before.
    pub known_browser: bool,
    /// Where the person's browser is.
    pub address: Option<IpAddr>,
}

impl Here {
    /// The addresses of one provider on the server that people find at `origin`.
    pub fn of(origin: &str, provider: ProviderId, now: Timestamp) -> Self {
        let origin = origin.trim_end_matches('/');
        let at = |what: &str| format!("{origin}/api/v1/providers/{provider}/{what}");
        Self {
            now,
            origin: origin.to_owned(),
            callback: at("callback"),
            logout: at("logout"),
            metadata: at("metadata"),
            known_browser: false,
            address: None,
        }
    }
}

/// What a password kind says.
pub enum Answer {
    In(Box<Outside>),
    /// It asks for more: shown to the person; `state` comes back to [`ProviderKind::answer`] with what they type.
    Ask {
        prompt: String,
        echo: bool,
        state: SecretBytes,
    },
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::In(outside) => f.debug_tuple("In").field(&outside.subject).finish(),
            Self::Ask { prompt, .. } => f.debug_struct("Ask").field("prompt", prompt).finish_non_exhaustive(),
        }
    }
}

/// The browser is sent away.
#[derive(Debug, Clone)]
pub struct Departure {
    /// Where to, by GET.
    pub url: String,
    /// What is kept here meanwhile, for this browser alone and for one return: state, nonce, verifier, request id.
    pub kept: SecretBytes,
    /// The browser comes back by a POST from the provider's page: the cookie that binds it must be sent with that.
    pub returns_by_post: bool,
}

/// With what the browser, or the provider itself, comes: decoded name and value pairs of a query or a form, in order,
/// duplicates included.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Returned {
    pub pairs: Vec<(String, String)>,
}

impl fmt::Debug for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Values are codes and tokens.
        f.debug_list().entries(self.pairs.iter().map(|(name, _)| name)).finish()
    }
}

/// Names and values of one query or form.
const PAIRS_MAX: usize = 64;

impl Returned {
    /// Reads a query, or a form as `application/x-www-form-urlencoded`. Hostile input: total, and as long as its input.
    ///
    /// # Errors
    /// A sentence: too many pairs, or an escape that is none, or not UTF-8.
    pub fn parse(raw: &str) -> Result<Self, &'static str> {
        let mut pairs = Vec::new();
        for pair in raw.split('&').filter(|pair| !pair.is_empty()) {
            if pairs.len() >= PAIRS_MAX {
                return Err("it has too many parameters");
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((unescaped(name)?, unescaped(value)?));
        }
        Ok(Self { pairs })
    }

    /// A text as it stands in a query.
    pub fn escaped(raw: &str) -> String {
        let mut out = String::with_capacity(raw.len());
        for byte in raw.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    out.push(char::from(byte));
                }
                other => {
                    const HEX: &[u8; 16] = b"0123456789ABCDEF";
                    out.push('%');
                    out.push(char::from(HEX[usize::from(other >> 4)]));
                    out.push(char::from(HEX[usize::from(other & 15)]));
                }
            }
        }
        out
    }

    /// The value of this name; nothing when it is absent or there twice.
    pub fn one(&self, name: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|(known, _)| known == name);
        let first = found.next()?;
        if found.next().is_some() { None } else { Some(&first.1) }
    }
}

fn unescaped(raw: &str) -> Result<String, &'static str> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|b| char::from(b).to_digit(16));
                let (high, low) = (digit(), digit());
                let (Some(high), Some(low)) = (high, low) else { return Err("it has a broken escape") };
                u8::try_from(high * 16 + low).unwrap_or_default()
            }
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| "it is not UTF-8")
}

/// Whose sessions end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// As [`Outside::subject`].
    pub subject: Option<String>,
    /// As [`Outside::session`]. With both, both must match.
    pub session: Option<String>,
    pub once: Vec<Once>,
}

/// One kind of provider. Stateless towards people: what is to be remembered is handed out and comes back.
#[async_trait]
pub trait ProviderKind: fmt::Debug + Send + Sync {
    fn kind(&self) -> Kind;

    /// Reads a configuration strictly, and gives it as it is to be kept: defaults filled in, no secret in it.
    ///
    /// # Errors
    /// [`Wrong`].
    fn check(&self, config: &Value) -> Result<Value, Wrong>;

    /// Whether such a provider has a secret. `config` has been checked.
    fn secret(&self, config: &Value) -> SecretNeed;

    /// Whether a secret can be one.
    ///
    /// # Errors
    /// [`Wrong`], with pointers below `/secret`.
    fn check_secret(&self, config: &Value, secret: &SecretBytes) -> Result<(), Wrong> {
        let _ = (config, secret);
        Ok(())
    }

    /// A secret that this server makes for itself, such as a key pair, for a kind whose administrators have none to give.
    /// `old`: the one it takes the place of; what is still needed of it is in the new one. May take seconds of work.
    ///
    /// # Errors
    /// [`Wrong`], when it cannot be made.
    fn own_secret(&self, here: &Here, old: Option<&SecretBytes>) -> Option<Result<SecretBytes, Wrong>> {
        let _ = (here, old);
        None
    }

    /// Walks through what a sign-in needs, as far as that goes without a person, and explains each step.
    async fn test(&self, provider: &Provider, here: &Here) -> Vec<Step>;

    /// Password kinds: walks through the sign-in of one person. Without a password: as far as that goes. Second: what the
    /// provider says of them, for showing what the rules would give.
    async fn test_as(
        &self,
        provider: &Provider,
        here: &Here,
        name: &str,
        password: Option<&SecretString>,
    ) -> (Vec<Step>, Option<Outside>) {
        let _ = (name, password);
        (self.test(provider, here).await, None)
    }

    /// Password kinds: whether name and password are right. An empty password is refused before this.
    ///
    /// # Errors
    /// [`Refusal`].
    async fn password(
        &self,
        provider: &Provider,
        here: &Here,
        name: &str,
        password: &SecretString,
    ) -> Result<Answer, Refusal> {
        let _ = (provider, here, name, password);
        Err(Refusal::new(Why::Misconfigured, "this kind of provider takes no password"))
    }

    /// Password kinds that ask for more: what the person answered.
    ///
    /// # Errors
    /// [`Refusal`].
    async fn answer(
        &self,
        provider: &Provider,
        here: &Here,
        state: &SecretBytes,
        answer: &SecretString,
    ) -> Result<Answer, Refusal> {
        let _ = (provider, here, state, answer);
        Err(Refusal::new(Why::Misconfigured, "this kind of provider asks nothing"))
    }

    /// Browser kinds: where to send the browser. `fresh`: the person must prove it anew over there.
    ///
    /// # Errors
    /// [`Refusal`].
    async fn begin(&self, provider: &Provider, here: &Here, fresh: bool) -> Result<Departure, Refusal> {
        let _ = (provider, here, fresh);
        Err(Refusal::new(Why::Misconfigured, "this kind of provider asks for a password here"))
    }

    /// Browser kinds: the browser is back. `kept` is absent when nobody began here (SAML from the provider's side); a
    /// kind that does not want that refuses it.
    ///
    /// # Errors
    /// [`Refusal`].
    async fn finish(
        &self,
        provider: &Provider,
        here: &Here,
        kept: Option<&SecretBytes>,
        returned: &Returned,
    ) -> Result<Outside, Refusal> {
        let _ = (provider, here, kept, returned);
        Err(Refusal::new(Why::Misconfigured, "this kind of provider asks for a password here"))
    }

    /// The provider itself says that a session is over.
    ///
    /// # Errors
    /// [`Refusal`].
    async fn logout(&self, provider: &Provider, here: &Here, returned: &Returned) -> Result<Ended, Refusal> {
        let _ = (provider, here, returned);
        Err(Refusal::new(Why::Misconfigured, "this kind of provider ends no sessions"))
    }

    /// After [`Self::logout`], when the person's own browser brought the provider's word: where to send it with an answer.
    fn farewell(&self, provider: &Provider, here: &Here, returned: &Returned) -> Option<String> {
        let _ = (provider, here, returned);
        None
    }

    /// What the provider's administrator loads over there: media type and text.
    fn metadata(&self, provider: &Provider, here: &Here) -> Option<(&'static str, String)> {
        let _ = (provider, here);
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(group: &str, role: Option<&str>, groups: &[&str]) -> Rule {
        Rule {
            group: group.to_owned(),
            role: role.map(str::to_owned),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        }
    }

    fn of(groups: &[&str]) -> Vec<String> {
        groups.iter().map(|group| (*group).to_owned()).collect()
    }

    #[test]
    fn the_first_role_counts_and_groups_add_up() {
        let mapping = Mapping {
            rules: vec![
                rule("db", None, &["g1"]),
                rule("ops", Some("operator"), &["g2"]),
                rule("admins", Some("admin"), &["g1", "g3"]),
            ],
        };
        let mapped = mapping.apply(&of(&["admins", "ops", "db"])).unwrap();
        assert_eq!(mapped.role.as_deref(), Some("operator"));
        assert_eq!(mapped.groups.into_iter().collect::<Vec<_>>(), ["g1", "g2", "g3"]);
        assert_eq!(mapped.because, ["db", "ops", "admins"]);
        assert_eq!(mapping.apply(&of(&["db"])).unwrap().role, None);
    }

    #[test]
    fn whoever_no_rule_names_stays_out_and_names_are_exact() {
        let mapping = Mapping { rules: vec![rule("ops", Some("viewer"), &[])] };
        for stranger in [&["Ops"][..], &["ops "], &["op"], &["*"], &[]] {
            assert_eq!(mapping.apply(&of(stranger)), None, "{stranger:?}");
        }
        assert_eq!(Mapping::default().apply(&of(&["ops"])), None);
        let everybody = Mapping { rules: vec![rule("*", Some("viewer"), &[])] };
        assert!(everybody.apply(&[]).is_some());
    }

    fn said(subject: &str) -> Outside {
        Outside {
            provider: ProviderId::from_uuid(uuid::Uuid::nil()),
            subject: subject.to_owned(),
            name: "ada".to_owned(),
            display_name: "Ada\r\nL".to_owned(),
            mail: String::new(),
            groups: vec![String::new(), "x".repeat(GROUP_MAX + 1), "ops".to_owned()],
            second_factor: false,
            proved_at: None,
            session: None,
            once: Vec::new(),
        }
    }

    #[test]
    fn a_subject_that_would_be_bent_on_its_way_into_the_store_is_refused() {
        for wrong in ["", "a\0b", "a\nb", &"x".repeat(SUBJECT_MAX + 1)] {
            assert_eq!(said(wrong).bounded().unwrap_err().why, Why::Refused);
        }
        let outside = said("https://op.example 7").bounded().unwrap();
        assert_eq!(outside.groups, ["ops"]);
        assert_eq!(outside.display_name, "Ada L");
    }

    #[test]
    fn words_are_unique_and_what_came_back_shows_no_value() {
        let words: BTreeSet<_> = Why::ALL.into_iter().map(Why::as_str).collect();
        assert_eq!(words.len(), Why::ALL.len());
        let returned =
            Returned { pairs: vec![("code".into(), "canary".into()), ("state".into(), "x".into())] };
        assert_eq!(format!("{returned:?}"), r#"["code", "state"]"#);
        assert_eq!(returned.one("code"), Some("canary"));
        let parsed = Returned::parse("code=a%20b+c%2B&state=%C3%BC&&flag&x=1=2").unwrap();
        assert_eq!(parsed.one("code"), Some("a b c+"));
        assert_eq!(
            (parsed.one("state"), parsed.one("flag"), parsed.one("x")),
            (Some("ü"), Some(""), Some("1=2"))
        );
        for wrong in ["a=%", "a=%4", "a=%zz", "a=%ff", &"a=1&".repeat(65)] {
            assert!(Returned::parse(wrong).is_err(), "{wrong}");
        }
        let twice = Returned { pairs: vec![("code".into(), "a".into()), ("code".into(), "b".into())] };
        assert_eq!(twice.one("code"), None);
    }
}
