//! A runner in a temporary folder, and policies for the hostile helper and for real plugins.

#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wk_sandbox::{
    ArgTemplate, Execution, ExecutionLog, Outcome, PluginPolicy, Runner, RunnerConfig, digest_file,
};

pub(crate) const HOSTILE: &str = env!("CARGO_BIN_EXE_wk-sandbox-hostile");

pub(crate) struct Bench {
    pub(crate) runner: Runner,
    pub(crate) dir: tempfile::TempDir,
    pub(crate) log: PathBuf,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut RunnerConfig)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Plugins have users of their own and must be able to pass.
        std::fs::set_permissions(dir.path(), std::os::unix::fs::PermissionsExt::from_mode(0o711)).unwrap();
        let agent = dir.path().join("agent");
        std::fs::create_dir(&agent).unwrap();
        std::fs::write(agent.join("key.pem"), "the agent's key").unwrap();
        // World-readable on purpose: Landlock has to hold even where permissions do not.
        std::fs::set_permissions(agent.join("key.pem"), std::os::unix::fs::PermissionsExt::from_mode(0o644))
            .unwrap();
        let log = dir.path().join("executions.log");
        let mut config = RunnerConfig::new(dir.path().join("work"));
        config.protected = vec![agent];
        config.log = Some(ExecutionLog::open(&log, ExecutionLog::DEFAULT_BYTES_MAX).unwrap());
        change(&mut config);
        Self { runner: Runner::new(config).unwrap(), dir, log }
    }

    pub(crate) fn key(&self) -> String {
        self.dir.path().join("agent/key.pem").display().to_string()
    }

    pub(crate) async fn run(&self, policy: PluginPolicy) -> Execution {
        self.runner.run(&Arc::new(policy), &[], Duration::from_secs(30)).await
    }

    /// Runs one attempt of the hostile helper.
    pub(crate) async fn attempt(&self, args: &[&str]) -> Execution {
        self.run(hostile(args)).await
    }

    /// The line of the local log about a run.
    pub(crate) fn logged(&self, execution: &Execution) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap();
        text.lines()
            .find(|line| line.contains(&execution.id.to_string()))
            .expect("the run is in the log")
            .to_owned()
    }
}

pub(crate) fn hostile(args: &[&str]) -> PluginPolicy {
    let mut policy = policy(Path::new(HOSTILE));
    policy.argv = args.iter().map(|arg| ArgTemplate::Literal((*arg).to_owned())).collect();
    policy
}

pub(crate) fn policy(program: &Path) -> PluginPolicy {
    let sha256 = digest_file(program).unwrap_or_else(|e| panic!("{}: {e}", program.display()));
    PluginPolicy::new(program.file_name().unwrap().to_string_lossy(), program, sha256)
}

pub(crate) fn stdout(execution: &Execution) -> String {
    String::from_utf8_lossy(&execution.stdout).into_owned()
}

/// The attempt was refused by the system or killed, and the log says how it ended.
pub(crate) fn assert_blocked(bench: &Bench, execution: &Execution) {
    let said = stdout(execution);
    assert!(!said.contains("ESCAPED"), "{:?}: {said}", execution.argv);
    let blocked = match execution.outcome {
        Outcome::Exited(2) => said.starts_with("blocked:"),
        Outcome::Signalled(_) | Outcome::TimedOut | Outcome::Flood | Outcome::Overfull => true,
        _ => false,
    };
    assert!(blocked, "{:?} ended as {}: {said} {}", execution.argv, execution.outcome, execution.detail);
    assert_eq!(execution.grade.unwrap().to_string(), "full");
    let line = bench.logged(execution);
    assert!(line.contains(&format!("\"outcome\":\"{}\"", execution.outcome)), "{line}");
    assert!(line.contains("\"grade\":\"full\""), "{line}");
}
