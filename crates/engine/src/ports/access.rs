//! The store's part for rights: groups of people, custom roles, grants.
//!
//! Every change counts the rights' revision up in the transaction that makes it, so that whoever compiled rights from an
//! older one knows, on this server and on any other of the same database. No change leaves the server without somebody
//! who may do everything everywhere.

use std::fmt::Debug;

use async_trait::async_trait;
use wk_audit::{Draft, Image};
use wk_domain::{GrantId, GroupId, HostId, RoleId, TenantId, Timestamp, UserId};

use super::store::Result;
use crate::image::Imaged;

/// The origin of a membership that somebody here decided on. Any other is a provider's id.
pub const LOCAL: &str = "local";

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRow {
    pub id: GroupId,
    pub tenant: TenantId,
    /// Unique in its tenant.
    pub name: String,
    /// What it is for.
    pub about: String,
    pub created: Timestamp,
    pub revision: i64,
}

impl Imaged for GroupRow {
    fn image(&self) -> Image {
        Image::new()
            .field("tenant", self.tenant.to_string())
            .field("name", self.name.as_str())
            .field("about", self.about.as_str())
    }
}

/// Somebody is in a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipRow {
    pub group: GroupId,
    pub person: UserId,
    /// [`LOCAL`], or the id of the provider that says so. Somebody may be in a group by several.
    pub origin: String,
    pub since: Timestamp,
}

impl Imaged for MembershipRow {
    fn image(&self) -> Image {
        Image::new()
            .field("group", self.group.to_string())
            .field("person", self.person.to_string())
            .field("origin", self.origin.as_str())
    }
}

/// A role that somebody put together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRow {
    pub id: RoleId,
    /// Unique, and no built-in role's.
    pub name: String,
    pub about: String,
    /// Names of actions, in the order of the table.
    pub actions: Vec<String>,
    pub created: Timestamp,
    pub revision: i64,
}

impl Imaged for RoleRow {
    fn image(&self) -> Image {
        Image::new()
            .field("name", self.name.as_str())
            .field("about", self.about.as_str())
            .field("actions", self.actions.join(" "))
    }
}

/// A role given to somebody somewhere, or denied. Grants are made and taken, never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantRow {
    pub id: GrantId,
    /// Whom: a person, or else a group.
    pub person: Option<UserId>,
    pub group: Option<GroupId>,
    /// `allow` or `deny`.
    pub effect: String,
    /// A built-in role's name; of a custom one, the name it has now.
    pub role: String,
    pub custom: Option<RoleId>,
    pub tenant: TenantId,
    /// Which hosts, by labels; empty for all.
    pub selector: String,
    pub host: Option<HostId>,
    pub owned: bool,
    /// Sections of the console; empty for all.
    pub sections: Vec<String>,
    pub reason: String,
    pub created: Timestamp,
    pub created_by: String,
    /// From then on it holds nothing.
    pub expires: Option<Timestamp>,
}

impl Imaged for GrantRow {
    fn image(&self) -> Image {
        Image::new()
            .field("person", self.person.map(|id| id.to_string()))
            .field("group", self.group.map(|id| id.to_string()))
            .field("effect", self.effect.as_str())
            .field("role", self.role.as_str())
            .field("custom", self.custom.map(|id| id.to_string()))
            .field("tenant", self.tenant.to_string())
            .field("selector", self.selector.as_str())
            .field("host", self.host.map(|id| id.to_string()))
            .field("owned", self.owned)
            .field("sections", self.sections.join(" "))
            .field("expires_ms", self.expires.map(Timestamp::as_ms))
    }
}

/// A grant as somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldRow {
    pub grant: GrantRow,
    /// The group it comes through.
    pub through: Option<(GroupId, String)>,
    /// The actions of a custom role.
    pub actions: Option<Vec<String>>,
}

/// Groups, custom roles and grants.
#[async_trait]
pub trait AccessStore: Send + Sync + Debug {
    /// How often anything changed that rights are made of. Never goes down.
    async fn rights_revision(&self) -> Result<u64>;
    /// What a person holds, himself and through groups, whether over or not.
    async fn holdings(&self, person: UserId) -> Result<Vec<HeldRow>>;

    /// By name.
    async fn groups(&self) -> Result<Vec<GroupRow>>;
    async fn group(&self, id: GroupId) -> Result<Option<GroupRow>>;
    /// Inserts (revision 0) or replaces (by id, at the revision that was read). Conflict when another group of the tenant
    /// has the name, or the revision moved on.
    async fn put_group(&self, group: GroupRow, audit: Draft) -> Result<GroupRow>;
    /// With its memberships and grants. Conflict when nobody would be left who may do everything.
    async fn delete_group(&self, id: GroupId, audit: Vec<Draft>) -> Result<()>;
    /// All of them.
    async fn memberships(&self) -> Result<Vec<MembershipRow>>;
    async fn put_membership(&self, membership: MembershipRow, audit: Draft) -> Result<()>;
    async fn remove_membership(
        &self,
        group: GroupId,
        person: UserId,
        origin: &str,
        audit: Draft,
    ) -> Result<()>;
    /// Makes the person a member, by this origin, of these groups and no others; groups that are not there are passed
    /// over. Returns whether anything changed, and writes the record only then.
    async fn set_memberships(
        &self,
        person: UserId,
        origin: &str,
        groups: Vec<GroupId>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<bool>;

    /// By name.
    async fn roles(&self) -> Result<Vec<RoleRow>>;
    /// As [`Self::put_group`].
    async fn put_role(&self, role: RoleRow, audit: Draft) -> Result<RoleRow>;
    /// Conflict while a grant gives it.
    async fn delete_role(&self, id: RoleId, audit: Draft) -> Result<()>;

    /// All of them, newest first.
    async fn grants(&self) -> Result<Vec<GrantRow>>;
    async fn grant(&self, id: GrantId) -> Result<Option<GrantRow>>;
    /// Not found when whom, or the role, is gone; conflict when nobody would be left who may do everything.
    async fn put_grant(&self, grant: GrantRow, audit: Draft) -> Result<()>;
    async fn delete_grant(&self, id: GrantId, audit: Draft) -> Result<()>;
}
