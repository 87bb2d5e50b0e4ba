//! Keys at start: the ring outside the database, and the data keys inside it, wrapped.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use wk_config::ServerConfig;
use wk_engine::ports::Store;
use wk_pki::KeyProtection;
use wk_seal::{DataKeys, KekRing, PassphraseCost, Protector, SecretString, WrappedDek};

/// Setting that holds the wrapped data keys.
const SETTING: &str = "seal.data_keys";
/// Longest passphrase file, in bytes.
const PASSPHRASE_MAX: usize = 4096;

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    id: u32,
    kek_version: u32,
    wrapped: Vec<u8>,
}

/// The key ring, and how private keys lie on disk.
pub(crate) struct Ring {
    pub(crate) ring: Arc<KekRing>,
    pub(crate) protection: KeyProtection,
    /// For people: what protects the ring.
    pub(crate) protected_by: &'static str,
}

/// Opens the ring with whatever protects it: a passphrase file, a systemd credential, or file modes alone.
pub(crate) fn ring(dir: &Path, config: &ServerConfig) -> Result<Ring> {
    let protector = match &config.passphrase_file {
        Some(path) => {
            let bytes = wk_seal::read_private(path, PASSPHRASE_MAX).context("the passphrase file")?;
            let text = SecretString::from_utf8(&bytes).context("the passphrase file is not UTF-8 text")?;
            let trimmed = text.expose().trim_end_matches(['\n', '\r']);
            if trimmed.chars().count() < 12 {
                bail!("the passphrase in {} is shorter than 12 characters", path.display());
            }
            Protector::Passphrase(SecretString::new(trimmed.to_owned()))
        }
        None => match std::env::var_os("CREDENTIALS_DIRECTORY") {
            Some(credentials) => {
                Protector::from_credentials_dir(Path::new(&credentials))?.unwrap_or(Protector::FileMode)
            }
            None => Protector::FileMode,
        },
    };
    let protected_by = match &protector {
        Protector::FileMode => "the file's mode",
        Protector::Passphrase(_) => "a passphrase",
        Protector::Credential(_) => "a systemd credential",
    };
    let sealed = !matches!(protector, Protector::FileMode);
    let ring =
        Arc::new(KekRing::open_or_create(dir, &protector, PassphraseCost::DEFAULT).context("the key ring")?);
    let protection = if sealed { KeyProtection::Sealed(Arc::clone(&ring)) } else { KeyProtection::FileMode };
    Ok(Ring { ring, protection, protected_by })
}

/// The data keys of the database, made at first start.
pub(crate) async fn data_keys(ring: &KekRing, store: &dyn Store) -> Result<DataKeys> {
    if let Some(json) = store.setting(SETTING).await? {
        let kept: Vec<Kept> =
            serde_json::from_str(&json).context("the database's data keys cannot be read")?;
        let stored: Vec<WrappedDek> = kept
            .into_iter()
            .map(|k| WrappedDek { id: k.id, kek_version: k.kek_version, wrapped: k.wrapped })
            .collect();
        return DataKeys::open(ring, &stored).context(
            "the database's data keys do not open with the key ring of this data directory: the two belong to different \
             installations, or the ring was lost",
        );
    }
    let (keys, wrapped) = DataKeys::create(ring)?;
    let kept = vec![Kept { id: wrapped.id, kek_version: wrapped.kek_version, wrapped: wrapped.wrapped }];
    let now = wk_engine::ports::Clock::now(&wk_engine::ports::SystemClock);
    let image = wk_audit::Image::new()
        .field("id", wrapped.id)
        .field("kek_version", wrapped.kek_version)
        .stored_secret("wrapped", &kept[0].wrapped);
    let audit =
        wk_engine::record::draft(&wk_authz::Actor::system(), now, "keys.create", "data_key", wrapped.id)
            .images(None, Some(&image));
    store.put_setting(SETTING, &serde_json::to_string(&kept)?, Some(audit)).await?;
    Ok(keys)
}
