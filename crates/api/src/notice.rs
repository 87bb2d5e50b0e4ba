//! Notices of the server about itself, through every notification channel of the whole server.

use serde_json::json;
use wk_domain::TenantId;
use wk_engine::ids::new_id;
use wk_engine::ports::rows::OutboxRow;

use crate::error::ApiError;
use crate::state::App;

/// Tells `output` under `title`. `status`: `critical`, `warning`.
///
/// # Errors
/// When the store does not take them.
pub(crate) async fn send(app: &App, title: &str, status: &str, output: &str) -> Result<(), ApiError> {
    let now = app.engine.now();
    let channels: Vec<_> = {
        let world = app.engine.world();
        let rows = world.channels.values().map(|entry| &entry.row);
        rows.filter(|row| row.enabled && row.tenant == TenantId::ROOT).map(|row| row.id).collect()
    };
    for channel in channels {
        let id = new_id(now);
        let payload = json!({
            "id": format!("{id}"),
            "kind": "notice",
            "at_ms": now.as_ms(),
            "host": {"id": "", "name": "Watchkeep"},
            "check": {"id": "", "title": title},
            "status": status,
            "was": "ok",
            "output": output,
            "number": 1,
            "flapping": false,
        });
        let row = OutboxRow {
            id,
            channel,
            // It is about no check: an id that nothing else has, so that it waits behind nothing.
            check: new_id(now),
            host: new_id(now),
            kind: "notice".to_owned(),
            created: now,
            payload_json: payload.to_string(),
            state: "pending".to_owned(),
            attempts: 0,
            next_attempt: now,
            last_error: String::new(),
            delivered: None,
        };
        app.engine.store().put_outbox(row, None).await?;
    }
    Ok(())
}
