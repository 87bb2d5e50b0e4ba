//! What crosses the API about outside identities.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::dto::{Me, SignInChallenge};

/// A way to sign in that anybody may know of.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SignInMethod {
    pub id: String,
    pub name: String,
    /// `oidc`, `saml`, `ldap` or `radius`.
    pub kind: String,
    /// Name and password are given here; otherwise the browser goes there, by a link.
    pub asks_password: bool,
}

/// How people sign in.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SignInMethods {
    pub items: Vec<SignInMethod>,
    /// `everybody`, or `emergency`: local accounts are for emergencies alone.
    pub local: String,
}

/// One rule: what members of a group there are here.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MappingRule {
    /// The group's name there, to the letter; `*` is everybody.
    pub group: String,
    /// The first rule that matches and has one gives it. Only accounts that were made by a provider get it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// Ids of groups here. They add up.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// Somebody who vouches for people.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProviderView {
    pub id: String,
    pub kind: String,
    pub name: String,
    pub enabled: bool,
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    pub has_secret: bool,
    pub rules: Vec<MappingRule>,
    /// Whoever comes for the first time gets an account.
    pub create_accounts: bool,
    /// A second factor given there counts here.
    pub trusts_factor: bool,
    /// How many people it is linked to.
    pub people: u64,
    /// To enter over there: where browsers come back to.
    pub callback: String,
    /// To enter over there: where ends of sessions are told.
    pub logout: String,
    /// Our own metadata, for kinds that have some.
    pub metadata: String,
    pub revision: i64,
}

/// A provider, to add or change.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProviderInput {
    pub kind: String,
    pub name: String,
    #[serde(default = "yes")]
    pub enabled: bool,
    /// As the kind wants it; see the guide.
    #[schema(value_type = Object)]
    pub config: serde_json::Value,
    /// Client secret, bind password, shared secret. Kept as it is when absent; never shown again.
    #[serde(default)]
    pub secret: Option<String>,
    /// For kinds with a key of their own (SAML), which is made when the provider is: make a new one. The old one opens
    /// what is encrypted for it until the next time.
    #[serde(default)]
    pub renew_secret: bool,
    /// In order. Without one that matches nobody comes in.
    #[serde(default)]
    pub rules: Vec<MappingRule>,
    #[serde(default)]
    pub create_accounts: bool,
    #[serde(default)]
    pub trusts_factor: bool,
    #[serde(default)]
    pub revision: Option<i64>,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

fn yes() -> bool {
    true
}

/// A step of a test.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct TestStep {
    pub title: String,
    pub ok: bool,
    pub detail: String,
}

/// What a test found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ProviderTest {
    pub ok: bool,
    pub steps: Vec<TestStep>,
}

/// Whose sign-in is walked through.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PersonTest {
    pub name: String,
    /// Without it: everything but the password. It is not kept.
    #[serde(default)]
    pub password: Option<String>,
}

/// Name and password of an account elsewhere.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutsideSignIn {
    pub provider: String,
    pub name: String,
    pub password: String,
    /// The puzzle and its solution, where one was asked for.
    #[serde(default)]
    pub puzzle: Option<String>,
    #[serde(default)]
    pub solution: Option<u64>,
}

/// The answer to a provider's question.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutsideAnswer {
    pub ticket: String,
    pub answer: String,
}

/// A provider's question.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OutsideQuestion {
    /// Give it back with the answer, within five minutes.
    pub ticket: String,
    pub prompt: String,
    /// Whether what is typed may be shown.
    pub echo: bool,
}

/// What comes next for somebody who signs in over a provider.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OutsideNext {
    /// `in`: signed in. `factor`: `challenge` is to be answered as at any sign-in. `answer`: `question` is.
    pub next: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub me: Option<Me>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub challenge: Option<SignInChallenge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub question: Option<OutsideQuestion>,
}

/// Which provider, and where to go on afterwards.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OutsideBegin {
    pub provider: String,
    /// A page of ours.
    #[serde(default)]
    pub to: Option<String>,
}

/// Where to send the browser.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OutsideDeparture {
    pub url: String,
}

/// Who I am elsewhere.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct OutsideIdentity {
    pub provider: String,
    pub provider_name: String,
    pub kind: String,
    /// What I am called there.
    pub name: String,
    pub linked_at: String,
    pub last_used_at: String,
    /// My account was made for it: it cannot be taken off.
    pub made_account: bool,
    /// A factor given there now counts here as a fresh one: `POST /me/outside/elevate`.
    pub confirms: bool,
}

/// Who may sign in with a local account.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LocalSignIn {
    /// `everybody`, or `emergency`: accounts kept for emergencies alone.
    pub local: String,
    pub reason: String,
}

/// Whether an account is kept for emergencies.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmergencyInput {
    pub emergency: bool,
    pub reason: String,
}

/// An account kept for emergencies.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct EmergencyAccount {
    pub id: String,
    pub name: String,
    pub since: String,
    /// Whether it could be used today, and what is missing if not.
    pub ready: bool,
    pub detail: String,
}
