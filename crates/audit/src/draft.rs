//! What a use case says about an act, before the log gives it a place: who, what, to what, from where, with what outcome.
//!
//! Secrets cannot be told here by accident: a changed value is one of a few plain kinds, fields whose names speak of
//! secrets keep no text, and what must be provable without being known goes in as a [`Commitment`]. Everything is bounded,
//! so that no act can fail for the size of its record.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::IpAddr;

use aws_lc_rs::hmac;

use crate::Hash;
use crate::canonical::{INTEGER_MAX, write_string};
use crate::entry::write_value;

/// Bytes of an id, a session, a node name, a method.
pub const ID_MAX: usize = 200;
/// Bytes of an action or a kind.
pub const WORD_MAX: usize = 100;
/// Bytes of a reason.
pub const REASON_MAX: usize = 1_000;
/// Bytes of a changed text that stand in the entry itself; of a longer one its beginning and its hash.
pub const TEXT_MAX: usize = 1_024;
/// Bytes of the beginning that is kept of a longer text.
pub const CUT_MAX: usize = 256;
/// Changed fields listed one by one; beyond that the first of them, and the whole list by its hash.
pub const DIFF_MAX: usize = 200;
/// The tenant of an installation that has one.
pub const TENANT: &str = "default";

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActorKind {
    /// A person who is signed in.
    User,
    /// A program with a token of its own.
    Token,
    /// A process with the server's own rights on the server's machine.
    Local,
    Agent,
    /// The server itself.
    System,
    /// Nobody that is known: a failed sign-in, a guessed token.
    Anonymous,
}

impl ActorKind {
    pub(crate) const ALL: [Self; 6] =
        [Self::User, Self::Token, Self::Local, Self::Agent, Self::System, Self::Anonymous];

    /// The word in the entry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Token => "token",
            Self::Local => "local",
            Self::Agent => "agent",
            Self::System => "system",
            Self::Anonymous => "anonymous",
        }
    }

    /// The kind that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == raw)
    }
}

/// Who acts, and how sure we are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Actor {
    pub kind: ActorKind,
    /// Empty for an anonymous actor.
    pub id: String,
    pub session: Option<String>,
    /// `password+totp`, `mtls`, `claim`, `token`, ...
    pub auth_method: Option<String>,
    /// Authentication assurance level of NIST SP 800-63B; 0 when nobody was authenticated.
    pub aal: u8,
}

impl Actor {
    /// An actor of that kind, not authenticated in any way yet.
    pub fn new(kind: ActorKind, id: impl Display) -> Self {
        Self { kind, id: bounded(id.to_string(), ID_MAX), session: None, auth_method: None, aal: 0 }
    }

    /// The server itself.
    pub fn system() -> Self {
        Self::new(ActorKind::System, "server")
    }

    /// Nobody that is known.
    pub fn anonymous() -> Self {
        Self::new(ActorKind::Anonymous, "")
    }

    /// The session it acts in.
    #[must_use]
    pub fn session(mut self, id: impl Display) -> Self {
        self.session = Some(bounded(id.to_string(), ID_MAX));
        self
    }

    /// How it was authenticated, and the assurance level (0 to 3) that gave.
    #[must_use]
    pub fn authenticated(mut self, method: impl Display, aal: u8) -> Self {
        self.auth_method = Some(bounded(method.to_string(), ID_MAX));
        self.aal = aal.min(3);
        self
    }
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Source {
    pub ip: Option<IpAddr>,
    /// Digest of the user agent's name: tells a change without keeping the name.
    pub ua_hash: Option<Hash>,
}

/// What an act was about.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Object {
    pub kind: Cow<'static, str>,
    pub id: String,
    /// Revision after the act, where the object has revisions.
    pub rev: Option<u64>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    Success,
    /// Refused: no right, a wrong password, a used token.
    Denied,
    /// Allowed, and did not work.
    Failed,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Success, Self::Denied, Self::Failed];

    /// The word in the entry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }

    /// The outcome that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == raw)
    }
}

/// Stands for a value that the log must not hold: HMAC-SHA-256 under a key that lives elsewhere. Whoever has the key can
/// prove which value it was; destroying the key makes it meaningless.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commitment(pub(crate) Hash);

impl Commitment {
    /// The commitment to `value` under `key`.
    pub fn new(key: &[u8; 32], value: &[u8]) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), value);
        let mut out = [0; 32];
        out.copy_from_slice(tag.as_ref());
        Self(Hash(out))
    }

    /// The commitment to a secret through what is stored of it: sealed under a random nonce, or hashed with salt or key.
    /// Never of a secret as it is, which could be guessed from this.
    pub fn to_stored(stored: &[u8]) -> Self {
        Self(Hash::of_parts(&[b"watchkeep stored secret\0", stored]))
    }

    /// The tag.
    pub const fn tag(&self) -> Hash {
        self.0
    }
}

/// A field's value before or after.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not there.
    Null,
    Bool(bool),
    /// Finite.
    Number(f64),
    /// In an entry at most [`TEXT_MAX`] bytes; longer ones are cut when they go in.
    Text(String),
    Commitment(Commitment),
    /// A longer text: its beginning, at most [`CUT_MAX`] bytes, and the SHA-256 and length in bytes of the whole.
    Cut {
        text: String,
        sha256: Hash,
        bytes: u64,
    },
    /// A text in a field whose name speaks of a secret.
    Withheld,
}

impl Value {
    fn cut(mut text: String) -> Self {
        let (sha256, bytes) = (Hash::of(text.as_bytes()), length(text.len()));
        let end = (0..=CUT_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        Self::Cut { text, sha256, bytes }
    }

    /// Finite and exact.
    fn exact(self) -> Self {
        match self {
            Self::Number(value) if !value.is_finite() => Self::Text(value.to_string()),
            Self::Number(value) => Self::Number(value + 0.0),
            other => other,
        }
    }

    /// Finite, exact, bounded.
    pub(crate) fn normal(self) -> Self {
        match self.exact() {
            Self::Text(text) if text.len() > TEXT_MAX => Self::cut(text),
            Self::Cut { mut text, sha256, bytes } if text.len() > CUT_MAX => {
                let end = (0..=CUT_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.truncate(end);
                Self::Cut { text, sha256, bytes }
            }
            other => other,
        }
    }

    /// As it may stand in a field of that name.
    fn in_field(self, field: &str) -> Self {
        match self {
            Self::Text(_) | Self::Cut { .. } if speaks_of_secret(field) => Self::Withheld,
            other => other.exact(),
        }
    }
}

pub(crate) fn length(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(INTEGER_MAX).min(INTEGER_MAX)
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Number(value).exact()
    }
}
impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(f64::from(value))
    }
}
impl From<i64> for Value {
    /// An integer that a double cannot hold goes in as text.
    fn from(value: i64) -> Self {
        if value.unsigned_abs() <= INTEGER_MAX {
            Self::Number(value as f64)
        } else {
            Self::Text(value.to_string())
        }
    }
}
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        if value <= INTEGER_MAX { Self::Number(value as f64) } else { Self::Text(value.to_string()) }
    }
}
impl From<Commitment> for Value {
    fn from(commitment: Commitment) -> Self {
        Self::Commitment(commitment)
    }
}
impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One field before and after.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FieldChange {
    /// Dotted path in the object: `retry.max_attempts`.
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// An object as it is at one moment: its fields by name. What an entry's `before_hash` and `after_hash` are over.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Image(BTreeMap<String, Value>);

impl Image {
    /// Of an object without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// A field. Text in a field whose name speaks of a secret is withheld: use [`Self::stored_secret`] for those.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(bounded(name.to_owned(), ID_MAX), value.into().in_field(name));
        self
    }

    /// A secret, by what is stored of it; see [`Commitment::to_stored`]. Empty: there is none.
    #[must_use]
    pub fn stored_secret(mut self, name: &str, stored: &[u8]) -> Self {
        let value = if stored.is_empty() { Value::Null } else { Commitment::to_stored(stored).into() };
        self.0.insert(bounded(name.to_owned(), ID_MAX), value);
        self
    }

    /// One canonical JSON object (RFC 8785): whole texts, secrets as commitments.
    pub fn canonical(&self) -> Vec<u8> {
        let mut fields: Vec<_> = self.0.iter().collect();
        // RFC 8785, 3.2.3: by UTF-16 code units, which differs from the map's order beyond the basic plane.
        fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
        let mut out = vec![b'{'];
        for (i, (name, value)) in fields.into_iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            write_string(&mut out, name);
            out.push(b':');
            write_value(&mut out, value);
        }
        out.push(b'}');
        out
    }

    /// SHA-256 of [`Self::canonical`].
    pub fn hash(&self) -> Hash {
        Hash::of(&self.canonical())
    }
}

/// A list of changes that was too long for the entry: the first of them stand there, and this pins the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DiffCut {
    /// Changes there were.
    pub total: u64,
    /// Length and SHA-256 of the whole list as canonical JSON.
    pub bytes: u64,
    pub sha256: Hash,
}

/// An act as its use case tells it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Draft {
    /// Whose data it concerns.
    pub tenant: Cow<'static, str>,
    /// Nanoseconds since 1970 UTC.
    pub ts_ns: i64,
    pub actor: Actor,
    /// The user or agent on whose behalf the actor acted.
    pub on_behalf_of: Option<String>,
    pub source: Source,
    /// Dotted word: `check.acknowledge`, `session.sign_in`.
    pub action: Cow<'static, str>,
    pub object: Option<Object>,
    pub outcome: Outcome,
    /// For people: why it was refused, what somebody noted.
    pub reason: Option<String>,
    /// [`Image::hash`] of the object before and after; none where it was not there, or did not change.
    pub before_hash: Option<Hash>,
    pub after_hash: Option<Hash>,
    pub diff: Vec<FieldChange>,
    /// The diff was too long and only its first changes stand in it.
    pub diff_cut: Option<DiffCut>,
    pub request_id: Option<String>,
    /// Which authorisation policy decided, by its digest.
    pub policy_version: Option<String>,
    /// What must be agreed for this to be written. No part of the entry: the store uses the agreement up in the
    /// transaction that writes the entry, with its decision before it, or writes neither.
    pub agreement: Option<Box<Agreement>>,
}

/// That a second person agreed to an act, once.
#[derive(Debug, Clone, PartialEq)]
pub struct Agreement {
    /// Id of the request that was agreed to.
    pub approval: String,
    /// Name and id of who agreed.
    pub by: String,
    pub by_id: String,
    pub note: String,
    /// The decision's own record.
    pub decision: Draft,
}

impl Draft {
    /// A successful act. `action` is a constant of the program, never input.
    pub fn new(ts_ns: i64, actor: Actor, action: &'static str) -> Self {
        Self {
            tenant: Cow::Borrowed(TENANT),
            ts_ns,
            actor,
            on_behalf_of: None,
            source: Source::default(),
            action: word(Cow::Borrowed(action)),
            object: None,
            outcome: Outcome::Success,
            reason: None,
            before_hash: None,
            after_hash: None,
            diff: Vec::new(),
            diff_cut: None,
            request_id: None,
            policy_version: None,
            agreement: None,
        }
    }

    /// May be written only with this agreement, which it uses up.
    #[must_use]
    pub fn agreed(mut self, agreement: Agreement) -> Self {
        self.agreement = Some(Box::new(agreement));
        self
    }

    /// The object before and after the act: both hashes, and every field that differs. `None`: it was not there.
    #[must_use]
    pub fn images(mut self, before: Option<&Image>, after: Option<&Image>) -> Self {
        self.before_hash = before.map(Image::hash);
        self.after_hash = after.map(Image::hash);
        let of = |image: Option<&Image>, name: &str| {
            image.and_then(|image| image.0.get(name)).cloned().unwrap_or(Value::Null)
        };
        let mut names: Vec<&String> =
            before.into_iter().chain(after).flat_map(|image| image.0.keys()).collect();
        names.sort_unstable();
        names.dedup();
        for name in names {
            self = self.change(name, of(before, name), of(after, name));
        }
        self
    }

    /// The authorisation policy that decided, by its digest.
    #[must_use]
    pub fn policy(mut self, version: impl Display) -> Self {
        self.policy_version = Some(bounded(version.to_string(), ID_MAX));
        self
    }

    /// What it was about. `kind` is a constant of the program, never input.
    #[must_use]
    pub fn object(mut self, kind: &'static str, id: impl Display) -> Self {
        let kind = word(Cow::Borrowed(kind));
        self.object = Some(Object { kind, id: bounded(id.to_string(), ID_MAX), rev: None });
        self
    }

    /// The object's revision after the act.
    #[must_use]
    pub fn revision(mut self, rev: u64) -> Self {
        if let Some(object) = &mut self.object {
            object.rev = Some(rev.min(INTEGER_MAX));
        }
        self
    }

    /// It was refused, and why.
    #[must_use]
    pub fn denied(mut self, reason: impl Display) -> Self {
        self.outcome = Outcome::Denied;
        self.reason(reason)
    }

    /// It was tried and did not work, and why.
    #[must_use]
    pub fn failed(mut self, reason: impl Display) -> Self {
        self.outcome = Outcome::Failed;
        self.reason(reason)
    }

    /// Words for people. Never a secret, never a whole error chain.
    #[must_use]
    pub fn reason(mut self, reason: impl Display) -> Self {
        self.reason = Some(bounded(reason.to_string(), REASON_MAX));
        self
    }

    /// Where the request came from.
    #[must_use]
    pub fn source(mut self, ip: Option<IpAddr>, user_agent: Option<&str>) -> Self {
        self.source = Source { ip, ua_hash: user_agent.map(|name| Hash::of(name.as_bytes())) };
        self
    }

    /// The user or agent on whose behalf the actor acted.
    #[must_use]
    pub fn on_behalf_of(mut self, id: impl Display) -> Self {
        self.on_behalf_of = Some(bounded(id.to_string(), ID_MAX));
        self
    }

    /// The request it was part of.
    #[must_use]
    pub fn request(mut self, id: impl Display) -> Self {
        self.request_id = Some(bounded(id.to_string(), ID_MAX));
        self
    }

    /// A field that changed. Equal values are left out. Text in a field whose name speaks of a secret is withheld: use
    /// [`Self::secret_change`] for those.
    #[must_use]
    pub fn change(mut self, field: &str, old: impl Into<Value>, new: impl Into<Value>) -> Self {
        let (old, new) = (old.into(), new.into());
        if old != new {
            let (old, new) = (old.in_field(field).normal(), new.in_field(field).normal());
            self.diff.push(FieldChange { field: bounded(field.to_owned(), ID_MAX), old, new });
        }
        self
    }

    /// A secret that changed: whether there was one and is one, provable by whoever holds the key.
    #[must_use]
    pub fn secret_change(mut self, field: &str, old: Option<Commitment>, new: Option<Commitment>) -> Self {
        let (old, new) = (old.into(), new.into());
        self.diff.push(FieldChange { field: bounded(field.to_owned(), ID_MAX), old, new });
        self
    }
}

/// Whether a field's name speaks of a secret. Only the last part of a path counts: `token.host_pattern` is no secret,
/// `smtp.password` is.
pub fn speaks_of_secret(field: &str) -> bool {
    const WORDS: [&str; 12] = [
        "password",
        "passphrase",
        "secret",
        "token",
        "private",
        "recovery",
        "totp",
        "cookie",
        "authorization",
        "credential",
        "api_key",
        "seed",
    ];
    let last = field.rsplit('.').next().unwrap_or(field).to_ascii_lowercase().replace('-', "_");
    WORDS.iter().any(|word| last.contains(word))
}

pub(crate) fn is_word(text: &str) -> bool {
    (1..=WORD_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'.'))
}

/// A programmer's slip in a constant must not stop an act from being recorded.
pub(crate) fn word(text: Cow<'static, str>) -> Cow<'static, str> {
    if is_word(&text) {
        return text;
    }
    let fix = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' { c } else { '_' };
    let fixed: String = text.chars().map(|c| fix(c.to_ascii_lowercase())).take(WORD_MAX).collect();
    Cow::Owned(if fixed.is_empty() { "_".to_owned() } else { fixed })
}

/// At most `max` bytes, cut between characters and marked.
pub(crate) fn bounded(mut text: String, max: usize) -> String {
    const MARK: &str = "…";
    if text.len() > max {
        let keep = max.saturating_sub(MARK.len());
        let end = (0..=keep).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str(MARK);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> Draft {
        Draft::new(1, Actor::new(ActorKind::User, "user_1"), "channel.update").object("channel", "channel_1")
    }

    #[test]
    fn a_field_that_speaks_of_a_secret_keeps_no_text() {
        let draft = draft()
            .change("smtp.password", "hunter2", "hunter3")
            .change("webhook.signing_secret", Value::Null, "s3cr3t")
            .change("token.host_pattern", "web-*", "db-*")
            .change("headers.X-Api-Key", Value::Null, "hunter4")
            .change("password_max_age", 30u32, 90u32);
        let shown = format!("{draft:?}");
        assert!(!shown.contains("hunter") && !shown.contains("s3cr3t"), "{shown}");
        assert_eq!(draft.diff[0].new, Value::Withheld);
        assert_eq!(draft.diff[1].old, Value::Null);
        assert_eq!(draft.diff[2].new, Value::Text("db-*".into()));
        assert_eq!(draft.diff[3].new, Value::Withheld);
        assert_eq!(draft.diff[4].new, Value::Number(90.0));
    }

    #[test]
    fn a_commitment_proves_and_does_not_tell() {
        let key = [7; 32];
        let commitment = Commitment::new(&key, b"hunter2");
        assert_eq!(commitment, Commitment::new(&key, b"hunter2"));
        assert_ne!(commitment, Commitment::new(&key, b"hunter3"));
        assert_ne!(commitment, Commitment::new(&[8; 32], b"hunter2"));
        // RFC 4231, test case 1, with its key of 20 bytes padded as HMAC does anyway.
        let mut key = [0; 32];
        key[..20].fill(0x0b);
        assert_eq!(
            Commitment::new(&key, b"Hi There").tag().to_string(),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        );
    }

    #[test]
    fn what_did_not_change_is_not_said() {
        assert!(draft().change("name", "a", "a").diff.is_empty());
        assert_eq!(draft().change("name", "a", Option::<&str>::None).diff.len(), 1);
    }

    #[test]
    fn everything_is_bounded() {
        let long = "é".repeat(10_000);
        let draft =
            draft().reason(&long).request(&long).change(&long, "", long.as_str()).object("kind", &long);
        assert!(
            draft.reason.as_ref().is_some_and(|reason| reason.len() <= REASON_MAX && reason.ends_with('…'))
        );
        assert!(draft.request_id.is_some_and(|id| id.len() <= ID_MAX));
        assert!(draft.object.is_some_and(|object| object.id.len() <= ID_MAX));
        let cut = Value::Cut { text: "é".repeat(128), sha256: Hash::of(long.as_bytes()), bytes: 20_000 };
        assert_eq!(draft.diff[0].new, cut);
    }

    #[test]
    fn both_hashes_and_the_changes_come_from_the_images() {
        let before = Image::new().field("name", "a").field("port", 1u32).stored_secret("secret", b"sealed 1");
        let after = Image::new().field("port", 2u32).field("name", "a").stored_secret("secret", b"sealed 2");
        let changed = draft().images(Some(&before), Some(&after));
        let canonical = format!(
            r#"{{"name":"a","port":1,"secret":{{"commitment":"{}"}}}}"#,
            Commitment::to_stored(b"sealed 1").tag()
        );
        assert_eq!(String::from_utf8(before.canonical()).unwrap(), canonical);
        assert_eq!(changed.before_hash, Some(Hash::of(canonical.as_bytes())));
        assert_ne!(changed.before_hash, changed.after_hash);
        let fields: Vec<_> = changed.diff.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(fields, ["port", "secret"]);

        let made = draft().images(None, Some(&after));
        assert_eq!((made.before_hash, made.diff.len()), (None, 3));
        assert_eq!(made.after_hash, changed.after_hash, "the order of the fields does not matter");
    }

    #[test]
    fn an_image_keeps_whole_texts_and_no_secret() {
        let long = |end: &str| Image::new().field("spec", "x".repeat(5_000) + end);
        assert_ne!(long("a").hash(), long("b").hash());
        let image = Image::new().field("smtp.password", "hunter2").field("url", "u");
        assert_eq!(image.canonical(), br#"{"smtp.password":{"withheld":true},"url":"u"}"#);
        // U+1F600 comes before U+FF01 in UTF-16, and after it in UTF-8.
        let image = Image::new().field("\u{ff01}", 1u32).field("\u{1f600}", 2u32);
        assert_eq!(image.canonical(), "{\"\u{1f600}\":2,\"\u{ff01}\":1}".as_bytes());
    }

    #[test]
    fn a_slip_in_a_constant_is_mended() {
        assert_eq!(word("check.acknowledge".into()), "check.acknowledge");
        assert_eq!(word("Check Acknowledge!".into()), "check_acknowledge_");
        assert_eq!(word("".into()), "_");
    }

    #[test]
    fn numbers_stay_exact_or_become_text() {
        assert_eq!(Value::from(i64::MAX), Value::Text(i64::MAX.to_string()));
        assert_eq!(Value::from(-5i64), Value::Number(-5.0));
        assert_eq!(Value::from(f64::NAN), Value::Text("NaN".into()));
    }
}
