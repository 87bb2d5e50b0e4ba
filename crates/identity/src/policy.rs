//! Rules for passwords as an operator sets them: four profiles, the knobs each leaves open, and what holds when several
//! apply to one person.
//!
//! | profile | what it is |
//! |---|---|
//! | `nist` | NIST SP 800-63B-4: long, no character classes, no expiry. The default |
//! | `pci-dss-4` | PCI DSS 4.0.1, requirement 8.3, with a count of failures for each known browser |
//! | `pci-strict` | the same with one count of failures for each account |
//! | `classic` | every knob in the range that other products know |
//!
//! A knob turned to what its profile forbids is refused with the clause that forbids it. The strictest of several
//! policies wins, knob by knob: [`PasswordRules::strictest`] is commutative, associative and idempotent.
//! Pure: no storage, no clock. What one password is worth under the rules is [`crate::password`]'s.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::session::SessionLimits;

/// Longest password that is ever accepted, in code points.
pub(crate) const CHARS_CEILING: u16 = 256;
/// What NIST asks every verifier to allow at least.
const CHARS_MAX_LEAST: u16 = 64;
/// Failures in a row that NIST allows at most.
const FAILURES_CAP: u16 = 100;

/// A set of rules with a name that an assessor knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Profile {
    #[default]
    #[serde(rename = "nist")]
    Nist,
    #[serde(rename = "pci-dss-4")]
    PciDss4,
    #[serde(rename = "pci-strict")]
    PciStrict,
    #[serde(rename = "classic")]
    Classic,
}

impl Profile {
    /// All, the default first.
    pub const ALL: [Self; 4] = [Self::Nist, Self::PciDss4, Self::PciStrict, Self::Classic];

    /// The word for configuration and programs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Nist => "nist",
            Self::PciDss4 => "pci-dss-4",
            Self::PciStrict => "pci-strict",
            Self::Classic => "classic",
        }
    }

    /// Reads the word.
    pub fn parse(raw: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == raw)
    }

    /// One sentence for people who choose.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Nist => {
                "NIST SP 800-63B-4: long passwords, compared with lists of common and breached ones; no character \
                 classes, no expiry."
            }
            Self::PciDss4 => {
                "PCI DSS 4.0.1, requirement 8.3: letters and digits, four former passwords kept, change after 90 \
                 days without a second factor, ten failures and then half an hour's wait."
            }
            Self::PciStrict => {
                "PCI DSS 4.0.1 with one count of failures for each account: ten failures close the password for half \
                 an hour, also from known browsers. A passkey still opens."
            }
            Self::Classic => "Every knob is free within its range, for rules that come from elsewhere.",
        }
    }

    /// The rules of the profile with no knob turned.
    pub const fn rules(self) -> PasswordRules {
        let nist = PasswordRules {
            chars_min: 12,
            chars_min_alone: 15,
            chars_max: CHARS_CEILING,
            classes: 0,
            letters_and_digits: false,
            history: 0,
            age_max_days: None,
            age_max_days_alone: None,
            age_min_days: 0,
            change_at_first_login: true,
            edits_min: 4,
            score_min: 3,
            lockout: Lockout { failures: None, minutes: 0, one_count: false },
            idle_minutes: 30,
            absolute_hours: 12,
        };
        let pci = PasswordRules {
            letters_and_digits: true,
            history: 4,
            age_max_days_alone: Some(90),
            lockout: Lockout { failures: Some(10), minutes: 30, one_count: false },
            idle_minutes: 15,
            ..nist
        };
        match self {
            Self::Nist | Self::Classic => nist,
            Self::PciDss4 => pci,
            Self::PciStrict => {
                PasswordRules { lockout: Lockout { failures: Some(10), minutes: 30, one_count: true }, ..pci }
            }
        }
    }

    /// What the profile lets a knob be set to, and the clause that says so.
    pub fn bounds(self, knob: Knob) -> Bounds {
        const NIST_LENGTH: &str = "NIST SP 800-63B-4 3.1.1.2";
        const PCI_LENGTH: &str = "PCI DSS 4.0.1 8.3.6";
        const OWN: &str = "Watchkeep's own bound";
        let b = |least, most, clause| Bounds { least, most, none: false, clause };
        let or_none = |bounds: Bounds| Bounds { none: true, ..bounds };
        match (knob, self) {
            (Knob::CharsMin, Self::PciDss4 | Self::PciStrict) => b(12, 64, PCI_LENGTH),
            (Knob::CharsMin, _) => b(8, 64, NIST_LENGTH),
            (Knob::CharsMinAlone, Self::Nist) => b(15, 64, NIST_LENGTH),
            (Knob::CharsMinAlone, Self::PciDss4 | Self::PciStrict) => b(12, 64, PCI_LENGTH),
            (Knob::CharsMinAlone, Self::Classic) => b(8, 64, OWN),
            (Knob::CharsMax, _) => b(CHARS_MAX_LEAST, CHARS_CEILING, NIST_LENGTH),
            (Knob::Classes, Self::Nist) => b(0, 0, NIST_LENGTH),
            (Knob::Classes, _) => b(0, 4, OWN),
            (Knob::LettersAndDigits, Self::Nist) => b(0, 0, NIST_LENGTH),
            (Knob::LettersAndDigits, Self::PciDss4 | Self::PciStrict) => b(1, 1, PCI_LENGTH),
            (Knob::LettersAndDigits, Self::Classic) => b(0, 1, OWN),
            (Knob::History, Self::PciDss4 | Self::PciStrict) => b(4, 24, "PCI DSS 4.0.1 8.3.7"),
            (Knob::History, _) => b(0, 24, OWN),
            (Knob::AgeMaxDays | Knob::AgeMaxDaysAlone, Self::Nist) => or_none(b(1, 0, NIST_LENGTH)),
            (Knob::AgeMaxDaysAlone, Self::PciDss4 | Self::PciStrict) => b(8, 90, "PCI DSS 4.0.1 8.3.9"),
            (Knob::AgeMaxDays | Knob::AgeMaxDaysAlone, _) => or_none(b(8, 365, OWN)),
            (Knob::AgeMinDays, _) => b(0, 7, OWN),
            (Knob::ChangeAtFirstLogin, Self::PciDss4 | Self::PciStrict) => b(1, 1, "PCI DSS 4.0.1 8.3.5"),
            (Knob::ChangeAtFirstLogin, _) => b(1, 1, "OWASP ASVS 5.0 6.4.1"),
            (Knob::EditsMin, _) => b(0, 8, OWN),
            (Knob::ScoreMin, _) => b(2, 4, OWN),
            (Knob::Blocklist, _) => b(1, 1, NIST_LENGTH),
            (Knob::LockoutFailures, Self::PciDss4 | Self::PciStrict) => b(3, 10, "PCI DSS 4.0.1 8.3.4"),
            (Knob::LockoutFailures, _) => or_none(b(3, FAILURES_CAP, "NIST SP 800-63B-4 3.2.2")),
            (Knob::LockoutMinutes, Self::PciDss4 | Self::PciStrict) => b(30, 1440, "PCI DSS 4.0.1 8.3.4"),
            (Knob::LockoutMinutes, _) => b(0, 1440, OWN),
            (Knob::OneCount, Self::PciStrict) => b(1, 1, "PCI DSS 4.0.1 8.3.4, counted by account"),
            (Knob::OneCount, _) => b(0, 1, OWN),
            (Knob::IdleMinutes, Self::PciDss4 | Self::PciStrict) => b(5, 15, "PCI DSS 4.0.1 8.2.8"),
            (Knob::IdleMinutes, _) => b(5, 60, "NIST SP 800-63B-4 2.2.3"),
            (Knob::AbsoluteHours, _) => b(1, 24, "NIST SP 800-63B-4 2.2.3"),
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What can be turned. Yes-or-no knobs are 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Knob {
    CharsMin,
    CharsMinAlone,
    CharsMax,
    Classes,
    LettersAndDigits,
    History,
    AgeMaxDays,
    AgeMaxDaysAlone,
    AgeMinDays,
    ChangeAtFirstLogin,
    EditsMin,
    ScoreMin,
    Blocklist,
    LockoutFailures,
    LockoutMinutes,
    OneCount,
    IdleMinutes,
    AbsoluteHours,
}

impl Knob {
    /// All, in the order in which people read them.
    pub const ALL: [Self; 18] = [
        Self::CharsMin,
        Self::CharsMinAlone,
        Self::CharsMax,
        Self::Classes,
        Self::LettersAndDigits,
        Self::ScoreMin,
        Self::Blocklist,
        Self::History,
        Self::EditsMin,
        Self::AgeMaxDays,
        Self::AgeMaxDaysAlone,
        Self::AgeMinDays,
        Self::ChangeAtFirstLogin,
        Self::LockoutFailures,
        Self::LockoutMinutes,
        Self::OneCount,
        Self::IdleMinutes,
        Self::AbsoluteHours,
    ];

    /// The key in configuration and in the API.
    pub const fn key(self) -> &'static str {
        match self {
            Self::CharsMin => "chars_min",
            Self::CharsMinAlone => "chars_min_alone",
            Self::CharsMax => "chars_max",
            Self::Classes => "classes",
            Self::LettersAndDigits => "letters_and_digits",
            Self::History => "history",
            Self::AgeMaxDays => "age_max_days",
            Self::AgeMaxDaysAlone => "age_max_days_alone",
            Self::AgeMinDays => "age_min_days",
            Self::ChangeAtFirstLogin => "change_at_first_login",
            Self::EditsMin => "edits_min",
            Self::ScoreMin => "score_min",
            Self::Blocklist => "blocklist",
            Self::LockoutFailures => "lockout_failures",
            Self::LockoutMinutes => "lockout_minutes",
            Self::OneCount => "one_count",
            Self::IdleMinutes => "idle_minutes",
            Self::AbsoluteHours => "absolute_hours",
        }
    }

    /// What it is, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::CharsMin => "Least characters, with a second factor",
            Self::CharsMinAlone => "Least characters, without a second factor",
            Self::CharsMax => "Most characters",
            Self::Classes => "Kinds of characters (lower, upper, digits, signs)",
            Self::LettersAndDigits => "Letters and digits",
            Self::History => "Former passwords that may not come back",
            Self::AgeMaxDays => "Change after so many days",
            Self::AgeMaxDaysAlone => "Change after so many days, without a second factor",
            Self::AgeMinDays => "No second change for so many days",
            Self::ChangeAtFirstLogin => "Chosen by the person, behind a one-time link",
            Self::EditsMin => "Least difference from the password it replaces, in characters",
            Self::ScoreMin => "Least estimate of guesses (0 to 4)",
            Self::Blocklist => "Lists of common and breached passwords, names, keyboard walks",
            Self::LockoutFailures => "Failures that close the password for a time",
            Self::LockoutMinutes => "Minutes that it is closed",
            Self::OneCount => "One count for each account, known browsers included",
            Self::IdleMinutes => "Minutes without use that end a session",
            Self::AbsoluteHours => "Hours that end a session",
        }
    }

    /// Whether it is yes or no.
    pub const fn is_switch(self) -> bool {
        matches!(self, Self::LettersAndDigits | Self::ChangeAtFirstLogin | Self::Blocklist | Self::OneCount)
    }
}

/// What a knob may be under a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    pub least: u16,
    pub most: u16,
    /// Whether it may be left off altogether (`null`): no expiry, no lockout beyond the delays.
    pub none: bool,
    /// Who says so.
    pub clause: &'static str,
}

impl Bounds {
    const fn range(&self) -> RangeInclusive<u16> {
        self.least..=self.most
    }

    /// What is allowed, in words.
    pub fn in_words(&self, switch: bool) -> String {
        let number = match (self.least, self.most) {
            (least, most) if least > most => String::new(),
            (1, 1) if switch => "on".to_owned(),
            (0, 0) if switch => "off".to_owned(),
            (0, 1) if switch => "on or off".to_owned(),
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        };
        match (self.none, number.is_empty()) {
            (true, true) => "none".to_owned(),
            (true, false) => format!("{number}, or none"),
            (false, _) => number,
        }
    }
}

/// A knob that its profile does not let be turned like this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{clause} does not allow {asked} here: {allowed}")]
pub struct Refusal {
    /// [`Knob::key`].
    pub knob: &'static str,
    pub clause: &'static str,
    /// What was asked for.
    pub asked: String,
    /// What is allowed, as a sentence's end.
    pub allowed: String,
}

/// Failures and what they close, beyond the delays that hold for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Lockout {
    /// So many failures in a row from unknown devices close the password for them; none: only the growing delay.
    pub failures: Option<u16>,
    /// For so long.
    pub minutes: u16,
    /// Known devices count, and are kept out, too. Passkeys are not.
    pub one_count: bool,
}

/// A profile and the knobs that were turned. What an operator writes and the store keeps, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicySettings {
    #[serde(default)]
    pub profile: Profile,
    #[serde(default, skip_serializing_if = "KnobSettings::is_empty")]
    pub knobs: KnobSettings,
}

/// The knobs that were turned; what is absent is as the profile has it. 0 days of expiry or 0 failures mean none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KnobSettings {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chars_min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chars_min_alone: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chars_max: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub letters_and_digits: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_max_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_max_days_alone: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_min_days: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub change_at_first_login: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub edits_min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score_min: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocklist: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_failures: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockout_minutes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub one_count: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idle_minutes: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absolute_hours: Option<u16>,
}

impl KnobSettings {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What a knob was turned to.
    pub fn get(&self, knob: Knob) -> Option<u16> {
        match knob {
            Knob::CharsMin => self.chars_min,
            Knob::CharsMinAlone => self.chars_min_alone,
            Knob::CharsMax => self.chars_max,
            Knob::Classes => self.classes,
            Knob::LettersAndDigits => self.letters_and_digits.map(u16::from),
            Knob::History => self.history,
            Knob::AgeMaxDays => self.age_max_days,
            Knob::AgeMaxDaysAlone => self.age_max_days_alone,
            Knob::AgeMinDays => self.age_min_days,
            Knob::ChangeAtFirstLogin => self.change_at_first_login.map(u16::from),
            Knob::EditsMin => self.edits_min,
            Knob::ScoreMin => self.score_min,
            Knob::Blocklist => self.blocklist.map(u16::from),
            Knob::LockoutFailures => self.lockout_failures,
            Knob::LockoutMinutes => self.lockout_minutes,
            Knob::OneCount => self.one_count.map(u16::from),
            Knob::IdleMinutes => self.idle_minutes,
            Knob::AbsoluteHours => self.absolute_hours,
        }
    }

    /// Turns a knob.
    pub fn set(&mut self, knob: Knob, to: Option<u16>) {
        let switch = to.map(|n| n != 0);
        match knob {
            Knob::CharsMin => self.chars_min = to,
            Knob::CharsMinAlone => self.chars_min_alone = to,
            Knob::CharsMax => self.chars_max = to,
            Knob::Classes => self.classes = to,
            Knob::LettersAndDigits => self.letters_and_digits = switch,
            Knob::History => self.history = to,
            Knob::AgeMaxDays => self.age_max_days = to,
            Knob::AgeMaxDaysAlone => self.age_max_days_alone = to,
            Knob::AgeMinDays => self.age_min_days = to,
            Knob::ChangeAtFirstLogin => self.change_at_first_login = switch,
            Knob::EditsMin => self.edits_min = to,
            Knob::ScoreMin => self.score_min = to,
            Knob::Blocklist => self.blocklist = switch,
            Knob::LockoutFailures => self.lockout_failures = to,
            Knob::LockoutMinutes => self.lockout_minutes = to,
            Knob::OneCount => self.one_count = switch,
            Knob::IdleMinutes => self.idle_minutes = to,
            Knob::AbsoluteHours => self.absolute_hours = to,
        }
    }
}

impl PolicySettings {
    /// A profile as it is.
    pub fn of(profile: Profile) -> Self {
        Self { profile, knobs: KnobSettings::default() }
    }

    /// The rules they make.
    ///
    /// # Errors
    /// A [`Refusal`] for each knob that the profile does not let be turned like this.
    pub fn rules(&self) -> Result<PasswordRules, Vec<Refusal>> {
        let refusals: Vec<Refusal> = Knob::ALL
            .into_iter()
            .filter_map(|knob| {
                let asked = self.knobs.get(knob)?;
                let bounds = self.profile.bounds(knob);
                let none = bounds.none && asked == 0;
                (!none && !bounds.range().contains(&asked)).then(|| refusal(knob, asked, &bounds))
            })
            .collect();
        if !refusals.is_empty() {
            return Err(refusals);
        }
        let mut rules = self.profile.rules();
        let some = |n: u16| (n > 0).then_some(n);
        let knobs = &self.knobs;
        let put = |slot: &mut u16, asked: Option<u16>| *slot = asked.unwrap_or(*slot);
        put(&mut rules.chars_min, knobs.chars_min);
        put(&mut rules.chars_min_alone, knobs.chars_min_alone);
        // Never shorter alone than together with a second factor.
        rules.chars_min_alone = rules.chars_min_alone.max(rules.chars_min);
        put(&mut rules.chars_max, knobs.chars_max);
        put(&mut rules.classes, knobs.classes);
        put(&mut rules.history, knobs.history);
        put(&mut rules.age_min_days, knobs.age_min_days);
        put(&mut rules.edits_min, knobs.edits_min);
        put(&mut rules.score_min, knobs.score_min);
        put(&mut rules.lockout.minutes, knobs.lockout_minutes);
        put(&mut rules.idle_minutes, knobs.idle_minutes);
        put(&mut rules.absolute_hours, knobs.absolute_hours);
        rules.letters_and_digits = knobs.letters_and_digits.unwrap_or(rules.letters_and_digits);
        rules.lockout.one_count = knobs.one_count.unwrap_or(rules.lockout.one_count);
        rules.age_max_days = knobs.age_max_days.map_or(rules.age_max_days, some);
        rules.age_max_days_alone =
            earliest(knobs.age_max_days_alone.map_or(rules.age_max_days_alone, some), rules.age_max_days);
        rules.lockout.failures = knobs.lockout_failures.map_or(rules.lockout.failures, some);
        Ok(rules)
    }
}

fn refusal(knob: Knob, asked: u16, bounds: &Bounds) -> Refusal {
    let asked = match (knob.is_switch(), asked) {
        (true, 0) => "off".to_owned(),
        (true, _) => "on".to_owned(),
        (false, 0) if matches!(knob, Knob::AgeMaxDays | Knob::AgeMaxDaysAlone | Knob::LockoutFailures) => {
            "none".to_owned()
        }
        (false, n) => n.to_string(),
    };
    let allowed = bounds.in_words(knob.is_switch());
    Refusal { knob: knob.key(), clause: bounds.clause, asked, allowed: format!("it allows {allowed}") }
}

/// The sooner of two ends, where none means never.
fn earliest(a: Option<u16>, b: Option<u16>) -> Option<u16> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, other) => one.or(other),
    }
}

/// What holds for a person: every knob with its value. Days, minutes and hours as their names say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PasswordRules {
    /// With a second factor.
    pub chars_min: u16,
    /// Without one.
    pub chars_min_alone: u16,
    pub chars_max: u16,
    /// Kinds of characters of four: lower, upper, digits, others.
    pub classes: u16,
    pub letters_and_digits: bool,
    /// Former passwords that may not come back.
    pub history: u16,
    pub age_max_days: Option<u16>,
    pub age_max_days_alone: Option<u16>,
    pub age_min_days: u16,
    /// Always: nobody but the person ever knows it.
    pub change_at_first_login: bool,
    /// Least edit distance from the password it replaces.
    pub edits_min: u16,
    /// 0 to 4.
    pub score_min: u16,
    pub lockout: Lockout,
    pub idle_minutes: u16,
    pub absolute_hours: u16,
}

impl Default for PasswordRules {
    fn default() -> Self {
        Profile::Nist.rules()
    }
}

impl PasswordRules {
    /// Both at once: of each knob the stricter value.
    #[must_use]
    pub fn strictest(self, other: Self) -> Self {
        Self {
            chars_min: self.chars_min.max(other.chars_min),
            chars_min_alone: self.chars_min_alone.max(other.chars_min_alone),
            chars_max: self.chars_max.min(other.chars_max),
            classes: self.classes.max(other.classes),
            letters_and_digits: self.letters_and_digits || other.letters_and_digits,
            history: self.history.max(other.history),
            age_max_days: earliest(self.age_max_days, other.age_max_days),
            age_max_days_alone: earliest(self.age_max_days_alone, other.age_max_days_alone),
            age_min_days: self.age_min_days.max(other.age_min_days),
            change_at_first_login: self.change_at_first_login || other.change_at_first_login,
            edits_min: self.edits_min.max(other.edits_min),
            score_min: self.score_min.max(other.score_min),
            lockout: Lockout {
                failures: earliest(self.lockout.failures, other.lockout.failures),
                minutes: self.lockout.minutes.max(other.lockout.minutes),
                one_count: self.lockout.one_count || other.lockout.one_count,
            },
            idle_minutes: self.idle_minutes.min(other.idle_minutes),
            absolute_hours: self.absolute_hours.min(other.absolute_hours),
        }
    }

    /// Whether nothing that `other` refuses is allowed here.
    pub fn is_as_strict_as(&self, other: &Self) -> bool {
        self.strictest(*other) == *self
    }

    /// Characters a password has at least.
    pub const fn least_chars(&self, second_factor: bool) -> u16 {
        if second_factor { self.chars_min } else { self.chars_min_alone }
    }

    /// After how long a password must be changed.
    pub fn age_max(&self, second_factor: bool) -> Option<Duration> {
        let days = if second_factor { self.age_max_days } else { self.age_max_days_alone };
        days.map(|days| Duration::from_secs(u64::from(days) * 86_400))
    }

    /// How long a password must be kept before the person changes it again by choice.
    pub fn age_min(&self) -> Duration {
        Duration::from_secs(u64::from(self.age_min_days) * 86_400)
    }

    /// How long sessions live.
    pub fn sessions(&self) -> SessionLimits {
        SessionLimits {
            idle: Duration::from_secs(u64::from(self.idle_minutes) * 60),
            absolute: Duration::from_secs(u64::from(self.absolute_hours) * 3600),
        }
    }

    /// The rules a person has to know, as sentences.
    pub fn in_words(&self, second_factor: bool) -> Vec<String> {
        let mut lines = vec![format!("At least {} characters.", self.least_chars(second_factor))];
        if self.letters_and_digits {
            lines.push("Letters and digits.".to_owned());
        }
        if self.classes > 0 {
            lines.push(format!(
                "{} of these four: small letters, capitals, digits, other signs.",
                self.classes
            ));
        }
        lines.push(
            "No common or breached password, no name of yours or of this system, no row of keys.".to_owned(),
        );
        if self.history > 0 {
            lines.push(format!("Not one of your last {} passwords.", self.history));
        }
        if self.edits_min > 0 {
            lines.push(format!("At least {} characters differ from the one it replaces.", self.edits_min));
        }
        if let Some(age) = self.age_max(second_factor) {
            lines.push(format!("Changed every {} days.", age.as_secs() / 86_400));
        }
        if self.age_min_days > 0 {
            lines.push(format!("Kept for {} days before the next change by choice.", self.age_min_days));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn settings(profile: Profile, turn: &[(Knob, u16)]) -> PolicySettings {
        let mut settings = PolicySettings::of(profile);
        for (knob, to) in turn {
            settings.knobs.set(*knob, Some(*to));
        }
        settings
    }

    fn refused(profile: Profile, knob: Knob, to: u16) -> String {
        let refusals = settings(profile, &[(knob, to)]).rules().unwrap_err();
        assert_eq!(refusals.len(), 1);
        assert_eq!(refusals[0].knob, knob.key());
        refusals[0].to_string()
    }

    #[test]
    fn the_default_is_nist_and_every_profile_stands_within_its_own_bounds() {
        assert_eq!(PolicySettings::default().rules().unwrap(), PasswordRules::default());
        assert_eq!(PasswordRules::default().least_chars(true), 12);
        assert_eq!(PasswordRules::default().least_chars(false), 15);
        for profile in Profile::ALL {
            let rules = profile.rules();
            assert_eq!(PolicySettings::of(profile).rules().unwrap(), rules, "{profile}");
            assert_eq!(Profile::parse(profile.as_str()), Some(profile));
            assert!(rules.chars_max >= 64 && rules.chars_min <= rules.chars_max);
        }
    }

    #[test]
    fn what_a_profile_forbids_is_refused_with_its_clause() {
        assert_eq!(
            refused(Profile::PciDss4, Knob::CharsMin, 8),
            "PCI DSS 4.0.1 8.3.6 does not allow 8 here: it allows 12 to 64"
        );
        assert_eq!(
            refused(Profile::Nist, Knob::Classes, 3),
            "NIST SP 800-63B-4 3.1.1.2 does not allow 3 here: it allows 0"
        );
        assert_eq!(
            refused(Profile::Nist, Knob::AgeMaxDays, 90),
            "NIST SP 800-63B-4 3.1.1.2 does not allow 90 here: it allows none"
        );
        assert!(refused(Profile::Nist, Knob::CharsMinAlone, 12).contains("15 to 64"));
        assert!(refused(Profile::PciDss4, Knob::AgeMaxDaysAlone, 0).contains("8.3.9 does not allow none"));
        assert!(refused(Profile::PciDss4, Knob::LockoutFailures, 20).contains("8.3.4"));
        assert!(refused(Profile::PciDss4, Knob::LockoutMinutes, 5).contains("8.3.4"));
        assert!(refused(Profile::PciDss4, Knob::History, 3).contains("8.3.7"));
        assert!(refused(Profile::PciDss4, Knob::IdleMinutes, 30).contains("8.2.8"));
        assert!(refused(Profile::PciStrict, Knob::OneCount, 0).contains("does not allow off"));
        for profile in Profile::ALL {
            assert!(refused(profile, Knob::Blocklist, 0).contains("does not allow off here: it allows on"));
            assert!(refused(profile, Knob::CharsMax, 63).contains("64 to 256"));
        }
        let two = settings(Profile::Nist, &[(Knob::CharsMin, 7), (Knob::Classes, 1)]).rules().unwrap_err();
        assert_eq!(two.len(), 2, "every refusal at once");
    }

    #[test]
    fn classic_knows_every_range_of_the_table() {
        for (knob, least, most) in [
            (Knob::CharsMin, 8, 64),
            (Knob::Classes, 0, 4),
            (Knob::History, 0, 24),
            (Knob::AgeMaxDays, 8, 365),
            (Knob::AgeMinDays, 0, 7),
            (Knob::EditsMin, 0, 8),
            (Knob::IdleMinutes, 5, 60),
            (Knob::AbsoluteHours, 1, 24),
        ] {
            assert!(settings(Profile::Classic, &[(knob, least)]).rules().is_ok(), "{knob:?}");
            assert!(settings(Profile::Classic, &[(knob, most)]).rules().is_ok(), "{knob:?}");
            assert!(settings(Profile::Classic, &[(knob, most + 1)]).rules().is_err(), "{knob:?}");
        }
        assert_eq!(settings(Profile::Classic, &[(Knob::AgeMaxDays, 0)]).rules().unwrap().age_max_days, None);
        let aged = settings(Profile::Classic, &[(Knob::AgeMaxDays, 60)]).rules().unwrap();
        assert_eq!(aged.age_max_days_alone, Some(60), "without a second factor never later than with one");
    }

    #[test]
    fn settings_are_strict_json() {
        let json = r#"{"profile":"classic","knobs":{"chars_min":20,"classes":3}}"#;
        let read: PolicySettings = serde_json::from_str(json).unwrap();
        assert_eq!(read.knobs.chars_min, Some(20));
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        for bad in [
            r#"{"profile":"classic","knobs":{"chars_mim":20}}"#,
            r#"{"profile":"own"}"#,
            r#"{"profile":"nist","rules":{}}"#,
            r#"{"profile":"nist","knobs":{"classes":-1}}"#,
            r#"{"profile":"nist","knobs":{"classes":70000}}"#,
        ] {
            assert!(serde_json::from_str::<PolicySettings>(bad).is_err(), "{bad}");
        }
    }

    fn any_rules() -> impl Strategy<Value = PasswordRules> {
        let profile = prop::sample::select(Profile::ALL.to_vec());
        let turns = prop::collection::vec((0..Knob::ALL.len(), 0u16..300), 0..12);
        (profile, turns).prop_map(|(profile, turns)| {
            let mut settings = PolicySettings::of(profile);
            for (at, to) in turns {
                let before = settings;
                settings.knobs.set(Knob::ALL[at], Some(to));
                if settings.rules().is_err() {
                    settings = before;
                }
            }
            settings.rules().unwrap()
        })
    }

    proptest! {
        /// However groups are ordered and repeated, the outcome is one, and no group's rules are weakened by another's.
        #[test]
        fn the_strictest_wins(a in any_rules(), b in any_rules(), c in any_rules()) {
            prop_assert_eq!(a.strictest(b), b.strictest(a));
            prop_assert_eq!(a.strictest(b).strictest(c), a.strictest(b.strictest(c)));
            prop_assert_eq!(a.strictest(a), a);
            let both = a.strictest(b);
            prop_assert!(both.is_as_strict_as(&a) && both.is_as_strict_as(&b));
            // Said without the function under test.
            for one in [a, b] {
                for factor in [true, false] {
                    prop_assert!(both.least_chars(factor) >= one.least_chars(factor));
                    if let Some(age) = one.age_max(factor) {
                        prop_assert!(both.age_max(factor).is_some_and(|both| both <= age));
                    }
                }
                prop_assert!(both.sessions().idle <= one.sessions().idle);
                prop_assert!(both.sessions().absolute <= one.sessions().absolute);
                prop_assert!(both.history >= one.history && both.classes >= one.classes);
                prop_assert!(both.lockout.minutes >= one.lockout.minutes);
                if let Some(failures) = one.lockout.failures {
                    prop_assert!(both.lockout.failures.is_some_and(|both| both <= failures));
                }
            }
            // A password can always exist, and be changed before it must be.
            prop_assert!(both.chars_min_alone <= both.chars_max && both.chars_max >= 64);
            prop_assert!(both.age_max(false).is_none_or(|most| most > both.age_min()));
        }

        #[test]
        fn hostile_settings_never_panic(text in "\\PC{0,200}") {
            let _ = serde_json::from_str::<PolicySettings>(&text);
        }
    }
}
