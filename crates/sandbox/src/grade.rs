//! The grade of a run: which layers of the sandbox the machine could give it.
//!
//! Six layers are not negotiable and never listed as missing: no new privileges, no capabilities and no root, seccomp,
//! resource limits, a process group that nothing can leave, and an empty environment. A run without one of those is refused.

use std::fmt;

/// A layer that an older kernel may lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Layer {
    /// Landlock confines files (ABI 1, Linux 5.13).
    Files,
    /// Landlock confines TCP to the declared ports (ABI 4, Linux 6.7). Not asked for when no network is declared: seccomp
    /// then refuses the socket itself.
    Ports,
    /// Nothing outside the run can be signalled: a user of its own, or Landlock's scope (ABI 6, Linux 6.12).
    Signals,
}

impl Layer {
    const ALL: [Self; 3] = [Self::Files, Self::Ports, Self::Signals];

    const fn bit(self) -> u8 {
        match self {
            Self::Files => 1,
            Self::Ports => 2,
            Self::Signals => 4,
        }
    }

    /// `landlock-files`, `landlock-ports`, `signals`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Files => "landlock-files",
            Self::Ports => "landlock-ports",
            Self::Signals => "signals",
        }
    }
}

/// What a run obtained. Shown as `full`, or as what is missing: `no-landlock-files+no-signals`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Grade {
    missing: u8,
    own_user: bool,
}

impl Grade {
    pub(crate) fn new(missing: impl IntoIterator<Item = Layer>, own_user: bool) -> Self {
        Self { missing: missing.into_iter().fold(0, |bits, layer| bits | layer.bit()), own_user }
    }

    /// Every layer was there.
    pub const fn is_full(self) -> bool {
        self.missing == 0
    }

    /// The run had a user id that no other process has.
    pub const fn own_user(self) -> bool {
        self.own_user
    }

    /// The layers the machine could not give.
    pub fn missing(self) -> impl Iterator<Item = Layer> {
        Layer::ALL.into_iter().filter(move |layer| self.missing & layer.bit() != 0)
    }

    /// Whether a policy that asks for `lowest` accepts this.
    pub const fn satisfies(self, lowest: LowestGrade) -> bool {
        match lowest {
            LowestGrade::Strict => self.is_full(),
            LowestGrade::Compat => true,
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_full() {
            return f.write_str("full");
        }
        for (i, layer) in self.missing().enumerate() {
            let plus = if i == 0 { "" } else { "+" };
            write!(f, "{plus}no-{}", layer.as_str())?;
        }
        Ok(())
    }
}

/// The lowest grade a policy accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum LowestGrade {
    /// All layers, or the run is refused.
    #[default]
    Strict,
    /// Layers that need a newer kernel may be missing; the run records which.
    Compat,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grade_names_what_is_missing() {
        assert_eq!(Grade::new([], true).to_string(), "full");
        let poor = Grade::new([Layer::Signals, Layer::Files], false);
        assert_eq!(poor.to_string(), "no-landlock-files+no-signals");
        assert!(!poor.satisfies(LowestGrade::Strict));
        assert!(poor.satisfies(LowestGrade::Compat));
    }
}
