//! What a use case writes down: an entry before the log has given it its place.
//!
//! Secrets cannot get in by accident: the only way to mention one is [`Value::Commitment`], which takes a digest.

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActorRef {
    /// `user`, `agent`, `local`, `system`, `anonymous`.
    pub kind: String,
    /// Id or uid; empty for `system` and `anonymous`.
    pub id: String,
    /// Name for people.
    pub name: String,
    /// Session id, never its token.
    pub session: String,
    /// `password+totp`, `peer-credentials`, `certificate`, ...
    pub auth_method: String,
    /// Authenticator assurance level, 0 to 3.
    pub aal: u8,
}

/// Where the act came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Source {
    /// Address, empty when local.
    pub ip: String,
    /// Digest of the user agent, empty when there is none.
    pub ua_hash: String,
}

/// What was acted on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectRef {
    /// `host`, `check`, `agent`, `user`, `session`, `token`, `channel`, `setting`, ...
    pub kind: String,
    pub id: String,
    /// Revision after the act, 0 where things have none.
    pub rev: i64,
}

/// A value before or after.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A secret changed: only a keyed digest of it is written.
    Commitment([u8; 32]),
}

/// One field that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub field: String,
    pub old: Value,
    pub new: Value,
}

/// How the act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    #[default]
    Done,
    /// Not permitted.
    Denied,
    /// Permitted, but it did not work.
    Failed,
}

impl Outcome {
    /// `done`, `denied` or `failed`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// An entry before the log has given it its place.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    /// Wall clock, nanoseconds since 1970 UTC.
    pub ts_ns: i64,
    pub actor: ActorRef,
    /// For whom, where the actor is not the one who wanted it.
    pub on_behalf_of: String,
    pub source: Source,
    /// Verb in dotted form: `problem.acknowledge`, `session.open`, `agent.enrol`.
    pub action: String,
    pub object: ObjectRef,
    pub outcome: Outcome,
    /// What the actor gave as reason, or why it was denied.
    pub reason: String,
    pub diff: Vec<Change>,
    pub request_id: String,
}
