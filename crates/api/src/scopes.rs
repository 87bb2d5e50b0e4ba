//! What a token is cut down to: roles at places, as people write them and as the store keeps them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use wk_authz::{Actions, Actor, Effect, Grant, Rights, Role, Scope, Section, Selector, Via};
use wk_domain::{TenantId, UserId};

use crate::error::ApiError;
use crate::state::App;

/// Scopes of one token at most: whoever needs more needs several tokens.
const SCOPES_MAX: usize = 16;

/// A role at a place. A token may what one of its scopes says, where its owner may too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenScope {
    /// A built-in role: what it may do at most.
    pub(crate) role: String,
    /// Tenant with all below it; the whole server when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tenant: Option<String>,
    /// Only hosts with these labels: `site=paris,group=web`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) labels: Option<String>,
    /// Only this host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) host: Option<String>,
    /// Only these sections: `monitor`, `hosts`, `agents`, `notifications`, `evidence`, `system`, `access`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sections: Vec<String>,
}

impl TokenScope {
    fn role(&self) -> Option<Role> {
        Role::parse(&self.role).filter(|role| *role != Role::None)
    }

    /// As rights are compiled from.
    ///
    /// # Errors
    /// The field and what is wrong with it.
    fn scope(&self) -> Result<Scope, (&'static str, String)> {
        let tenant = match &self.tenant {
            None => TenantId::ROOT,
            Some(raw) => raw.parse().map_err(|error| ("tenant", format!("{error}")))?,
        };
        let selector = match self.labels.as_deref().filter(|raw| !raw.trim().is_empty()) {
            None => None,
            Some(raw) => Some(Selector::parse(raw).map_err(|error| ("labels", error.to_string()))?),
        };
        let host = match &self.host {
            None => None,
            Some(raw) => Some(raw.parse().map_err(|error| ("host", format!("{error}")))?),
        };
        let section = |raw: &String| {
            Section::parse(raw).ok_or_else(|| {
                let known: Vec<&str> = Section::ALL.iter().map(|section| section.as_str()).collect();
                (
                    "sections",
                    format!("`{}` is none of {}", wk_domain::text::clean_line(raw, 40), known.join(", ")),
                )
            })
        };
        let sections = self.sections.iter().map(section).collect::<Result<Vec<_>, _>>()?;
        Ok(Scope { selector, host, sections, ..Scope::tenant(tenant) })
    }
}

/// The same, known to be right.
///
/// # Errors
/// 422 with the field.
pub(crate) fn checked(app: &App, actor: &Actor, scopes: &[TokenScope]) -> Result<(), ApiError> {
    if scopes.is_empty() || scopes.len() > SCOPES_MAX {
        return Err(ApiError::field("/scopes", format!("give it 1 to {SCOPES_MAX} scopes")));
    }
    for (i, scope) in scopes.iter().enumerate() {
        if scope.role().is_none() {
            let known: Vec<&str> =
                Role::ALL.iter().filter(|role| **role != Role::None).map(|role| role.as_str()).collect();
            return Err(ApiError::field(
                &format!("/scopes/{i}/role"),
                format!("use one of {}", known.join(", ")),
            ));
        }
        let read =
            scope.scope().map_err(|(field, why)| ApiError::field(&format!("/scopes/{i}/{field}"), why))?;
        // Where the maker of the token holds nothing, there is nothing for him.
        let world = app.engine.world();
        let mut held = actor.rights.grants().iter().map(|grant| grant.scope.tenant);
        let near = |at: TenantId| {
            world.tenants.is_within(read.tenant, at) || world.tenants.is_within(at, read.tenant)
        };
        if !held.any(near) {
            return Err(ApiError::field(&format!("/scopes/{i}/tenant"), "there is no such tenant"));
        }
    }
    Ok(())
}

/// What the scopes allow; of a role or a place that is not there any more, nothing.
pub(crate) fn limits(app: &App, owner: UserId, scopes: &[TokenScope]) -> Arc<Rights> {
    let grants = scopes
        .iter()
        .filter_map(|scope| {
            let role = scope.role()?;
            Some(Grant {
                id: None,
                via: Via::Token,
                effect: Effect::Allow,
                role: role.as_str().to_owned(),
                actions: role.actions(),
                scope: scope.scope().ok()?,
            })
        })
        .collect();
    Arc::new(Rights::compile(Some(owner), grants, &app.engine.world().tenants))
}

/// All that the scopes speak of, for lists.
pub(crate) fn actions(scopes: &[TokenScope]) -> Actions {
    scopes.iter().filter_map(TokenScope::role).fold(Actions::NONE, |all, role| all.or(role.actions()))
}
