//! Everything one may or may not do, numbered densely, with the roles that may: the policy table.
//!
//! An action is added by one line in [`actions!`] below: its type, its name, what kind of act it is, its section of the
//! console, the action whose right means that the thing may be seen at all, and the roles that have it beside `admin`.

use std::fmt;

use crate::role::Role;

/// What kind of act an action is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Anybody may, without having signed in.
    Public,
    /// My own account: everybody who has signed in may, and no grant can take it away.
    Own,
    /// Changes nothing.
    Read,
    /// The daily work with what is monitored: goes on while the system is read-only.
    Handle,
    /// Changes what is monitored, how, or who may do what: refused while the system is read-only.
    Configure,
}

/// A section of the console. A grant may be limited to some.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// One's own account; no section that a grant could name.
    Own,
    /// What is wrong now: overview, problems, saved views.
    Monitor,
    /// Hosts and their checks.
    Hosts,
    Agents,
    Notifications,
    /// The audit log.
    Evidence,
    System,
    /// People, groups, roles, grants, tokens, tenants.
    Access,
}

impl Section {
    /// Those that a grant can be limited to.
    pub const ALL: [Self; 7] = [
        Self::Monitor,
        Self::Hosts,
        Self::Agents,
        Self::Notifications,
        Self::Evidence,
        Self::System,
        Self::Access,
    ];

    /// `monitor`, `hosts`, ...
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Monitor => "monitor",
            Self::Hosts => "hosts",
            Self::Agents => "agents",
            Self::Notifications => "notifications",
            Self::Evidence => "evidence",
            Self::System => "system",
            Self::Access => "access",
        }
    }

    /// The section that [`Self::as_str`] names, of those a grant can be limited to.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|section| section.as_str() == raw)
    }

    /// Its actions.
    pub fn actions(self) -> Actions {
        TABLE.iter().filter(|entry| entry.section == self).map(|entry| entry.act).collect()
    }
}

/// A line of the policy table.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub act: Act,
    /// `problem.acknowledge`: what the audit log and the API call it.
    pub name: &'static str,
    pub kind: Kind,
    pub section: Section,
    /// Who may do this there, may know that the thing is there.
    pub seen: Act,
    /// The built-in roles that have it, beside `admin`.
    pub roles: &'static [Role],
}

/// Something one may or may not do, as a type: what a [`crate::Permit`] is for.
pub trait Action: Send + Sync + 'static {
    /// The same as a value.
    const ACT: Act;
    /// `problem.acknowledge`: what the table, the audit log and the API call it.
    const NAME: &'static str = Self::ACT.name();
}

/// A set of actions, as bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Actions(u128);

impl Actions {
    /// None.
    pub const NONE: Self = Self(0);
    /// All of them but what is public and what is one's own, which nobody grants.
    pub const ALL: Self = {
        let mut set = Self::NONE;
        let mut i = 0;
        while i < TABLE.len() {
            if !matches!(TABLE[i].kind, Kind::Public | Kind::Own) {
                set = set.with(TABLE[i].act);
            }
            i += 1;
        }
        set
    };

    /// One.
    pub const fn one(act: Act) -> Self {
        Self(1 << act as u32)
    }

    /// This and one more.
    #[must_use]
    pub const fn with(self, act: Act) -> Self {
        Self(self.0 | Self::one(act).0)
    }

    /// Whether `act` is in it.
    pub const fn has(self, act: Act) -> bool {
        self.0 & Self::one(act).0 != 0
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is in this and not in the other.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many are in it.
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Those in it, in the table's order.
    pub fn iter(self) -> impl Iterator<Item = Act> {
        Act::ALL.iter().copied().filter(move |act| self.has(*act))
    }

    /// Their names, in the table's order.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(Act::name)
    }
}

impl FromIterator<Act> for Actions {
    fn from_iter<I: IntoIterator<Item = Act>>(acts: I) -> Self {
        acts.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl Act {
    /// Its line of the table.
    pub const fn entry(self) -> &'static Entry {
        &TABLE[self as usize]
    }

    /// `problem.acknowledge`.
    pub const fn name(self) -> &'static str {
        self.entry().name
    }

    pub const fn kind(self) -> Kind {
        self.entry().kind
    }

    /// Whether nobody needs to be signed in.
    pub const fn is_public(self) -> bool {
        matches!(self.kind(), Kind::Public)
    }

    pub const fn section(self) -> Section {
        self.entry().section
    }

    /// The action that [`Self::name`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        TABLE.iter().find(|entry| entry.name == raw).map(|entry| entry.act)
    }

    /// Whether it asks for a second factor given in the last ten minutes, by [`FRESH_FACTOR`].
    pub fn needs_fresh_factor(self) -> bool {
        needs_fresh_factor(self.name())
    }
}

/// Acts that a stolen session must not be enough for: they ask for a second factor given in the last ten minutes.
pub const FRESH_FACTOR: &[&str] = &[
    "self.secure",
    "user.write",
    "agent.revoke",
    "agent.write",
    "access.write",
    "condition.write",
    "self.token",
    "service.write",
    "approval.decide",
    "approval.policy",
    "review.write",
    "tenant.write",
    "read_only.switch",
    "provider.write",
];

/// Whether the action named `name` asks for a fresh second factor, by [`FRESH_FACTOR`].
pub fn needs_fresh_factor(name: &str) -> bool {
    FRESH_FACTOR.contains(&name)
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident $text:literal $kind:ident $section:ident $seen:ident [$($role:ident)*];)*) => {
        /// Every action, as a value.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Act { $($(#[$doc])* $name),* }

        impl Act {
            /// All, in the table's order: `ALL[act as usize] == act`.
            pub const ALL: &[Self] = &[$(Self::$name),*];
        }

        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}
            impl Action for $name {
                const ACT: Act = Act::$name;
            }
        )*

        /// Every action with what is known of it and who may.
        pub const TABLE: &[Entry] = &[$(Entry {
            act: Act::$name,
            name: $text,
            kind: Kind::$kind,
            section: Section::$section,
            seen: Act::$seen,
            roles: &[$(Role::$role),*],
        }),*];
    };
}

// A bit for each in a u128.
const _: () = assert!(TABLE.len() <= 128, "more actions than bits");

actions! {
    /// What anybody may ask before signing in.
    Public "public" Public Own Public [];
    /// My own account and sessions.
    SelfManage "self.manage" Own Own SelfManage [];
    OverviewRead "overview.read" Read Monitor OverviewRead [Viewer Operator Author Approver Responder Auditor];
    HostRead "host.read" Read Hosts HostRead [Viewer Operator Author Approver Responder Auditor];
    HostWrite "host.write" Configure Hosts HostRead [Author];
    CheckRead "check.read" Read Hosts CheckRead [Viewer Operator Author Approver Responder Auditor];
    CheckWrite "check.write" Configure Hosts CheckRead [Author];
    ProblemAcknowledge "problem.acknowledge" Handle Monitor CheckRead [Operator Responder];
    /// Say beforehand that nobody is to be told: a responder handles what is there, and silences nothing.
    ProblemDowntime "problem.downtime" Handle Monitor HostRead [Operator];
    ProblemRecheck "problem.recheck" Handle Monitor CheckRead [Operator Responder];
    ProblemComment "problem.comment" Handle Monitor CheckRead [Operator Responder];
    AgentRead "agent.read" Read Agents AgentRead [Viewer Operator Author Approver Responder Auditor];
    AgentEnrol "agent.enrol" Configure Agents AgentRead [];
    /// Goes on while the system is read-only: it takes a stolen key away, and gives nothing.
    AgentRevoke "agent.revoke" Handle Agents AgentRead [];
    AgentWrite "agent.write" Configure Agents AgentRead [];
    AuditRead "audit.read" Read Evidence AuditRead [Auditor];
    SystemRead "system.read" Read System SystemRead [Operator Auditor];
    ChannelRead "channel.read" Read Notifications ChannelRead [Operator Author Approver Auditor];
    ChannelWrite "channel.write" Configure Notifications ChannelRead [];
    UserRead "user.read" Read Access UserRead [Auditor];
    UserWrite "user.write" Configure Access UserRead [];
    /// My own password and second factors.
    SelfSecure "self.secure" Own Own SelfSecure [];
    /// Saved views: my own, and those that are shared.
    ViewRead "view.read" Read Monitor ViewRead [Viewer Operator Author Approver Responder Auditor];
    /// Keep a view for myself.
    ViewKeep "view.keep" Handle Monitor ViewRead [Viewer Operator Author Approver Responder];
    /// Show a view of mine to everybody.
    ViewShare "view.share" Handle Monitor ViewRead [Operator Author];
    /// Groups, roles and grants, and what anybody may do and why.
    AccessRead "access.read" Read Access AccessRead [Auditor];
    /// Groups, roles and grants.
    AccessWrite "access.write" Configure Access AccessRead [];
    /// What the acts of administrators ask for, and who may knock at the door.
    ConditionWrite "condition.write" Configure Access AccessRead [];
    /// Tokens by which my programs use the API as me.
    SelfToken "self.token" Own Own SelfToken [];
    /// Everybody's tokens, and service accounts.
    TokenRead "token.read" Read Access TokenRead [Auditor];
    /// End somebody's token: goes on while the system is read-only.
    TokenRevoke "token.revoke" Handle Access TokenRead [];
    /// Service accounts and their tokens.
    ServiceWrite "service.write" Configure Access TokenRead [];
    /// The tree of tenants, as far as one sees it.
    TenantRead "tenant.read" Read Access TenantRead [Viewer Operator Author Approver Responder Auditor];
    /// Make, rename, move and remove tenants.
    TenantWrite "tenant.write" Configure Access TenantRead [];
    /// Close the server or a tenant to changes, and open it again: goes on while it is closed, of course.
    ReadOnlySwitch "read_only.switch" Handle System TenantRead [];
    /// What was asked for that a second person must agree to.
    ApprovalRead "approval.read" Read Access ApprovalRead [Approver Auditor];
    /// Agree to what another asks for, or decline it.
    ApprovalDecide "approval.decide" Handle Access ApprovalRead [Approver];
    /// When a second person is asked for.
    ApprovalPolicy "approval.policy" Configure Access ApprovalRead [];
    /// Reviews of who has access.
    ReviewRead "review.read" Read Access ReviewRead [Auditor];
    /// Begin, decide and sign reviews.
    ReviewWrite "review.write" Configure Access ReviewRead [];
    /// Ways to sign in, and who vouches for people.
    ProviderRead "provider.read" Read Access ProviderRead [Auditor];
    /// Ways to sign in: who vouches for people, and what for.
    ProviderWrite "provider.write" Configure Access ProviderRead [];
}
