//! The life of a check as people see it: results go in, states and messages come out. Each line is a fact.
//!
//! A script is words: `ok warn crit unk` are results; `[` and `]` begin and end a downtime; `(` and `)` lose the host's
//! agent and get it back; `a`, `A` and `x` acknowledge, do so stickily, and take it back; `~` lets the check go stale;
//! `t` lets time pass. Each answers with the state: `ok`, a soft `crit2` with its attempt, a hard `CRIT`. `!` after it is
//! a problem told to people, `+` a recovery.

use std::time::Duration;

use proptest::prelude::*;
use wk_domain::check::RetryPolicy;
use wk_domain::check_state::{
    Ack, AckEnd, AckError, Applied, CheckState, Context, FUTURE_TOLERANCE, Flap, Rejection, Stale,
    StaleCause, StateType,
};
use wk_domain::decision::{
    Downtime, Gate, GateInput, Notice, Release, Verdict, decide, reconsider, worth_deciding,
};
use wk_domain::{CheckKind, CheckResult, Status, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

fn result(status: Status, started: Timestamp) -> CheckResult {
    CheckResult {
        status,
        reason: None,
        output: String::new(),
        long_output: String::new(),
        metrics: vec![],
        started,
        finished: started + Duration::from_secs(1),
    }
}

struct Life {
    state: CheckState,
    retry: RetryPolicy,
    now: Timestamp,
    downtime: bool,
    agent: bool,
    kind: CheckKind,
    renotify: Option<Duration>,
    told: Vec<(Notice, Status)>,
    last_gate: Option<Gate>,
}

impl Life {
    fn new(max_attempts: u32) -> Self {
        Self {
            state: CheckState::pending(),
            retry: RetryPolicy { max_attempts, ..RetryPolicy::default() },
            now: Timestamp::from_ms(1_800_000_000_000),
            downtime: false,
            agent: true,
            kind: CheckKind::Probe,
            renotify: None,
            told: vec![],
            last_gate: None,
        }
    }

    fn input(&self, applied: Option<&Applied>) -> GateInput {
        GateInput {
            now: self.now,
            kind: self.kind,
            state: self.state,
            transition: applied.and_then(|applied| applied.transition),
            max_attempts: self.retry.max_attempts,
            volatile: self.retry.volatile,
            forced: false,
            notifications_on: true,
            host_reachable: self.agent,
            check_downtime: self.downtime.then_some(Downtime { until: self.now + Duration::from_secs(3600) }),
            host_downtime: None,
            renotify: self.renotify,
        }
    }

    fn tell(&mut self, verdict: Verdict) -> &'static str {
        self.last_gate = match verdict {
            Verdict::Notify(_) => None,
            Verdict::Silent { gate } | Verdict::Deferred { gate, .. } => Some(gate),
        };
        let Verdict::Notify(notice) = verdict else { return "" };
        self.told.extend(self.state.status.map(|status| (notice, status)));
        self.state = self.state.notified(notice, self.now);
        match notice {
            Notice::Problem => "!",
            Notice::Recovery => "+",
        }
    }

    fn after(&mut self, applied: Applied) -> String {
        self.state = applied.state;
        let input = self.input(Some(&applied));
        let decision = decide(&input);
        if matches!(decision.verdict, Verdict::Notify(_)) {
            assert!(worth_deciding(&input), "the cheap question must not hide a message");
        }
        let told = self.tell(decision.verdict);
        format!("{}{told}", self.shown())
    }

    fn release(&mut self, word: &str, release: Release) -> String {
        let verdict = reconsider(&self.input(None), release).verdict;
        format!("{word}{}", self.tell(verdict))
    }

    fn shown(&self) -> String {
        let word = match self.state.status {
            None => "pending",
            Some(Status::Ok) => return "ok".into(),
            Some(Status::Warning) => "warn",
            Some(Status::Critical) => "crit",
            Some(Status::Unknown) => "unk",
        };
        match self.state.state_type {
            StateType::Soft => format!("{word}{}", self.state.attempt),
            StateType::Hard => word.to_uppercase(),
        }
    }

    fn apply(&mut self, status: Status) -> Applied {
        self.state.apply(&result(status, self.now), &self.retry, Context { now: self.now })
    }

    fn step(&mut self, word: &str) -> String {
        self.now = self.now + MINUTE;
        let ack = |sticky| Ack { sticky, expires: None };
        match word {
            "[" => self.downtime = true,
            "(" => self.agent = false,
            "a" => self.state = self.state.acknowledge(ack(false), self.now).unwrap_or(self.state),
            "A" => self.state = self.state.acknowledge(ack(true), self.now).unwrap_or(self.state),
            "x" => self.state = self.state.unacknowledge(),
            "t" => return self.release("t", Release::Tick),
            "]" => {
                self.downtime = false;
                return self.release("]", Release::DowntimeEnded);
            }
            ")" => {
                self.agent = true;
                return self.release(")", Release::AgentBack);
            }
            "~" => {
                let applied = self.state.mark_stale(self.now, self.agent);
                return self.after(applied);
            }
            _ => {
                let status = match word {
                    "ok" => Status::Ok,
                    "warn" => Status::Warning,
                    "crit" => Status::Critical,
                    "unk" => Status::Unknown,
                    // Shows in the answer, and so fails the fact.
                    other => return format!("<no such word: {other}>"),
                };
                let applied = self.apply(status);
                return self.after(applied);
            }
        }
        word.into()
    }

    fn play(&mut self, script: &str) -> String {
        script.split_whitespace().map(|word| self.step(word)).collect::<Vec<_>>().join(" ")
    }
}

fn replay(script: &str) -> String {
    Life::new(3).play(script)
}

fn replay_at_once(script: &str) -> String {
    Life::new(1).play(script)
}

#[test]
fn a_third_failure_is_told_and_so_is_its_end() {
    assert_eq!(replay("ok crit crit crit ok"), "ok crit1 crit2 CRIT! ok+");
    assert_eq!(replay("crit crit crit crit"), "crit1 crit2 CRIT! CRIT");
    assert_eq!(replay("ok ok ok"), "ok ok ok");
}

#[test]
fn one_attempt_makes_the_first_failure_hard() {
    assert_eq!(replay_at_once("ok crit crit ok"), "ok CRIT! CRIT ok+");
    assert_eq!(replay_at_once("crit"), "CRIT!");
    assert_eq!(Life::new(0).play("crit"), "CRIT!");
}

#[test]
fn a_problem_that_ends_unconfirmed_is_never_told() {
    assert_eq!(replay("ok crit crit ok crit ok"), "ok crit1 crit2 ok crit1 ok");
}

#[test]
fn a_soft_problem_that_changes_keeps_counting() {
    assert_eq!(replay("ok crit warn warn"), "ok crit1 warn2 WARN!");
    assert_eq!(replay("ok warn crit unk"), "ok warn1 crit2 UNK!");
}

#[test]
fn a_hard_problem_that_changes_is_told_at_once_and_keeps_its_number() {
    let mut life = Life::new(3);
    assert_eq!(life.play("ok crit crit crit warn warn crit"), "ok crit1 crit2 CRIT! WARN! WARN CRIT!");
    assert_eq!(life.state.notification_number, 3);
    assert_eq!(life.play("ok crit crit crit"), "ok+ crit1 crit2 CRIT!");
    assert_eq!(life.state.notification_number, 1);
}

#[test]
fn a_volatile_check_tells_every_confirmed_failure_but_not_every_ok() {
    let mut life = Life::new(1);
    life.retry.volatile = true;
    assert_eq!(life.play("ok ok crit crit crit ok ok"), "ok ok CRIT! CRIT! CRIT! ok+ ok");
    let mut life = Life::new(3);
    life.retry.volatile = true;
    assert_eq!(life.play("ok crit crit crit crit"), "ok crit1 crit2 CRIT! CRIT!");
}

#[test]
fn a_recovery_inside_a_downtime_is_told_when_the_downtime_ends() {
    assert_eq!(replay("ok crit crit crit [ crit ok ok ]"), "ok crit1 crit2 CRIT! [ CRIT ok ok ]+");
}

#[test]
fn a_problem_inside_a_downtime_is_told_at_its_end_only_if_it_is_still_there() {
    assert_eq!(replay("ok [ crit crit crit ]"), "ok [ crit1 crit2 CRIT ]!");
    assert_eq!(replay("ok [ crit crit crit ok ]"), "ok [ crit1 crit2 CRIT ok ]");
    assert_eq!(replay("ok [ crit ] crit crit"), "ok [ crit1 ] crit2 CRIT!");
    // What people believe has not changed, so there is nothing to say.
    assert_eq!(replay_at_once("ok crit [ ok crit ]"), "ok CRIT! [ ok CRIT ]");
    assert_eq!(replay_at_once("ok crit [ ok warn ]"), "ok CRIT! [ ok WARN ]!");
}

#[test]
fn what_a_lost_reminder_left_owed_is_told_with_the_next_result() {
    let mut life = Life::new(1);
    assert_eq!(life.play("ok [ crit"), "ok [ CRIT");
    // The end of the downtime passed while nobody ran.
    life.downtime = false;
    assert_eq!(life.play("crit crit"), "CRIT! CRIT");
}

#[test]
fn a_lost_agent_mutes_its_host_and_what_is_owed_follows() {
    assert_eq!(replay("ok crit ( crit crit )"), "ok crit1 ( crit2 CRIT )!");
    assert_eq!(replay_at_once("ok crit ( ok )"), "ok CRIT! ( ok )+");
    let mut alive = Life::new(1);
    alive.kind = CheckKind::Alive;
    assert_eq!(alive.play("ok ( crit ) ok"), "ok ( CRIT! ) ok+");
}

#[test]
fn a_normal_acknowledgement_ends_with_any_change() {
    assert_eq!(replay_at_once("ok crit a crit warn"), "ok CRIT! a CRIT WARN!");
    assert_eq!(replay_at_once("ok crit a ok crit"), "ok CRIT! a ok+ CRIT!");
    // Also with a change before the problem is confirmed.
    assert_eq!(replay("ok crit a warn warn"), "ok crit1 a warn2 WARN!");
    assert_eq!(replay("ok crit a crit crit ok"), "ok crit1 a crit2 CRIT ok");
}

#[test]
fn a_sticky_acknowledgement_ends_with_the_problem() {
    assert_eq!(replay_at_once("ok crit A warn unk crit ok crit"), "ok CRIT! A WARN UNK CRIT ok+ CRIT!");
    // Taken back while people believe something else than what is.
    assert_eq!(replay_at_once("ok crit A warn x warn"), "ok CRIT! A WARN x WARN!");
    assert_eq!(replay_at_once("ok crit A crit x crit"), "ok CRIT! A CRIT x CRIT");
}

#[test]
fn there_must_be_a_problem_to_acknowledge() {
    let mut life = Life::new(3);
    let ack = Ack { sticky: false, expires: None };
    assert_eq!(life.state.acknowledge(ack, life.now), Err(AckError::Pending));
    life.play("ok");
    assert_eq!(life.state.acknowledge(ack, life.now), Err(AckError::Ok));
    life.play("crit");
    let past = Ack { sticky: false, expires: Some(life.now) };
    assert_eq!(life.state.acknowledge(past, life.now), Err(AckError::Expired));
    assert!(life.state.acknowledge(ack, life.now).is_ok());
}

#[test]
fn an_acknowledgement_that_expires_is_a_promise_to_be_reminded() {
    let mut life = Life::new(1);
    life.play("ok crit");
    let end = life.now + MINUTE * 3;
    let expires = Some(end);
    life.state = life.state.acknowledge(Ack { sticky: true, expires }, life.now).unwrap();
    assert_eq!(life.play("crit warn"), "CRIT WARN");
    assert_eq!(life.last_gate, Some(Gate::NotAcknowledged));
    assert_eq!(
        decide(&life.input(None)).verdict,
        Verdict::Deferred { gate: Gate::NotAcknowledged, until: expires }
    );
    assert_eq!(life.state.expire_ack(life.now), None);
    life.now = end;
    life.state = life.state.expire_ack(life.now).unwrap();
    assert_eq!(life.release("", Release::AckExpired), "!");
    // Nobody swept, but a result comes: it ends all the same.
    let mut life = Life::new(1);
    life.play("ok crit");
    life.state =
        life.state.acknowledge(Ack { sticky: true, expires: Some(life.now + MINUTE) }, life.now).unwrap();
    life.now = life.now + MINUTE * 5;
    assert_eq!(life.apply(Status::Critical).ack_ended, Some(AckEnd::Expired));
    assert_eq!(life.apply(Status::Ok).ack_ended, Some(AckEnd::Recovered));
}

#[test]
fn a_problem_is_repeated_when_an_interval_is_set() {
    let mut life = Life::new(1);
    assert_eq!(life.play("ok crit t t t t"), "ok CRIT! t t t t");
    life.renotify = Some(MINUTE * 3);
    assert_eq!(life.play("t crit t crit a t t t t x t"), "t! CRIT t CRIT! a t t t t x t!");
    life.renotify = Some(Duration::ZERO);
    assert_eq!(life.play("t t t t t"), "t t t t t");
}

#[test]
fn silence_with_a_connected_agent_is_unknown() {
    assert_eq!(replay("ok ~ ~ ok"), "ok UNK! UNK ok+");
    assert_eq!(replay("~"), "UNK!");
    let mut life = Life::new(3);
    life.play("ok ~");
    assert!(matches!(life.state.stale, Some(Stale { cause: StaleCause::NoResult, .. })));
    life.play("ok");
    assert_eq!(life.state.stale, None);
}

#[test]
fn silence_of_a_lost_agent_keeps_the_last_word_and_tells_nobody() {
    assert_eq!(replay("ok ( ~ ~ ) ok"), "ok ( ok ok ) ok");
    assert_eq!(replay_at_once("crit ( ~ ) crit"), "CRIT! ( CRIT ) CRIT");
    let mut life = Life::new(3);
    life.play("ok ( ~");
    let since = life.now;
    life.play("~ ~");
    assert_eq!(life.state.stale, Some(Stale { since, cause: StaleCause::AgentUnreachable }));
    assert_eq!(life.state.status, Some(Status::Ok));
}

#[test]
fn freshness_forgives_one_lost_run_and_whoever_was_not_listening() {
    let mut life = Life::new(3);
    let born = life.now;
    assert_eq!(life.state.fresh_until(&life.retry, born), born + Duration::from_secs(150));
    life.play("ok");
    assert_eq!(life.state.fresh_until(&life.retry, born), life.now + Duration::from_secs(150));
    let restarted = life.now + MINUTE * 60;
    assert_eq!(life.state.fresh_until(&life.retry, restarted), restarted + Duration::from_secs(150));
    life.play("crit");
    // The next run is asked for sooner, but an agent may keep to the interval.
    assert_eq!(life.state.fresh_until(&life.retry, born), life.now + Duration::from_secs(150));
}

#[test]
fn the_next_run_comes_sooner_while_a_problem_is_being_confirmed() {
    let mut life = Life::new(3);
    let mut wait = |word: &str| {
        life.play(word);
        life.state.next_due.unwrap().since(life.now).as_secs()
    };
    assert_eq!(["ok", "crit", "crit", "crit", "ok"].map(&mut wait), [60, 12, 12, 60, 60]);
}

#[test]
fn an_older_result_is_dropped_and_counted() {
    let mut life = Life::new(1);
    life.play("ok crit");
    let newest = life.now;
    let late = result(Status::Ok, newest - MINUTE);
    let applied = life.state.apply(&late, &life.retry, Context { now: newest + MINUTE });
    assert_eq!(applied.rejected, Some(Rejection::Older { started: newest - MINUTE, newest }));
    assert_eq!(applied.rejected.unwrap().to_string(), "the run began 60000 ms before the one already judged");
    assert_eq!(
        (applied.transition, applied.state.status, applied.state.rejected),
        (None, Some(Status::Critical), 1)
    );
    // It was heard all the same: the check is not silent.
    assert_eq!(applied.state.last_heard, Some(newest + MINUTE));
    // The same start again is not older.
    assert_eq!(
        life.state.apply(&result(Status::Ok, newest), &life.retry, Context { now: newest }).rejected,
        None
    );
}

#[test]
fn a_clock_that_was_ahead_does_not_shut_out_the_right_time() {
    let mut life = Life::new(1);
    life.play("ok");
    let now = life.now;
    let ahead = |by| life.state.apply(&result(Status::Ok, now + by), &life.retry, Context { now }).state;
    let next = |state: CheckState| {
        state.apply(&result(Status::Critical, now + MINUTE), &life.retry, Context { now: now + MINUTE })
    };
    // Far ahead: known to be wrong.
    assert_eq!(next(ahead(FUTURE_TOLERANCE * 3)).rejected, None);
    // A little ahead: dropped, but not for long.
    let mut state = ahead(MINUTE * 4);
    let mut rejected = 0;
    for _ in 0..3 {
        let applied = next(state);
        rejected += u32::from(applied.rejected.is_some());
        state = applied.state;
    }
    assert_eq!(
        (rejected, state.status, state.rejected, state.rejected_in_a_row),
        (2, Some(Status::Critical), 2, 0)
    );
}

#[test]
fn a_wrong_clock_dates_no_change_after_its_arrival() {
    let life = Life::new(1);
    let future = result(Status::Critical, life.now + MINUTE * 600);
    let state = life.state.apply(&future, &life.retry, Context { now: life.now }).state;
    assert_eq!((state.since, state.last_checked), (Some(life.now), Some(life.now)));
}

#[test]
fn flapping_is_measured_as_icinga_does() {
    let newest = |k: u32| Flap { bits: (1 << k) - 1, flapping: false }.percent();
    let table = [(1, 5.9), (3, 17.4), (5, 28.5), (6, 33.9), (7, 39.2), (20, 99.0)];
    for (k, percent) in table {
        assert!((newest(k) - percent).abs() < 1e-9, "{k}: {}", newest(k));
    }
    let every_second = Flap { bits: 0b0101_0101_0101_0101_0101, flapping: false }.percent();
    assert!((every_second - 50.0).abs() < 1e-9, "{every_second}");
}

#[test]
fn flapping_begins_above_30_and_ends_15_checks_after_six_changes() {
    let mut life = Life::new(3);
    life.play("ok crit ok crit ok crit");
    assert!(!life.state.flap.flapping);
    let sixth = life.apply(Status::Ok);
    assert_eq!(sixth.flapping_changed, Some(true));
    life.state = sixth.state;
    let mut checks = 0;
    while life.state.flap.flapping {
        life.play("ok");
        checks += 1;
    }
    assert_eq!(checks, 15);
}

#[test]
fn flapping_merges_and_does_not_mute() {
    let mut life = Life::new(1);
    assert_eq!(life.play("ok crit ok crit ok crit ok"), "ok CRIT! ok+ CRIT! ok+ CRIT! ok+");
    let applied = life.apply(Status::Critical);
    life.state = applied.state;
    let decision = decide(&life.input(Some(&applied)));
    assert_eq!((decision.verdict, decision.merged), (Verdict::Notify(Notice::Problem), true));
}

#[test]
fn the_trace_names_each_gate_up_to_the_one_that_said_no() {
    let told = |input: &GateInput| {
        let decision = decide(input);
        let lines: Vec<String> = decision
            .gates
            .iter()
            .map(|gate| {
                format!("{} {}: {}", if gate.passed { "+" } else { "-" }, gate.gate.as_str(), gate.detail)
            })
            .collect();
        lines.join("\n")
    };
    let mut life = Life::new(3);
    life.play("ok crit");
    let soft = told(&life.input(None));
    assert_eq!(
        soft,
        "+ notifications_on: Notifications are on.\n\
         + host_reachable: The host's agent is connected.\n\
         + not_in_downtime: Neither the check nor its host is in a downtime.\n\
         + not_acknowledged: Nobody has acknowledged it.\n\
         - hard: Attempt 1 of 3: not confirmed yet."
    );
    life.play("crit");
    let applied = life.apply(Status::Critical);
    life.state = applied.state;
    let hard = told(&life.input(Some(&applied)));
    assert!(hard.ends_with("+ hard: The problem is confirmed.\n+ news: CRITICAL is confirmed."), "{hard}");
    life.state = life.state.notified(Notice::Problem, life.now);
    life.now = life.now + MINUTE * 5;
    assert!(told(&life.input(None)).ends_with("- news: Told 5 min ago, and once is enough."));

    let mut input = life.input(None);
    input.check_downtime = Some(Downtime { until: life.now + MINUTE });
    input.host_downtime = Some(Downtime { until: life.now + MINUTE * 90 });
    assert!(told(&input).ends_with("- not_in_downtime: The host is in a downtime for another 1 h 30 min."));
    input.host_reachable = false;
    assert!(told(&input).contains("- host_reachable: The host's agent is not connected"));
    input.notifications_on = false;
    assert_eq!(told(&input), "- notifications_on: Notifications are switched off.");
    input.forced = true;
    assert_eq!(told(&input), "+ forced: Asked for by hand; the other conditions do not apply.");
    assert_eq!(decide(&input).verdict, Verdict::Notify(Notice::Problem));
    // An ended downtime that nobody has swept away yet mutes nothing.
    let mut input = life.input(None);
    input.check_downtime = Some(Downtime { until: life.now });
    assert!(!told(&input).contains("- not_in_downtime"));
}

#[test]
fn a_state_is_small_and_copied_without_a_heap() {
    fn copied<T: Copy>() {}
    copied::<CheckState>();
    assert!(size_of::<CheckState>() <= 256, "{}", size_of::<CheckState>());
}

fn any_word() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "ok", "ok", "warn", "crit", "crit", "unk", "[", "]", "(", ")", "a", "A", "x", "~", "t",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, nobody is told twice of one occurrence of a problem, of a recovery without a problem, or of what
    /// was not confirmed; and once nothing holds messages back, people believe what is.
    #[test]
    fn people_are_told_in_turn_and_in_the_end_the_truth(
        words in proptest::collection::vec(any_word(), 0..120),
        max_attempts in 1u32..5,
    ) {
        let mut life = Life::new(max_attempts);
        let mut believed = None;
        let mut was_otherwise = false;
        for word in words {
            let told_before = life.told.len();
            life.step(word);
            for (notice, status) in &life.told[told_before..] {
                prop_assert_eq!(life.state.state_type, StateType::Hard);
                match notice {
                    Notice::Problem => {
                        prop_assert!(*status != Status::Ok && (believed != Some(*status) || was_otherwise));
                    }
                    Notice::Recovery => prop_assert!(*status == Status::Ok && believed.is_some()),
                }
                believed = Some(*status).filter(|status| *status != Status::Ok);
                was_otherwise = false;
            }
            was_otherwise |= life.state.status != life.state.told;
            prop_assert_eq!(life.state.told, believed);
            prop_assert_eq!(life.state.notification_number > 0, believed.is_some());
            prop_assert!(life.state.attempt <= max_attempts.max(1));
        }
        life.play("] ) x t");
        if life.state.state_type == StateType::Hard {
            prop_assert_eq!(life.state.told, life.state.status.filter(|status| *status != Status::Ok));
        }
    }

    #[test]
    fn a_soft_recovery_is_never_told(words in proptest::collection::vec(any_word(), 0..60)) {
        let mut life = Life::new(3);
        for word in words {
            life.step(word);
            let was_told = life.state.told.is_some();
            let mut applied = life.clone_apply(Status::Ok);
            if let Some(transition) = applied.transition.take().filter(|transition| transition.soft_recovery) {
                prop_assert!(!transition.hard_change && !transition.recovery);
                let mut input = life.input(None);
                (input.state, input.transition) = (applied.state, Some(transition));
                let told = matches!(decide(&input).verdict, Verdict::Notify(_));
                // A recovery that was already owed, from before, may be told; the soft one adds nothing.
                prop_assert!(!told || was_told);
            }
        }
    }
}

impl Life {
    fn clone_apply(&self, status: Status) -> Applied {
        let now = self.now + MINUTE;
        self.state.apply(&result(status, now), &self.retry, Context { now })
    }
}
