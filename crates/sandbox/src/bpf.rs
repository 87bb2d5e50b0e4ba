//! A small assembler for seccomp programs: a binary search over system call numbers, then tests of single arguments.
//!
//! Written here because the kernel walks the whole program once per call number when a filter is installed, at every
//! run: a search tree of 9 steps installs about ten times faster than the chain of comparisons that general crates emit.

use std::collections::BTreeMap;

/// What the kernel does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Allow,
    /// The call fails with this errno.
    Errno(u16),
    /// The whole process dies by SIGSYS.
    Kill,
}

impl Action {
    const fn code(self) -> u32 {
        match self {
            Self::Allow => libc::SECCOMP_RET_ALLOW,
            Self::Errno(errno) => libc::SECCOMP_RET_ERRNO | errno as u32,
            Self::Kill => libc::SECCOMP_RET_KILL_PROCESS,
        }
    }
}

/// A test of the low 32 bits of one argument. The calls it is used on take an `int` there, or flags of 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) arg: u8,
    pub(crate) mask: u32,
    pub(crate) value: u32,
    /// True when `arg & mask` must equal `value`, false when it must differ.
    pub(crate) equal: bool,
}

pub(crate) const fn is(arg: u8, value: u32) -> Test {
    Test { arg, mask: u32::MAX, value, equal: true }
}

pub(crate) const fn is_not(arg: u8, value: u32) -> Test {
    Test { arg, mask: u32::MAX, value, equal: false }
}

pub(crate) const fn masked_is(arg: u8, mask: u32, value: u32) -> Test {
    Test { arg, mask, value, equal: true }
}

pub(crate) const fn has_any(arg: u8, mask: u32) -> Test {
    Test { arg, mask, value: 0, equal: false }
}

/// What to do with one call: the first clause whose tests all hold, else `otherwise`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) clauses: Vec<(Vec<Test>, Action)>,
    pub(crate) otherwise: Action,
}

impl From<Action> for Rule {
    fn from(otherwise: Action) -> Self {
        Self { clauses: Vec::new(), otherwise }
    }
}

/// One instruction, laid out as the kernel reads it.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Insn {
    pub(crate) code: u16,
    pub(crate) jt: u8,
    pub(crate) jf: u8,
    pub(crate) k: u32,
}

const LD_ABS: u16 = 0x20;
const JEQ: u16 = 0x15;
const JGE: u16 = 0x35;
const JA: u16 = 0x05;
const AND: u16 = 0x54;
const RET: u16 = 0x06;

const OFFSET_NR: u32 = 0;
const OFFSET_ARCH: u32 = 4;
const OFFSET_ARGS: u32 = 16;

#[cfg(target_arch = "x86_64")]
pub(crate) const ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
pub(crate) const ARCH: u32 = 0xc000_00b7;

/// Call numbers from here on are of the x32 ABI, which nothing here needs.
const X32_BIT: u32 = 0x4000_0000;

/// The program for `rules`; calls without a rule get `default`, calls of another architecture kill.
pub(crate) fn assemble(rules: &BTreeMap<u32, Rule>, default: Action) -> Vec<Insn> {
    let mut segments: Vec<(u32, Rule)> = vec![(0, default.into())];
    for (nr, rule) in rules {
        push_segment(&mut segments, *nr, rule.clone());
        push_segment(&mut segments, nr + 1, default.into());
    }
    push_segment(&mut segments, X32_BIT, Action::Kill.into());
    let mut program = vec![
        Insn { code: LD_ABS, jt: 0, jf: 0, k: OFFSET_ARCH },
        Insn { code: JEQ, jt: 1, jf: 0, k: ARCH },
        Insn { code: RET, jt: 0, jf: 0, k: Action::Kill.code() },
        Insn { code: LD_ABS, jt: 0, jf: 0, k: OFFSET_NR },
    ];
    program.extend(search(&segments));
    program
}

fn push_segment(segments: &mut Vec<(u32, Rule)>, start: u32, rule: Rule) {
    // A rule right after another replaces the gap that was opened for the default.
    if segments.last().is_some_and(|(last, _)| *last == start) {
        segments.pop();
    }
    if segments.last().is_none_or(|(_, last)| *last != rule) {
        segments.push((start, rule));
    }
}

fn search(segments: &[(u32, Rule)]) -> Vec<Insn> {
    if let [(_, rule)] = segments {
        return body(rule);
    }
    let (low, high) = segments.split_at(segments.len() / 2);
    let left = search(low);
    let mut code = vec![
        Insn { code: JGE, jt: 0, jf: 1, k: high[0].0 },
        Insn { code: JA, jt: 0, jf: 0, k: u32::try_from(left.len()).unwrap_or(u32::MAX) },
    ];
    code.extend(left);
    code.extend(search(high));
    code
}

fn body(rule: &Rule) -> Vec<Insn> {
    let mut code = Vec::new();
    for (tests, action) in &rule.clauses {
        // Each test is three instructions; one that fails jumps behind the clause's verdict.
        let last = tests.len() * 3 + 1;
        for (i, test) in tests.iter().enumerate() {
            let skip = u8::try_from(last - (i + 1) * 3).unwrap_or(u8::MAX);
            let (jt, jf) = if test.equal { (0, skip) } else { (skip, 0) };
            code.push(Insn { code: LD_ABS, jt: 0, jf: 0, k: OFFSET_ARGS + 8 * u32::from(test.arg) });
            code.push(Insn { code: AND, jt: 0, jf: 0, k: test.mask });
            code.push(Insn { code: JEQ, jt, jf, k: test.value });
        }
        code.push(Insn { code: RET, jt: 0, jf: 0, k: action.code() });
    }
    code.push(Insn { code: RET, jt: 0, jf: 0, k: rule.otherwise.code() });
    code
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs a program as the kernel would; `None` when it leaves its own bounds.
    pub(crate) fn run(program: &[Insn], arch: u32, nr: u32, args: [u64; 6]) -> Option<u32> {
        let mut a = 0u32;
        let mut pc = 0usize;
        loop {
            let insn = program.get(pc)?;
            pc += 1;
            match insn.code {
                LD_ABS => {
                    a = match insn.k {
                        OFFSET_NR => nr,
                        OFFSET_ARCH => arch,
                        k => args[usize::try_from((k - OFFSET_ARGS) / 8).ok()?] as u32,
                    }
                }
                AND => a &= insn.k,
                JEQ => pc += usize::from(if a == insn.k { insn.jt } else { insn.jf }),
                JGE => pc += usize::from(if a >= insn.k { insn.jt } else { insn.jf }),
                JA => pc += insn.k as usize,
                RET => return Some(insn.k),
                _ => return None,
            }
        }
    }

    fn judge(rules: &BTreeMap<u32, Rule>, default: Action, nr: u32, args: [u64; 6]) -> Action {
        let Some(rule) = rules.get(&nr) else { return default };
        rule.clauses
            .iter()
            .find(|(tests, _)| {
                tests.iter().all(|t| ((args[usize::from(t.arg)] as u32 & t.mask) == t.value) == t.equal)
            })
            .map_or(rule.otherwise, |(_, action)| *action)
    }

    fn any_action() -> impl Strategy<Value = Action> {
        prop_oneof![Just(Action::Allow), Just(Action::Kill), (1u16..100).prop_map(Action::Errno)]
    }

    fn any_rule() -> impl Strategy<Value = Rule> {
        let test = (0u8..6, 0u32..8, 0u32..8, any::<bool>()).prop_map(|(arg, mask, value, equal)| Test {
            arg,
            mask,
            value,
            equal,
        });
        (proptest::collection::vec((proptest::collection::vec(test, 1..4), any_action()), 0..4), any_action())
            .prop_map(|(clauses, otherwise)| Rule { clauses, otherwise })
    }

    proptest! {
        /// The assembled program decides as the rules read.
        #[test]
        fn the_program_says_what_the_rules_say(
            rules in proptest::collection::btree_map(0u32..480, any_rule(), 0..120),
            default in any_action(),
            calls in proptest::collection::vec((0u32..500, proptest::array::uniform6(0u64..8)), 50),
        ) {
            let program = assemble(&rules, default);
            for (nr, args) in calls {
                prop_assert_eq!(run(&program, ARCH, nr, args), Some(judge(&rules, default, nr, args).code()));
            }
        }
    }

    #[test]
    fn other_architectures_and_x32_kill() {
        let program = assemble(&BTreeMap::new(), Action::Allow);
        assert_eq!(run(&program, 0x4000_0003, 0, [0; 6]), Some(Action::Kill.code()));
        assert_eq!(run(&program, ARCH, X32_BIT + 1, [0; 6]), Some(Action::Kill.code()));
    }
}
