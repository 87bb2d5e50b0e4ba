//! What a run means by the plugin API: exit codes and output become a result, and the record becomes a message.

use wk_domain::plugin_output::{PluginOutput, TEXT_MAX};
use wk_domain::text::{clean_line, clean_text};
use wk_domain::{CheckResult, ResultReason, Status};
use wk_wire::v1;

use crate::runner::{Execution, OUTPUT_BYTES_MAX, Outcome};

/// A result with what the check's author should know about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Verdict {
    pub result: CheckResult,
    /// Notes on the output's form.
    pub notes: Vec<String>,
    pub truncated: bool,
}

impl Execution {
    /// Judges the run: exit codes 0 to 3 are the plugin's own word; everything else is UNKNOWN with a reason.
    pub fn verdict(&self) -> Verdict {
        let output = PluginOutput::parse(&self.stdout);
        let (status, reason) = match &self.outcome {
            Outcome::Exited(code) => match Status::from_exit_code(*code) {
                Some(status) => (status, None),
                None => (Status::Unknown, Some(ResultReason::Exit(*code))),
            },
            Outcome::Signalled(signal) => {
                (Status::Unknown, Some(ResultReason::Signal(u8::try_from(*signal).unwrap_or(u8::MAX))))
            }
            Outcome::TimedOut => (Status::Unknown, Some(ResultReason::Timeout)),
            Outcome::Flood => (Status::Unknown, Some(ResultReason::Refused("output".into()))),
            Outcome::Overfull => (Status::Unknown, Some(ResultReason::Refused("tmp".into()))),
            Outcome::Refused(word) => (Status::Unknown, Some(ResultReason::Refused(word.clone()))),
            Outcome::NotStarted(errno) => (Status::Unknown, Some(ResultReason::Spawn(errno.clone()))),
        };
        let said = match output.text.is_empty() {
            false => output.text.clone(),
            // Standard error is no part of the plugin API, but it is all there is to go by.
            true => clean_line(self.stderr.split(|b| *b == b'\n').next().unwrap_or_default(), TEXT_MAX),
        };
        let text = match (self.detail.is_empty(), said.is_empty()) {
            (false, true) => self.detail.clone(),
            (false, false) => format!("{}: {said}", self.detail),
            (true, false) => said,
            (true, true) => match &self.outcome {
                Outcome::Signalled(signal) => format!("(no output; ended by signal {signal})"),
                Outcome::Exited(126) => "(no output; exit code 126: not executable)".into(),
                Outcome::Exited(127) => "(no output; exit code 127: a program was not found)".into(),
                _ => "(no output)".into(),
            },
        };
        Verdict {
            truncated: output.truncated || self.truncated,
            notes: output.notes.iter().map(ToString::to_string).collect(),
            result: CheckResult {
                status,
                reason,
                output: clean_line(text, TEXT_MAX),
                long_output: output.long_text,
                metrics: output.metrics,
                started: self.started,
                finished: self.finished,
            },
        }
    }

    /// The record as the agent ships it.
    pub fn to_wire(&self, check_id: &str) -> v1::Execution {
        v1::Execution {
            id: self.id.to_string(),
            check_id: check_id.to_owned(),
            kind: "plugin".into(),
            what: self.plugin.clone(),
            argv: self.argv.clone(),
            sha256: self.sha256.to_vec(),
            grade: self.grade.map(|grade| grade.to_string()).unwrap_or_default(),
            outcome: self.outcome.to_string(),
            started_ms: self.started.as_ms(),
            finished_ms: self.finished.as_ms(),
        }
    }

    /// Standard error, cleaned for people; untrusted.
    pub fn stderr_text(&self) -> String {
        clean_text(&self.stderr, OUTPUT_BYTES_MAX)
    }
}
