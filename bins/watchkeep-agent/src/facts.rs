//! What the agent says of its machine when it enrols and connects.

use wk_config::{AgentConfig, Remote};
use wk_link::Facts;
use wk_sandbox::PluginPolicy;
use wk_wire::AllowedPlugin;

/// Collects them.
pub(crate) fn facts(config: &AgentConfig, plugins: &[PluginPolicy]) -> Facts {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let os_release = read("/etc/os-release");
    let name = os_release
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or_else(|| "Linux".to_owned(), |value| value.trim_matches('"').to_owned());
    let kernel = read("/proc/sys/kernel/osrelease");
    let machine = format!("watchkeep machine {}", read("/etc/machine-id").trim());
    Facts {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        hostname: read("/proc/sys/kernel/hostname").trim().to_lowercase(),
        os: wk_domain::text::clean_line(format!("{name}, Linux {}", kernel.trim()), 200),
        machine_digest: wk_seal::sha256(machine.as_bytes()).to_vec(),
        remote_off: config.remote == Remote::Off,
        plugins: plugins
            .iter()
            .map(|plugin| AllowedPlugin {
                name: plugin.name.clone(),
                sha256: plugin.sha256.to_vec(),
                params: plugin.params.keys().cloned().collect(),
            })
            .collect(),
    }
}
