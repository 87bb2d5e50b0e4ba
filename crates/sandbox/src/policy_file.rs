//! Reads the `[[plugin]]` tables of the agent's own policy file.
//!
//! Strict: an unknown key, a key of the wrong kind or a value out of bounds refuses the whole file, and the message names
//! the plugin, the line, and the key that was probably meant.
//!
//! ```toml
//! [[plugin]]
//! name = "check-disk"
//! program = "/usr/lib/nagios/plugins/check_disk"
//! sha256 = "9f86d081..."                    # sha256sum of the file
//! args = ["-w", "{warn}", "-c", "{crit}", "-p", "{mount}"]
//! read = ["/proc"]
//! timeout_s = 10
//!
//! [plugin.params]
//! warn = { type = "range", default = "20%" }
//! crit = { type = "range", default = "10%" }
//! mount = { type = "path", default = "/" }
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::grade::LowestGrade;
use crate::policy::{
    ArgTemplate, Companion, Limits, NetPolicy, ParamDecl, ParamKind, PluginPolicy, PortRef, VALUE_BYTES_MAX,
    check_value, is_name, nearest,
};

/// Plugins in one file. A machine with more has a mistake in its generator.
const PLUGINS_MAX: usize = 1000;

/// Why a policy was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// Not TOML, or not the keys and kinds of values that a policy has.
    #[error("line {line}: {message}")]
    Syntax { line: usize, message: String },
    #[error("plugin {plugin}: {message}")]
    Plugin { plugin: String, message: String },
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    plugin: Vec<Table>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    program: PathBuf,
    sha256: String,
    #[serde(default)]
    companions: Vec<CompanionTable>,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    params: BTreeMap<String, ParamTable>,
    #[serde(default)]
    read: Vec<PathBuf>,
    #[serde(default)]
    tmp: bool,
    #[serde(default)]
    net: NetTable,
    timeout_s: Option<u64>,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    lowest_grade: GradeWord,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompanionTable {
    path: PathBuf,
    sha256: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ParamTable {
    r#type: TypeWord,
    default: Option<toml::Value>,
    min: Option<i64>,
    max: Option<i64>,
    values: Option<Vec<String>>,
    max_bytes: Option<usize>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum TypeWord {
    Host,
    Port,
    Integer,
    Range,
    Enum,
    Path,
    Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct NetTable {
    tcp_connect: Vec<PortTable>,
    tcp_bind: Vec<u16>,
    udp: bool,
    icmp: bool,
    unix: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum PortTable {
    Fixed(u16),
    Param(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LimitsTable {
    memory_mb: Option<u64>,
    cpu_s: Option<u64>,
    file_kb: Option<u64>,
    open_files: Option<u64>,
    processes: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum GradeWord {
    #[default]
    Strict,
    Compat,
}

/// Reads all plugins of a policy file. Only `[[plugin]]` tables may be in `text`.
///
/// # Errors
/// The first thing that is not as it must be; nothing of the file is then in force.
pub fn parse_plugins(text: &str) -> Result<Vec<PluginPolicy>, PolicyError> {
    let file: File = toml::from_str(text).map_err(|error| syntax(text, &error))?;
    if file.plugin.len() > PLUGINS_MAX {
        return Err(PolicyError::Syntax { line: 1, message: format!("more than {PLUGINS_MAX} plugins") });
    }
    let mut names = BTreeSet::new();
    file.plugin
        .into_iter()
        .map(|table| {
            let plugin = table.name.clone();
            if !names.insert(plugin.clone()) {
                return Err(PolicyError::Plugin { plugin, message: "the name occurs twice".into() });
            }
            convert(table).map_err(|message| PolicyError::Plugin { plugin, message })
        })
        .collect()
}

fn syntax(text: &str, error: &toml::de::Error) -> PolicyError {
    let line = error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let mut message = error.message().to_owned();
    // The message lists the keys in backquotes: the unknown one first, then the valid ones.
    if message.starts_with("unknown field") || message.starts_with("unknown variant") {
        let words: Vec<&str> = error.message().split('`').skip(1).step_by(2).collect();
        if let Some((unknown, valid)) = words.split_first()
            && let Some(meant) = nearest(unknown, valid.iter().copied())
        {
            message = format!("unknown key or word `{unknown}`; did you mean `{meant}`?");
        }
    }
    PolicyError::Syntax { line, message }
}

fn convert(table: Table) -> Result<PluginPolicy, String> {
    if !is_name(&table.name) {
        return Err("a name is 1 to 64 lower-case letters, digits, `-` and `_`".into());
    }
    if !table.program.is_absolute() {
        return Err(format!("program {} is not an absolute path", table.program.display()));
    }
    let mut params = BTreeMap::new();
    for (name, param) in table.params {
        if !is_name(&name) {
            return Err(format!("parameter `{name}`: a name is lower-case letters, digits, `-` and `_`"));
        }
        let decl = convert_param(&name, param)?;
        params.insert(name, decl);
    }
    let argv: Vec<ArgTemplate> = table.args.iter().map(|arg| ArgTemplate::parse(arg)).collect();
    let mut used = BTreeSet::new();
    let mut check_used = |name: &str, place: &str| {
        used.insert(name.to_owned());
        match params.contains_key(name) {
            true => Ok(()),
            false => Err(format!(
                "{place} names the parameter `{name}`, which is not declared{}",
                nearest(name, params.keys().map(String::as_str))
                    .map(|near| format!("; did you mean `{near}`?"))
                    .unwrap_or_default()
            )),
        }
    };
    for arg in &argv {
        match arg {
            ArgTemplate::Param(name) => check_used(name, "args")?,
            ArgTemplate::Literal(text) if text.contains('\0') => return Err("args holds a NUL byte".into()),
            // A value is a whole argument; `-w{warn}` would be the start of joining.
            ArgTemplate::Literal(text) if params.keys().any(|name| text.contains(&format!("{{{name}}}"))) => {
                return Err(format!("args: a parameter must be a whole argument, not a part as in `{text}`"));
            }
            ArgTemplate::Literal(_) => {}
        }
    }
    let mut tcp_connect = Vec::new();
    for port in table.net.tcp_connect {
        tcp_connect.push(match port {
            PortTable::Fixed(0) => return Err("net.tcp_connect: 0 is not a port".into()),
            PortTable::Fixed(port) => PortRef::Fixed(port),
            PortTable::Param(raw) => match ArgTemplate::parse(&raw) {
                ArgTemplate::Param(name) => {
                    check_used(&name, "net.tcp_connect")?;
                    if !matches!(params.get(&name), Some(ParamDecl { kind: ParamKind::Port, .. })) {
                        return Err(format!(
                            "net.tcp_connect: the parameter `{name}` is not of type \"port\""
                        ));
                    }
                    PortRef::Param(name)
                }
                ArgTemplate::Literal(_) => {
                    return Err(format!("net.tcp_connect: write a number or \"{{param}}\", not {raw:?}"));
                }
            },
        });
    }
    if let Some(idle) = params.keys().find(|name| !used.contains(*name)) {
        return Err(format!("the parameter `{idle}` is declared, and no argument uses it"));
    }
    let defaults = Limits::default();
    let bounded = |key: &str, value: Option<u64>, default: u64, most: u64| match value {
        None => Ok(default),
        Some(value) if (1..=most).contains(&value) => Ok(value),
        Some(value) => Err(format!("{key} = {value} is not between 1 and {most}")),
    };
    let limits = table.limits;
    Ok(PluginPolicy {
        sha256: digest(&table.sha256, "sha256")?,
        companions: table
            .companions
            .into_iter()
            .map(|c| Ok(Companion { sha256: digest(&c.sha256, "companions.sha256")?, path: c.path }))
            .collect::<Result<_, String>>()?,
        name: table.name,
        program: table.program,
        argv,
        params,
        read_paths: table.read,
        tmp: table.tmp,
        net: NetPolicy {
            tcp_connect,
            tcp_bind: table.net.tcp_bind,
            udp: table.net.udp,
            icmp: table.net.icmp,
            unix: table.net.unix,
        },
        timeout: Duration::from_secs(bounded("timeout_s", table.timeout_s, 10, 600)?),
        limits: Limits {
            memory_bytes: bounded("limits.memory_mb", limits.memory_mb, defaults.memory_bytes >> 20, 65_536)?
                << 20,
            cpu_s: bounded("limits.cpu_s", limits.cpu_s, defaults.cpu_s, 600)?,
            file_bytes: bounded("limits.file_kb", limits.file_kb, defaults.file_bytes >> 10, 1 << 20)? << 10,
            open_files: bounded("limits.open_files", limits.open_files, defaults.open_files, 65_536)?,
            processes: bounded("limits.processes", limits.processes, defaults.processes, 1024)?,
        },
        lowest_grade: match table.lowest_grade {
            GradeWord::Strict => LowestGrade::Strict,
            GradeWord::Compat => LowestGrade::Compat,
        },
    })
}

fn convert_param(name: &str, table: ParamTable) -> Result<ParamDecl, String> {
    let only = |key: &str, given: bool, wanted: bool| match given && !wanted {
        true => Err(format!("parameter `{name}`: the key `{key}` does not belong to its type")),
        false => Ok(()),
    };
    only("min", table.min.is_some(), matches!(table.r#type, TypeWord::Integer))?;
    only("max", table.max.is_some(), matches!(table.r#type, TypeWord::Integer))?;
    only("values", table.values.is_some(), matches!(table.r#type, TypeWord::Enum))?;
    only("max_bytes", table.max_bytes.is_some(), matches!(table.r#type, TypeWord::Text))?;
    let kind = match table.r#type {
        TypeWord::Host => ParamKind::Host,
        TypeWord::Port => ParamKind::Port,
        TypeWord::Range => ParamKind::Range,
        TypeWord::Path => ParamKind::Path,
        TypeWord::Integer => match (table.min, table.max) {
            (Some(min), Some(max)) if min <= max => ParamKind::Integer { min, max },
            _ => return Err(format!("parameter `{name}`: an integer needs `min` and `max`, in that order")),
        },
        TypeWord::Enum => match table.values {
            Some(words)
                if !words.is_empty() && words.iter().all(|w| !w.is_empty() && !w.starts_with('-')) =>
            {
                ParamKind::Enum(words)
            }
            _ => {
                return Err(format!(
                    "parameter `{name}`: an enum needs `values`, none of them empty or with a leading `-`"
                ));
            }
        },
        TypeWord::Text => ParamKind::Text { max_bytes: table.max_bytes.unwrap_or(256).min(VALUE_BYTES_MAX) },
    };
    let default = match table.default {
        None => None,
        Some(toml::Value::String(text)) => Some(text),
        Some(toml::Value::Integer(number)) => Some(number.to_string()),
        Some(_) => return Err(format!("parameter `{name}`: a default is a text or a whole number")),
    };
    if let Some(default) = &default {
        check_value(name, default, &kind).map_err(|error| format!("default: {error}"))?;
    }
    Ok(ParamDecl { kind, default })
}

fn digest(raw: &str, key: &str) -> Result<[u8; 32], String> {
    let wrong = || format!("{key} is not 64 hexadecimal digits; get it with: sha256sum <file>");
    if raw.len() != 64 || !raw.is_ascii() {
        return Err(wrong());
    }
    let mut out = [0; 32];
    for (i, byte) in out.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&raw[2 * i..2 * i + 2], 16).map_err(|_| wrong())?;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(extra: &str) -> String {
        format!("[[plugin]]\nname = \"disk\"\nprogram = \"/p\"\nsha256 = \"{}\"\n{extra}", "ab".repeat(32))
    }

    #[test]
    fn a_policy_reads() {
        let text = file(
            "args = [\"-H\", \"{host}\"]\ntimeout_s = 5\n[plugin.net]\ntcp_connect = [443, \"{port}\"]\n\
             [plugin.params]\nhost = { type = \"host\" }\nport = { type = \"port\", default = 443 }\n",
        );
        let policy = parse_plugins(&text).unwrap().remove(0);
        assert_eq!(policy.argv, [ArgTemplate::Literal("-H".into()), ArgTemplate::Param("host".into())]);
        assert_eq!(policy.net.tcp_connect, [PortRef::Fixed(443), PortRef::Param("port".into())]);
        assert_eq!(policy.timeout, Duration::from_secs(5));
        assert_eq!(policy.params["port"].default.as_deref(), Some("443"));
    }

    #[test]
    fn mistakes_are_named_with_line_and_remedy() {
        for (extra, wanted) in [
            ("timout_s = 5", "line 5: unknown key or word `timout_s`; did you mean `timeout_s`?"),
            ("lowest_grade = \"strickt\"", "line 5: unknown key or word `strickt`; did you mean `strict`?"),
            ("args = [\"{hots}\"]\n[plugin.params]\nhost = { type = \"host\" }", "did you mean `host`?"),
            ("args = [\"-w{w}\"]\n[plugin.params]\nw = { type = \"range\" }", "whole argument"),
            ("[plugin.params]\nw = { type = \"range\" }", "no argument uses it"),
            (
                "args = [\"{w}\"]\n[plugin.params]\nw = { type = \"range\", default = \"-x\" }",
                "begins with `-`",
            ),
            ("[plugin.limits]\nmemory_mb = 0", "limits.memory_mb = 0 is not between"),
            ("[plugin.net]\ntcp_connect = [0]", "0 is not a port"),
            ("sha256 = 3", "duplicate key"),
        ] {
            let error = parse_plugins(&file(extra)).unwrap_err().to_string();
            assert!(error.contains(wanted), "{extra}: {error}");
        }
        let twice = format!("{}{}", file(""), file(""));
        assert!(parse_plugins(&twice).unwrap_err().to_string().contains("twice"));
        let short = file("").replace("abab", "ab");
        assert!(parse_plugins(&short).unwrap_err().to_string().contains("sha256sum"));
    }
}
