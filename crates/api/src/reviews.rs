//! Reviews of who has access: what is odd about accounts and tokens, and a manager's word on each.
//!
//! What is found is a hint with its evidence beside it, never a verdict: a person decides. How each finding is made is
//! said at its function, and in the guide.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{
    Act, Actions, Actor, Kind, Place, ReviewRead, ReviewWrite, Rights, Role, TokenRevoke, UserWrite, Via,
    authorize,
};
use wk_domain::{ReviewKind, Timestamp, UserId};
use wk_engine::ports::api_tokens::{ApiTokenRow, ServiceAccountRow};
use wk_engine::ports::reviews::{ReviewLineRow, ReviewRow, UsageRow};
use wk_engine::ports::rows::{SessionRow, UserFacts, UserRow};
use wk_engine::record::{self, DraftExt as _};

use crate::auth::Caller;
use crate::body::{Body, PathId, Query};
use crate::dto::{Page, ReasonInput, RoleInput};
use crate::error::ApiError;
use crate::gate::site_of;
use crate::routes::{Routes, get, post};
use crate::state::App;
use crate::{time, tokens, users};

const DAY: Duration = Duration::from_secs(86_400);
/// A token that ends within this is worth a word.
const ENDS_SOON: Duration = Duration::from_secs(14 * 86_400);
/// Sessions of one account that are compared with each other.
const SESSIONS_MAX: usize = 500;
/// Lines of evidence of one finding.
const EVIDENCE_MAX: usize = 12;
/// Reviews a list shows.
const LISTED: usize = 50;

type Answer<T> = Result<Json<T>, ApiError>;

/// Something odd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Finding {
    /// `unused`, `never-used`, `shared`, `over-privileged`, `no-second-factor`, `from-anywhere`, `ends-soon`, `no-owner`,
    /// `review-overdue`.
    pub(crate) code: String,
    /// `high`, `medium` or `low`.
    pub(crate) weight: String,
    /// One sentence.
    pub(crate) text: String,
    /// What it was concluded from.
    pub(crate) evidence: Vec<String>,
}

/// What is known of an account or token in a review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Facts {
    /// Of a token: its owner.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) owner: String,
    pub(crate) role: String,
    pub(crate) created_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_used_at: Option<String>,
    /// Acts in the window, by the audit log.
    pub(crate) acts: u64,
}

/// An account or token that is looked at.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReviewLine {
    pub(crate) number: i64,
    /// `person`, `service` or `token`.
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) name: String,
    pub(crate) facts: Facts,
    pub(crate) findings: Vec<Finding>,
    /// Empty until somebody decided: `keep`, `reduce` or `disable`.
    pub(crate) decision: String,
    /// The role to reduce to.
    pub(crate) role: String,
    pub(crate) note: String,
    pub(crate) decided_by: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) decided_at: Option<String>,
}

/// A review.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Review {
    pub(crate) id: String,
    /// `open` or `signed`.
    pub(crate) state: String,
    pub(crate) created_at: String,
    pub(crate) created_by: String,
    pub(crate) window_days: i64,
    pub(crate) due_at: String,
    pub(crate) overdue: bool,
    pub(crate) lines: u64,
    pub(crate) decided: u64,
    pub(crate) findings: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) signed_at: Option<String>,
    pub(crate) signed_by: String,
    pub(crate) note: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_due_at: Option<String>,
}

/// A review with its lines.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ReviewWhole {
    pub(crate) review: Review,
    pub(crate) lines: Vec<ReviewLine>,
}

/// A review to begin.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReviewInput {
    /// How far back use counts: 7 to 400; 90 when absent.
    #[serde(default = "window")]
    pub(crate) window_days: u32,
    /// When it is to be signed: in 1 to 90 days; 14 when absent.
    #[serde(default = "fortnight")]
    pub(crate) due_days: u32,
}

const fn window() -> u32 {
    90
}
const fn fortnight() -> u32 {
    14
}

/// A word on one line.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LineInput {
    pub(crate) number: i64,
    /// `keep`, `reduce` or `disable`.
    pub(crate) decision: String,
    /// For `reduce`: the role.
    #[serde(default)]
    pub(crate) role: String,
    /// Why; needed unless there is nothing odd and it is kept.
    #[serde(default)]
    pub(crate) note: String,
}

/// Signs a review off.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInput {
    pub(crate) note: String,
    /// When the next one is due: in 1 to 400 days; 90 when absent.
    #[serde(default = "window")]
    pub(crate) next_days: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FindingsQuery {
    days: Option<u32>,
}

pub(crate) fn routes(routes: Routes) -> Routes {
    routes
        .add::<ReviewRead, _, _>(
            get("/access-findings", "Accounts and tokens as they are now, with what is odd about them")
                .query("days", "integer", "How far back use counts, 7 to 400; 90 when absent")
                .page::<ReviewLine>(),
            findings,
        )
        .add::<ReviewRead, _, _>(get("/reviews", "Reviews, newest first").page::<Review>(), list)
        .add::<ReviewWrite, _, _>(
            post("/reviews", "Begin a review: a list of all accounts and tokens as they are now")
                .body::<ReviewInput>()
                .answer::<ReviewWhole>(),
            begin,
        )
        .add::<ReviewRead, _, _>(get("/reviews/{id}", "A review with its lines").answer::<ReviewWhole>(), one)
        .add::<ReviewWrite, _, _>(
            post("/reviews/{id}/lines", "Keep, reduce or disable one line")
                .body::<LineInput>()
                .answer::<ReviewWhole>(),
            decide,
        )
        .add::<ReviewWrite, _, _>(
            post("/reviews/{id}/sign", "Sign it off: what was decided is done, and the review is closed")
                .body::<SignInput>()
                .answer::<ReviewWhole>(),
            sign,
        )
}

/// All that a look at access needs, read once.
struct Look {
    now: Timestamp,
    window: Duration,
    users: Vec<UserRow>,
    facts: HashMap<UserId, UserFacts>,
    services: HashMap<UserId, ServiceAccountRow>,
    tokens: Vec<ApiTokenRow>,
    usage: Vec<UsageRow>,
    sessions: HashMap<UserId, Vec<SessionRow>>,
    rights: HashMap<UserId, std::sync::Arc<Rights>>,
}

impl Look {
    async fn at(app: &App, days: u32) -> Result<Self, ApiError> {
        if !(7..=400).contains(&days) {
            return Err(ApiError::field("/window_days", "look 7 to 400 days back"));
        }
        let store = app.engine.store();
        let now = app.engine.now();
        let window = DAY * days;
        let users = store.users().await?;
        let mut rights = HashMap::new();
        for user in users.iter().filter(|user| user.disabled.is_none()) {
            rights.insert(user.id, app.engine.rights_of(user).await?);
        }
        let mut sessions: HashMap<UserId, Vec<SessionRow>> = HashMap::new();
        for session in store.sessions_since(now - window).await? {
            sessions.entry(session.user).or_default().push(session);
        }
        Ok(Self {
            now,
            window,
            facts: store.user_facts().await?.into_iter().map(|facts| (facts.user, facts)).collect(),
            services: store.service_accounts().await?.into_iter().map(|row| (row.person, row)).collect(),
            tokens: store.api_tokens(None).await?,
            usage: store.usage_since(now - window).await?,
            users,
            sessions,
            rights,
        })
    }

    fn days(&self) -> u64 {
        self.window.as_secs() / 86_400
    }

    fn lines(&self) -> Vec<ReviewLine> {
        let mut lines: Vec<ReviewLine> = Vec::new();
        for user in self.users.iter().filter(|user| user.disabled.is_none()) {
            lines.push(match self.services.get(&user.id) {
                Some(service) => self.service(user, service),
                None => self.person(user),
            });
        }
        for token in &self.tokens {
            let owner = self.users.iter().find(|user| user.id == token.owner);
            if tokens::state_of(token, owner, self.now) == "live" {
                lines.push(self.token(token, owner));
            }
        }
        let weight = |line: &ReviewLine| {
            let of = |finding: &Finding| match finding.weight.as_str() {
                "high" => 0,
                "medium" => 1,
                _ => 2,
            };
            line.findings.iter().map(of).min().unwrap_or(3)
        };
        lines.sort_by(|a, b| (weight(a), &a.kind, &a.name).cmp(&(weight(b), &b.kind, &b.name)));
        for (number, line) in (1..).zip(&mut lines) {
            line.number = number;
        }
        lines
    }

    /// What an account and its tokens did, by action.
    fn did(&self, user: &UserRow) -> BTreeMap<&str, u64> {
        let own = format!("user:{}", user.name);
        let of_tokens: BTreeSet<String> = self
            .tokens
            .iter()
            .filter(|token| token.owner == user.id)
            .flat_map(|token| [format!("token:{}", token.id), token.id.to_string()])
            .collect();
        let mut did = BTreeMap::new();
        for row in self.usage.iter().filter(|row| row.actor == own || of_tokens.contains(&row.actor)) {
            *did.entry(row.action.as_str()).or_insert(0) += row.count;
        }
        did
    }

    fn line(
        &self,
        kind: &str,
        subject: String,
        name: String,
        facts: Facts,
        findings: Vec<Finding>,
    ) -> ReviewLine {
        ReviewLine {
            number: 0,
            kind: kind.to_owned(),
            subject,
            name,
            facts,
            findings,
            decision: String::new(),
            role: String::new(),
            note: String::new(),
            decided_by: String::new(),
            decided_at: None,
        }
    }

    fn person(&self, user: &UserRow) -> ReviewLine {
        let facts = self.facts.get(&user.id);
        let seen = facts.and_then(|facts| facts.last_sign_in);
        let sessions = self.sessions.get(&user.id).map(Vec::as_slice).unwrap_or_default();
        let used = sessions.iter().map(|session| session.last_used).chain(seen).max();
        let did = self.did(user);
        let mut findings = Vec::new();
        findings.extend(idle(self.now, self.window, user.created, used, "Nobody has signed in"));
        if user.totp_sealed.is_empty() && facts.is_none_or(|facts| facts.passkeys == 0) {
            findings.push(Finding {
                code: "no-second-factor".to_owned(),
                weight: "high".to_owned(),
                text: "It has no second factor".to_owned(),
                evidence: Vec::new(),
            });
        }
        findings.extend(shared(sessions));
        findings.extend(self.over_privileged(user, &did));
        let shown = Facts {
            owner: String::new(),
            role: user.role.clone(),
            created_at: time::write(user.created),
            last_used_at: used.map(time::write),
            acts: did.values().sum(),
        };
        self.line("person", user.id.to_string(), user.name.clone(), shown, findings)
    }

    fn service(&self, user: &UserRow, service: &ServiceAccountRow) -> ReviewLine {
        let used = self
            .tokens
            .iter()
            .filter(|token| token.owner == user.id)
            .filter_map(|token| token.last_used)
            .max();
        let did = self.did(user);
        let owner = service.owner.and_then(|id| self.users.iter().find(|user| user.id == id));
        let mut findings = Vec::new();
        findings.extend(idle(self.now, self.window, user.created, used, "No token of it was used"));
        if owner.is_none_or(|owner| owner.disabled.is_some()) {
            findings.push(Finding {
                code: "no-owner".to_owned(),
                weight: "high".to_owned(),
                text: "Nobody answers for it any more".to_owned(),
                evidence: owner.map(|owner| format!("{} is disabled", owner.name)).into_iter().collect(),
            });
        }
        if self.now >= service.review_due {
            findings.push(Finding {
                code: "review-overdue".to_owned(),
                weight: "medium".to_owned(),
                text: "Somebody should have looked at it again by now".to_owned(),
                evidence: vec![format!("due {}", time::write(service.review_due))],
            });
        }
        findings.extend(self.over_privileged(user, &did));
        let shown = Facts {
            owner: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
            role: user.role.clone(),
            created_at: time::write(user.created),
            last_used_at: used.map(time::write),
            acts: did.values().sum(),
        };
        self.line("service", user.id.to_string(), user.name.clone(), shown, findings)
    }

    fn token(&self, token: &ApiTokenRow, owner: Option<&UserRow>) -> ReviewLine {
        let mut findings = Vec::new();
        findings.extend(idle(
            self.now,
            self.window,
            token.created,
            token.last_used,
            "The token was not used",
        ));
        if token.networks.is_empty() {
            findings.push(Finding {
                code: "from-anywhere".to_owned(),
                weight: "medium".to_owned(),
                text: "It may be used from any address".to_owned(),
                evidence: Some(&token.last_address)
                    .filter(|address| !address.is_empty())
                    .map(|address| format!("last used from {address}"))
                    .into_iter()
                    .collect(),
            });
        }
        if token.expires.since(self.now) < ENDS_SOON {
            findings.push(Finding {
                code: "ends-soon".to_owned(),
                weight: "low".to_owned(),
                text: "It ends within two weeks: whoever needs it rotates it".to_owned(),
                evidence: vec![format!("ends {}", time::write(token.expires))],
            });
        }
        let acts = self
            .usage
            .iter()
            .filter(|row| row.actor.ends_with(&token.id.to_string()))
            .map(|row| row.count)
            .sum();
        let scopes: Vec<crate::scopes::TokenScope> =
            serde_json::from_str(&token.scope_json).unwrap_or_default();
        let shown = Facts {
            owner: owner.map(|owner| owner.name.clone()).unwrap_or_default(),
            role: scopes.iter().map(|scope| scope.role.as_str()).collect::<Vec<_>>().join(", "),
            created_at: time::write(token.created),
            last_used_at: token.last_used.map(time::write),
            acts,
        };
        self.line("token", token.id.to_string(), token.name.clone(), shown, findings)
    }

    /// Rights to change something that were not used in the window, by the audit log: reading leaves no entry, so what
    /// only reads is never called too much. Judged only once an account is as old as the window.
    fn over_privileged(&self, user: &UserRow, did: &BTreeMap<&str, u64>) -> Option<Finding> {
        let role = Role::parse(&user.role)?;
        if self.now.since(user.created) < self.window {
            return None;
        }
        let used: Actions = did.keys().filter_map(|action| act_of(action)).collect();
        let held = changing(role.actions());
        let least = least_role(used, role);
        let given = self.rights.get(&user.id).map(|rights| rights.grants()).unwrap_or_default();
        let idle_grants: Vec<String> = given
            .iter()
            .filter(|grant| matches!(grant.via, Via::Person))
            .filter(|grant| !changing(grant.acts()).is_empty() && changing(grant.acts()).and(used).is_empty())
            .map(|grant| format!("grant of {}: not used", grant.role))
            .collect();
        if least.is_none() && idle_grants.is_empty() {
            return None;
        }
        let counted = did.iter().map(|(action, count)| format!("{action}: {count} times"));
        let unused: Vec<&str> = held.minus(used).names().collect();
        let mut evidence: Vec<String> = counted.take(EVIDENCE_MAX / 2).collect();
        evidence.push(format!("not used: {}", unused.join(", ")));
        evidence.extend(idle_grants);
        evidence.truncate(EVIDENCE_MAX);
        let text = match least {
            Some(least) => format!(
                "It has the role {}; in {} days it did nothing that {} may not",
                role.as_str(),
                self.days(),
                least.as_str()
            ),
            None => format!("Grants of it were not used in {} days", self.days()),
        };
        let weight = if raises_much(role) { "medium" } else { "low" };
        Some(Finding { code: "over-privileged".to_owned(), weight: weight.to_owned(), text, evidence })
    }
}

fn raises_much(role: Role) -> bool {
    role.actions().has(Act::UserWrite)
}

/// Only what changes something: reading is in no log.
fn changing(actions: Actions) -> Actions {
    actions.iter().filter(|act| matches!(act.kind(), Kind::Handle | Kind::Configure)).collect()
}

/// The smallest built-in role that would have done, if it is smaller than the one there is.
fn least_role(used: Actions, role: Role) -> Option<Role> {
    let fits = |candidate: &Role| {
        let may = candidate.actions();
        used.minus(may).is_empty()
            && may.minus(role.actions()).is_empty()
            && changing(may).len() < changing(role.actions()).len()
            && *candidate != Role::None
    };
    Role::ALL.into_iter().filter(fits).min_by_key(|candidate| candidate.actions().len())
}

/// The right that an entry of the audit log took. Nothing for acts on one's own account, which need none.
fn act_of(action: &str) -> Option<Act> {
    const OWN: [&str; 8] = [
        "user.change_password",
        "user.begin_authenticator",
        "user.change_authenticator",
        "user.new_recovery_codes",
        "user.reset_failures",
        "user.join",
        "user.choose_factors",
        "token.use",
    ];
    if OWN.contains(&action) {
        return None;
    }
    let special = match action {
        "problem.unacknowledge" => Some(Act::ProblemAcknowledge),
        "downtime.cancel" => Some(Act::ProblemDowntime),
        "agent.release" | "agent.revoke" => Some(Act::AgentRevoke),
        "agent.restrict" | "agent.manage" => Some(Act::AgentWrite),
        "agent.create_token" | "agent.withdraw_token" | "token.withdraw" => Some(Act::AgentEnrol),
        "approval.agree" | "approval.decline" => Some(Act::ApprovalDecide),
        "view.create" | "view.change" | "view.delete" => Some(Act::ViewKeep),
        _ => None,
    };
    let noun = action.split('.').next().unwrap_or(action);
    let noun = match noun {
        "grant" | "group" | "role" => "access",
        other => other,
    };
    special.or_else(|| Act::parse(action)).or_else(|| Act::parse(&format!("{noun}.write")))
}

/// Not used since the window began, or never.
fn idle(
    now: Timestamp,
    window: Duration,
    created: Timestamp,
    used: Option<Timestamp>,
    what: &str,
) -> Option<Finding> {
    let days = window.as_secs() / 86_400;
    let since = |at: Timestamp| now.since(at).as_secs() / 86_400;
    match used {
        Some(at) if now.since(at) >= window => Some(Finding {
            code: "unused".to_owned(),
            weight: "high".to_owned(),
            text: format!("{what} for {} days", since(at)),
            evidence: vec![format!("last {}", time::write(at))],
        }),
        Some(_) => None,
        // A new one is given a week before it is called unused.
        None if now.since(created) >= DAY * 7 => Some(Finding {
            code: "never-used".to_owned(),
            weight: if now.since(created) >= window { "high" } else { "medium" }.to_owned(),
            text: format!("{what} yet, in {} of {days} days", since(created).min(days)),
            evidence: vec![format!("made {}", time::write(created))],
        }),
        None => None,
    }
}

/// One account, several people? Sessions that were in use at the same moment are compared: from three or more networks
/// (/24, /48) with two or more programs, or from two or more networks with three or more programs. A person with a laptop
/// at work and a telephone on the way makes two and two, and is not meant.
fn shared(sessions: &[SessionRow]) -> Option<Finding> {
    let sessions = &sessions[sessions.len().saturating_sub(SESSIONS_MAX)..];
    let network = |session: &SessionRow| session.address.parse::<IpAddr>().ok().map(|ip| site_of(ip, true));
    for at in sessions.iter().map(|session| session.created) {
        let live: Vec<&SessionRow> =
            sessions.iter().filter(|session| session.created <= at && at <= session.last_used).collect();
        let networks: BTreeSet<[u8; 16]> = live.iter().filter_map(|session| network(session)).collect();
        let programs: BTreeSet<&str> = live.iter().map(|session| session.user_agent.as_str()).collect();
        let (networks, programs) = (networks.len(), programs.len());
        if (networks >= 3 && programs >= 2) || (networks >= 2 && programs >= 3) {
            let said = |session: &&SessionRow| {
                format!(
                    "{} {} from {} to {}",
                    session.address,
                    session.user_agent,
                    time::write(session.created),
                    time::write(session.last_used)
                )
            };
            return Some(Finding {
                code: "shared".to_owned(),
                weight: "high".to_owned(),
                text: format!("It was used from {networks} networks with {programs} programs at one moment"),
                evidence: live.iter().map(said).take(EVIDENCE_MAX).collect(),
            });
        }
    }
    None
}

async fn findings(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Query(query): Query<FindingsQuery>,
) -> Answer<Page<ReviewLine>> {
    let _permit = authorize::<ReviewRead, ()>(&actor, ())?;
    let items = Look::at(&app, query.days.unwrap_or(90)).await?.lines();
    Ok(Json(Page { items, total: None, next: None }))
}

fn shown_line(row: &ReviewLineRow) -> ReviewLine {
    ReviewLine {
        number: row.number,
        kind: row.kind.clone(),
        subject: row.subject.clone(),
        name: row.name.clone(),
        facts: serde_json::from_str(&row.facts_json).unwrap_or_default(),
        findings: serde_json::from_str(&row.findings_json).unwrap_or_default(),
        decision: row.decision.clone(),
        role: row.role.clone(),
        note: row.note.clone(),
        decided_by: row.decided_by.clone(),
        decided_at: row.decided.map(time::write),
    }
}

fn shown(row: &ReviewRow, lines: &[ReviewLineRow], now: Timestamp) -> Review {
    let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    Review {
        id: row.id.to_string(),
        state: if row.signed.is_some() { "signed" } else { "open" }.to_owned(),
        created_at: time::write(row.created),
        created_by: row.created_by.clone(),
        window_days: row.window_days,
        due_at: time::write(row.due),
        overdue: row.signed.is_none() && now >= row.due,
        lines: count(lines.len()),
        decided: count(lines.iter().filter(|line| !line.decision.is_empty()).count()),
        findings: count(lines.iter().filter(|line| line.findings_json != "[]").count()),
        signed_at: row.signed.map(time::write),
        signed_by: row.signed_by.clone(),
        note: row.note.clone(),
        next_due_at: row.next_due.map(time::write),
    }
}

fn whole(row: &ReviewRow, lines: &[ReviewLineRow], now: Timestamp) -> Json<ReviewWhole> {
    Json(ReviewWhole { review: shown(row, lines, now), lines: lines.iter().map(shown_line).collect() })
}

async fn list(State(app): State<App>, Extension(Caller(actor)): Extension<Caller>) -> Answer<Page<Review>> {
    let _permit = authorize::<ReviewRead, ()>(&actor, ())?;
    let store = app.engine.store();
    let now = app.engine.now();
    let mut items = Vec::new();
    for row in store.reviews().await?.into_iter().take(LISTED) {
        if let Some((row, lines)) = store.review(row.id).await? {
            items.push(shown(&row, &lines, now));
        }
    }
    Ok(Json(Page { items, total: None, next: None }))
}

async fn found(app: &App, id: wk_domain::ReviewId) -> Result<(ReviewRow, Vec<ReviewLineRow>), ApiError> {
    let found = app.engine.store().review(id).await?;
    found.ok_or_else(|| ApiError::NotFound("the review is not there (any more)".to_owned()))
}

async fn one(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ReviewKind>,
) -> Answer<ReviewWhole> {
    let _permit = authorize::<ReviewRead, ()>(&actor, ())?;
    let (row, lines) = found(&app, id).await?;
    Ok(whole(&row, &lines, app.engine.now()))
}

async fn begin(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Body(input): Body<ReviewInput>,
) -> Answer<ReviewWhole> {
    let _permit = authorize::<ReviewWrite, ()>(&actor, ())?;
    if !(1..=90).contains(&input.due_days) {
        return Err(ApiError::field("/due_days", "it is to be signed in 1 to 90 days"));
    }
    let look = Look::at(&app, input.window_days).await?;
    let now = look.now;
    let row = ReviewRow {
        id: wk_engine::ids::new_id(now),
        created: now,
        created_by: actor.label(),
        window_days: i64::from(input.window_days),
        due: now + DAY * input.due_days,
        signed: None,
        signed_by: String::new(),
        note: String::new(),
        next_due: None,
    };
    let lines: Vec<ReviewLineRow> = look
        .lines()
        .into_iter()
        .map(|line| ReviewLineRow {
            review: row.id,
            number: line.number,
            facts_json: serde_json::to_string(&line.facts).unwrap_or_default(),
            findings_json: serde_json::to_string(&line.findings).unwrap_or_default(),
            kind: line.kind,
            subject: line.subject,
            name: line.name,
            decision: String::new(),
            role: String::new(),
            note: String::new(),
            decided: None,
            decided_by: String::new(),
        })
        .collect();
    let audit = record::draft(&actor, now, "review.begin", "review", row.id).images_of(None, Some(&row));
    app.engine.store().put_review(row.clone(), lines.clone(), audit).await?;
    Ok(whole(&row, &lines, now))
}

async fn decide(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ReviewKind>,
    Body(input): Body<LineInput>,
) -> Answer<ReviewWhole> {
    let _permit = authorize::<ReviewWrite, ()>(&actor, ())?;
    let (row, lines) = found(&app, id).await?;
    let before = lines.iter().find(|line| line.number == input.number);
    let before = before.ok_or_else(|| ApiError::field("/number", "there is no such line"))?;
    let note = wk_domain::text::clean_line(&input.note, 500);
    let own = is_own(&app, &actor, before).await?;
    match input.decision.as_str() {
        "keep" if own && somebody_else(&app, &actor).await? => {
            return Err(ApiError::Conflict("this is your own: somebody else decides".to_owned()));
        }
        "keep" => {}
        _ if own && before.kind != "token" => {
            return Err(ApiError::Conflict("this is your own account: somebody else decides".to_owned()));
        }
        "disable" => {}
        "reduce" if before.kind == "token" => {
            return Err(ApiError::field(
                "/decision",
                "a token is kept or disabled: its owner makes a smaller one",
            ));
        }
        "reduce" => lower(before, &input.role)?,
        _ => return Err(ApiError::field("/decision", "use keep, reduce or disable")),
    }
    if note.is_empty() && (input.decision != "keep" || before.findings_json != "[]") {
        return Err(ApiError::field("/note", "say why"));
    }
    let now = app.engine.now();
    let after = ReviewLineRow {
        role: if input.decision == "reduce" { input.role } else { String::new() },
        decision: input.decision,
        note,
        decided: Some(now),
        decided_by: actor.label(),
        ..before.clone()
    };
    let audit =
        record::draft(&actor, now, "review.decide", "review", id).images_of(Some(before), Some(&after));
    app.engine.store().decide_line(after, audit).await?;
    let (_, lines) = found(&app, id).await?;
    Ok(whole(&row, &lines, now))
}

/// Whether a line is the actor's account, or a token of his.
async fn is_own(app: &App, actor: &Actor, line: &ReviewLineRow) -> Result<bool, ApiError> {
    let Some(account) = actor.account() else { return Ok(false) };
    if line.kind != "token" {
        return Ok(account.to_string() == line.subject);
    }
    let id = line.subject.parse().map_err(|_| ApiError::Internal)?;
    Ok(app.engine.store().api_token(id).await?.is_some_and(|row| row.owner == account))
}

/// Whether a person other than the actor could decide: an account that is open, of somebody who has signed in.
async fn somebody_else(app: &App, actor: &Actor) -> Result<bool, ApiError> {
    let store = app.engine.store();
    let services = store.service_accounts().await?;
    let facts = store.user_facts().await?;
    for user in store.users().await? {
        let known = facts.iter().any(|facts| facts.user == user.id && facts.last_sign_in.is_some());
        let person = user.disabled.is_none() && !services.iter().any(|row| row.person == user.id);
        if actor.account() != Some(user.id)
            && known
            && person
            && app.engine.rights_of(&user).await?.may(Act::ReviewWrite, &Place::ROOT)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A reduced role may nothing that the one before may not.
fn lower(line: &ReviewLineRow, to: &str) -> Result<(), ApiError> {
    let facts: Facts = serde_json::from_str(&line.facts_json).unwrap_or_default();
    let (Some(from), Some(role)) = (Role::parse(&facts.role), Role::parse(to)) else {
        return Err(ApiError::field("/role", "name the role to reduce to"));
    };
    if role == from || !role.actions().minus(from.actions()).is_empty() {
        return Err(ApiError::field(
            "/role",
            format!("{} is not less than {}", role.as_str(), from.as_str()),
        ));
    }
    Ok(())
}

async fn sign(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    PathId(id): PathId<ReviewKind>,
    Body(input): Body<SignInput>,
) -> Answer<ReviewWhole> {
    let _permit = authorize::<ReviewWrite, ()>(&actor, ())?;
    let note = wk_domain::text::clean_line(&input.note, 500);
    if note.is_empty() {
        return Err(ApiError::field("/note", "say what you conclude"));
    }
    if !(1..=400).contains(&input.next_days) {
        return Err(ApiError::field("/next_days", "the next one is due in 1 to 400 days"));
    }
    let (before, lines) = found(&app, id).await?;
    if before.signed.is_some() {
        return Err(ApiError::Conflict("the review is signed already".to_owned()));
    }
    let open = lines.iter().filter(|line| line.decision.is_empty()).count();
    if open > 0 {
        return Err(ApiError::Conflict(format!("{open} lines are not decided yet")));
    }
    for line in lines.iter().filter(|line| line.decision != "keep") {
        carry_out(&app, &actor, line).await.map_err(|error| match error {
            denied @ (ApiError::Denied(_)
            | ApiError::Hidden { .. }
            | ApiError::Unavailable(_)
            | ApiError::Internal) => denied,
            other => ApiError::Conflict(format!("line {}, {}: {other}", line.number, line.name)),
        })?;
    }
    let now = app.engine.now();
    let row = ReviewRow {
        signed: Some(now),
        signed_by: actor.label(),
        note: note.clone(),
        next_due: Some(now + DAY * input.next_days),
        ..before.clone()
    };
    let audit = record::draft(&actor, now, "review.sign", "review", id)
        .images_of(Some(&before), Some(&row))
        .reason(note);
    app.engine.store().sign_review(row.clone(), audit).await?;
    Ok(whole(&row, &lines, now))
}

/// Does what was decided, where it is not so already: signing again after a failure goes on where it ended.
async fn carry_out(app: &App, actor: &Actor, line: &ReviewLineRow) -> Result<(), ApiError> {
    let (state, caller) = (State(app.clone()), Extension(Caller(actor.clone())));
    let reason = format!("review {}: {}", line.review, line.note);
    if line.kind == "token" {
        let id = line.subject.parse().map_err(|_| ApiError::Internal)?;
        if app.engine.store().api_token(id).await?.is_none_or(|row| row.revoked.is_some()) {
            return Ok(());
        }
        let _permit = authorize::<TokenRevoke, ()>(actor, ())?;
        tokens::revoke(state, caller, PathId(id)).await?;
        return Ok(());
    }
    let id: UserId = line.subject.parse().map_err(|_| ApiError::Internal)?;
    let Some(user) = app.engine.store().user(id).await? else { return Ok(()) };
    let _permit = authorize::<UserWrite, ()>(actor, ())?;
    if line.decision == "disable" {
        if user.disabled.is_none() {
            users::disable(state, caller, PathId(id), Body(ReasonInput { reason })).await?;
        }
    } else if is_more(&user.role, &line.role) {
        let input = RoleInput { role: line.role.clone(), reason };
        let answer = users::set_role(state, caller, PathId(id), Body(input)).await?;
        if answer.status() == StatusCode::ACCEPTED {
            return Err(ApiError::Conflict(
                "another person has to agree first, who was asked now; sign again afterwards".to_owned(),
            ));
        }
    }
    Ok(())
}

/// Whether a role may something that the other may not: what was lowered further meanwhile is not raised again.
fn is_more(role: &str, other: &str) -> bool {
    let actions = |raw: &str| Role::parse(raw).map_or(Actions::NONE, Role::actions);
    !actions(role).minus(actions(other)).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(address: &str, program: &str, from: i64, to: i64) -> SessionRow {
        SessionRow {
            id: wk_domain::SessionId::new(1, [0; 10]),
            token_sha256: Vec::new(),
            user: UserId::new(1, [0; 10]),
            created: Timestamp::from_ms(from),
            last_used: Timestamp::from_ms(to),
            address: address.to_owned(),
            user_agent: program.to_owned(),
            method: "password+totp".to_owned(),
            ended: None,
            elevated: None,
        }
    }

    #[test]
    fn a_person_with_a_laptop_and_a_telephone_is_one_person() {
        assert_eq!(
            shared(&[session("192.0.2.1", "laptop", 0, 100), session("198.51.100.1", "phone", 10, 90)]),
            None
        );
        // One after the other, from wherever.
        let trip: Vec<_> =
            (0..9).map(|n| session(&format!("192.0.{n}.1"), "laptop", n * 100, n * 100 + 50)).collect();
        assert_eq!(shared(&trip), None);
        // Many browsers in one office.
        let office: Vec<_> = (0..9).map(|n| session("192.0.2.7", &format!("browser {n}"), 0, 100)).collect();
        assert_eq!(shared(&office), None);
    }

    #[test]
    fn three_networks_and_two_programs_at_once_are_worth_a_look() {
        let found = shared(&[
            session("192.0.2.1", "firefox", 0, 100),
            session("198.51.100.1", "chrome", 10, 90),
            session("2001:db8::1", "chrome", 20, 80),
        ]);
        let found = found.unwrap();
        assert_eq!((found.code.as_str(), found.evidence.len()), ("shared", 3));
        assert!(found.text.contains("3 networks"), "{}", found.text);
    }

    #[test]
    fn what_was_done_says_which_role_would_have_done() {
        let used: Actions =
            ["problem.acknowledge", "problem.comment"].iter().filter_map(|a| act_of(a)).collect();
        let least = least_role(used, Role::Admin).unwrap();
        assert!(used.minus(least.actions()).is_empty() && !least.actions().has(Act::UserWrite), "{least:?}");
        let used: Actions = ["user.invite", "host.create"].iter().filter_map(|a| act_of(a)).collect();
        assert_eq!(least_role(used, Role::Admin), None);
        assert_eq!(least_role(Actions::NONE, Role::Viewer), None, "there is nothing less that sees");
        assert_eq!(act_of("user.change_password"), None, "one's own account needs no right");
        assert_eq!(act_of("grant.create"), Some(Act::AccessWrite));
    }

    #[test]
    fn unused_is_counted_from_the_last_use() {
        let (now, window) = (Timestamp::from_ms(400 * 86_400_000), DAY * 90);
        let ago = |days: u64| now - DAY * u32::try_from(days).unwrap();
        let code = |created, used| idle(now, window, created, used, "It").map(|finding| finding.code);
        assert_eq!(code(ago(300), Some(ago(89))), None);
        assert_eq!(code(ago(300), Some(ago(90))).as_deref(), Some("unused"));
        assert_eq!(code(ago(6), None), None, "a new one is given a week");
        assert_eq!(code(ago(8), None).as_deref(), Some("never-used"));
    }
}
