//! From the command line to a running agent: files are read, root is given up, and only then does anything run.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use wk_config::{AgentConfig, LogFormat};
use wk_link::{EnrolToken, Proxy};
use wk_pki::{AgentStore, ServerAddr};
use wk_sandbox::PluginPolicy;

use crate::agent;
use crate::args::{Args, Command};
use crate::facts::facts;

/// Largest policy file, in bytes.
const POLICY_MAX: u64 = 1 << 20;
/// File that remembers where the servers are.
const SERVERS: &str = "servers";

/// What a running agent stands on.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) config: AgentConfig,
    pub(crate) plugins: Vec<PluginPolicy>,
    pub(crate) config_dir: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) proxy: Option<Proxy>,
}

/// Does what the command line asks.
pub(crate) fn start(args: Args) -> Result<()> {
    let setup = prepare(&args)?;
    match args.command {
        Command::Check => {
            check(&setup);
            Ok(())
        }
        Command::Enrol { token } => {
            let raw = if token == "-" { from_stdin()? } else { token };
            let token = EnrolToken::parse(raw.trim())?;
            become_agent(&setup)?;
            runtime()?.block_on(enrol(&setup, &token))
        }
        Command::Run { with_parent } => {
            become_agent(&setup)?;
            let servers = servers(&setup.data)?;
            runtime()?.block_on(agent::run(setup, servers, with_parent))
        }
    }
}

/// Reads the files, while the process may still read what only root can.
fn prepare(args: &Args) -> Result<Setup> {
    let mut config = AgentConfig::read(&args.config.join("agent.toml"), true)?;
    if let Some(data) = &args.data {
        config.data_dir.clone_from(data);
    }
    let data = std::path::absolute(&config.data_dir).context("the data directory")?;
    let format = match config.log.format {
        LogFormat::Text => wk_telemetry::Format::Text,
        LogFormat::Json => wk_telemetry::Format::Json,
    };
    wk_telemetry::init(&config.log.level, format)?;
    let plugins = plugins(&args.config.join("plugins.toml"))?;
    let proxy = match &config.proxy {
        Some(raw) => Some(Proxy {
            server: raw.parse::<ServerAddr>().context("`proxy` in agent.toml")?,
            authorization: None,
        }),
        None => None,
    };
    Ok(Setup { config, plugins, config_dir: args.config.clone(), data, proxy })
}

fn plugins(path: &Path) -> Result<Vec<PluginPolicy>> {
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    if meta.len() > POLICY_MAX {
        bail!("{} is larger than 1 MiB: it is not a policy file", path.display());
    }
    if meta.mode() & 0o022 != 0 {
        bail!(
            "{} can be written by others than its owner: run `chmod go-w {}`",
            path.display(),
            path.display()
        );
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    wk_sandbox::parse_plugins(&text).with_context(|| path.display().to_string())
}

/// Gives up root: for the owner of the data directory, or for the configured user. Then hardens the process.
fn become_agent(setup: &Setup) -> Result<()> {
    let owner =
        std::fs::metadata(&setup.data).map(|meta| (meta.uid(), meta.gid())).ok().filter(|(uid, _)| *uid != 0);
    match owner {
        Some((uid, gid)) => wk_sandbox::become_ids(uid, gid, &[])?,
        None => {
            let root = rustix::process::getuid().is_root();
            wk_sandbox::become_user(&setup.config.user, &[])?;
            if root && setup.data.exists() {
                bail!(
                    "{} belongs to root: give it to the agent with `chown {} {}`",
                    setup.data.display(),
                    setup.config.user,
                    setup.data.display()
                );
            }
        }
    }
    wk_sandbox::harden_self(&[])?;
    wk_seal::private_dir(&setup.data).context("the data directory")
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    wk_sandbox::one_heap();
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // Disk work only: the spool and the plugins' starter.
        .max_blocking_threads(4)
        .thread_stack_size(512 << 10)
        .build()
        .context("cannot start")
}

fn from_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().take(4096).read_to_string(&mut text).context("reading the token from standard input")?;
    Ok(text)
}

async fn enrol(setup: &Setup, token: &EnrolToken) -> Result<()> {
    let store = Arc::new(AgentStore::open(&setup.data.join("identity"))?);
    let said = facts(&setup.config, &setup.plugins);
    let identity = wk_link::enrol(token, store, &said, setup.proxy.as_ref(), Duration::from_secs(10)).await?;
    let list: String = token.servers().iter().map(|server| format!("{server}\n")).collect();
    wk_seal::write_private(&setup.data.join(SERVERS), list.as_bytes())?;
    tracing::info!(agent.id = %identity.agent_id(), "enrolled");
    Ok(())
}

fn servers(data: &Path) -> Result<Vec<ServerAddr>> {
    let bytes = wk_seal::read_private(&data.join(SERVERS), 64 << 10).context(
        "this machine is not enrolled: paste the line that `watchkeep agent token` prints into `watchkeep-agent enrol`",
    )?;
    let text = String::from_utf8_lossy(bytes.expose()).into_owned();
    text.lines().filter(|line| !line.is_empty()).map(|line| Ok(line.parse::<ServerAddr>()?)).collect()
}

fn check(setup: &Setup) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    let remote = match setup.config.remote {
        wk_config::Remote::On => "on: probes, and the plugins below",
        wk_config::Remote::Off => "off: nothing is run for a server",
    };
    let _ = writeln!(out, "agent.toml and plugins.toml in {} are right.", setup.config_dir.display());
    let _ = writeln!(out, "Data: {}. Remote: {remote}.", setup.data.display());
    for plugin in &setup.plugins {
        let state = match wk_sandbox::digest_file(&plugin.program) {
            Ok(digest) if digest == plugin.sha256 => "as pinned".to_owned(),
            Ok(_) => "DIFFERS from its digest: it would be refused".to_owned(),
            Err(error) => format!("cannot be read: {error}"),
        };
        let _ = writeln!(out, "  {}: {} {state}", plugin.name, plugin.program.display());
    }
}
