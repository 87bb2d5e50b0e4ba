//! Who may do what: a pure decision, and the only maker of a [`Permit`].
//!
//! A use case takes `Permit<A, R>` by value, so that forgetting the question does not compile and nobody can ask about
//! one thing and change another: the resource travels inside. Deny by default: an action that [`TABLE`] does not list
//! for a role is refused. Scopes and custom policies come later and only narrow this.

use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use wk_domain::{SessionId, UserId};

/// What a person is trusted with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Sees.
    Viewer,
    /// Sees, and handles problems.
    Operator,
    /// Everything there is a route for.
    Admin,
}

impl Role {
    /// All of them, least trusted first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// `viewer`, `operator` or `admin`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// The role that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == raw)
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// A signed-in person.
    User { id: UserId, name: String, session: SessionId, method: String },
    /// Somebody with the server's own rights on the server's machine, over the local socket.
    Local { uid: u32 },
    /// The program itself.
    System,
}

/// Who acts, with what role, from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub who: Who,
    pub role: Role,
    pub address: Option<IpAddr>,
    /// The request this act belongs to.
    pub request: String,
    /// What the caller's program calls itself; empty when it does not say. Nobody has checked it.
    pub user_agent: String,
}

impl Actor {
    /// The program itself, for acts nobody asked for.
    pub fn system() -> Self {
        Self {
            who: Who::System,
            role: Role::Admin,
            address: None,
            request: String::new(),
            user_agent: String::new(),
        }
    }

    /// As lists show it: a name, `local:0`, `system`.
    pub fn label(&self) -> String {
        match &self.who {
            Who::User { name, .. } => name.clone(),
            Who::Local { uid } => format!("local:{uid}"),
            Who::System => "system".to_owned(),
        }
    }
}

/// Something one may or may not do.
pub trait Action: Send + Sync + 'static {
    /// `problem.acknowledge`: what the table, the audit log and the API call it.
    const NAME: &'static str;
    /// The least trusted role that may. `None`: nobody needs to be signed in.
    const LEAST: Option<Role>;
}

/// Proof that an actor may do `A` to `resource`. Only [`authorize`] makes one.
#[must_use = "a permit is there to be used"]
pub struct Permit<A, R = ()> {
    actor: Actor,
    resource: R,
    action: PhantomData<fn() -> A>,
}

impl<A: Action, R> Permit<A, R> {
    /// Who may.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// To what.
    pub fn resource(&self) -> &R {
        &self.resource
    }

    /// Both, to be used up.
    pub fn into_parts(self) -> (Actor, R) {
        (self.actor, self.resource)
    }

    /// The action's name, for the audit record.
    pub fn action(&self) -> &'static str {
        A::NAME
    }
}

impl<A: Action, R: fmt::Debug> fmt::Debug for Permit<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit")
            .field("action", &A::NAME)
            .field("actor", &self.actor.label())
            .field("resource", &self.resource)
            .finish()
    }
}

/// No.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{action} needs the role {needs}; {actor} has {has}")]
pub struct Denied {
    pub action: &'static str,
    pub actor: String,
    pub needs: &'static str,
    pub has: &'static str,
}

/// The policy as text, a line for each action: `host.write admin`, `user.write admin fresh`. Its digest names the version that decided.
pub fn policy_text() -> String {
    TABLE.iter().fold(String::new(), |mut text, (action, least)| {
        text.push_str(action);
        text.push(' ');
        text.push_str(least.map_or("anybody", Role::as_str));
        text.push_str(if needs_fresh_factor(action) { " fresh\n" } else { "\n" });
        text
    })
}

/// Whether `role` may do the action named `name`, by [`TABLE`].
pub fn may(role: Role, name: &str) -> bool {
    TABLE.iter().any(|(action, least)| *action == name && least.is_none_or(|least| role >= least))
}

/// Acts that a stolen session must not be enough for: they ask for a second factor given in the last ten minutes.
pub const FRESH_FACTOR: &[&str] = &["self.secure", "user.write", "agent.revoke", "agent.write"];

/// Whether the action named `name` asks for a fresh second factor, by [`FRESH_FACTOR`].
pub fn needs_fresh_factor(name: &str) -> bool {
    FRESH_FACTOR.contains(&name)
}

/// Asks whether `actor` may do `A` to `resource`.
///
/// # Errors
/// [`Denied`], with what would be needed.
pub fn authorize<A: Action, R>(actor: &Actor, resource: R) -> Result<Permit<A, R>, Denied> {
    if may(actor.role, A::NAME) {
        Ok(Permit { actor: actor.clone(), resource, action: PhantomData })
    } else {
        Err(Denied {
            action: A::NAME,
            actor: actor.label(),
            needs: A::LEAST.map_or("nobody", Role::as_str),
            has: actor.role.as_str(),
        })
    }
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $text:literal $least:expr;)*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}
            impl Action for $name {
                const NAME: &'static str = $text;
                const LEAST: Option<Role> = $least;
            }
        )*
        /// Every action with the least trusted role that may do it.
        pub const TABLE: &[(&str, Option<Role>)] = &[$(($text, $least)),*];
    };
}

actions! {
    /// What anybody may ask before signing in.
    Public "public" None;
    /// My own account and sessions.
    SelfManage "self.manage" Some(Role::Viewer);
    OverviewRead "overview.read" Some(Role::Viewer);
    HostRead "host.read" Some(Role::Viewer);
    HostWrite "host.write" Some(Role::Admin);
    CheckRead "check.read" Some(Role::Viewer);
    CheckWrite "check.write" Some(Role::Admin);
    ProblemAcknowledge "problem.acknowledge" Some(Role::Operator);
    ProblemDowntime "problem.downtime" Some(Role::Operator);
    ProblemRecheck "problem.recheck" Some(Role::Operator);
    ProblemComment "problem.comment" Some(Role::Operator);
    AgentRead "agent.read" Some(Role::Viewer);
    AgentEnrol "agent.enrol" Some(Role::Admin);
    AgentRevoke "agent.revoke" Some(Role::Admin);
    AgentWrite "agent.write" Some(Role::Admin);
    AuditRead "audit.read" Some(Role::Admin);
    SystemRead "system.read" Some(Role::Operator);
    ChannelRead "channel.read" Some(Role::Operator);
    ChannelWrite "channel.write" Some(Role::Admin);
    UserRead "user.read" Some(Role::Admin);
    UserWrite "user.write" Some(Role::Admin);
    /// My own password and second factors.
    SelfSecure "self.secure" Some(Role::Viewer);
    /// Saved views: my own, and those that are shared.
    ViewRead "view.read" Some(Role::Viewer);
    /// Keep a view for myself.
    ViewKeep "view.keep" Some(Role::Viewer);
    /// Show a view of mine to everybody.
    ViewShare "view.share" Some(Role::Operator);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn as_role(role: Role) -> Actor {
        let (request, user_agent) = (String::new(), String::new());
        Actor { who: Who::Local { uid: 7 }, role, address: None, request, user_agent }
    }

    #[test]
    fn a_viewer_sees_and_changes_nothing() {
        let viewer = as_role(Role::Viewer);
        assert!(authorize::<CheckRead, _>(&viewer, ()).is_ok());
        let denied = authorize::<ProblemAcknowledge, _>(&viewer, ()).unwrap_err();
        assert_eq!(denied.to_string(), "problem.acknowledge needs the role operator; local:7 has viewer");
        for (name, _) in TABLE.iter().filter(|(name, _)| {
            [".write", ".acknowledge", ".downtime", ".recheck", ".comment", ".enrol", ".revoke"]
                .iter()
                .any(|verb| name.ends_with(verb))
        }) {
            assert!(!may(Role::Viewer, name), "{name}");
        }
    }

    #[test]
    fn an_unknown_action_is_refused_to_everybody() {
        assert!(Role::ALL.into_iter().all(|role| !may(role, "server.shell")));
    }

    #[test]
    fn what_asks_for_a_fresh_factor_is_in_the_table() {
        for name in FRESH_FACTOR {
            assert!(TABLE.iter().any(|(known, _)| known == name), "{name}");
        }
        assert!(!needs_fresh_factor("self.manage"), "signing out must always work");
    }

    #[test]
    fn the_policy_as_text_names_every_action_once_with_who_may() {
        let text = policy_text();
        assert_eq!(text.lines().count(), TABLE.len());
        assert!(text.lines().any(|line| line == "public anybody"));
        assert!(text.lines().any(|line| line == "host.write admin"));
        assert!(text.lines().any(|line| line == "user.write admin fresh"));
    }

    #[test]
    fn the_permit_carries_what_was_asked_about() {
        let permit = authorize::<HostWrite, _>(&as_role(Role::Admin), "web-1").unwrap();
        assert_eq!(*permit.resource(), "web-1");
        assert_eq!(permit.action(), "host.write");
    }

    /// The table of the guide is this table, redrawn.
    #[test]
    fn the_documented_table_is_the_one_that_decides() {
        let mut page = String::from(
            "# Permissions\n\nWho may do what. Anything that is not listed is refused. A test redraws this page.\n\n\
             A fresh factor is a code of the authenticator, or a recovery code, given in the last ten minutes: at sign-in \
             or when asked again.\n\n\
             | action | viewer | operator | admin | fresh factor |\n|---|---|---|---|---|\n",
        );
        for (name, _) in TABLE {
            page.push_str(&format!("| `{name}` |"));
            for role in Role::ALL {
                page.push_str(if may(role, name) { " yes |" } else { " |" });
            }
            page.push_str(if needs_fresh_factor(name) { " yes |\n" } else { " |\n" });
        }
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/reference/permissions.md");
        if std::env::var_os("WATCHKEEP_REDRAW").is_some() {
            std::fs::create_dir_all(std::path::Path::new(path).parent().unwrap()).unwrap();
            std::fs::write(path, &page).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert_eq!(committed, page, "run WATCHKEEP_REDRAW=1 cargo nextest run -p wk-authz");
    }
}
