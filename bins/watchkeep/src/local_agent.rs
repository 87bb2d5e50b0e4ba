//! The agent that `watchkeep up` runs beside the server, as a process and, where it can, a user of its own.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// User id the agent gets when the server is started by root and no user for it exists: in the range that systemd keeps
/// for services without an account, so that nobody else has it.
const UID: u32 = 61_337;
/// How long the agent has to say goodbye.
const GRACE: Duration = Duration::from_secs(10);
/// An agent that ended by itself is started again after this, doubled each time up to the last; an agent that ran for
/// longer than the last begins at the first again.
const AGAIN: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));

/// The agent of this machine.
#[derive(Debug)]
pub(crate) struct LocalAgent {
    program: PathBuf,
    data: PathBuf,
    config: PathBuf,
}

/// The agent while it is kept running.
#[derive(Debug)]
pub(crate) struct Running {
    stop: CancellationToken,
    keeper: JoinHandle<()>,
}

/// The machine's name.
pub(crate) fn hostname() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim().to_lowercase();
    if name.is_empty() { "localhost".to_owned() } else { name }
}

/// The agent's program, beside this one.
pub(crate) fn program() -> Result<PathBuf> {
    let own = std::env::current_exe().context("where is this program?")?;
    let beside = own.with_file_name("watchkeep-agent");
    if beside.exists() {
        return Ok(beside);
    }
    bail!("watchkeep-agent is not beside {}: build or install it", own.display())
}

impl LocalAgent {
    /// Makes the agent's own directory. Started by root, the agent becomes a user of its own; its directory must then
    /// be reachable by that user, so it goes under /var/lib when the data directory is not.
    pub(crate) fn prepare(data: &Path) -> Result<Self> {
        let program = program()?;
        let root = rustix::process::getuid().is_root();
        let dir = if root && !reachable(data) {
            let tag: String = wk_seal::sha256(data.as_os_str().as_encoded_bytes())[..6]
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            PathBuf::from(format!("/var/lib/watchkeep-agent-{tag}"))
        } else {
            data.join("agent")
        };
        if !dir.exists() {
            std::fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
            std::fs::set_permissions(&dir, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
            if root {
                chown(&dir, Some(UID), Some(UID))
                    .with_context(|| format!("cannot give {} to the agent", dir.display()))?;
            }
        }
        if root {
            // The data directory itself must let the agent pass through, and nothing more.
            let parent = dir.parent().unwrap_or(&dir);
            if parent == data {
                std::fs::set_permissions(parent, std::os::unix::fs::PermissionsExt::from_mode(0o711))?;
            }
        }
        Ok(Self { program, data: dir, config: data.join("agent-config") })
    }

    /// Whether it has an identity.
    pub(crate) fn enrolled(&self) -> bool {
        self.data.join("identity/identity.pem").exists()
    }

    /// Enrols it. The token goes through standard input: an argument could be read by every user of the machine.
    pub(crate) async fn enrol(&self, token: &str) -> Result<()> {
        let mut child = Command::new(&self.program)
            .arg("--data")
            .arg(&self.data)
            .arg("--config")
            .arg(&self.config)
            .args(["enrol", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start watchkeep-agent")?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(token.as_bytes()).await?;
            stdin.shutdown().await?;
        }
        let status = tokio::time::timeout(Duration::from_secs(30), child.wait())
            .await
            .context("the local agent did not enrol within 30 seconds")??;
        if !status.success() {
            bail!("the local agent could not enrol; its message is above");
        }
        Ok(())
    }

    /// Starts it, and again whenever it ends by itself.
    pub(crate) fn start(self) -> Result<Running> {
        let child = self.spawn()?;
        let stop = CancellationToken::new();
        let keeper = tokio::spawn(self.keep(child, stop.clone()));
        Ok(Running { stop, keeper })
    }

    /// Its standard input is a pipe that this program holds: however this program ends, the agent sees it and ends too.
    fn spawn(&self) -> Result<Child> {
        Command::new(&self.program)
            .arg("--data")
            .arg(&self.data)
            .arg("--config")
            .arg(&self.config)
            .args(["run", "--with-parent"])
            .stdin(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start watchkeep-agent")
    }

    async fn keep(self, mut child: Child, stop: CancellationToken) {
        let mut pause = AGAIN.0;
        loop {
            let began = Instant::now();
            // Waiting would close it.
            let _pipe = child.stdin.take();
            tokio::select! {
                ended = child.wait() => match ended {
                    Ok(status) => tracing::error!("the local agent ended by itself: {status}"),
                    Err(error) => tracing::error!("the local agent cannot be waited for: {error}"),
                },
                () = stop.cancelled() => return end(child).await,
            }
            if began.elapsed() > AGAIN.1 {
                pause = AGAIN.0;
            }
            loop {
                tokio::select! {
                    () = sleep(pause) => {}
                    () = stop.cancelled() => return,
                }
                pause = (pause * 2).min(AGAIN.1);
                match self.spawn() {
                    Ok(new) => break child = new,
                    Err(error) => tracing::error!("{error:#}"),
                }
            }
        }
    }
}

impl Running {
    /// Asks it to end, and makes it.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        let _ = self.keeper.await;
    }
}

async fn end(mut child: Child) {
    let pid = child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(pid) = pid {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        let _ = child.kill().await;
    }
}

/// Whether another user can pass through every directory above, and through this one once it lets them.
fn reachable(path: &Path) -> bool {
    path.ancestors().skip(1).all(|dir| dir.metadata().is_ok_and(|meta| meta.mode() & 0o001 != 0))
}
