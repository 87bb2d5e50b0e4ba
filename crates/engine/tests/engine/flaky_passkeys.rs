//! The flaky store's part for passkeys: everything goes to the real one.

use async_trait::async_trait;
use wk_audit::Draft;
use wk_domain::{DeviceId, PasskeyId, SessionId, Timestamp, UserId};
use wk_engine::ports::passkeys::{
    Admission, DeviceRow, FactorRemovalRow, PasskeyRow, PasskeyStore, SessionRaise, SessionStart,
};
use wk_engine::ports::rows::EndSessions;
use wk_engine::ports::store::Result;

use crate::flaky::Flaky;

#[async_trait]
impl PasskeyStore for Flaky {
    async fn passkeys(&self, user: UserId) -> Result<Vec<PasskeyRow>> {
        self.real.passkeys(user).await
    }
    async fn passkey_by_credential(&self, credential: &[u8]) -> Result<Option<PasskeyRow>> {
        self.real.passkey_by_credential(credential).await
    }
    async fn add_passkey(&self, row: PasskeyRow, end: Option<EndSessions>, audit: Vec<Draft>) -> Result<()> {
        self.real.add_passkey(row, end, audit).await
    }
    async fn rename_passkey(&self, user: UserId, id: PasskeyId, name: &str, audit: Draft) -> Result<()> {
        self.real.rename_passkey(user, id, name, audit).await
    }
    async fn delete_passkey(
        &self,
        user: UserId,
        id: PasskeyId,
        end: EndSessions,
        audit: Vec<Draft>,
    ) -> Result<()> {
        self.real.delete_passkey(user, id, end, audit).await
    }
    async fn admit(&self, admission: Admission, audit: Draft) -> Result<()> {
        self.real.admit(admission, audit).await
    }
    async fn start_session(&self, start: SessionStart, audit: Vec<Draft>) -> Result<bool> {
        self.real.start_session(start, audit).await
    }
    async fn raise_session(&self, raise: SessionRaise, audit: Draft) -> Result<bool> {
        self.real.raise_session(raise, audit).await
    }
    async fn lower_session(&self, id: SessionId, token_sha256: Vec<u8>, audit: Draft) -> Result<()> {
        self.real.lower_session(id, token_sha256, audit).await
    }
    async fn factor_removal(&self, user: UserId) -> Result<Option<FactorRemovalRow>> {
        self.real.factor_removal(user).await
    }
    async fn factor_removals(&self) -> Result<Vec<FactorRemovalRow>> {
        self.real.factor_removals().await
    }
    async fn ask_factor_removal(&self, row: FactorRemovalRow, audit: Vec<Draft>) -> Result<()> {
        self.real.ask_factor_removal(row, audit).await
    }
    async fn stop_factor_removal(&self, user: UserId, audit: Vec<Draft>) -> Result<()> {
        self.real.stop_factor_removal(user, audit).await
    }
    async fn take_factor(&self, user: UserId, now: Timestamp, audit: Vec<Draft>) -> Result<bool> {
        self.real.take_factor(user, now, audit).await
    }
    async fn devices(&self, user: UserId) -> Result<Vec<DeviceRow>> {
        self.real.devices(user).await
    }
    async fn device_by_token(&self, token_sha256: &[u8]) -> Result<Option<DeviceRow>> {
        self.real.device_by_token(token_sha256).await
    }
    async fn put_device(&self, row: DeviceRow, audit: Draft) -> Result<()> {
        self.real.put_device(row, audit).await
    }
    async fn touch_device(&self, id: DeviceId, at: Timestamp) -> Result<()> {
        self.real.touch_device(id, at).await
    }
    async fn delete_device(&self, user: UserId, id: DeviceId, audit: Draft) -> Result<()> {
        self.real.delete_device(user, id, audit).await
    }
}
