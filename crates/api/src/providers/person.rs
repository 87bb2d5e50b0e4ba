//! The test of a directory as one person: each step of the sign-in, and what the rules would give. Nobody is let in by it.

use axum::Json;
use axum::extract::{Extension, State};
use wk_authz::ProviderWrite;
use wk_domain::ProviderKindTag;
use wk_engine::record;
use wk_identity::outside::{Here, Mapping};
use wk_seal::{Secret, SecretString};

use super::dto::{PersonTest, ProviderTest, TestStep};
use super::{At, provider_of};
use crate::auth::{Caller, Origin};
use crate::body::{Body, PathId};
use crate::error::ApiError;
use crate::routes::{Routes, post};
use crate::state::App;

/// Longest name and password, in bytes.
const NAME_MAX: usize = 256;
const PASSWORD_MAX: usize = 1_024;

pub(super) fn routes(routes: Routes) -> Routes {
    routes.add::<ProviderWrite, _, _>(
        post(
            "/providers/{id}/test-person",
            "Walk through the sign-in of one person, and say what the rules give",
        )
        .body::<PersonTest>()
        .answer::<ProviderTest>(),
        test,
    )
}

async fn test(
    State(app): State<App>,
    Extension(Caller(actor)): Extension<Caller>,
    Extension(origin): Extension<Origin>,
    at: At,
    PathId(id): PathId<ProviderKindTag>,
    Body(input): Body<PersonTest>,
) -> Result<Json<ProviderTest>, ApiError> {
    let row = app.engine.store().provider(id).await?;
    let row = row.ok_or_else(|| ApiError::NotFound("there is no such provider".to_owned()))?;
    let kind = app.outside.kind(&row.kind).filter(|kind| kind.kind().asks_password());
    let kind = kind.ok_or_else(|| {
        ApiError::Conflict(
            "this kind of provider is tried by signing in over it: it asks people itself".to_owned(),
        )
    })?;
    let name = input.name.trim();
    if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(ApiError::field("/name", "write the name of somebody whom the provider knows"));
    }
    if input.password.as_ref().is_some_and(|password| password.is_empty() || password.len() > PASSWORD_MAX) {
        return Err(ApiError::field("/password", "leave it out, or write 1 to 1024 bytes"));
    }
    let provider = provider_of(&app, &row)?;
    let now = app.engine.now();
    let audit = record::draft(&actor, now, "provider.test", "provider", id);
    app.engine.store().append_audit(vec![audit]).await?;
    let password: Option<SecretString> = input.password.clone().map(Secret::new);
    let here = Here { address: origin.ip(), ..at.here(id, now) };
    let (steps, outside) = {
        let turn = app.outside.turn(id).await;
        let _turn = turn.map_err(|refusal| ApiError::Unavailable(refusal.detail))?;
        kind.test_as(&provider, &here, name, password.as_ref()).await
    };
    let mut steps: Vec<TestStep> = steps
        .into_iter()
        .map(|step| TestStep { title: step.title, ok: step.ok, detail: step.detail })
        .collect();
    if let Some(outside) = outside {
        let mapping: Mapping = serde_json::from_str(&row.mapping_json).unwrap_or_default();
        let title = "Apply the rules".to_owned();
        steps.push(match mapping.apply(&outside.groups) {
            None => TestStep {
                title,
                ok: false,
                detail: "no rule names any of these groups: this person stays out".to_owned(),
            },
            Some(mapped) => TestStep {
                title,
                ok: true,
                detail: format!(
                    "role {}, {} group(s) here, because of: {}",
                    mapped.role.as_deref().unwrap_or("none"),
                    mapped.groups.len(),
                    mapped.because.join(" | ")
                ),
            },
        });
    }
    Ok(Json(ProviderTest { ok: steps.iter().all(|step| step.ok), steps }))
}
