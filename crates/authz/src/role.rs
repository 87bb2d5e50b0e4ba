//! The built-in roles: named sets of actions. Custom ones are sets of actions that live in the store.

use crate::action::{Act, Actions, TABLE};

/// A built-in role. Roles are sets, not ranks: an approver may what an author may not, and the other way round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Nothing but one's own account: whatever else comes by grants.
    None,
    /// Sees what is monitored.
    Viewer,
    /// Sees, handles problems, and plans who is not to be told.
    Operator,
    /// Writes the configuration of hosts and checks, and cannot approve it.
    Author,
    /// Sees, and approves what others ask for; writes nothing himself.
    Approver,
    /// Sees, and handles problems that are there.
    Responder,
    /// Reads everything, evidence and accounts too, and changes nothing.
    Auditor,
    /// Everything there is a route for.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::None,
        Self::Viewer,
        Self::Operator,
        Self::Author,
        Self::Approver,
        Self::Responder,
        Self::Auditor,
        Self::Admin,
    ];

    /// `viewer`, `operator`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Author => "author",
            Self::Approver => "approver",
            Self::Responder => "responder",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == raw)
    }

    /// What it is for, in a sentence.
    pub const fn about(self) -> &'static str {
        match self {
            Self::None => "Nothing but one's own account; the rest comes by grants",
            Self::Viewer => "Sees what is monitored",
            Self::Operator => "Sees, handles problems, plans downtimes, shares views",
            Self::Author => "Writes the configuration of hosts and checks, and cannot approve it",
            Self::Approver => "Sees, and approves what others ask for; writes nothing",
            Self::Responder => "Sees, and handles problems that are there; plans no downtime",
            Self::Auditor => "Reads everything, evidence and accounts too, and changes nothing",
            Self::Admin => "Everything",
        }
    }

    /// What it may: the table's columns.
    pub const fn actions(self) -> Actions {
        SETS[self as usize]
    }
}

const SETS: [Actions; 8] = {
    let mut sets = [Actions::NONE; 8];
    let mut i = 0;
    while i < TABLE.len() {
        let mut j = 0;
        while j < TABLE[i].roles.len() {
            let role = TABLE[i].roles[j] as usize;
            sets[role] = sets[role].with(TABLE[i].act);
            j += 1;
        }
        i += 1;
    }
    sets[Role::Admin as usize] = Actions::ALL;
    sets
};

/// Whether somebody with `role` over the whole server, and no grants, may do the action named `name`.
pub fn may(role: Role, name: &str) -> bool {
    Act::parse(name).is_some_and(|act| {
        matches!(act.kind(), crate::Kind::Public | crate::Kind::Own) || role.actions().has(act)
    })
}

/// The policy as text, a line for each action: `host.write author admin`, `user.write admin fresh`. Its digest names the
/// version that decided.
pub fn policy_text() -> String {
    TABLE.iter().fold(String::new(), |mut text, entry| {
        text.push_str(entry.name);
        match entry.kind {
            crate::Kind::Public => text.push_str(" anybody"),
            crate::Kind::Own => text.push_str(" everybody"),
            _ => {
                for role in Role::ALL.into_iter().filter(|role| role.actions().has(entry.act)) {
                    text.push(' ');
                    text.push_str(role.as_str());
                }
            }
        }
        text.push_str(if entry.act.needs_fresh_factor() { " fresh\n" } else { "\n" });
        text
    })
}
