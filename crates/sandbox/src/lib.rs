//! Runs monitoring plugins in a sandbox. The only crate that starts a process, and the only one with `unsafe` code.
//!
//! A plugin is a program of its own that the machine's policy file pins by digest. It runs with no new privileges, no
//! capabilities, an empty environment, resource limits, a process group that neither it nor its children can leave, a
//! seccomp allow-list, and Landlock rules for files, TCP ports and signals. What an older kernel cannot give is named by
//! the run's [`Grade`]; a policy says which grade is the lowest it accepts, and a run below it is refused.
//!
//! Left out: judging the output (the domain's work), deciding when to run (the agent's), and namespaces: seccomp refuses
//! the calls that a namespace would make harmless, at no cost per run and without privileges.

mod bpf;
mod child;
mod clock;
mod filter;
mod grade;
mod guard;
mod harden;
mod heap;
mod log;
mod policy;
mod policy_file;
mod program;
mod rules;
mod runner;
mod spawner;
mod tmp;
mod verdict;

pub use clock::{Timex, timex};
pub use grade::{Grade, Layer, LowestGrade};
pub use harden::{HardenError, KeepCapability, become_ids, become_user, harden_self};
pub use heap::{give_back, one_heap};
pub use log::{ExecutionLog, LogError};
pub use policy::{
    ArgTemplate, Companion, Limits, NetPolicy, ParamDecl, ParamError, ParamKind, PluginPolicy, PortRef,
    Resolved,
};
pub use policy_file::{PolicyError, parse_plugins};
pub use program::digest_file;
pub use rules::Features;
pub use runner::{
    Execution, OUTPUT_BYTES_MAX, Outcome, RunAs, Runner, RunnerConfig, RunnerError, RunnerStats,
};
pub use verdict::Verdict;
