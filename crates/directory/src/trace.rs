//! What was done, step by step, in words for whoever sets a provider up. The ordinary sign-in takes the very same steps.

use wk_identity::outside::Step;

/// Steps of one walk that are kept: a hostile server must not fill memory with them.
const STEPS_MAX: usize = 60;

/// The steps so far. Never holds a password.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Trace {
    steps: Vec<Step>,
}

impl Trace {
    /// A step that worked.
    pub(crate) fn ok(&mut self, title: &str, detail: impl AsRef<str>) {
        self.push(Step::good(title, detail));
    }

    /// A step that did not.
    pub(crate) fn failed(&mut self, title: &str, detail: impl AsRef<str>) {
        self.push(Step::bad(title, detail));
    }

    fn push(&mut self, step: Step) {
        if self.steps.len() < STEPS_MAX {
            self.steps.push(step);
        }
    }

    /// The steps, first to last.
    pub(crate) fn into_steps(self) -> Vec<Step> {
        self.steps
    }
}
