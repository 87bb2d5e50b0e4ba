//! The flaky store's part for rights: everything goes to the real one.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{GrantId, GroupId, RoleId, Timestamp, UserId};
use wk_engine::ports::access::{AccessStore, GrantRow, GroupRow, HeldRow, MembershipRow, RoleRow};
use wk_engine::ports::store::Result;

use crate::flaky::Flaky;

#[async_trait]
impl AccessStore for Flaky {
    async fn rights_revision(&self) -> Result<u64> {
        self.real.rights_revision().await
    }
    async fn holdings(&self, person: UserId) -> Result<Vec<HeldRow>> {
        self.real.holdings(person).await
    }
    async fn groups(&self) -> Result<Vec<GroupRow>> {
        self.real.groups().await
    }
    async fn group(&self, id: GroupId) -> Result<Option<GroupRow>> {
        self.real.group(id).await
    }
    async fn put_group(&self, group: GroupRow, audit: Draft) -> Result<GroupRow> {
        self.real.put_group(group, audit).await
    }
    async fn delete_group(&self, id: GroupId, audit: Vec<Draft>) -> Result<()> {
        self.real.delete_group(id, audit).await
    }
    async fn memberships(&self) -> Result<Vec<MembershipRow>> {
        self.real.memberships().await
    }
    async fn put_membership(&self, membership: MembershipRow, audit: Draft) -> Result<()> {
        self.real.put_membership(membership, audit).await
    }
    async fn remove_membership(
        &self,
        group: GroupId,
        person: UserId,
        origin: &str,
        audit: Draft,
    ) -> Result<()> {
        self.real.remove_membership(group, person, origin, audit).await
    }
    async fn set_memberships(
        &self,
        person: UserId,
        origin: &str,
        groups: Vec<GroupId>,
        at: Timestamp,
        audit: Draft,
    ) -> Result<bool> {
        self.real.set_memberships(person, origin, groups, at, audit).await
    }
    async fn roles(&self) -> Result<Vec<RoleRow>> {
        self.real.roles().await
    }
    async fn put_role(&self, role: RoleRow, audit: Draft) -> Result<RoleRow> {
        self.real.put_role(role, audit).await
    }
    async fn delete_role(&self, id: RoleId, audit: Draft) -> Result<()> {
        self.real.delete_role(id, audit).await
    }
    async fn grants(&self) -> Result<Vec<GrantRow>> {
        self.real.grants().await
    }
    async fn grant(&self, id: GrantId) -> Result<Option<GrantRow>> {
        self.real.grant(id).await
    }
    async fn put_grant(&self, grant: GrantRow, audit: Draft) -> Result<()> {
        self.real.put_grant(grant, audit).await
    }
    async fn delete_grant(&self, id: GrantId, audit: Draft) -> Result<()> {
        self.real.delete_grant(id, audit).await
    }
}
