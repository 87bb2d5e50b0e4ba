//! The life of a check: soft and hard states, attempts, acknowledgement, staleness, flapping. A pure fold over results.
//!
//! The rules are Icinga 2's with two of our own: a check without data is its own thing, and flapping merges messages
//! instead of muting them. Who is told about a change is decided in [`crate::decision`]. Nothing here reads a clock, and
//! nothing is kept on the heap: a million states are an array.

use std::fmt;
use std::time::Duration;

use crate::check::RetryPolicy;
use crate::decision::Notice;
use crate::{CheckResult, Status, Timestamp};

/// Whether failures were confirmed often enough to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum StateType {
    Soft,
    #[default]
    Hard,
}

impl StateType {
    /// `soft` or `hard`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }

    /// The type that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::Soft, Self::Hard].into_iter().find(|kind| kind.as_str() == raw)
    }
}

/// Somebody has taken charge of a problem. Who, and their words, are kept with the event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ack {
    /// Stays through changes between problem states; a normal one goes with the first change.
    pub sticky: bool,
    /// Ends by itself at this instant.
    pub expires: Option<Timestamp>,
}

impl Ack {
    /// Whether it has not ended by itself at `now`.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }
}

/// Why a problem cannot be acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AckError {
    #[error("there is no problem to acknowledge: the check has not run yet")]
    Pending,
    #[error("there is no problem to acknowledge: the check is OK")]
    Ok,
    #[error("the acknowledgement would end before it begins; give a later end or none")]
    Expired,
}

/// Why an acknowledgement ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckEnd {
    /// The status changed, and the acknowledgement was not sticky.
    StatusChanged,
    Recovered,
    Expired,
}

/// No result came in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    pub since: Timestamp,
    pub cause: StaleCause,
}

/// What silence means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StaleCause {
    /// The agent is connected and sends none: the check is UNKNOWN.
    NoResult,
    /// The agent cannot be reached: the last status stands, shown as `no data`, and nobody is told for each check.
    AgentUnreachable,
}

impl StaleCause {
    /// `no_result` or `agent_unreachable`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoResult => "no_result",
            Self::AgentUnreachable => "agent_unreachable",
        }
    }

    /// The cause that [`Self::as_str`] names.
    pub fn parse(raw: &str) -> Option<Self> {
        [Self::NoResult, Self::AgentUnreachable].into_iter().find(|cause| cause.as_str() == raw)
    }
}

/// How restless a check is: one bit for each of the last 20 results, set when the status differed from the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flap {
    /// The newest result is bit 0.
    pub bits: u32,
    pub flapping: bool,
}

impl Flap {
    /// Results remembered.
    pub const RING: u32 = 20;
    /// Flapping begins above this, in percent.
    pub const HIGH_PERCENT: f64 = 30.0;
    /// Flapping ends at or below this, in percent.
    pub const LOW_PERCENT: f64 = 25.0;

    /// Share of changes, new ones weighing more: 0.80 for the oldest to 1.18 for the newest, as Icinga 2's code has it.
    pub fn percent(&self) -> f64 {
        let weights = (0..Self::RING).filter(|age| self.bits >> age & 1 == 1).map(|age| 118 - 2 * age);
        f64::from(weights.sum::<u32>()) / f64::from(Self::RING)
    }

    #[must_use]
    fn record(self, changed: bool) -> Self {
        let bits = (self.bits << 1 | u32::from(changed)) & ((1 << Self::RING) - 1);
        let next = Self { bits, flapping: self.flapping };
        let limit = if self.flapping { Self::LOW_PERCENT } else { Self::HIGH_PERCENT };
        Self { flapping: next.percent() > limit, ..next }
    }
}

/// All that the next result needs to know. The latest output lives elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CheckState {
    /// `None`: pending, no result yet.
    pub status: Option<Status>,
    pub state_type: StateType,
    /// Failures in a row while soft, the number that made it hard while hard, 1 when OK.
    pub attempt: u32,
    pub last_hard_status: Option<Status>,
    /// Since when `status` is what it is.
    pub since: Option<Timestamp>,
    /// Since when `last_hard_status` is what it is.
    pub hard_since: Option<Timestamp>,
    /// When the run behind the newest accepted result began, by the runner's clock: orders results.
    pub last_result_started: Option<Timestamp>,
    /// When that run ended, by the runner's clock but never after it reached us.
    pub last_checked: Option<Timestamp>,
    /// When a result last arrived, accepted or not, by our clock: freshness is judged by this.
    pub last_heard: Option<Timestamp>,
    /// When the next result is expected.
    pub next_due: Option<Timestamp>,
    pub flap: Flap,
    /// Problem notifications since people last believed all was well.
    pub notification_number: u32,
    pub last_notified: Option<Timestamp>,
    /// The problem people were last told about; `None` when as far as they know all is well.
    pub told: Option<Status>,
    pub ack: Option<Ack>,
    pub stale: Option<Stale>,
    /// Results dropped since the check exists.
    pub rejected: u64,
    /// Results dropped since one was accepted.
    pub rejected_in_a_row: u8,
}

/// What the caller knows when a result arrives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// Our clock.
    pub now: Timestamp,
}

/// A change worth an entry in the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// `None`: the first result.
    pub from: Option<Status>,
    pub from_type: StateType,
    pub to: Status,
    pub to_type: StateType,
    /// The confirmed status changed: what people may be told about.
    pub hard_change: bool,
    /// A confirmed problem ended.
    pub recovery: bool,
    /// A problem ended before it was confirmed. Never told.
    pub soft_recovery: bool,
}

/// Why a result was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rejection {
    /// It began before the one we have.
    Older { started: Timestamp, newest: Timestamp },
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Older { started, newest } = self;
        let ms = newest.since(*started).as_millis();
        write!(f, "the run began {ms} ms before the one already judged")
    }
}

/// What a result led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    pub state: CheckState,
    pub transition: Option<Transition>,
    /// Set when the result was dropped; then only the counters moved.
    pub rejected: Option<Rejection>,
    pub ack_ended: Option<AckEnd>,
    /// The new value, if flapping began or ended.
    pub flapping_changed: Option<bool>,
}

/// A result this far ahead of our clock was dated by a wrong clock; the next one is taken whatever its date.
pub const FUTURE_TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// Several results in a row "too old" mean that the runner's clock stepped back a little, not that they are late: one
/// runner does not have so many runs of one check under way.
const REJECTED_IN_A_ROW_MAX: u8 = 2;
/// How long after two missed runs a check is stale. A stale check is hard at once, so a single lost run must not do it.
pub const FRESHNESS_GRACE: Duration = Duration::from_secs(30);

impl CheckState {
    /// A check without results.
    pub fn pending() -> Self {
        Self::default()
    }

    /// Hard, and not OK.
    pub fn is_hard_problem(&self) -> bool {
        self.state_type == StateType::Hard && self.is_problem()
    }

    /// Soft or hard, and not OK.
    pub fn is_problem(&self) -> bool {
        self.status.is_some_and(|status| status != Status::Ok)
    }

    /// The acknowledgement, unless it has ended by itself.
    pub fn ack_at(&self, now: Timestamp) -> Option<Ack> {
        self.ack.filter(|ack| ack.holds(now))
    }

    /// What people believe wrongly: a confirmed problem they were not told of, or one they were told of that is over.
    pub fn owes(&self) -> Option<Notice> {
        match (self.state_type, self.status) {
            (StateType::Soft, _) | (_, None) => None,
            (StateType::Hard, Some(Status::Ok)) => self.told.map(|_| Notice::Recovery),
            (StateType::Hard, problem) => (self.told != problem).then_some(Notice::Problem),
        }
    }

    /// Folds one result into the state. Pure: the same inputs give the same answer.
    pub fn apply(&self, result: &CheckResult, retry: &RetryPolicy, ctx: Context) -> Applied {
        if let Some(rejection) = self.rejects(result, ctx.now) {
            let state = Self {
                last_heard: Some(ctx.now),
                rejected: self.rejected.saturating_add(1),
                rejected_in_a_row: self.rejected_in_a_row.saturating_add(1),
                ..*self
            };
            let rejected = Some(rejection);
            return Applied { state, transition: None, rejected, ack_ended: None, flapping_changed: None };
        }

        // A runner's clock ahead of ours must not date a change after its own arrival, nor before the one it follows.
        let at = result.finished.min(ctx.now);
        let at = self.since.map_or(at, |since| at.max(since)).min(ctx.now);
        let (state_type, attempt) = self.next_type(result.status, retry);
        let mut applied = self.move_to(result.status, state_type, attempt, at, ctx.now);

        let state = &mut applied.state;
        state.stale = None;
        state.rejected_in_a_row = 0;
        state.last_result_started = Some(result.started);
        state.last_checked = Some(at);
        state.last_heard = Some(ctx.now);
        let confirmed = state.state_type == StateType::Hard;
        state.next_due = Some(ctx.now + if confirmed { retry.interval } else { retry.retry_interval });
        let changed = self.status.is_some_and(|status| status != result.status);
        state.flap = self.flap.record(changed);
        applied.flapping_changed =
            (state.flap.flapping != self.flap.flapping).then_some(applied.state.flap.flapping);
        applied
    }

    /// Until when silence is no news. `baseline` is the latest of: the check's creation, the server's start, the
    /// runner's connection; whoever was not there to hear does not judge.
    pub fn fresh_until(&self, retry: &RetryPolicy, baseline: Timestamp) -> Timestamp {
        // While soft too: the retry interval is asked for, but only the interval is certain.
        let expected = retry.interval.max(retry.retry_interval);
        let heard = self.last_heard.map_or(baseline, |heard| heard.max(baseline));
        heard + expected + expected + FRESHNESS_GRACE
    }

    /// No result came by [`Self::fresh_until`]. With the agent connected the check becomes UNKNOWN at once; without it
    /// the last status stands and only the flag moves.
    pub fn mark_stale(&self, now: Timestamp, agent_connected: bool) -> Applied {
        let cause = if agent_connected { StaleCause::NoResult } else { StaleCause::AgentUnreachable };
        let since = self.stale.map_or(now, |stale| stale.since);
        let mut applied = match cause {
            StaleCause::AgentUnreachable => Applied::unchanged(*self),
            StaleCause::NoResult => {
                self.move_to(Status::Unknown, StateType::Hard, self.attempt.max(1), now, now)
            }
        };
        applied.state.stale = Some(Stale { since, cause });
        applied
    }

    /// Takes charge of a problem; replaces an earlier acknowledgement.
    ///
    /// # Errors
    /// [`AckError`] when there is no problem, or the end is not in the future.
    pub fn acknowledge(&self, ack: Ack, now: Timestamp) -> Result<Self, AckError> {
        match self.status {
            None => Err(AckError::Pending),
            Some(Status::Ok) => Err(AckError::Ok),
            Some(_) if !ack.holds(now) => Err(AckError::Expired),
            Some(Status::Warning | Status::Critical | Status::Unknown) => {
                Ok(Self { ack: Some(ack), ..*self })
            }
        }
    }

    /// Without acknowledgement.
    #[must_use]
    pub fn unacknowledge(&self) -> Self {
        Self { ack: None, ..*self }
    }

    /// The state without an acknowledgement that has ended by itself; `None` if none has.
    pub fn expire_ack(&self, now: Timestamp) -> Option<Self> {
        self.ack.filter(|ack| !ack.holds(now)).map(|_| self.unacknowledge())
    }

    /// People are told: the notification is in the outbox. Part of the same transaction as that.
    #[must_use]
    pub fn notified(&self, notice: Notice, now: Timestamp) -> Self {
        match notice {
            Notice::Problem => Self {
                notification_number: self.notification_number.saturating_add(1),
                last_notified: Some(now),
                told: self.status,
                ..*self
            },
            Notice::Recovery => {
                Self { notification_number: 0, last_notified: Some(now), told: None, ..*self }
            }
        }
    }

    /// Older than what we have, unless what we have was dated by a clock that is known to be wrong.
    fn rejects(&self, result: &CheckResult, now: Timestamp) -> Option<Rejection> {
        let newest = self.last_result_started?;
        let wrong_clock = newest > now + FUTURE_TOLERANCE || self.rejected_in_a_row >= REJECTED_IN_A_ROW_MAX;
        let older = result.started < newest && !wrong_clock;
        older.then_some(Rejection::Older { started: result.started, newest })
    }

    fn next_type(&self, status: Status, retry: &RetryPolicy) -> (StateType, u32) {
        if status == Status::Ok {
            return (StateType::Hard, 1);
        }
        let attempt = match (self.status, self.state_type) {
            (None | Some(Status::Ok), _) => 1,
            (Some(_), StateType::Soft) => self.attempt.saturating_add(1),
            (Some(_), StateType::Hard) => return (StateType::Hard, self.attempt),
        };
        let hard = attempt >= retry.max_attempts;
        (if hard { StateType::Hard } else { StateType::Soft }, attempt)
    }

    fn move_to(
        &self,
        to: Status,
        to_type: StateType,
        attempt: u32,
        at: Timestamp,
        now: Timestamp,
    ) -> Applied {
        let changed = self.status != Some(to);
        let hard = to_type == StateType::Hard;
        let was_problem = self.is_problem();
        // The first result only says how things are; when that is a confirmed problem, people want to hear it.
        let hard_change = hard && self.last_hard_status.unwrap_or(Status::Ok) != to;
        let transition = (changed || self.state_type != to_type).then_some(Transition {
            from: self.status,
            from_type: self.state_type,
            to,
            to_type,
            hard_change,
            recovery: hard_change && to == Status::Ok,
            soft_recovery: was_problem && self.state_type == StateType::Soft && to == Status::Ok,
        });
        let ack_ended = match self.ack {
            None => None,
            Some(_) if to == Status::Ok => Some(AckEnd::Recovered),
            Some(ack) if changed && !ack.sticky => Some(AckEnd::StatusChanged),
            Some(ack) if !ack.holds(now) => Some(AckEnd::Expired),
            Some(_) => None,
        };
        let new_hard = hard && self.last_hard_status != Some(to);
        let state = Self {
            status: Some(to),
            state_type: to_type,
            attempt,
            last_hard_status: if hard { Some(to) } else { self.last_hard_status },
            since: if changed { Some(at) } else { self.since },
            hard_since: if new_hard { Some(at) } else { self.hard_since },
            ack: if ack_ended.is_some() { None } else { self.ack },
            ..*self
        };
        Applied { state, transition, rejected: None, ack_ended, flapping_changed: None }
    }
}

impl Applied {
    fn unchanged(state: CheckState) -> Self {
        Self { state, transition: None, rejected: None, ack_ended: None, flapping_changed: None }
    }
}
