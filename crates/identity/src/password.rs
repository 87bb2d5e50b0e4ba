//! Which passwords are good enough, and why the others are not: length, lists of common and breached ones, words from the
//! context, keyboard walks, and an estimate of guesses; kinds of characters only where a policy other than the default
//! asks for them. The rules come from [`crate::policy`].

use std::fmt;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization as _;
use wk_seal::SecretString;
use zeroize::Zeroizing;

use crate::policy::PasswordRules;

/// Code points after NFC.
const CHARS_MAX: usize = 256;
/// Bytes after NFC.
const BYTES_MAX: usize = 1024;
/// Bytes before NFC: normalising never shrinks honest input below a quarter, and a bound keeps the work small.
const RAW_BYTES_MAX: usize = 4096;

/// Why a text cannot be a password at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Longer than what is ever stored; nothing is cut off silently.
    #[error("a password has at most {CHARS_MAX} characters and {BYTES_MAX} bytes")]
    TooLong,
    /// Nothing.
    #[error("the password is empty")]
    Empty,
}

/// A password as it is hashed: in Unicode normal form C, so that the same keys on another machine give the same bytes.
#[derive(Clone)]
pub struct Password {
    text: SecretString,
    chars: usize,
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

impl Password {
    /// Takes what a person typed, spaces and all.
    ///
    /// # Errors
    /// [`PasswordError`].
    pub fn parse(raw: &str) -> Result<Self, PasswordError> {
        if raw.is_empty() {
            return Err(PasswordError::Empty);
        }
        if raw.len() > RAW_BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        // Room for the worst growth of NFC (three times), so that no copy is left behind by a growing buffer.
        let mut text = String::with_capacity(raw.len() * 3);
        text.extend(raw.nfc());
        let text = SecretString::new(text);
        let chars = text.expose().chars().count();
        if chars > CHARS_MAX || text.expose().len() > BYTES_MAX {
            return Err(PasswordError::TooLong);
        }
        Ok(Self { text, chars })
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.text.expose().as_bytes()
    }

    pub(crate) fn lower(&self) -> Zeroizing<String> {
        Zeroizing::new(self.text.expose().to_lowercase())
    }
}

/// Why a password is refused. [`fmt::Display`] is the sentence for the person, [`Weakness::code`] the word for programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Weakness {
    /// Fewer characters than asked for.
    TooShort { chars: usize, min: usize },
    /// More characters than the policy takes.
    TooLong { chars: usize, max: usize },
    /// No letter, or no digit, where the policy asks for both.
    LettersAndDigits,
    /// Fewer kinds of characters than the policy asks for.
    Classes { found: usize, min: usize },
    /// On the list of breached passwords that the operator loaded.
    Breached,
    /// On the list of common passwords, or one of them with decoration.
    Common,
    /// Mostly made of words that an attacker tries first: names of the person, the machine, the product.
    Context,
    /// Mostly neighbouring keys.
    KeyboardWalk,
    /// Very few different characters.
    Repetition,
    /// Few guesses by estimate, with the pattern that was found.
    Guessable { why: String },
    /// Nearly the password it replaces.
    Similar,
}

impl Weakness {
    /// A stable word for programs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too-short",
            Self::TooLong { .. } => "too-long",
            Self::LettersAndDigits => "letters-and-digits",
            Self::Classes { .. } => "classes",
            Self::Breached => "breached",
            Self::Common => "common",
            Self::Context => "context",
            Self::KeyboardWalk => "keyboard-walk",
            Self::Repetition => "repetition",
            Self::Guessable { .. } => "guessable",
            Self::Similar => "similar",
        }
    }
}

impl fmt::Display for Weakness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { chars, min } => write!(f, "It has {chars} characters; use at least {min}."),
            Self::TooLong { chars, max } => write!(f, "It has {chars} characters; use at most {max}."),
            Self::LettersAndDigits => f.write_str("It needs both letters and digits."),
            Self::Classes { found, min } => write!(
                f,
                "It has {found} of the four kinds small letters, capitals, digits and other signs; use {min}."
            ),
            Self::Breached => {
                f.write_str("It is on the list of passwords that were stolen somewhere before.")
            }
            Self::Common => {
                f.write_str("It is among the passwords that are tried first, with or without additions.")
            }
            Self::Context => f.write_str("It is mostly your name, or that of this system or organisation."),
            Self::KeyboardWalk => f.write_str("It is mostly keys that lie beside each other."),
            Self::Repetition => f.write_str("It repeats very few different characters."),
            Self::Guessable { why } if why.is_empty() => f.write_str("It can be guessed with little effort."),
            Self::Guessable { why } => write!(f, "It can be guessed with little effort. {why}"),
            Self::Similar => f.write_str("It is nearly the password it replaces."),
        }
    }
}

/// One rule, and how the password stands to it, for a list beside the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleState {
    /// A stable word for programs.
    pub code: &'static str,
    /// The rule in words.
    pub title: String,
    /// Why it is not met; absent when it is.
    pub why: Option<String>,
}

/// The judgement on one password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordVerdict {
    /// Reasons against it; empty when it is good.
    pub weaknesses: Vec<Weakness>,
    /// Every rule that applies, met or not, in a steady order.
    pub rules: Vec<RuleState>,
    /// Estimate of guesses, from 0 (at once) to 4 (never), for a meter beside the field.
    pub score: u8,
    /// What would make it better, in the order of worth.
    pub guidance: Vec<String>,
}

impl PasswordVerdict {
    /// Whether it may be set.
    pub const fn is_good(&self) -> bool {
        self.weaknesses.is_empty()
    }
}

/// What a new password is looked at with, beside the rules.
#[derive(Debug, Clone, Copy, Default)]
pub struct Beside<'a> {
    /// Names of the person, mail address, host, organisation; the product's are always in.
    pub context: &'a [&'a str],
    /// The password it replaces, where the person has just given it.
    pub old: Option<&'a Password>,
    /// Whether the operator's list of breached passwords holds it; none when there is no list.
    pub breached: Option<bool>,
}

/// What a new password must satisfy: the rules of a person with or without a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// As the profile and its knobs say.
    pub rules: PasswordRules,
    /// Whether a second factor stands beside the password.
    pub second_factor: bool,
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        Self { rules: PasswordRules::default(), second_factor: true }
    }
}

impl PasswordPolicy {
    /// What of the rules can be seen without anything but the password: asked at each sign-in, of a password that was set
    /// under other rules.
    pub fn shortfalls(&self, password: &Password) -> Vec<Weakness> {
        let mut weaknesses = Vec::new();
        let (min, max) = (self.rules.least_chars(self.second_factor).max(8), self.rules.chars_max);
        if password.chars < usize::from(min) {
            weaknesses.push(Weakness::TooShort { chars: password.chars, min: usize::from(min) });
        }
        if password.chars > usize::from(max) {
            weaknesses.push(Weakness::TooLong { chars: password.chars, max: usize::from(max) });
        }
        let kinds = Kinds::of(password.text.expose());
        if self.rules.letters_and_digits && !(kinds.letters() && kinds.digits) {
            weaknesses.push(Weakness::LettersAndDigits);
        }
        if kinds.count() < usize::from(self.rules.classes) {
            weaknesses.push(Weakness::Classes { found: kinds.count(), min: usize::from(self.rules.classes) });
        }
        weaknesses
    }

    /// Judges a password that is to be set.
    pub fn judge(&self, password: &Password, beside: &Beside<'_>) -> PasswordVerdict {
        let text = password.text.expose();
        let lower = password.lower();
        let words = context_words(beside.context);
        let mut weaknesses = self.shortfalls(password);
        if is_common(&lower) {
            weaknesses.push(Weakness::Common);
        }
        if beside.breached == Some(true) {
            weaknesses.push(Weakness::Breached);
        }
        if is_mostly_context(&lower, &words) {
            weaknesses.push(Weakness::Context);
        }
        if is_keyboard_walk(&lower) {
            weaknesses.push(Weakness::KeyboardWalk);
        }
        if distinct_chars(&lower) < 5 {
            weaknesses.push(Weakness::Repetition);
        }
        // Not the one it replaces, whatever the policy says of nearly the same.
        let edits = usize::from(self.rules.edits_min).max(1);
        if beside.old.is_some_and(|old| edits_below(&old.lower(), &lower, edits)) {
            weaknesses.push(Weakness::Similar);
        }
        let inputs: Vec<&str> = words.iter().map(String::as_str).collect();
        let estimate = zxcvbn::zxcvbn(text, &inputs);
        let score = u8::from(estimate.score());
        let feedback = estimate.feedback();
        if u16::from(score) < self.rules.score_min {
            let why = feedback.and_then(|f| f.warning()).map(|w| w.to_string()).unwrap_or_default();
            weaknesses.push(Weakness::Guessable { why });
        }
        let mut guidance = Vec::new();
        if !weaknesses.is_empty() {
            guidance.push("Let a password manager make one, or use four or more unrelated words.".to_owned());
            guidance.extend(feedback.into_iter().flat_map(|f| f.suggestions()).map(ToString::to_string));
        }
        let rules = self.rule_states(&weaknesses, beside);
        PasswordVerdict { weaknesses, rules, score, guidance }
    }

    fn rule_states(&self, weaknesses: &[Weakness], beside: &Beside<'_>) -> Vec<RuleState> {
        let rules = &self.rules;
        let mut states = Vec::new();
        let mut add = |code: &'static str, title: String, against: &[&str]| {
            let why = weaknesses.iter().find(|weakness| against.contains(&weakness.code()));
            states.push(RuleState { code, title, why: why.map(ToString::to_string) });
        };
        let least = rules.least_chars(self.second_factor).max(8);
        add("length", format!("At least {least} characters"), &["too-short", "too-long"]);
        if rules.letters_and_digits {
            add("letters-and-digits", "Letters and digits".to_owned(), &["letters-and-digits"]);
        }
        if rules.classes > 0 {
            add("classes", format!("{} kinds of characters", rules.classes), &["classes"]);
        }
        add("common", "Not a common password".to_owned(), &["common"]);
        if beside.breached.is_some() {
            add("breached", "Not on the list of breached passwords".to_owned(), &["breached"]);
        }
        add("context", "Not a name of yours or of this system".to_owned(), &["context"]);
        add("pattern", "No row of keys, no repetition".to_owned(), &["keyboard-walk", "repetition"]);
        add("guesses", "Takes many guesses".to_owned(), &["guessable"]);
        if beside.old.is_some() {
            add("similar", "Unlike the password it replaces".to_owned(), &["similar"]);
        }
        states
    }
}

/// Which of the four kinds of characters there are.
#[derive(Debug, Clone, Copy, Default)]
struct Kinds {
    small: bool,
    capital: bool,
    /// Letters of scripts without capitals: letters, but no kind that people count.
    letter: bool,
    digits: bool,
    other: bool,
}

impl Kinds {
    fn of(text: &str) -> Self {
        let mut kinds = Self::default();
        for c in text.chars() {
            kinds.letter |= c.is_alphabetic();
            if c.is_numeric() {
                kinds.digits = true;
            } else if c.is_uppercase() {
                kinds.capital = true;
            } else if c.is_lowercase() {
                kinds.small = true;
            } else {
                kinds.other = true;
            }
        }
        kinds
    }

    const fn letters(self) -> bool {
        self.letter
    }

    fn count(self) -> usize {
        [self.small, self.capital, self.digits, self.other].into_iter().filter(|there| *there).count()
    }
}

/// Sorted, one per line; see `data/README.md` for where it comes from.
static COMMON: &str = include_str!("../data/common-passwords.txt");

fn common() -> &'static [&'static str] {
    static LINES: OnceLock<Vec<&'static str>> = OnceLock::new();
    LINES.get_or_init(|| COMMON.lines().collect())
}

fn is_listed(word: &str) -> bool {
    common().binary_search(&word).is_ok()
}

/// `p4$$w0rd` read as a person means it.
fn unleet(text: &str) -> Zeroizing<String> {
    let plain = |c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        '8' => 'b',
        other => other,
    };
    Zeroizing::new(text.chars().map(plain).collect())
}

/// Listed as it is, as its core without digits and signs around it, twice over, or any of these in leet spelling.
fn is_common(lower: &str) -> bool {
    let trimmed = lower.trim_matches(|c: char| !c.is_alphabetic());
    // What was trimmed must be decoration, not the substance: at most as long as the core.
    let decorated = |core: &str| core.len() >= 4 && lower.len() <= core.len() * 2 && is_listed(core);
    let unleeted = unleet(lower);
    let trimmed_unleeted = unleet(lower.trim_matches(|c: char| c.is_ascii_punctuation() || c == ' '));
    let leet_core = unleeted.trim_matches(|c: char| !c.is_alphabetic());
    is_listed(lower)
        || is_listed(&unleeted)
        || is_listed(&trimmed_unleeted)
        || decorated(trimmed)
        || decorated(leet_core)
        || is_listed_repeated(lower)
}

fn is_listed_repeated(lower: &str) -> bool {
    let len = lower.len();
    (4..=len / 2).filter(|part| len.is_multiple_of(*part)).any(|part| {
        lower.get(..part).is_some_and(|unit| {
            is_listed(unit) && lower.as_bytes().chunks(part).all(|c| c == unit.as_bytes())
        })
    })
}

/// Words of at least four characters, lower case, and the product's own.
fn context_words(context: &[&str]) -> Vec<String> {
    // At most 64 words of 64 characters: more would slow the estimate down and add nothing.
    let mut words: Vec<String> = context
        .iter()
        .flat_map(|entry| {
            let whole = std::iter::once(*entry);
            whole.chain(entry.split(|c: char| !c.is_alphanumeric()))
        })
        .filter(|word| (4..=64).contains(&word.chars().count()))
        .map(str::to_lowercase)
        .take(64)
        .collect();
    words.extend(["watchkeep", "monitoring", "admin", "administrator", "operator"].map(str::to_owned));
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

fn is_mostly_context(lower: &str, words: &[String]) -> bool {
    [Zeroizing::new(lower.to_owned()), unleet(lower)].into_iter().any(|mut text| {
        let before = text.chars().count();
        for word in words {
            *text = text.replace(word.as_str(), "");
        }
        let left = text.chars().count();
        // A name inside a long passphrase does no harm: what counts is what is left without it.
        left < before && left < 8
    })
}

const WALKS: [&str; 13] = [
    "`1234567890-=",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "qwertzuiop",
    "yxcvbnm",
    "azertyuiop",
    "qsdfghjklm",
    "wxcvbn",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
    "0987654321",
    "147258369",
];

/// Whether at least two thirds of the characters lie in runs of four or more along a row, a column or the alphabet.
fn is_keyboard_walk(lower: &str) -> bool {
    let chars: Vec<char> = lower.chars().collect();
    if chars.len() < 4 {
        return false;
    }
    let follows = |a: char, b: char| {
        WALKS.iter().any(|walk| {
            let mut pairs = walk.chars().zip(walk.chars().skip(1));
            pairs.any(|pair| pair == (a, b) || pair == (b, a))
        })
    };
    let (mut walked, mut run) = (0usize, 1usize);
    for at in 1..=chars.len() {
        if at < chars.len() && follows(chars[at - 1], chars[at]) {
            run += 1;
        } else {
            if run >= 4 {
                walked += run;
            }
            run = 1;
        }
    }
    walked * 3 >= chars.len() * 2
}

fn distinct_chars(text: &str) -> usize {
    let mut chars: Vec<char> = text.chars().collect();
    chars.sort_unstable();
    chars.dedup();
    chars.len()
}

/// Whether fewer than `edits` single-character changes lead from `a` to `b` (Levenshtein, two rows).
fn edits_below(a: &str, b: &str, edits: usize) -> bool {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) >= edits {
        return false;
    }
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != y)).min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row[b.len()] < edits
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judge(text: &str) -> PasswordVerdict {
        let context = ["maria.keller", "Maria Keller", "maria@acme-logistics.example", "srv-berlin"];
        let beside = Beside { context: &context, ..Beside::default() };
        PasswordPolicy::default().judge(&Password::parse(text).unwrap(), &beside)
    }

    fn codes(text: &str) -> Vec<&'static str> {
        judge(text).weaknesses.iter().map(Weakness::code).collect()
    }

    #[test]
    fn the_list_is_sorted_and_long_enough() {
        assert!(common().len() >= 20_000, "{}", common().len());
        assert!(common().is_sorted());
        assert!(is_listed("password") && is_listed("qwertyuiop") && !is_listed(""));
    }

    #[test]
    fn good_passwords_need_no_kinds_of_characters() {
        for good in [
            "correct horse battery staple tractor",
            "vifoqumaridope lantel",
            "7Rk-pQz2-Lw9x-Tm4v",
            "Ελιά πέτρα θάλασσα καΐκι",
            "maria keller likes 17 purple tractors",
        ] {
            let verdict = judge(good);
            assert!(verdict.is_good(), "{good}: {verdict:?}");
            assert!(verdict.guidance.is_empty());
        }
    }

    #[test]
    fn bad_passwords_are_refused_with_the_reason() {
        for (bad, code) in [
            ("Tr0ub4dor&3", "too-short"),
            ("Password1234!", "common"),
            ("P@ssw0rd!!!!", "common"),
            ("passwordpassword", "common"),
            ("!!!Football2024", "common"),
            ("Watchkeep2026!", "context"),
            ("MariaKeller1985", "context"),
            ("acme-logistics1", "context"),
            ("w4tchk33p-2026", "context"),
            ("qwertyuiopasdf", "keyboard-walk"),
            ("1qaz2wsx3edc4rfv", "keyboard-walk"),
            ("abcdefghijklmn", "keyboard-walk"),
            ("aaaaaaaaaaaaaaab", "repetition"),
            ("ababababababab", "repetition"),
            ("dragonmonkey99", "guessable"),
        ] {
            let verdict = judge(bad);
            assert!(codes(bad).contains(&code), "{bad}: {verdict:?}");
            assert!(!verdict.guidance.is_empty());
            let said = format!("{verdict:?}").to_lowercase();
            assert!(!said.contains(&bad.to_lowercase()), "a verdict never quotes the password: {said}");
        }
    }

    #[test]
    fn a_change_must_change_something() {
        let old = Password::parse("vifoqumaridope lantel 1").unwrap();
        let judge = |text: &str| {
            let beside = Beside { old: Some(&old), ..Beside::default() };
            PasswordPolicy::default().judge(&Password::parse(text).unwrap(), &beside)
        };
        assert_eq!(judge("vifoqumaridope lantel 2").weaknesses, [Weakness::Similar]);
        assert_eq!(judge("Vifoqumaridope Lantel 1!").weaknesses, [Weakness::Similar]);
        assert!(judge("gostempira dulovek wint").is_good());
    }

    fn under(settings: &str, text: &str) -> Vec<&'static str> {
        let settings: crate::policy::PolicySettings = serde_json::from_str(settings).unwrap();
        let policy = PasswordPolicy { rules: settings.rules().unwrap(), second_factor: true };
        let verdict = policy.judge(&Password::parse(text).unwrap(), &Beside::default());
        verdict.weaknesses.iter().map(Weakness::code).collect()
    }

    #[test]
    fn a_policy_may_ask_for_kinds_of_characters_and_the_default_does_not() {
        let good = "vifoqumaridope lantel";
        assert_eq!(under(r#"{"profile":"nist"}"#, good), Vec::<&str>::new());
        assert_eq!(under(r#"{"profile":"pci-dss-4"}"#, good), ["letters-and-digits"]);
        assert_eq!(under(r#"{"profile":"pci-dss-4"}"#, "vifoqumaridope 4 lantel"), Vec::<&str>::new());
        let four = r#"{"profile":"classic","knobs":{"classes":4}}"#;
        assert_eq!(under(four, good), ["classes"]);
        assert_eq!(under(four, "Vifoqumaridope 4 lantel"), Vec::<&str>::new());
        let longer = r#"{"profile":"classic","knobs":{"chars_min":30,"chars_max":64}}"#;
        assert_eq!(under(longer, good), ["too-short"]);
        assert!(under(longer, &"tractor violin harbour pepper candle ".repeat(2)).contains(&"too-long"));
    }

    #[test]
    fn every_rule_says_whether_it_is_met_and_why_not() {
        let verdict = judge("Watchkeep26");
        let stand = |code| verdict.rules.iter().find(|rule| rule.code == code).unwrap().why.clone();
        assert_eq!(stand("length").unwrap(), "It has 11 characters; use at least 12.");
        assert!(stand("context").is_some() && stand("common").is_none());
        let met = judge("correct horse battery staple tractor");
        assert!(met.rules.len() >= 5 && met.rules.iter().all(|rule| rule.why.is_none()), "{met:?}");
        // No rule is missing: what is refused is always to be seen in the list.
        for bad in ["aaaa", "qwertyuiopasdf", "dragonmonkey99", "Password1234!"] {
            assert!(judge(bad).rules.iter().any(|rule| rule.why.is_some()), "{bad}");
        }
    }

    #[test]
    fn a_breached_password_is_refused_however_good_it_looks() {
        let password = Password::parse("correct horse battery staple tractor").unwrap();
        let beside = Beside { breached: Some(true), ..Beside::default() };
        let verdict = PasswordPolicy::default().judge(&password, &beside);
        assert_eq!(verdict.weaknesses, [Weakness::Breached]);
    }

    #[test]
    fn length_is_counted_in_characters_after_normalising() {
        assert_eq!(Password::parse("").unwrap_err(), PasswordError::Empty);
        assert!(Password::parse(&"x".repeat(256)).is_ok());
        assert_eq!(Password::parse(&"x".repeat(257)).unwrap_err(), PasswordError::TooLong);
        assert!(Password::parse(&"ü".repeat(256)).is_ok());
        assert_eq!(Password::parse(&"x".repeat(100_000)).unwrap_err(), PasswordError::TooLong);
        // One character, typed in two ways.
        let (one, two) = (Password::parse("\u{e9}").unwrap(), Password::parse("e\u{301}").unwrap());
        assert_eq!(one.as_bytes(), two.as_bytes());
        assert_eq!(two.chars, 1);
        assert_eq!(format!("{one:?}"), "Password(..)");
    }

    #[test]
    fn the_longest_passwords_are_judged_too() {
        let words = "tractor violin harbour pepper candle ".repeat(8);
        for text in [&words[..256], &"aA1!".repeat(64), &"password".repeat(32), &"12/3/1985".repeat(28)] {
            let verdict = judge(text);
            assert_eq!(verdict.is_good(), text.starts_with("tractor"), "{verdict:?}");
        }
    }

    #[test]
    fn every_weakness_is_a_sentence() {
        let verdict = judge("aaaa");
        assert!(verdict.weaknesses.iter().all(|weakness| weakness.to_string().ends_with('.')), "{verdict:?}");
    }

    proptest! {
        #[test]
        fn any_text_gets_a_verdict(text in "\\PC{1,40}", context in "\\PC{0,40}") {
            if let Ok(password) = Password::parse(&text) {
                let beside = Beside { context: &[&context], old: Some(&password), breached: None };
                let verdict = PasswordPolicy::default().judge(&password, &beside);
                prop_assert!(verdict.weaknesses.contains(&Weakness::Similar));
            }
        }

        #[test]
        fn random_passwords_are_good(bytes: [u8; 16]) {
            let text = crate::base32::encode(crate::base32::CROCKFORD, &bytes);
            prop_assume!(distinct_chars(&text) > 8);
            prop_assert!(judge(&text).is_good(), "{}", text);
        }
    }
}
