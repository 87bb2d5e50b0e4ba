//! Tenants in the store, and whose eyes a statement has.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{Tenant, TenantId};

use super::rows::UserRow;
use super::store::Result;

/// Of which tenants a statement may show rows. Whatever reads on behalf of a person asks for one, so that a statement
/// without does not compile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TenantScope(Option<Arc<BTreeSet<TenantId>>>);

impl TenantScope {
    /// The program's own eyes, and those of whoever may see everything.
    pub const fn whole() -> Self {
        Self(None)
    }

    /// These and no others; none at all when there are none.
    pub fn of(tenants: impl IntoIterator<Item = TenantId>) -> Self {
        Self(Some(Arc::new(tenants.into_iter().collect())))
    }

    /// The tenants, by id; `None` for everything.
    pub fn tenants(&self) -> Option<&BTreeSet<TenantId>> {
        self.0.as_deref()
    }

    /// Whether rows of this tenant may be shown.
    pub fn covers(&self, tenant: TenantId) -> bool {
        self.0.as_ref().is_none_or(|tenants| tenants.contains(&tenant))
    }
}

/// What a tenant holds itself, without those below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TenantCounts {
    pub tenant: TenantId,
    pub hosts: u64,
    pub people: u64,
    pub channels: u64,
    /// Enrolment tokens that are neither used nor withdrawn, and invitations likewise.
    pub open_links: u64,
}

/// How the database itself keeps tenants apart, beside the conditions of the statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondWall {
    /// It cannot: SQLite has no such thing.
    None,
    /// It could, but the program's account passes every wall, and there is no role for it to read as.
    Open,
    /// Row-level security holds for the program's own account.
    Forced,
    /// Reads for people are done as a role of their own that no wall lets through.
    Role,
}

impl SecondWall {
    /// In a few words, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "by statement only",
            Self::Open => "by statement; row-level security is off, since the account is a superuser",
            Self::Forced => "by statement and row-level security",
            Self::Role => "by statement, row-level security and a role of its own",
        }
    }
}

/// Tenants as they are kept.
#[async_trait]
pub trait TenantStore: Send + Sync + Debug {
    async fn tenants(&self) -> Result<Vec<Tenant>>;
    /// Inserts (revision 0) or replaces (by id, at the revision that was read). Conflict when its parent has another of
    /// the name, the revision moved on, or it would be below itself.
    async fn put_tenant(&self, tenant: Tenant, audit: Draft) -> Result<Tenant>;
    /// Conflict while it holds anything: tenants, hosts, people, channels, open tokens or invitations.
    async fn delete_tenant(&self, id: TenantId, audit: Draft) -> Result<()>;
    async fn tenant_counts(&self) -> Result<Vec<TenantCounts>>;
    /// The accounts that are at home in these tenants, by name.
    async fn people(&self, scope: &TenantScope) -> Result<Vec<UserRow>>;
    /// How the database itself keeps tenants apart.
    fn second_wall(&self) -> SecondWall;
}
