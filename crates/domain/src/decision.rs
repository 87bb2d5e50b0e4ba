//! Whether people are told, and why or why not: gates in a fixed order, each with a sentence for people.
//!
//! Pure, and told by level rather than by edge: what people believe is part of the state, so whatever was held back is
//! still owed when the reason is gone, also after a restart in between. Who is told, and how, is decided elsewhere.

use std::time::Duration;

use crate::check::CheckKind;
use crate::check_state::{CheckState, StateType, Transition};
use crate::text::span;
use crate::{Status, Timestamp};

/// What people would be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    Problem,
    Recovery,
}

impl Notice {
    /// `problem` or `recovery`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Problem => "problem",
            Self::Recovery => "recovery",
        }
    }

    /// The notice that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Problem, Self::Recovery].into_iter().find(|notice| notice.as_str() == raw)
    }
}

/// A condition of telling people, in the order they are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Gate {
    /// Somebody asked for it by hand: sent whatever the others say.
    Forced,
    /// Notifications are on for the check, its host and the installation.
    NotificationsOn,
    /// The host's agent is connected; does not apply to the check of just that.
    HostReachable,
    /// Neither the check nor its host is in a downtime.
    NotInDowntime,
    NotAcknowledged,
    /// The state was confirmed often enough.
    Hard,
    /// There is something new to say: a change, a volatile check, an interval that passed.
    News,
    /// A recovery is told to those who heard of the problem.
    ProblemWasTold,
}

impl Gate {
    /// Stable word for stores and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forced => "forced",
            Self::NotificationsOn => "notifications_on",
            Self::HostReachable => "host_reachable",
            Self::NotInDowntime => "not_in_downtime",
            Self::NotAcknowledged => "not_acknowledged",
            Self::Hard => "hard",
            Self::News => "news",
            Self::ProblemWasTold => "problem_was_told",
        }
    }
}

/// One gate's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateOutcome {
    pub gate: Gate,
    pub passed: bool,
    /// A sentence for people.
    pub detail: String,
}

/// The end of the matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Notify(Notice),
    /// Nobody is told, and nothing is owed because of it.
    Silent {
        gate: Gate,
    },
    /// Held back by something that ends: call [`reconsider`] then, at the latest at `until` if that is known.
    Deferred {
        gate: Gate,
        until: Option<Timestamp>,
    },
}

/// The trace of one decision: the gates asked, in order, up to the first that said no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub gates: Vec<GateOutcome>,
    pub verdict: Verdict,
    /// The check flaps: the message joins the running conversation instead of opening another one.
    pub merged: bool,
}

/// What the gates are asked about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GateInput {
    pub now: Timestamp,
    pub kind: CheckKind,
    /// The state after the result.
    pub state: CheckState,
    /// The change the result made, if any.
    pub transition: Option<Transition>,
    pub max_attempts: u32,
    pub volatile: bool,
    /// Send now, whatever the other gates say.
    pub forced: bool,
    pub notifications_on: bool,
    /// The agent of the check's host is connected.
    pub host_reachable: bool,
    /// In a downtime of the check itself that ends then, as far as is known.
    pub check_downtime: Option<Downtime>,
    /// In a downtime of the check's host.
    pub host_downtime: Option<Downtime>,
    /// Repeat an unacknowledged problem after this long. `None`: once.
    pub renotify: Option<Duration>,
}

/// A downtime in effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Downtime {
    pub until: Timestamp,
}

/// Something that held notifications back is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Release {
    /// The last downtime of the check and its host ended or was cancelled.
    DowntimeEnded,
    /// An acknowledgement ended by itself: its end was a promise to be reminded, so the problem is told again.
    AckExpired,
    /// The host's agent is connected again.
    AgentBack,
    /// Notifications were switched on again.
    NotificationsOn,
    /// Time passed: an interval for repeating may be over.
    Tick,
}

/// Whether [`decide`] could say anything but "nothing new". Cheap, for the hot path.
pub fn worth_deciding(input: &GateInput) -> bool {
    input.forced || input.transition.is_some() || news(input, None).is_some()
}

/// Decides after a result.
pub fn decide(input: &GateInput) -> Decision {
    judge(input, None)
}

/// Decides again after something that held notifications back is gone. `input.transition` is not looked at.
pub fn reconsider(input: &GateInput, release: Release) -> Decision {
    judge(&GateInput { transition: None, ..*input }, Some(release))
}

fn judge(input: &GateInput, release: Option<Release>) -> Decision {
    let mut trace = Trace { gates: Vec::with_capacity(8) };
    let verdict = ask(input, release, &mut trace).unwrap_or_else(|verdict| verdict);
    Decision { gates: trace.gates, verdict, merged: input.state.flap.flapping }
}

struct Trace {
    gates: Vec<GateOutcome>,
}

impl Trace {
    fn pass(&mut self, gate: Gate, detail: impl Into<String>) {
        self.gates.push(GateOutcome { gate, passed: true, detail: detail.into() });
    }

    fn silent(&mut self, gate: Gate, detail: impl Into<String>) -> Result<Verdict, Verdict> {
        self.gates.push(GateOutcome { gate, passed: false, detail: detail.into() });
        Err(Verdict::Silent { gate })
    }

    fn deferred(&mut self, gate: Gate, until: Option<Timestamp>, detail: String) -> Result<Verdict, Verdict> {
        self.gates.push(GateOutcome { gate, passed: false, detail });
        Err(Verdict::Deferred { gate, until })
    }
}

/// `Err` at the first gate that says no.
fn ask(input: &GateInput, release: Option<Release>, trace: &mut Trace) -> Result<Verdict, Verdict> {
    let state = &input.state;
    let Some(status) = state.status else {
        return trace.silent(Gate::News, "The check has no result yet.");
    };
    let notice = if status == Status::Ok { Notice::Recovery } else { Notice::Problem };

    if input.forced {
        trace.pass(Gate::Forced, "Asked for by hand; the other conditions do not apply.");
        return Ok(Verdict::Notify(notice));
    }

    if !input.notifications_on {
        return trace.silent(Gate::NotificationsOn, "Notifications are switched off.");
    }
    trace.pass(Gate::NotificationsOn, "Notifications are on.");

    match (input.kind, input.host_reachable) {
        (CheckKind::Alive, _) => trace.pass(Gate::HostReachable, "This check is about the agent itself."),
        (CheckKind::Builtin | CheckKind::Probe | CheckKind::Plugin, true) => {
            trace.pass(Gate::HostReachable, "The host's agent is connected.");
        }
        (CheckKind::Builtin | CheckKind::Probe | CheckKind::Plugin, false) => {
            let detail = "The host's agent is not connected; that is told once, by the agent check.";
            return trace.deferred(Gate::HostReachable, None, detail.to_owned());
        }
    }

    let downtimes = [(input.check_downtime, "The check"), (input.host_downtime, "The host")];
    let in_effect = |(downtime, whose): &(Option<Downtime>, &'static str)| {
        downtime.filter(|downtime| downtime.until > input.now).map(|downtime| (downtime.until, *whose))
    };
    // Of two downtimes the one that ends later is the one that counts.
    if let Some((until, whose)) = downtimes.iter().filter_map(in_effect).max_by_key(|(until, _)| *until) {
        let detail = format!("{whose} is in a downtime for another {}.", span(until.since(input.now)));
        return trace.deferred(Gate::NotInDowntime, Some(until), detail);
    }
    trace.pass(Gate::NotInDowntime, "Neither the check nor its host is in a downtime.");

    if let Some(ack) = state.ack_at(input.now).filter(|_| notice == Notice::Problem) {
        let detail = match ack.expires {
            Some(expires) => {
                format!("The problem is acknowledged for another {}.", span(expires.since(input.now)))
            }
            None => "The problem is acknowledged.".to_owned(),
        };
        return trace.deferred(Gate::NotAcknowledged, ack.expires, detail);
    }
    trace.pass(Gate::NotAcknowledged, "Nobody has acknowledged it.");

    if state.state_type == StateType::Soft {
        let detail =
            format!("Attempt {} of {}: not confirmed yet.", state.attempt, input.max_attempts.max(1));
        return trace.silent(Gate::Hard, detail);
    }
    trace.pass(
        Gate::Hard,
        match notice {
            Notice::Problem => "The problem is confirmed.",
            Notice::Recovery => "The check is OK.",
        },
    );

    match news(input, release) {
        Some(detail) => trace.pass(Gate::News, detail),
        None => return trace.silent(Gate::News, nothing_new(input)),
    }

    if notice == Notice::Recovery {
        match state.told {
            Some(told) => trace.pass(
                Gate::ProblemWasTold,
                format!("People were told that it is {}.", told.as_str().to_uppercase()),
            ),
            None => {
                return trace.silent(
                    Gate::ProblemWasTold,
                    "Nobody was told of a problem, so nobody is told that it is over.",
                );
            }
        }
    }
    Ok(Verdict::Notify(notice))
}

/// What there is to say, if anything.
fn news(input: &GateInput, release: Option<Release>) -> Option<String> {
    let state = &input.state;
    let problem = state.is_hard_problem();
    if let Some(Transition { hard_change: true, from, to, .. }) = input.transition {
        let to_word = to.as_str().to_uppercase();
        return Some(match from {
            Some(from) if from == to => format!("{to_word} is confirmed."),
            Some(from) => format!("Changed from {} to {to_word}.", from.as_str().to_uppercase()),
            None => format!("The first result is {to_word}."),
        });
    }
    if problem && release == Some(Release::AckExpired) {
        return Some("The acknowledgement ended and the problem is still there.".to_owned());
    }
    if let Some(notice) = state.owes() {
        return Some(match (notice, state.told) {
            (Notice::Problem, None) => "Nobody was told of this problem yet.".to_owned(),
            (Notice::Problem, Some(told)) => {
                format!("People were last told that it is {}.", told.as_str().to_uppercase())
            }
            (Notice::Recovery, _) => "Nobody was told yet that the problem is over.".to_owned(),
        });
    }
    if problem && input.volatile && release.is_none() {
        return Some("The check is volatile: every failure is told.".to_owned());
    }
    let interval = input.renotify.filter(|interval| problem && !interval.is_zero())?;
    let last = state.last_notified?;
    (last + interval <= input.now)
        .then(|| format!("Last told {} ago; repeated every {}.", span(input.now.since(last)), span(interval)))
}

fn nothing_new(input: &GateInput) -> String {
    let state = &input.state;
    if !state.is_problem() {
        return match input.transition {
            Some(Transition { soft_recovery: true, .. }) => "The problem ended before it was confirmed.",
            Some(_) | None => "Nothing changed.",
        }
        .to_owned();
    }
    match (input.renotify.filter(|interval| !interval.is_zero()), state.last_notified) {
        (Some(interval), Some(last)) => {
            let wait = (last + interval).since(input.now);
            format!("Told {} ago; told again in {}.", span(input.now.since(last)), span(wait))
        }
        (None, Some(last)) => format!("Told {} ago, and once is enough.", span(input.now.since(last))),
        (_, None) => "Nothing changed.".to_owned(),
    }
}
