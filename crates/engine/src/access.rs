//! What people may do: rights compiled from what the store holds, anew for whoever asks.

use std::sync::Arc;

use wk_authz::{Grant, Rights, Role};
use wk_domain::{TenantId, TenantTree};

use crate::Engine;
use crate::error::EngineError;
use crate::ports::rows::UserRow;

impl Engine {
    /// What an account may do now.
    ///
    /// # Errors
    /// When the store does not answer, or holds a role this program does not know.
    pub async fn rights_of(&self, user: &UserRow) -> Result<Arc<Rights>, EngineError> {
        let role = Role::parse(&user.role).unwrap_or(Role::None);
        let grants = vec![Grant::home(role, TenantId::ROOT)];
        Ok(Arc::new(Rights::compile(Some(user.id), grants, &TenantTree::default())))
    }
}
