//! Acts that two people must want: when a second one is asked for, and who may be it.
//!
//! The rule. A protected act is done at once only by somebody who is alone: where another person could agree to it, the
//! act is written down as a request, and that person decides. Who can agree: an account of a person that is open, has
//! signed in within 90 days, may `approval.decide`, is not the requester's, and was not made or changed by the requester
//! in the last seven days. Somebody who could have agreed and was disabled, reset or lowered by the requester within
//! those days still counts: whoever removes the other eyes is not alone.
//!
//! Two walls beside it: the store uses a request up in the transaction of its act, once, and never for its requester; and
//! agreeing takes a fresh second factor, which no token has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wk_authz::{Act, Actor, Place, Role, Who};
use wk_domain::{AgentId, ChannelId, Timestamp, UserId};
use wk_engine::ports::TenantScope;
use wk_engine::ports::approvals::ApprovalRow;
use wk_engine::ports::rows::{AuditFilter, Page, UserRow};
use wk_engine::record::{self, DraftExt as _};
use wk_seal::sha256;

use crate::approvals;
use crate::error::ApiError;
use crate::state::App;

const DAY: Duration = Duration::from_secs(86_400);
/// How long a request can be decided.
pub(crate) const LIFE: Duration = DAY;
/// Whoever was made or changed by the requester within this cannot agree to what he asks for.
const TOUCHED: Duration = Duration::from_secs(7 * 86_400);
/// An invitation is used within a day: what it makes is younger than this act.
const INVITED: Duration = Duration::from_secs(8 * 86_400);
/// Somebody who has not signed in for so long is nobody to wait for.
const AWAKE: Duration = Duration::from_secs(90 * 86_400);
/// Open requests of one person: beyond, he has to wait for decisions.
const OPEN_MAX: usize = 50;
const REASON_MAX: usize = 500;

/// Stands for whoever a group's grant was taken from.
const ANYBODY: &str = "*";

/// Where the policy is kept.
pub(crate) const SETTING: &str = "four_eyes.mode";

/// When a second person is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FourEyes {
    /// Never.
    Off,
    /// As soon as there are two who could.
    WhenTwo,
    /// Always: nobody acts alone but on the server's own machine.
    Always,
}

impl FourEyes {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::WhenTwo => "when_two",
            Self::Always => "always",
        }
    }

    fn parse(raw: &str) -> Option<Self> {
        [Self::Off, Self::WhenTwo, Self::Always].into_iter().find(|mode| mode.as_str() == raw)
    }
}

/// The policy in force. What cannot be read is the default, never `off`.
pub(crate) async fn mode(app: &App) -> Result<FourEyes, ApiError> {
    let kept = app.engine.store().setting(SETTING).await?;
    Ok(kept.as_deref().and_then(FourEyes::parse).unwrap_or(FourEyes::WhenTwo))
}

/// Whether somebody with this role could agree to acts: giving it is protected.
pub(crate) fn raises(role: &str) -> bool {
    Role::parse(role).is_some_and(|role| {
        role.actions().has(Act::ApprovalDecide)
            || role.actions().has(Act::UserWrite)
            || role.actions().has(Act::AccessWrite)
    })
}

/// Whether the caller is a program: what asks a person for a fresh factor, a program asks a person for, whatever it is.
pub(crate) fn is_program(actor: &Actor) -> bool {
    matches!(actor.who, Who::Token { .. })
}

/// What somebody wants to do.
#[derive(Debug)]
pub(crate) struct Wanted<'a> {
    /// `user.set_role`
    pub(crate) act: &'static str,
    /// As lists show it: `user:olga`.
    pub(crate) object: String,
    pub(crate) summary: String,
    /// The id in the route's path.
    pub(crate) target: Option<String>,
    pub(crate) reason: &'a str,
    /// The route's body, secrets sealed.
    pub(crate) input: Value,
}

/// An act as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Payload {
    pub(crate) act: String,
    pub(crate) target: Option<String>,
    pub(crate) input: Value,
}

impl Payload {
    pub(crate) fn read(row: &ApprovalRow) -> Result<Self, ApiError> {
        if digest(&row.payload_json) != row.payload_sha256 {
            tracing::error!(approval.id = %row.id, "the request's payload is not the one it was made with");
            return Err(ApiError::Internal);
        }
        serde_json::from_str(&row.payload_json).map_err(|error| {
            tracing::error!(approval.id = %row.id, "a request cannot be read: {error}");
            ApiError::Internal
        })
    }
}

fn digest(text: &str) -> String {
    sha256(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the act's object is like now: what a request was made on must still be so when it is agreed to.
pub(crate) async fn object_state(app: &App, act: &str, target: Option<&str>) -> Result<String, ApiError> {
    let gone = || "gone".to_owned();
    if act == "approval.policy" {
        return Ok(mode(app).await?.as_str().to_owned());
    }
    let Some(target) = target else { return Ok(String::new()) };
    if let Ok(id) = target.parse::<UserId>() {
        if act == "user.remove_factor" {
            // One that was stopped, and asked for again, is another.
            let row = app.engine.store().factor_removal(id).await?;
            return Ok(
                row.map_or_else(gone, |row| format!("{} asked for at {}", row.factor, row.asked.as_ms()))
            );
        }
        let user = app.engine.store().user(id).await?;
        return Ok(user.map_or_else(gone, |user| format!("revision {}", user.revision)));
    }
    let world = app.engine.world();
    if let Ok(id) = target.parse::<AgentId>() {
        let agent = world.agents.get(&id).map(|entry| &entry.row);
        return Ok(agent.map_or_else(gone, |row| format!("{} {}", row.standing.as_str(), row.cert_serial)));
    }
    if let Ok(id) = target.parse::<ChannelId>() {
        let channel = world.channels.get(&id).map(|entry| &entry.row);
        return Ok(channel.map_or_else(gone, |row| format!("revision {}", row.revision)));
    }
    Ok(String::new())
}

/// Who could agree to what somebody asks for.
#[derive(Debug, Default)]
pub(crate) struct Panel {
    /// Those who can, with their names.
    pub(crate) eligible: BTreeMap<UserId, String>,
    /// Those who could, and were made or changed by the requester.
    pub(crate) touched: BTreeSet<UserId>,
    /// Somebody could have, and the requester saw to it that he cannot.
    removed: bool,
}

impl Panel {
    /// Whether the requester is not alone.
    pub(crate) fn bound(&self) -> bool {
        !self.eligible.is_empty() || self.removed
    }
}

/// What the requester did to an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Touch {
    /// He made it, or gave it what it could agree by: it is his creature.
    made: bool,
    /// He took from it what it could agree by, as the entry says.
    removed: bool,
    /// He disabled it, or reset its factors: what it may is what it could.
    shut: bool,
}

impl Touch {
    const MADE: Self = Self { made: true, removed: false, shut: false };
    const REMOVED: Self = Self { made: false, removed: true, shut: false };
    const SHUT: Self = Self { made: false, removed: false, shut: true };

    const fn and(self, other: Self) -> Self {
        Self {
            made: self.made || other.made,
            removed: self.removed || other.removed,
            shut: self.shut || other.shut,
        }
    }
}

/// What roles and groups hold now, by id: what the log says was given or taken is worth what it gives now.
#[derive(Debug, Default)]
struct Powers {
    /// Custom roles that can agree.
    roles: BTreeMap<String, bool>,
    /// Groups that give power, and groups that deny it.
    groups: BTreeMap<String, (bool, bool)>,
}

impl Powers {
    async fn read(app: &App) -> Result<Self, ApiError> {
        let store = app.engine.store();
        let mut powers = Self::default();
        for role in store.roles().await? {
            let powerful = role.actions.iter().any(|name| POWER.contains(&name.as_str()));
            powers.roles.insert(role.id.to_string(), powerful);
        }
        for grant in store.grants().await? {
            let Some(group) = grant.group else { continue };
            let custom = grant.custom.map(|id| id.to_string());
            let powerful = powers.of(&grant.role, custom.as_deref()).unwrap_or(true);
            let held = powers.groups.entry(group.to_string()).or_default();
            // What is neither of the two is read as a denial, as rights are.
            let allows = grant.effect == "allow";
            *held = (held.0 || (powerful && allows), held.1 || (powerful && !allows));
        }
        Ok(powers)
    }

    /// Whether a role gives power; nothing for a custom one that is not there any more.
    fn of(&self, role: &str, custom: Option<&str>) -> Option<bool> {
        match custom {
            None => Some(raises(role)),
            Some(id) => self.roles.get(id).copied(),
        }
    }
}

/// The actions that [`raises`] speaks of, as roles name them.
const POWER: [&str; 3] = ["approval.decide", "user.write", "access.write"];

/// Accounts that `name` did something to of late, by the audit log.
async fn touched_by(app: &App, name: &str) -> Result<BTreeMap<String, Touch>, ApiError> {
    let now = app.engine.now();
    let mut touched: BTreeMap<String, Touch> = BTreeMap::new();
    let powers = Powers::read(app).await?;
    // The log takes a name that looks like an id for one.
    let actor = if name.starts_with("user_") { name.to_owned() } else { format!("user:{name}") };
    for prefix in ["user.", "grant.", "group.", "role."] {
        let mut after = None;
        loop {
            let filter = AuditFilter {
                actor: Some(actor.clone()),
                action_prefix: Some(prefix.to_owned()),
                outcome: Some("success".to_owned()),
                from: Some(now - INVITED),
                ..AuditFilter::default()
            };
            let page = Page { limit: 500, after: after.take() };
            let rows = app.engine.store().audit(&TenantScope::whole(), filter, page).await?;
            for row in &rows {
                let invited = row.action == "user.invite";
                if !invited && now.since(row.at) >= TOUCHED {
                    continue;
                }
                let entry: Value = serde_json::from_str(&row.entry_json).unwrap_or_default();
                for (account, touch) in accounts_in(row.object.as_str(), &row.action, &entry, &powers) {
                    let known = touched.entry(account).or_default();
                    *known = known.and(touch);
                }
            }
            match rows.last() {
                Some(last) if rows.len() == 500 => after = Some(last.seq.to_string()),
                _ => break,
            }
        }
    }
    Ok(touched)
}

/// Which accounts an entry is about, by name or id, and what it was to them. What changes nothing about who could agree is
/// left out: else a small kindness to the one who could would make the requester alone.
fn accounts_in(object: &str, action: &str, entry: &Value, powers: &Powers) -> Vec<(String, Touch)> {
    let change = |name: &str| -> Option<&Value> {
        let list = entry.get("diff")?.as_array()?;
        list.iter().find(|change| change.get("field").and_then(Value::as_str) == Some(name))
    };
    let field =
        |name: &str, side: &str| -> Option<String> { change(name)?.get(side)?.as_str().map(str::to_owned) };
    let anybody = || vec![(ANYBODY.to_owned(), Touch::REMOVED)];
    if action.starts_with("role.") {
        // What a role says whole is in the entry; of a long one it cannot be told what it lost.
        let Some(actions) = change("actions") else { return Vec::new() };
        let side = |side: &str| actions.get(side).and_then(Value::as_str);
        let loses = match (side("old"), side("new")) {
            (Some(old), Some(new)) => {
                let says = |text: &str| text.split(' ').any(|name| name == "approval.decide");
                says(old) && !says(new)
            }
            // One that was made takes nothing.
            _ => action != "role.create",
        };
        return if loses && action != "role.delete" { anybody() } else { Vec::new() };
    }
    if let Some(account) =
        object.strip_prefix("user:").or_else(|| object.starts_with("user_").then_some(object))
    {
        let touch = match action {
            "user.invite" | "user.enable" | "user.reopen" => Touch::MADE,
            "user.set_role" => {
                let powerful = |side: &str| field("role", side).is_some_and(|role| raises(&role));
                Touch { made: powerful("new"), removed: powerful("old"), shut: false }
            }
            // Disabling and resetting change no role: whether it could agree is asked of its rights.
            "user.disable" => Touch::SHUT,
            "user.reset_factors" => Touch::MADE.and(Touch::SHUT),
            "user.withdraw_link" | "user.require_change" | "user.set_emergency" => return Vec::new(),
            // What is not known here may be either.
            _ => Touch::MADE.and(Touch::SHUT),
        };
        return vec![(account.to_owned(), touch)];
    }
    // Grants and memberships name the account in a field.
    let either = |name: &str| field(name, "new").or_else(|| field(name, "old"));
    let taken = action.contains("delete") || action.contains("remove");
    let touch = if action.starts_with("group.") {
        // That of a group that is gone is in the entries of its grants.
        let (gives, denies) = powers.groups.get(object).copied().unwrap_or_default();
        let (made, removed) = if taken { (denies, gives) } else { (gives, denies) };
        Touch { made, removed, shut: false }
    } else {
        let powerful = powers.of(&either("role").unwrap_or_default(), either("custom").as_deref());
        let denies = either("effect").as_deref() != Some("allow");
        if denies == taken {
            // By a role that is gone nobody holds anything.
            Touch { made: powerful.unwrap_or(false), ..Touch::default() }
        } else {
            Touch { removed: powerful.unwrap_or(true), ..Touch::default() }
        }
    };
    if touch == Touch::default() {
        return Vec::new();
    }
    match either("person") {
        Some(account) => vec![(account, touch)],
        // What a whole group could agree by: whoever was in it.
        None if touch.removed && action.starts_with("grant.") => anybody(),
        None => Vec::new(),
    }
}

/// Whether an account may agree to things at all, touched or not.
async fn could(app: &App, user: &UserRow) -> Result<bool, ApiError> {
    Ok(app.engine.rights_of(user).await?.may(Act::ApprovalDecide, &Place::ROOT))
}

/// Who could agree to what `requester` asks for now.
pub(crate) async fn panel(app: &App, requester: UserId) -> Result<Panel, ApiError> {
    let store = app.engine.store();
    let (users, facts) = (store.users().await?, store.user_facts().await?);
    let services: BTreeSet<UserId> =
        store.service_accounts().await?.into_iter().map(|row| row.person).collect();
    let now = app.engine.now();
    let Some(own) = users.iter().find(|user| user.id == requester) else { return Ok(Panel::default()) };
    let touched = touched_by(app, &own.name).await?;
    let mut panel = Panel { removed: touched.contains_key(ANYBODY), ..Panel::default() };
    for user in users.iter().filter(|user| user.id != requester && !services.contains(&user.id)) {
        let seen = facts.iter().find(|facts| facts.user == user.id).and_then(|facts| facts.last_sign_in);
        let awake = seen.is_some_and(|at| now.since(at) < AWAKE);
        // The log names an account by its name in one entry and by its id in another: both count.
        let of = |key: &str| touched.get(key).copied().unwrap_or_default();
        let touch = of(&user.name).and(of(&user.id.to_string()));
        if awake && touch != Touch::default() {
            let could = could(app, user).await?;
            if touch.removed || (touch.shut && could) {
                panel.removed = true;
            } else if user.disabled.is_none() && could {
                panel.touched.insert(user.id);
            }
            continue;
        }
        if awake && user.disabled.is_none() && could(app, user).await? {
            panel.eligible.insert(user.id, user.name.clone());
        }
    }
    Ok(panel)
}

/// Asks for a second person where one is needed. `None`: the act is to be done now, by this request. `Some`: the answer
/// that says what was asked for; nothing was done.
///
/// # Errors
/// 422 without a reason; 403 for a token where nobody could agree; 409 for too many open requests.
pub(crate) async fn ask(app: &App, actor: &Actor, wanted: Wanted<'_>) -> Result<Option<Response>, ApiError> {
    if record::is_agreed() {
        // This request carries out what was agreed to.
        return Ok(None);
    }
    let (by_token, via) = match &actor.who {
        Who::User { session, .. } => (false, session.to_string()),
        Who::Token { id, .. } => (true, id.to_string()),
        Who::Local { .. } => {
            record::alone("alone: on the server's own machine");
            return Ok(None);
        }
        Who::System => return Ok(None),
    };
    let requester = actor.account().ok_or(ApiError::Internal)?;
    let mode = mode(app).await?;
    let panel = panel(app, requester).await?;
    let needed = match mode {
        FourEyes::Off => false,
        FourEyes::WhenTwo => panel.bound(),
        FourEyes::Always => true,
    };
    if by_token && panel.eligible.is_empty() {
        return Err(ApiError::NotByToken(
            "a program may only ask for this, and there is nobody who could agree to it: do it in the console".to_owned(),
        ));
    }
    if !needed && !by_token {
        record::alone(match mode {
            FourEyes::Off => "alone: a second person is not asked for",
            FourEyes::WhenTwo | FourEyes::Always => "alone: nobody else could agree",
        });
        return Ok(None);
    }
    request(app, actor, requester, via, wanted).await.map(Some)
}

/// Asks for a second person, whatever the policy: for what nobody may do alone.
///
/// # Errors
/// As [`ask`]; 409 where nobody could agree.
pub(crate) async fn ask_somebody(app: &App, actor: &Actor, wanted: Wanted<'_>) -> Result<Response, ApiError> {
    let Who::User { id, session, .. } = &actor.who else { return Err(ApiError::Internal) };
    if panel(app, *id).await?.eligible.is_empty() {
        return Err(ApiError::Conflict("there is nobody who could agree to it".to_owned()));
    }
    request(app, actor, *id, session.to_string(), wanted).await
}

async fn request(
    app: &App,
    actor: &Actor,
    requester: UserId,
    via: String,
    wanted: Wanted<'_>,
) -> Result<Response, ApiError> {
    let reason = wk_domain::text::clean_line(wanted.reason, REASON_MAX);
    if reason.is_empty() {
        return Err(ApiError::field("/reason", "say why: another person has to agree to this"));
    }
    let store = app.engine.store();
    let now = app.engine.now();
    let open = store.approvals(Some(now), Page { limit: 500, after: None }).await?;
    if open.iter().filter(|row| row.requester == Some(requester)).count() >= OPEN_MAX {
        return Err(ApiError::Conflict("too many requests of yours wait for a decision already".to_owned()));
    }
    let object_state = object_state(app, wanted.act, wanted.target.as_deref()).await?;
    let payload = Payload { act: wanted.act.to_owned(), target: wanted.target, input: wanted.input };
    let payload_json = serde_json::to_string(&payload).map_err(|_| ApiError::Internal)?;
    let row = ApprovalRow {
        id: wk_engine::ids::new_id(now),
        act: wanted.act.to_owned(),
        object: wanted.object,
        summary: wk_domain::text::clean_line(&wanted.summary, 300),
        payload_sha256: digest(&payload_json),
        payload_json,
        object_state,
        requester: Some(requester),
        requester_name: actor.label(),
        via,
        reason: reason.clone(),
        requested: now,
        expires: now + LIFE,
        state: "open".to_owned(),
        decided: None,
        decider: None,
        decided_by: String::new(),
        note: String::new(),
    };
    // Asking is what a program may.
    record::needs_agreement(false);
    let audit = record::draft(actor, now, "approval.request", "approval", row.id)
        .images_of(None, Some(&row))
        .reason(reason);
    store.put_approval(row.clone(), audit).await?;
    app.engine.counters().add("approval.requested", 1);
    let shown = approvals::view(app, &row, actor).await?;
    Ok((StatusCode::ACCEPTED, Json(shown)).into_response())
}

/// What of a payload people may read: what is sealed is only said to be there.
pub(crate) fn readable(row: &ApprovalRow) -> Value {
    let mut input =
        serde_json::from_str::<Payload>(&row.payload_json).map(|payload| payload.input).unwrap_or_default();
    if let Some(sealed) = input.as_object_mut().and_then(|map| map.remove("secret_sealed"))
        && !sealed.is_null()
        && let Some(map) = input.as_object_mut()
    {
        map.insert("secret".to_owned(), json!({"withheld": true}));
    }
    wk_engine::image::without_secrets(input)
}

/// How it stands, for people.
pub(crate) fn state_of(row: &ApprovalRow, now: Timestamp) -> &str {
    if row.state == "open" && now >= row.expires { "expired" } else { &row.state }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_whom_it_was_about_and_what_it_was_to_him() {
        let powers = Powers {
            roles: [("role_eyes".to_owned(), true), ("role_ears".to_owned(), false)].into(),
            groups: [("group_admins".to_owned(), (true, false)), ("group_quiet".to_owned(), (false, true))]
                .into(),
        };
        let about = |object: &str, action: &str, entry: &Value| accounts_in(object, action, entry, &powers);
        let olga = |touch: Touch| vec![("olga".to_owned(), touch)];
        let role = |old: &str, new: &str| json!({"diff": [{"field": "role", "old": old, "new": new}]});
        let set = |old: &str, new: &str| about("user:olga", "user.set_role", &role(old, new));
        assert_eq!(set("admin", "viewer"), olga(Touch::REMOVED));
        assert_eq!(set("viewer", "admin"), olga(Touch::MADE));
        assert_eq!(set("viewer", "operator"), olga(Touch::default()));
        assert_eq!(about("user:olga", "user.disable", &json!({})), olga(Touch::SHUT));
        assert_eq!(about("user:olga", "user.set_emergency", &json!({})), []);
        assert_eq!(about("user:olga", "user.anything_new", &json!({})), olga(Touch::MADE.and(Touch::SHUT)));
        let grant = |whom: &str, effect: &str, role: &str, custom: Option<&str>| {
            json!({"diff": [
                {"field": whom, "old": null, "new": "user_01"},
                {"field": "effect", "old": null, "new": effect},
                {"field": "role", "old": null, "new": role},
                {"field": "custom", "old": null, "new": custom},
            ]})
        };
        let given = |whom: &str, effect: &str, role: &str, custom: Option<&str>| {
            about("grant_01", "grant.create", &grant(whom, effect, role, custom))
        };
        let taken = |whom: &str, effect: &str, role: &str, custom: Option<&str>| {
            about("grant_01", "grant.delete", &grant(whom, effect, role, custom))
        };
        let one = |touch: Touch| vec![("user_01".to_owned(), touch)];
        assert_eq!(given("person", "allow", "admin", None), one(Touch::MADE));
        assert_eq!(given("person", "allow", "viewer", None), [], "a kindness");
        assert_eq!(given("person", "allow", "eyes", Some("role_eyes")), one(Touch::MADE));
        assert_eq!(given("person", "allow", "ears", Some("role_ears")), []);
        assert_eq!(given("person", "allow", "gone", Some("role_gone")), []);
        assert_eq!(given("person", "deny", "admin", None), one(Touch::REMOVED));
        assert_eq!(given("person", "deny", "viewer", None), []);
        assert_eq!(given("group", "deny", "admin", None), [("*".to_owned(), Touch::REMOVED)]);
        assert_eq!(taken("person", "allow", "approver", None), one(Touch::REMOVED));
        assert_eq!(taken("person", "deny", "approver", None), one(Touch::MADE));
        assert_eq!(taken("person", "allow", "gone", Some("role_gone")), one(Touch::REMOVED), "who knows");
        assert_eq!(taken("group", "allow", "approver", None), [("*".to_owned(), Touch::REMOVED)]);
        assert_eq!(taken("group", "allow", "viewer", None), []);
        let member = json!({"diff": [{"field": "person", "old": null, "new": "user_01"}]});
        let group = |group: &str, action: &str| about(group, action, &member);
        assert_eq!(group("group_admins", "group.add_member"), one(Touch::MADE));
        assert_eq!(group("group_admins", "group.remove_member"), one(Touch::REMOVED));
        assert_eq!(group("group_quiet", "group.add_member"), one(Touch::REMOVED));
        assert_eq!(group("group_quiet", "group.remove_member"), one(Touch::MADE));
        assert_eq!(group("group_choir", "group.add_member"), []);
        let actions = |old: Value, new: Value| {
            let entry = json!({"diff": [{"field": "actions", "old": old, "new": new}]});
            about("role_eyes", "role.change", &entry).len()
        };
        assert_eq!(actions(json!("approval.decide host.read"), json!("host.read")), 1);
        assert_eq!(actions(json!("host.read"), json!("approval.decide host.read")), 0);
        assert_eq!(actions(json!({"text": "a", "bytes": 2000}), json!("host.read")), 1, "who knows");
    }

    #[test]
    fn roles_that_open_doors_are_protected() {
        for (role, protected) in [
            ("admin", true),
            ("approver", true),
            ("operator", false),
            ("auditor", false),
            ("viewer", false),
            ("nonsense", false),
        ] {
            assert_eq!(raises(role), protected, "{role}");
        }
    }
}
