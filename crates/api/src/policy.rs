//! Rules for passwords where they bite: which hold for whom, what a new password is judged with, when one must be changed,
//! and the routes by which they are read and set.
//!
//! The rules themselves are [`wk_identity::PolicySettings`]. They are kept in memory after the first look, since this
//! program is the only one that writes them. The strictest of all that apply to a person holds, knob by knob.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, Method, StatusCode};
use parking_lot::{Mutex, RwLock};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_audit::Image;
use wk_authz::{AccessRead, AccessWrite, Actor, Role, SelfManage, UserWrite, Who};
use wk_domain::{Timestamp, UserId, UserKind};
use wk_engine::Engine;
use wk_engine::ports::passwords::{PasswordFactRow, PasswordSet, PolicyRow, SetUnder};
use wk_engine::ports::rows::UserRow;
use wk_engine::record::{self, DraftExt as _};
use wk_identity::{
    Beside, Blocklist, Knob, KnobSettings, Lane, LinkBudget, Password, PasswordPolicy, PasswordRules,
    PolicySettings, Profile, Pulse, Puzzles, SessionLimits, ThrottleLimits,
};
use wk_seal::MacKey;

use crate::auth::{Caller, Origin, session_cookie};
use crate::body::{Body, PathId};
use crate::dto::{FieldError, PasswordVerdict, ReasonInput};
use crate::error::ApiError;
use crate::routes::{Routes, get, post, put};
use crate::sign::{Desk, accepted, busy, judged};
use crate::state::App;
use crate::time;

/// The scope of the rules that hold for everybody.
const DEFAULT: &str = "default";
/// The list of breached passwords, in the data directory.
pub const BLOCKLIST_FILE: &str = "blocklist/passwords.wkb";
/// How often it is looked whether the operator moved another list into place.
const LOOK_EVERY: Duration = Duration::from_secs(10);
const PUZZLE_KEY: &str = "sign-in puzzle";

/// The rules in force.
#[derive(Debug, Clone, Default)]
pub(crate) struct Policies {
    by_scope: BTreeMap<String, (PolicySettings, PasswordRules, Timestamp, String)>,
}

impl Policies {
    fn read(rows: Vec<PolicyRow>) -> Self {
        let read = |row: PolicyRow| {
            let settings = serde_json::from_str::<PolicySettings>(&row.body).ok();
            let Some((settings, rules)) = settings.and_then(|s| s.rules().ok().map(|rules| (s, rules)))
            else {
                tracing::error!("the password policy `{}` cannot be read; the default stands in", row.scope);
                return None;
            };
            Some((row.scope, (settings, rules, row.changed, row.changed_by)))
        };
        Self { by_scope: rows.into_iter().filter_map(read).collect() }
    }

    fn rules_of(&self, scope: &str) -> Option<PasswordRules> {
        self.by_scope.get(scope).map(|(_, rules, ..)| *rules)
    }

    /// What holds for somebody of this role and these groups.
    pub(crate) fn rules(&self, role: &str, groups: &[String]) -> PasswordRules {
        let base = self.rules_of(DEFAULT).unwrap_or_default();
        let more = groups.iter().map(|group| format!("group:{group}")).chain([format!("role:{role}")]);
        more.filter_map(|scope| self.rules_of(&scope)).fold(base, PasswordRules::strictest)
    }

    /// One for everybody, accounts that do not exist included: what a wait shows tells nothing of whom it is for.
    fn lockout(&self) -> wk_identity::Lockout {
        let all = self.by_scope.values().map(|(_, rules, ..)| *rules);
        all.fold(self.rules_of(DEFAULT).unwrap_or_default(), PasswordRules::strictest).lockout
    }

    fn with(&self, scope: &str, settings: PolicySettings, rules: PasswordRules) -> Self {
        let mut other = self.clone();
        other.by_scope.insert(scope.to_owned(), (settings, rules, Timestamp::default(), String::new()));
        other
    }
}

/// The operator's list of breached passwords, opened when first asked for and again when another is in its place.
#[derive(Debug, Default)]
struct List {
    path: Option<PathBuf>,
    state: Mutex<ListState>,
}

#[derive(Debug, Default)]
struct ListState {
    open: Option<Arc<Blocklist>>,
    looked: Option<Instant>,
    /// Why the file that is there cannot be used.
    trouble: Option<String>,
}

impl List {
    /// The list of now. Reads it through when it is new: call it off the threads that serve requests.
    fn current(&self) -> Option<Arc<Blocklist>> {
        let path = self.path.as_deref()?;
        let mut state = self.state.lock();
        if state.looked.is_some_and(|at| at.elapsed() < LOOK_EVERY) {
            return state.open.clone();
        }
        state.looked = Some(Instant::now());
        if state.open.as_ref().is_some_and(|open| open.is_at(path)) {
            return state.open.clone();
        }
        if !path.exists() {
            state.open = None;
            state.trouble = None;
            return None;
        }
        match Blocklist::open(path) {
            Ok(list) => {
                tracing::info!(entries = list.entries(), "the list of breached passwords is in use");
                state.open = Some(Arc::new(list));
                state.trouble = None;
            }
            // The one that was opened before goes on: a damaged file must not open the door.
            Err(error) => {
                tracing::error!("the list of breached passwords cannot be used: {error}");
                state.trouble = Some(error.to_string());
            }
        }
        state.open.clone()
    }
}

/// What the desk keeps about passwords.
#[derive(Debug)]
pub(crate) struct Keeper {
    policies: RwLock<Option<Arc<Policies>>>,
    /// Who must change the password, and why; none before the first look.
    must: RwLock<Option<HashMap<UserId, String>>>,
    groups: RwLock<Groups>,
    loading: tokio::sync::Mutex<()>,
    list: List,
    pub(crate) pulse: Mutex<Pulse>,
    pub(crate) puzzles: Mutex<Puzzles>,
    links: Mutex<LinkBudget>,
}

impl Default for Keeper {
    fn default() -> Self {
        Self {
            policies: RwLock::default(),
            must: RwLock::default(),
            groups: RwLock::default(),
            loading: tokio::sync::Mutex::default(),
            list: List::default(),
            pulse: Mutex::default(),
            puzzles: Mutex::default(),
            links: Mutex::new(LinkBudget::new(ThrottleLimits::DEFAULT.rows_max / 16)),
        }
    }
}

/// Who is in which groups, as of a revision of the rights. Looked up only where a group has a policy.
#[derive(Debug, Default)]
struct Groups {
    revision: Option<u64>,
    of: HashMap<UserId, Vec<String>>,
}

impl Desk {
    /// Compares new passwords with the list of breached ones in the data directory, too, when there is one.
    #[must_use]
    pub fn with_blocklist(mut self, data_dir: &Path) -> Self {
        self.words.list.path = Some(data_dir.join(BLOCKLIST_FILE));
        self
    }

    /// The rules in force.
    pub(crate) async fn policies(&self, engine: &Engine) -> Result<Arc<Policies>, ApiError> {
        let policies = self.words.policies.read().clone();
        if let Some(policies) = policies {
            self.look_at_groups(engine, &policies).await?;
            return Ok(policies);
        }
        let _one_at_a_time = self.words.loading.lock().await;
        let store = engine.store();
        let policies = Arc::new(Policies::read(store.password_policies().await?));
        let must = store.password_facts().await?.into_iter();
        let must = must.filter_map(|fact| Some((fact.user, fact.must_change?))).collect();
        self.put_policies(Arc::clone(&policies));
        *self.words.must.write() = Some(must);
        self.look_at_groups(engine, &policies).await?;
        Ok(policies)
    }

    /// Memberships, when one of the policies is a group's and they have changed since.
    async fn look_at_groups(&self, engine: &Engine, policies: &Policies) -> Result<(), ApiError> {
        if !policies.by_scope.keys().any(|scope| scope.starts_with("group:")) {
            return Ok(());
        }
        let revision = engine.store().rights_revision().await?;
        if self.words.groups.read().revision == Some(revision) {
            return Ok(());
        }
        let mut of: HashMap<UserId, Vec<String>> = HashMap::new();
        for row in engine.store().memberships().await? {
            of.entry(row.person).or_default().push(row.group.to_string());
        }
        *self.words.groups.write() = Groups { revision: Some(revision), of };
        Ok(())
    }

    fn groups_of(&self, user: UserId) -> Vec<String> {
        self.words.groups.read().of.get(&user).cloned().unwrap_or_default()
    }

    fn put_policies(&self, policies: Arc<Policies>) {
        self.set_lockout(policies.lockout());
        *self.words.policies.write() = Some(policies);
    }

    /// The rules for an account, by what is in memory.
    pub(crate) fn rules_of(&self, user: &UserRow) -> PasswordRules {
        let policies = self.words.policies.read().clone().unwrap_or_default();
        policies.rules(&user.role, &self.groups_of(user.id))
    }

    /// How long sessions of an account live: as its rules say, and those of administrators at most fifteen minutes idle.
    pub(crate) fn session_limits(&self, user: &UserRow) -> SessionLimits {
        let limits = self.rules_of(user).sessions();
        if user.role == Role::Admin.as_str() {
            return SessionLimits { idle: limits.idle.min(SessionLimits::ADMIN.idle), ..limits };
        }
        limits
    }

    /// Why an account's password must be changed before anything else, if so.
    pub(crate) fn must_change(&self, user: UserId) -> Option<String> {
        self.words.must.read().as_ref().and_then(|must| must.get(&user).cloned())
    }

    fn note_must_change(&self, user: UserId, reason: Option<String>) {
        if let Some(must) = self.words.must.write().as_mut() {
            match reason {
                Some(reason) => must.insert(user, reason),
                None => must.remove(&user),
            };
        }
    }

    /// Whether the operator's list holds the password; none without a list. Call it off the threads that serve requests.
    pub(crate) fn is_breached(&self, password: &Password) -> Option<bool> {
        let list = self.words.list.current()?;
        match list.holds(password) {
            Ok(held) => Some(held),
            Err(error) => {
                tracing::error!("the list of breached passwords cannot be read: {error}");
                None
            }
        }
    }

    pub(crate) fn puzzle_key(&self) -> Result<MacKey, ApiError> {
        self.keys.mac_key(PUZZLE_KEY, None).map_err(|_| ApiError::Internal)
    }

    /// Takes a link out of the hour's budget for the account and for whoever makes it.
    ///
    /// # Errors
    /// 429.
    pub(crate) fn may_make_link(&self, app: &App, name: &str, actor: &Actor) -> Result<(), ApiError> {
        let taken = self.words.links.lock().take(Some(name), actor.address, app.engine.now());
        taken.map_err(|denied| ApiError::TooMany { retry_after_s: denied.retry_after.as_secs() })
    }
}

/// The routes that a session may reach while its person must change the password.
pub(crate) fn is_way_out(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix(crate::routes::BASE).unwrap_or(path);
    let get = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/me" | "/me/factors" | "/me/policy" => get,
        "/me/password" | "/me/elevate" | "/password/check" => *method == Method::POST,
        "/session" => *method == Method::DELETE,
        // A fresh factor by passkey.
        _ => path.starts_with("/me/elevate/") && *method == Method::POST,
    }
}

/// What enrols a first factor.
fn is_enrolment(method: &Method, path: &str) -> bool {
    let path = path.strip_prefix(crate::routes::BASE).unwrap_or(path);
    let enrols = ["/me/totp/begin", "/me/totp/finish", "/me/passkeys/begin", "/me/passkeys"];
    *method == Method::POST && enrols.contains(&path)
}

/// Refuses what is no way out, while the actor must change the password.
///
/// # Errors
/// 403.
pub(crate) fn held_back(app: &App, actor: &Actor, method: &Method, path: &str) -> Result<(), ApiError> {
    let Who::User { id, method: session, .. } = &actor.who else { return Ok(()) };
    // Whoever has no second factor yet gets one first, and chooses the password then.
    if crate::sign::must_enrol(session) && is_enrolment(method, path) {
        return Ok(());
    }
    match app.people.must_change(*id) {
        Some(reason) if !is_way_out(method, path) => Err(ApiError::MustChange { reason }),
        _ => Ok(()),
    }
}

/// Names that a password must not be made of: the person's, this server's, and those of the tenants.
fn names_around(app: &App) -> Vec<String> {
    let world = app.engine.world();
    let tenants = world.tenants.all().take(24).map(|(tenant, _)| tenant.name.clone());
    app.names.iter().take(8).cloned().chain(tenants).collect()
}

/// Whether an account has a second factor.
pub(crate) async fn has_factor(app: &App, user: &UserRow) -> Result<bool, ApiError> {
    Ok(!user.totp_sealed.is_empty() || !app.engine.store().passkeys(user.id).await?.is_empty())
}

/// What is chosen for whom.
pub(crate) struct Choice<'a> {
    /// The account, where there is one already.
    pub(crate) user: Option<&'a UserRow>,
    /// Its role, or the one that it will have.
    pub(crate) role: &'a str,
    pub(crate) second_factor: bool,
    /// Names of the person.
    pub(crate) context: Vec<String>,
    /// The password it replaces, where the person has just given it.
    pub(crate) old: Option<Password>,
    pub(crate) lane: Lane,
}

/// Judges and hashes a password that is to be set, by the rules that hold for its person, former ones included. The only
/// way to one: claim, invitation, new factors and change all come through here.
///
/// # Errors
/// 422 with each reason; 503.
pub(crate) async fn choose_password(
    app: &App,
    password: String,
    choice: Choice<'_>,
) -> Result<(String, PasswordSet), ApiError> {
    let desk = &app.people;
    let policies = desk.policies(&app.engine).await?;
    let groups = choice.user.map(|user| desk.groups_of(user.id)).unwrap_or_default();
    let rules = policies.rules(choice.role, &groups);
    let policy = PasswordPolicy { rules, second_factor: choice.second_factor };
    let mut context = choice.context;
    context.extend(names_around(app));
    let (parsed, verdict) = judged(app, password, context, choice.old, policy).await?;
    accepted(verdict)?;
    let keep = rules.history.max(1);
    if let Some(user) = choice.user {
        let former = app.engine.store().password_history(user.id, keep).await?;
        let present = Some(user.password_phc.clone()).filter(|phc| !phc.is_empty());
        for phc in present.into_iter().chain(former).take(usize::from(keep) + 1) {
            let same = desk.hasher.verify(choice.lane, parsed.clone(), Some(&phc)).await;
            // One that cannot be read (a pepper that is gone) cannot come back either.
            if matches!(same, Ok(verified) if verified.ok) {
                return Err(ApiError::field("/password", "You had this password before; choose another."));
            }
            if matches!(same, Err(wk_identity::QueueError::Busy)) {
                return Err(busy(wk_identity::QueueError::Busy));
            }
        }
    }
    let phc = desk.hasher.hash(choice.lane, parsed).await.map_err(busy)?;
    let under = SetUnder {
        least_chars: policy.rules.least_chars(policy.second_factor),
        classes: rules.classes,
        letters_and_digits: rules.letters_and_digits,
    };
    Ok((phc, PasswordSet { at: app.engine.now(), under, keep }))
}

/// That an account's password is taken away: it goes into the history, so that it does not come back.
pub(crate) fn taken_away(app: &App, user: &UserRow) -> PasswordSet {
    let keep = app.people.rules_of(user).history.max(1);
    PasswordSet { at: app.engine.now(), under: SetUnder::default(), keep }
}

/// The new password is there: nothing more is asked of the person.
pub(crate) fn was_chosen(app: &App, user: UserId) {
    app.people.note_must_change(user, None);
}

/// When an account's password was set.
fn set_at(user: &UserRow, fact: Option<&PasswordFactRow>) -> Timestamp {
    fact.map_or(user.created, |fact| fact.set_at)
}

/// Whether a password may be changed by choice already.
///
/// # Errors
/// 409 with the days that are left.
pub(crate) async fn old_enough(app: &App, user: &UserRow) -> Result<(), ApiError> {
    app.people.policies(&app.engine).await?;
    let least = app.people.rules_of(user).age_min();
    if least.is_zero() || app.people.must_change(user.id).is_some() {
        return Ok(());
    }
    let fact = app.engine.store().password_fact(user.id).await?;
    let age = app.engine.now().since(set_at(user, fact.as_ref()));
    if age >= least {
        return Ok(());
    }
    let left = wk_domain::text::span(least.saturating_sub(age));
    Err(ApiError::Conflict(format!(
        "your password is too new: the policy lets you change it in {left}. If somebody knows it, ask an administrator"
    )))
}

/// Why the password with which somebody has just signed in must be changed, if so: it is too old, does not follow the
/// rules of today, or was breached since.
pub(crate) async fn outgrown(
    app: &App,
    user: &UserRow,
    password: Password,
) -> Result<Option<String>, ApiError> {
    app.people.policies(&app.engine).await?;
    if let Some(reason) = app.people.must_change(user.id) {
        return Ok(Some(reason));
    }
    let second_factor = has_factor(app, user).await?;
    let policy = PasswordPolicy { rules: app.people.rules_of(user), second_factor };
    if let Some(age_max) = policy.rules.age_max(second_factor) {
        let fact = app.engine.store().password_fact(user.id).await?;
        if app.engine.now().since(set_at(user, fact.as_ref())) >= age_max {
            return Ok(Some(format!("It is older than {} days.", age_max.as_secs() / 86_400)));
        }
    }
    if let Some(weakness) = policy.shortfalls(&password).first() {
        return Ok(Some(weakness.to_string()));
    }
    let desk = Arc::clone(&app.people);
    let breached = tokio::task::spawn_blocking(move || desk.is_breached(&password)).await;
    let breached = breached.map_err(|_| ApiError::Internal)? == Some(true);
    Ok(breached.then(|| wk_identity::Weakness::Breached.to_string()))
}

/// Writes down that an account's password must be changed.
pub(crate) async fn ask_for_change(
    app: &App,
    user: &UserRow,
    reason: &str,
    audit: wk_audit::Draft,
) -> Result<(), ApiError> {
    let store = app.engine.store();
    let known = store.password_fact(user.id).await?;
    let reason = Some(reason.to_owned());
    let fact = match known {
        Some(fact) => PasswordFactRow { must_change: reason.clone(), ..fact },
        None => PasswordFactRow {
            user: user.id,
            set_at: user.created,
            must_change: reason.clone(),
            under: SetUnder::default(),
        },
    };
    store.set_must_change(fact, audit).await?;
    app.people.note_must_change(user.id, reason);
    Ok(())
}

// Routes --------------------------------------------------------------------------------------------------------------

/// A profile and what it lets be turned.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PolicyProfile {
    /// `nist`, `pci-dss-4`, `pci-strict` or `classic`.
    name: String,
    /// What it is, in words.
    detail: String,
    knobs: Vec<PolicyKnob>,
}

/// One knob under a profile.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PolicyKnob {
    key: String,
    title: String,
    /// Whether it is on or off; 1 and 0 in `value`, `least` and `most`.
    switch: bool,
    /// As the profile has it; absent for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<u16>,
    least: u16,
    most: u16,
    /// Whether 0 may be given for none.
    none: bool,
    /// Who sets the bounds.
    clause: String,
    /// What is allowed, in words.
    allowed: String,
}

/// A policy in force.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PasswordPolicyView {
    /// `default`, or `role:` and a role's name, or `group:` and a group's id.
    scope: String,
    profile: String,
    /// What was turned, by key.
    #[schema(value_type = std::collections::BTreeMap<String, u16>)]
    knobs: BTreeMap<String, u16>,
    /// Every knob with its value; none for what is left off.
    #[schema(value_type = std::collections::BTreeMap<String, Option<u16>>)]
    values: BTreeMap<String, Option<u16>>,
    /// The rules as people with a second factor read them.
    rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_by: Option<String>,
}

/// The rules for passwords, and what they may be.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PasswordPolicies {
    profiles: Vec<PolicyProfile>,
    /// The default first.
    policies: Vec<PasswordPolicyView>,
    /// Passwords on the list of breached ones that the operator loaded; none without a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocklist_entries: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocklist_made_at: Option<String>,
    /// Why a list that is there cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    blocklist_trouble: Option<String>,
    /// So many sign-ins fail that unknown browsers work for each try, until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    attack_until: Option<String>,
}

/// A policy to set, or to try.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordPolicyInput {
    /// `default`, or `role:` and a role's name, or `group:` and a group's id.
    scope: String,
    /// `nist`, `pci-dss-4`, `pci-strict` or `classic`.
    profile: String,
    /// What is turned, by key; 1 and 0 for on and off; 0 for none.
    #[serde(default)]
    #[schema(value_type = std::collections::BTreeMap<String, u16>)]
    knobs: BTreeMap<String, u32>,
}

/// Which policy.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordPolicyScope {
    scope: String,
}

/// What a policy would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PasswordPolicyPreview {
    /// Accounts it is for that have a password.
    accounts: u64,
    /// Of these, so many must change the password at their next sign-in, since it is too old.
    must_change: u64,
    /// So many more may have to: their passwords were set under weaker rules, and are looked at when they sign in.
    may_change: u64,
    /// The rules as people with a second factor read them.
    rules: Vec<String>,
}

/// The rules for my password.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct MyPasswordPolicy {
    rules: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    must_change: Option<String>,
    set_at: String,
    /// When it must be changed by.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<String>,
}

type Answer<T> = Result<Json<T>, ApiError>;

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<AccessRead, _, _>(
            get("/policies/password", "The rules for passwords, and what they may be")
                .answer::<PasswordPolicies>(),
            policies,
        )
        .add::<AccessWrite, _, _>(
            put("/policies/password", "Set the rules for everybody, a role or a group")
                .body::<PasswordPolicyInput>()
                .answer::<PasswordPolicyView>(),
            set_policy,
        )
        .add::<AccessRead, _, _>(
            post("/policies/password/preview", "How many accounts rules would make change their password")
                .body::<PasswordPolicyInput>()
                .answer::<PasswordPolicyPreview>(),
            preview,
        )
        .add::<AccessWrite, _, _>(
            post("/policies/password/remove", "Remove the rules of a role or a group; those for everybody go back to `nist`")
                .body::<PasswordPolicyScope>(),
            remove_policy,
        )
        .add::<UserWrite, _, _>(
            post(
                "/users/{id}/require-change",
                "Somebody may know the password: its person can do nothing before choosing another. Ends all sessions",
            )
            .body::<ReasonInput>(),
            require_change,
        )
        .add::<SelfManage, _, _>(
            get("/me/policy", "The rules for my password").answer::<MyPasswordPolicy>(),
            my_policy,
        )
}

fn value_of(rules: &PasswordRules, knob: Knob) -> Option<u16> {
    match knob {
        Knob::CharsMin => Some(rules.chars_min),
        Knob::CharsMinAlone => Some(rules.chars_min_alone),
        Knob::CharsMax => Some(rules.chars_max),
        Knob::Classes => Some(rules.classes),
        Knob::LettersAndDigits => Some(u16::from(rules.letters_and_digits)),
        Knob::History => Some(rules.history),
        Knob::AgeMaxDays => rules.age_max_days,
        Knob::AgeMaxDaysAlone => rules.age_max_days_alone,
        Knob::AgeMinDays => Some(rules.age_min_days),
        Knob::ChangeAtFirstLogin => Some(u16::from(rules.change_at_first_login)),
        Knob::EditsMin => Some(rules.edits_min),
        Knob::ScoreMin => Some(rules.score_min),
        Knob::Blocklist => Some(1),
        Knob::LockoutFailures => rules.lockout.failures,
        Knob::LockoutMinutes => Some(rules.lockout.minutes),
        Knob::OneCount => Some(u16::from(rules.lockout.one_count)),
        Knob::IdleMinutes => Some(rules.idle_minutes),
        Knob::AbsoluteHours => Some(rules.absolute_hours),
    }
}

fn profile_view(profile: Profile) -> PolicyProfile {
    let rules = profile.rules();
    let knobs = Knob::ALL.into_iter().map(|knob| {
        let bounds = profile.bounds(knob);
        PolicyKnob {
            key: knob.key().to_owned(),
            title: knob.title().to_owned(),
            switch: knob.is_switch(),
            value: value_of(&rules, knob),
            least: bounds.least,
            most: bounds.most,
            none: bounds.none,
            clause: bounds.clause.to_owned(),
            allowed: bounds.in_words(knob.is_switch()),
        }
    });
    PolicyProfile {
        name: profile.as_str().to_owned(),
        detail: profile.in_words().to_owned(),
        knobs: knobs.collect(),
    }
}

fn policy_view(scope: &str, settings: &PolicySettings, rules: &PasswordRules) -> PasswordPolicyView {
    let turned = |knob: Knob| Some((knob.key().to_owned(), settings.knobs.get(knob)?));
    PasswordPolicyView {
        scope: scope.to_owned(),
        profile: settings.profile.as_str().to_owned(),
        knobs: Knob::ALL.into_iter().filter_map(turned).collect(),
        values: Knob::ALL.into_iter().map(|knob| (knob.key().to_owned(), value_of(rules, knob))).collect(),
        rules: rules.in_words(true),
        changed_at: None,
        changed_by: None,
    }
}

async fn policies(State(app): State<App>) -> Answer<PasswordPolicies> {
    let known = app.people.policies(&app.engine).await?;
    let mut policies: Vec<PasswordPolicyView> = known
        .by_scope
        .iter()
        .map(|(scope, (settings, rules, at, by))| PasswordPolicyView {
            changed_at: Some(time::write(*at)),
            changed_by: Some(by.clone()),
            ..policy_view(scope, settings, rules)
        })
        .collect();
    if !known.by_scope.contains_key(DEFAULT) {
        policies.push(policy_view(DEFAULT, &PolicySettings::default(), &PasswordRules::default()));
    }
    policies.sort_by_key(|policy| (policy.scope != DEFAULT, policy.scope.clone()));
    let desk = Arc::clone(&app.people);
    let list = tokio::task::spawn_blocking(move || desk.words.list.current());
    let list = list.await.map_err(|_| ApiError::Internal)?;
    let now = app.engine.now();
    Ok(Json(PasswordPolicies {
        profiles: Profile::ALL.into_iter().map(profile_view).collect(),
        policies,
        blocklist_entries: list.as_ref().map(|list| list.entries()),
        blocklist_made_at: list.map(|list| time::write(Timestamp::from_ms(list.made_ms()))),
        blocklist_trouble: app.people.words.list.state.lock().trouble.clone(),
        attack_until: app.people.words.pulse.lock().until(now).map(time::write),
    }))
}

/// Reads a policy as it was sent; every refusal names its knob and clause.
fn parsed(input: &PasswordPolicyInput) -> Result<(PolicySettings, PasswordRules), ApiError> {
    let profile = Profile::parse(&input.profile)
        .ok_or_else(|| ApiError::field("/profile", "use nist, pci-dss-4, pci-strict or classic"))?;
    let known_scope = match input.scope.split_once(':') {
        None => input.scope == DEFAULT,
        Some(("role", role)) => Role::parse(role).is_some(),
        Some(("group", id)) => {
            (1..=64).contains(&id.len()) && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        Some(_) => false,
    };
    if !known_scope {
        return Err(ApiError::field(
            "/scope",
            "use `default`, `role:` and a role, or `group:` and a group's id",
        ));
    }
    let mut knobs = KnobSettings::default();
    for (key, to) in &input.knobs {
        let pointer = || format!("/knobs/{}", wk_domain::text::clean_line(key, 40));
        let knob = Knob::ALL.into_iter().find(|knob| knob.key() == key);
        let knob = knob.ok_or_else(|| ApiError::field(&pointer(), "there is no such knob"))?;
        let to = u16::try_from(*to).map_err(|_| ApiError::field(&pointer(), "this is too large"))?;
        knobs.set(knob, Some(to));
    }
    let settings = PolicySettings { profile, knobs };
    let rules = settings.rules().map_err(|refusals| {
        let one = |refusal: wk_identity::Refusal| FieldError {
            pointer: format!("/knobs/{}", refusal.knob),
            detail: refusal.to_string(),
        };
        ApiError::Fields(refusals.into_iter().map(one).collect())
    })?;
    Ok((settings, rules))
}

async fn set_policy(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<PasswordPolicyInput>,
) -> Answer<PasswordPolicyView> {
    let (settings, rules) = parsed(&input)?;
    let known = app.people.policies(&app.engine).await?;
    let body = serde_json::to_string(&settings).map_err(|_| ApiError::Internal)?;
    let now = app.engine.now();
    let image = |body: &str| wk_engine::image::json(Image::new(), "policy", body);
    let before = known.by_scope.get(&input.scope);
    let before = before.and_then(|(settings, ..)| serde_json::to_string(settings).ok());
    let audit = record::draft(&actor, now, "password_policy.set", "password_policy", &input.scope)
        .images(before.as_deref().map(image).as_ref(), Some(&image(&body)));
    let row = PolicyRow { scope: input.scope.clone(), body, changed: now, changed_by: actor.label() };
    let store = app.engine.store();
    store.put_password_policy(row, audit).await?;
    app.people.put_policies(Arc::new(Policies::read(store.password_policies().await?)));
    Ok(Json(policy_view(&input.scope, &settings, &rules)))
}

async fn remove_policy(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<PasswordPolicyScope>,
) -> Result<StatusCode, ApiError> {
    let known = app.people.policies(&app.engine).await?;
    let image = |settings: &PolicySettings| {
        let body = serde_json::to_string(settings).unwrap_or_default();
        wk_engine::image::json(Image::new(), "policy", &body)
    };
    let before = known.by_scope.get(&input.scope).map(|(settings, ..)| image(settings));
    let scope = wk_domain::text::clean_line(&input.scope, 80);
    let audit = record::draft(&actor, app.engine.now(), "password_policy.remove", "password_policy", &scope)
        .images(before.as_ref(), None);
    let store = app.engine.store();
    store.delete_password_policy(&input.scope, audit).await?;
    app.people.put_policies(Arc::new(Policies::read(store.password_policies().await?)));
    Ok(StatusCode::NO_CONTENT)
}

async fn preview(
    State(app): State<App>,
    Body(input): Body<PasswordPolicyInput>,
) -> Answer<PasswordPolicyPreview> {
    let (settings, rules) = parsed(&input)?;
    let with = app.people.policies(&app.engine).await?.with(&input.scope, settings, rules);
    let store = app.engine.store();
    let facts: HashMap<UserId, PasswordFactRow> =
        store.password_facts().await?.into_iter().map(|fact| (fact.user, fact)).collect();
    let users = store.users().await?;
    let mut of_groups: HashMap<UserId, Vec<String>> = HashMap::new();
    for row in store.memberships().await? {
        of_groups.entry(row.person).or_default().push(row.group.to_string());
    }
    let now = app.engine.now();
    let mut preview =
        PasswordPolicyPreview { accounts: 0, must_change: 0, may_change: 0, rules: rules.in_words(true) };
    let passkeys: HashMap<UserId, u64> =
        store.user_facts().await?.into_iter().map(|facts| (facts.user, facts.passkeys)).collect();
    for user in users.iter().filter(|user| !user.password_phc.is_empty() && user.disabled.is_none()) {
        let groups = of_groups.get(&user.id).map(Vec::as_slice).unwrap_or_default();
        let concerned = match input.scope.split_once(':') {
            Some(("role", role)) => user.role == role,
            Some((_, group)) => groups.iter().any(|own| own == group),
            None => true,
        };
        if !concerned {
            continue;
        }
        preview.accounts += 1;
        let factor = !user.totp_sealed.is_empty() || passkeys.get(&user.id).is_some_and(|n| *n > 0);
        let rules = with.rules(&user.role, groups);
        let fact = facts.get(&user.id);
        let age = now.since(set_at(user, fact));
        // An account's first password was set under the rules of its day, of which the default is the least.
        let nist = PasswordRules::default();
        let under = fact
            .map_or(SetUnder { least_chars: nist.least_chars(factor), ..SetUnder::default() }, |fact| {
                fact.under
            });
        let weaker = under.least_chars < rules.least_chars(factor)
            || under.classes < rules.classes
            || (rules.letters_and_digits && !under.letters_and_digits);
        if rules.age_max(factor).is_some_and(|most| age >= most) {
            preview.must_change += 1;
        } else if weaker {
            preview.may_change += 1;
        }
    }
    Ok(Json(preview))
}

async fn require_change(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<UserKind>,
    Body(input): Body<ReasonInput>,
) -> Result<StatusCode, ApiError> {
    let reason = wk_domain::text::clean_line(&input.reason, 500);
    if reason.is_empty() {
        return Err(ApiError::field("/reason", "say why"));
    }
    // Where the account is at home, and not against somebody who may more.
    let user = crate::users::account(&app, &actor, id).await?;
    if user.password_phc.is_empty() {
        return Err(ApiError::Conflict("the account has no password".to_owned()));
    }
    app.people.policies(&app.engine).await?;
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "user.require_change", "user", &user.name)
        .within(user.tenant)
        .reason(&reason);
    ask_for_change(&app, &user, "An administrator asks you to: somebody may know it.", audit).await?;
    let ended = record::draft(&actor, now, "session.end", "user", &user.name)
        .within(user.tenant)
        .reason("the password must be changed");
    app.engine.store().end_sessions(id, None, now, ended).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn my_policy(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
) -> Answer<MyPasswordPolicy> {
    let Who::User { id, .. } = &actor.who else {
        return Err(ApiError::Conflict("the local socket has no password".to_owned()));
    };
    let store = app.engine.store();
    let user = store.user(*id).await?.ok_or(ApiError::SignIn)?;
    app.people.policies(&app.engine).await?;
    let factor = has_factor(&app, &user).await?;
    let rules = app.people.rules_of(&user);
    let set_at = set_at(&user, store.password_fact(*id).await?.as_ref());
    Ok(Json(MyPasswordPolicy {
        rules: rules.in_words(factor),
        must_change: app.people.must_change(*id),
        set_at: time::write(set_at),
        ends_at: rules.age_max(factor).map(|age| time::write(set_at + age)),
    }))
}

/// By which rules a password is judged that somebody types: one's own by the session, an invited person's by the link,
/// those for everybody otherwise.
pub(crate) async fn policy_while_typing(
    app: &App,
    headers: &HeaderMap,
    origin: Origin,
    token: Option<&str>,
) -> Result<(PasswordPolicy, Vec<String>), ApiError> {
    let policies = app.people.policies(&app.engine).await?;
    let address: IpAddr = origin.ip().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
    let mut context = names_around(app);
    if let Some(cookie) = session_cookie(headers)
        && let Ok((_, _, user)) = app.people.actor(&app.engine, cookie, address, String::new(), false).await
    {
        let second_factor = has_factor(app, &user).await?;
        let rules = app.people.rules_of(&user);
        context.extend([user.name, user.display_name]);
        return Ok((PasswordPolicy { rules, second_factor }, context));
    }
    let role = match token {
        Some(token) => app.people.role_behind(&app.engine, token).await?,
        None => String::new(),
    };
    Ok((PasswordPolicy { rules: policies.rules(&role, &[]), second_factor: true }, context))
}

/// What the person sees while typing.
pub(crate) fn shown(verdict: wk_identity::PasswordVerdict, policy: &PasswordPolicy) -> PasswordVerdict {
    PasswordVerdict {
        accepted: verdict.is_good(),
        score: verdict.score,
        reasons: verdict.weaknesses.iter().map(ToString::to_string).collect(),
        advice: verdict.guidance,
        rules: verdict
            .rules
            .into_iter()
            .map(|rule| crate::dto::PasswordRule {
                code: rule.code.to_owned(),
                title: rule.title,
                met: rule.why.is_none(),
                why: rule.why,
            })
            .collect(),
        policy: policy.rules.in_words(policy.second_factor),
    }
}

/// Judges a parsed password. Work of milliseconds: off the threads that serve requests.
pub(crate) fn judge(
    desk: &Desk,
    password: &Password,
    context: &[&str],
    old: Option<&Password>,
    policy: &PasswordPolicy,
) -> wk_identity::PasswordVerdict {
    let breached = desk.is_breached(password);
    policy.judge(password, &Beside { context, old, breached })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_out_is_narrow() {
        let open = |method: &str, path: &str| {
            is_way_out(&Method::from_bytes(method.as_bytes()).unwrap(), &format!("/api/v1{path}"))
        };
        assert!(open("POST", "/me/password") && open("GET", "/me") && open("DELETE", "/session"));
        for (method, path) in [
            ("GET", "/hosts"),
            ("GET", "/me/sessions"),
            ("POST", "/me/totp/begin"),
            ("POST", "/me/recovery-codes"),
            ("POST", "/me/passwords"),
            ("PUT", "/me/password"),
            ("GET", "/live"),
            ("POST", "/me/tokens"),
        ] {
            assert!(!open(method, path), "{method} {path}");
        }
    }
}
