//! What the agent's own policy file says about a plugin, and how values from an assignment become arguments.
//!
//! The server can only name a plugin and give values to parameters declared here. A value becomes one whole argument or
//! nothing: there is no shell, no splitting, no joining, and no value may begin with `-`, so none can turn into an option.
//! Reading the file is [`crate::policy_file`]'s work.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::grade::LowestGrade;

/// Longest value of a parameter, in bytes. A URL fits; a script does not.
pub(crate) const VALUE_BYTES_MAX: usize = 1024;

/// One plugin that this machine allows.
#[derive(Debug, Clone, PartialEq)]
pub struct PluginPolicy {
    pub name: String,
    /// Absolute path of the program.
    pub program: PathBuf,
    /// SHA-256 of the program file.
    pub sha256: [u8; 32],
    /// Files that a script loads from its own folder, such as `utils.pm`; pinned like the program.
    pub companions: Vec<Companion>,
    /// Arguments after the program's name.
    pub argv: Vec<ArgTemplate>,
    pub params: BTreeMap<String, ParamDecl>,
    /// Files and folders it may read beside the system's programs and libraries. What does not exist is left out.
    pub read_paths: Vec<PathBuf>,
    /// Gives it an empty folder of its own, writable, removed after the run.
    pub tmp: bool,
    pub net: NetPolicy,
    /// Longest run; the shorter of this and the assignment's counts.
    pub timeout: Duration,
    pub limits: Limits,
    pub lowest_grade: LowestGrade,
}

impl PluginPolicy {
    /// A policy with the safest value everywhere: no arguments, files, network or tmp.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>, sha256: [u8; 32]) -> Self {
        Self {
            name: name.into(),
            program: program.into(),
            sha256,
            companions: Vec::new(),
            argv: Vec::new(),
            params: BTreeMap::new(),
            read_paths: Vec::new(),
            tmp: false,
            net: NetPolicy::default(),
            timeout: Duration::from_secs(10),
            limits: Limits::default(),
            lowest_grade: LowestGrade::Strict,
        }
    }
}

/// A file beside a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    pub path: PathBuf,
    pub sha256: [u8; 32],
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgTemplate {
    Literal(String),
    /// Replaced whole by the value of the parameter of this name.
    Param(String),
}

impl ArgTemplate {
    /// `{name}` is a parameter, everything else stands for itself.
    pub fn parse(raw: &str) -> Self {
        match raw.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if is_name(name) => Self::Param(name.to_owned()),
            _ => Self::Literal(raw.to_owned()),
        }
    }
}

/// A declared parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamDecl {
    pub kind: ParamKind,
    /// Used when an assignment gives none; without it the parameter must be given.
    pub default: Option<String>,
}

/// What a parameter's value may look like.
#[derive(Debug, Clone, PartialEq)]
pub enum ParamKind {
    /// A host name or an IP address.
    Host,
    /// 1 to 65535.
    Port,
    /// A whole number between two ends, both allowed.
    Integer { min: i64, max: i64 },
    /// Threshold ranges of the plugin guideline, each with an optional unit, up to four, separated by commas: `5,4,3`, `10%`, `@10:20`.
    Range,
    /// One of these words.
    Enum(Vec<String>),
    /// An absolute path without `..`.
    Path,
    /// Printable text of at most so many bytes.
    Text { max_bytes: usize },
}

/// What it may do on the network. Nothing by default.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NetPolicy {
    /// Remote TCP ports.
    pub tcp_connect: Vec<PortRef>,
    /// Local TCP ports to listen on.
    pub tcp_bind: Vec<u16>,
    /// UDP, to anywhere: neither Landlock nor seccomp can look at its addresses. Name resolution needs it.
    pub udp: bool,
    /// Unprivileged ICMP echo, where `net.ipv4.ping_group_range` allows it.
    pub icmp: bool,
    /// Unix sockets by path, as far as file permissions allow; abstract ones stay closed by Landlock's scope.
    pub unix: bool,
}

impl NetPolicy {
    /// No socket of any kind.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn inet(&self) -> bool {
        self.tcp() || self.udp || self.icmp
    }

    pub(crate) fn tcp(&self) -> bool {
        !self.tcp_connect.is_empty() || !self.tcp_bind.is_empty()
    }
}

/// A port known in advance or from a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PortRef {
    Fixed(u16),
    Param(String),
}

/// Resource limits of one run; memory is per process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Address space of each process, bytes.
    pub memory_bytes: u64,
    /// CPU time of each process, seconds.
    pub cpu_s: u64,
    /// Largest file it may write, bytes.
    pub file_bytes: u64,
    pub open_files: u64,
    /// Processes and threads at once.
    pub processes: u64,
}

impl Default for Limits {
    /// 256 MiB of address space (an interpreter with its libraries fits), 10 s, 1 MiB, 64 files, 16 processes.
    fn default() -> Self {
        Self { memory_bytes: 256 << 20, cpu_s: 10, file_bytes: 1 << 20, open_files: 64, processes: 16 }
    }
}

/// Why values do not fit a policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParamError {
    #[error("plugin {plugin} declares no parameter `{param}`{}", nearest_hint(.nearest.as_deref()))]
    Unknown { plugin: String, param: String, nearest: Option<String> },
    #[error("plugin {plugin} needs the parameter `{param}`, and it has no default")]
    Missing { plugin: String, param: String },
    #[error("parameter `{param}` given twice")]
    Twice { param: String },
    #[error("value of `{param}` begins with `-`: it could pass for an option")]
    LeadingDash { param: String },
    #[error("value of `{param}` is not {expected}")]
    Kind { param: String, expected: &'static str },
    #[error("argument {index} names the undeclared parameter `{param}`")]
    Undeclared { index: usize, param: String },
    #[error("argument {index} holds a NUL byte")]
    Nul { index: usize },
}

fn nearest_hint(nearest: Option<&str>) -> String {
    nearest.map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Values that passed their declarations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Program path first.
    pub(crate) argv: Vec<String>,
    pub(crate) c_argv: Vec<CString>,
    pub(crate) connect_ports: Vec<u16>,
}

impl Resolved {
    /// The arguments, program path first.
    pub fn argv(&self) -> &[String] {
        &self.argv
    }
}

impl PluginPolicy {
    /// Turns the values of an assignment into the argument vector.
    ///
    /// # Errors
    /// The first value that does not fit its declaration, or a parameter that is missing, unknown or given twice.
    pub fn resolve(&self, values: &[(String, String)]) -> Result<Resolved, ParamError> {
        let mut given: BTreeMap<&str, &str> = BTreeMap::new();
        for (param, value) in values {
            let Some(decl) = self.params.get(param) else {
                return Err(ParamError::Unknown {
                    plugin: self.name.clone(),
                    param: clip(param),
                    nearest: nearest(param, self.params.keys().map(String::as_str)).map(str::to_owned),
                });
            };
            check_value(param, value, &decl.kind)?;
            if given.insert(param, value).is_some() {
                return Err(ParamError::Twice { param: param.clone() });
            }
        }
        let lookup = |param: &str| -> Result<Option<&str>, ParamError> {
            let Some(decl) = self.params.get(param) else { return Ok(None) };
            match given.get(param).copied().or(decl.default.as_deref()) {
                Some(value) => Ok(Some(value)),
                None => Err(ParamError::Missing { plugin: self.name.clone(), param: param.to_owned() }),
            }
        };
        let mut argv = vec![self.program.to_string_lossy().into_owned()];
        for (index, template) in self.argv.iter().enumerate() {
            argv.push(match template {
                ArgTemplate::Literal(text) => text.clone(),
                ArgTemplate::Param(param) => lookup(param)?
                    .ok_or_else(|| ParamError::Undeclared { index, param: param.clone() })?
                    .to_owned(),
            });
        }
        let mut connect_ports = Vec::with_capacity(self.net.tcp_connect.len());
        for port in &self.net.tcp_connect {
            connect_ports.push(match port {
                PortRef::Fixed(port) => *port,
                PortRef::Param(param) => lookup(param)?
                    .and_then(|value| value.parse().ok())
                    .ok_or_else(|| ParamError::Kind { param: param.clone(), expected: "a port" })?,
            });
        }
        connect_ports.sort_unstable();
        connect_ports.dedup();
        let c_argv = argv
            .iter()
            .enumerate()
            .map(|(index, arg)| CString::new(arg.as_str()).map_err(|_| ParamError::Nul { index }))
            .collect::<Result<_, _>>()?;
        Ok(Resolved { argv, c_argv, connect_ports })
    }
}

/// Whether a value fits its declaration. Also used on defaults when the file is read.
pub(crate) fn check_value(param: &str, value: &str, kind: &ParamKind) -> Result<(), ParamError> {
    if value.starts_with('-') && !matches!(kind, ParamKind::Integer { min, .. } if *min < 0) {
        return Err(ParamError::LeadingDash { param: param.to_owned() });
    }
    let expected = match kind {
        ParamKind::Host => "a host name or address",
        ParamKind::Port => "a port between 1 and 65535",
        ParamKind::Integer { .. } => "a whole number within the declared ends",
        ParamKind::Range => "a threshold such as 80%, 5,4,3 or @10:20",
        ParamKind::Enum(_) => "one of the declared words",
        ParamKind::Path => "an absolute path without `..`",
        ParamKind::Text { .. } => "printable text within the declared length",
    };
    let fits = value.len() <= VALUE_BYTES_MAX
        && match kind {
            ParamKind::Host => is_host(value),
            ParamKind::Port => is_plain_digits(value) && value.parse::<u16>().is_ok_and(|port| port > 0),
            ParamKind::Integer { min, max } => {
                is_plain_digits(value.strip_prefix('-').unwrap_or(value))
                    && value.parse::<i64>().is_ok_and(|n| n >= *min && n <= *max)
            }
            ParamKind::Range => value.split(',').count() <= 4 && value.split(',').all(is_range),
            ParamKind::Enum(words) => words.iter().any(|word| word == value),
            ParamKind::Path => {
                value.starts_with('/')
                    && !value.split('/').any(|part| part == "..")
                    && !value.chars().any(char::is_control)
            }
            ParamKind::Text { max_bytes } => {
                !value.is_empty() && value.len() <= *max_bytes && !value.chars().any(char::is_control)
            }
        };
    if fits { Ok(()) } else { Err(ParamError::Kind { param: param.to_owned(), expected }) }
}

fn is_plain_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// RFC 1123 labels, underscores tolerated as DNS itself does, or an address without a zone.
fn is_host(value: &str) -> bool {
    if value.parse::<IpAddr>().is_ok() {
        return true;
    }
    let name = value.strip_suffix('.').unwrap_or(value);
    !name.is_empty()
        && name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        })
}

/// `[@][start:][end]` with numbers, `~`, and a trailing unit of letters or `%`.
fn is_range(text: &str) -> bool {
    let text = text.strip_prefix('@').unwrap_or(text);
    let (start, end) = match text.split_once(':') {
        Some((start, end)) => (Some(start), end),
        None => (None, text),
    };
    let is_number = |raw: &str| {
        let raw = raw.trim_end_matches(|c: char| c == '%' || c.is_ascii_alphabetic());
        let digits = raw.strip_prefix('-').unwrap_or(raw);
        !digits.is_empty()
            && digits.bytes().filter(|b| *b == b'.').count() <= 1
            && digits.bytes().any(|b| b.is_ascii_digit())
            && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
    };
    match start {
        None => is_number(end),
        Some(start) => {
            (start.is_empty() || start == "~" || is_number(start)) && (end.is_empty() || is_number(end))
        }
    }
}

/// A name of a plugin or parameter: lower-case letters, digits, `-`, `_`, at most 64.
pub(crate) fn is_name(raw: &str) -> bool {
    (1..=64).contains(&raw.len())
        && raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
}

/// The candidate that is closest in spelling, if one is close.
pub(crate) fn nearest<'a>(raw: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let raw = &raw.as_bytes()[..raw.len().min(64)];
    candidates
        .map(|candidate| (distance(raw, candidate.as_bytes()), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 3)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's edit distance.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

fn clip(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn policy() -> PluginPolicy {
        let mut policy = PluginPolicy::new("check-http", "/usr/lib/nagios/plugins/check_http", [0; 32]);
        policy.argv =
            ["-H", "{host}", "-p", "{port}", "-w", "{warn}"].into_iter().map(ArgTemplate::parse).collect();
        let decl = |kind, default: Option<&str>| ParamDecl { kind, default: default.map(str::to_owned) };
        policy.params.insert("host".into(), decl(ParamKind::Host, None));
        policy.params.insert("port".into(), decl(ParamKind::Port, Some("80")));
        policy.params.insert("warn".into(), decl(ParamKind::Range, Some("5")));
        policy.net.tcp_connect = vec![PortRef::Param("port".into())];
        policy
    }

    fn given(values: &[(&str, &str)]) -> Vec<(String, String)> {
        values.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn values_become_whole_arguments_and_ports() {
        let resolved = policy().resolve(&given(&[("host", "web-1.example"), ("port", "8443")])).unwrap();
        assert_eq!(resolved.argv[1..], ["-H", "web-1.example", "-p", "8443", "-w", "5"]);
        assert_eq!(resolved.connect_ports, [8443]);
    }

    #[test]
    fn hostile_values_are_refused() {
        for (param, value) in [
            ("host", "-oProxyCommand=sh"),
            ("host", "a b"),
            ("host", "$(id)"),
            ("host", ""),
            ("host", "a\nb"),
            ("port", "0"),
            ("port", "+80"),
            ("port", "65536"),
            ("port", "80 "),
            ("warn", "5;id"),
            ("warn", "--help"),
            ("warn", "1,2,3,4,5"),
        ] {
            assert!(policy().resolve(&given(&[("host", "h"), (param, value)])).is_err(), "{param}={value:?}");
        }
    }

    #[test]
    fn a_misspelt_parameter_is_pointed_out() {
        let error = policy().resolve(&given(&[("hots", "h")])).unwrap_err();
        assert!(error.to_string().contains("did you mean `host`?"), "{error}");
        assert_eq!(
            policy().resolve(&[]).unwrap_err(),
            ParamError::Missing { plugin: "check-http".into(), param: "host".into() }
        );
    }

    #[test]
    fn thresholds_that_plugins_know_are_accepted() {
        for text in ["80%", "5,4,3", "@10:20", "~:10", "10:", "0.5", "100,20%", "10MB"] {
            assert!(check_value("w", text, &ParamKind::Range).is_ok(), "{text}");
        }
        for text in ["", ":", "@", "1..2", "a", "1:2:3", "5,"] {
            let result = check_value("w", text, &ParamKind::Range);
            assert_eq!(result.is_ok(), text == ":" || text == "@:", "{text}");
        }
    }

    proptest! {
        /// Whatever the value, it never changes the number of arguments and never becomes an option.
        #[test]
        fn a_value_stays_one_argument(value in ".{0,200}") {
            if let Ok(resolved) = policy().resolve(&given(&[("host", &value)])) {
                prop_assert_eq!(resolved.argv.len(), 7);
                prop_assert!(!resolved.argv[2].starts_with('-'));
            }
        }
    }
}
