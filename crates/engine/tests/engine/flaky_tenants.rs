//! The flaky store's part for tenants: everything goes to the real one.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{Tenant, TenantId};
use wk_engine::ports::rows::UserRow;
use wk_engine::ports::store::Result;
use wk_engine::ports::tenants::{SecondWall, TenantCounts, TenantScope, TenantStore};

use crate::flaky::Flaky;

#[async_trait]
impl TenantStore for Flaky {
    async fn tenants(&self) -> Result<Vec<Tenant>> {
        self.real.tenants().await
    }
    async fn put_tenant(&self, tenant: Tenant, audit: Draft) -> Result<Tenant> {
        let row = self.real.put_tenant(tenant, audit).await?;
        let paused = self.paused.lock().take();
        if let Some(paused) = paused {
            paused.wait().await;
            paused.wait().await;
        }
        Ok(row)
    }
    async fn delete_tenant(&self, id: TenantId, audit: Draft) -> Result<()> {
        self.real.delete_tenant(id, audit).await
    }
    async fn tenant_counts(&self) -> Result<Vec<TenantCounts>> {
        self.real.tenant_counts().await
    }
    async fn people(&self, scope: &TenantScope) -> Result<Vec<UserRow>> {
        self.real.people(scope).await
    }
    fn second_wall(&self) -> SecondWall {
        self.real.second_wall()
    }
}
