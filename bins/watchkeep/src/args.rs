//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{CommandFactory, Parser, Subcommand};

use crate::cli::{AccessCommand, GrantCommand, GroupCommand, ReadOnlyCommand, RoleCommand, TenantCommand};
use crate::remote::RemoteFlags;

/// Watches machines and the business that rests on them.
#[derive(Debug, Parser)]
#[command(name = "watchkeep", version, about, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Args {
    /// Data directory of the server to talk to, or to run
    #[arg(long, global = true, env = "WATCHKEEP_DATA", default_value = "/var/lib/watchkeep")]
    pub(crate) data: PathBuf,
    #[command(flatten)]
    pub(crate) remote: RemoteFlags,
    /// Print JSON for programs instead of tables for people
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How a server runs.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ServerFlags {
    /// Configuration file; `watchkeep.toml` in the data directory when it is there
    #[arg(long)]
    pub(crate) config: Option<PathBuf>,
    /// Where people and programs connect; only on loopback until the server is claimed
    #[arg(long)]
    pub(crate) console_listen: Option<SocketAddr>,
    /// Where agents connect
    #[arg(long)]
    pub(crate) hub_listen: Option<SocketAddr>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run a server and an agent for this machine, for a first look or for good
    Up(ServerFlags),
    /// Run the server alone
    Server(ServerFlags),
    /// What needs a person
    Status,
    /// Problems: what is not OK, worst first
    Problem {
        /// Words that must all hold: `state:critical host:web-* -handled`
        filter: Vec<String>,
    },
    /// Take charge of problems
    Ack {
        /// Checks: ids, or `host/key` such as `web-1/disk:/var`
        #[arg(required = true)]
        checks: Vec<String>,
        /// What you are doing about it
        #[arg(long, short)]
        note: String,
        /// Stay through changes between warning, critical and unknown
        #[arg(long)]
        sticky: bool,
        /// End by itself after this long: `30m`, `4h`, `2d`
        #[arg(long = "for", value_parser = span)]
        span: Option<u64>,
    },
    /// Let go of problems
    Unack {
        /// Checks: ids, or `host/key`
        #[arg(required = true)]
        checks: Vec<String>,
    },
    /// Say something on the timelines of checks
    Comment {
        /// Checks: ids, or `host/key`
        #[arg(required = true)]
        checks: Vec<String>,
        /// What to say
        #[arg(long, short)]
        text: String,
    },
    /// Hosts
    #[command(subcommand)]
    Host(HostCommand),
    /// Checks
    #[command(subcommand)]
    Check(CheckCommand),
    /// Planned spans without notifications
    #[command(subcommand)]
    Downtime(DowntimeCommand),
    /// Agents and their enrolment
    #[command(subcommand)]
    Agent(AgentCommand),
    /// The audit log
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Certificates
    #[command(subcommand)]
    Cert(CertCommand),
    /// Ways to reach people
    #[command(subcommand)]
    Channel(ChannelCommand),
    /// Accounts of people
    #[command(subcommand)]
    User(UserCommand),
    /// Tenants: parts of the organisation, or customers, in a tree
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// Close the server or a tenant to changes of configuration, and open it again
    #[command(subcommand, name = "read-only")]
    ReadOnly(ReadOnlyCommand),
    /// Groups of people
    #[command(subcommand)]
    Group(GroupCommand),
    /// Roles: what may be done
    #[command(subcommand)]
    Role(RoleCommand),
    /// Grants: a role, to somebody, somewhere
    #[command(subcommand)]
    Grant(GrantCommand),
    /// What somebody may do and why, and who may do something
    #[command(subcommand)]
    Access(AccessCommand),
    /// Rules that people and sessions follow
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// What the acts of administrators ask for; `reset` lets whoever is locked out in again
    #[command(subcommand, name = "admin-conditions")]
    AdminConditions(ConditionsCommand),
    /// Client certificates in front of the console; `off` lets whoever is locked out in again
    #[command(subcommand, name = "console-clients")]
    ConsoleClients(ClientsCommand),
    /// Passwords: the list of breached ones
    #[command(subcommand)]
    Password(PasswordCommand),
    /// Tokens by which programs use the API
    #[command(subcommand)]
    ApiToken(ApiTokenCommand),
    /// Accounts that no person signs in with
    #[command(subcommand)]
    ServiceAccount(ServiceAccountCommand),
    /// Acts that wait for a second person, and when one is asked for
    #[command(subcommand)]
    Approval(ApprovalCommand),
    /// Reviews of who has access
    #[command(subcommand)]
    Review(ReviewCommand),
    /// The timeline
    Event {
        /// Only this host's, by name or id
        #[arg(long)]
        host: Option<String>,
        /// Entries at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Print the OpenAPI document of the API
    Openapi,
    /// Print a completion script for your shell
    Completion { shell: clap_complete::Shell },
}

#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// All hosts
    List {
        /// Text in name, address, OS or a field
        text: Option<String>,
    },
    /// One host with its checks
    Show {
        /// Name or id
        host: String,
    },
    /// Add a host that has no agent
    Add {
        /// Host name, as DNS has it
        name: String,
        /// Its addresses
        #[arg(long = "address")]
        addresses: Vec<String>,
        /// Where it belongs, by name or id; your own tenant when left out
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Set labels, by which rights and lists may go: `watchkeep host label web-1 env=prod group=web`
    Label {
        /// Name or id
        host: String,
        /// `name=value`; an empty value removes the label
        #[arg(required = true)]
        labels: Vec<String>,
    },
    /// Move a host to another tenant, its history with it
    Move {
        /// Name or id
        host: String,
        /// The tenant, by name or id
        #[arg(long)]
        tenant: String,
    },
    /// Set fields: `watchkeep host set web-1 department=Sales location=Paris`
    Set {
        /// Name or id
        host: String,
        /// `name=value`; an empty value removes the field
        #[arg(required = true)]
        fields: Vec<String>,
    },
    /// Remove a host with its checks
    Remove {
        /// Name or id
        host: String,
    },
    /// What is installed, listening, running, configured there
    Inventory {
        /// Name or id
        host: String,
        /// Section; the sections with their sizes when left out
        section: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CheckCommand {
    /// Checks, worst first
    List {
        /// Words that must all hold: `state:critical host:web-* -handled`
        filter: Vec<String>,
    },
    /// One check whole
    Show {
        /// Id, or `host/key` such as `web-1/disk:/var`
        check: String,
    },
    /// Add a probe or plugin check: `watchkeep check add web-1 http:shop '{"kind":"http","url":"https://shop.example"}'`
    Add {
        /// Host it is about, by name or id
        host: String,
        /// Unique on the host: `http:shop`
        key: String,
        /// What to run, as JSON
        spec: String,
        /// What people read; the key when left out
        #[arg(long)]
        title: Option<String>,
        /// Agent that runs it, by id or host name; the host's own when left out
        #[arg(long)]
        runner: Option<String>,
        /// Time between runs: `60s`, `5m`
        #[arg(long, value_parser = span)]
        interval: Option<u64>,
        /// Failures in a row that make a problem
        #[arg(long)]
        attempts: Option<u32>,
    },
    /// Remove a check
    Remove {
        /// Id, or `host/key`
        check: String,
    },
    /// Run a check now
    Run {
        /// Checks: ids, or `host/key`
        #[arg(required = true)]
        checks: Vec<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DowntimeCommand {
    /// In effect and planned
    List,
    /// Plan a downtime from now, or from a time
    Add {
        /// Hosts by name or id, or checks as `host/key`
        #[arg(required = true)]
        targets: Vec<String>,
        /// How long: `30m`, `4h`, `2d`
        #[arg(long = "for", value_parser = span)]
        span: u64,
        /// Start, RFC 3339; now when left out
        #[arg(long)]
        from: Option<String>,
        /// What it is for
        #[arg(long, short)]
        note: String,
    },
    /// Cancel a downtime
    Cancel {
        /// Id, as `watchkeep downtime list` shows it
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentCommand {
    /// All agents
    List,
    /// Make a single-use enrolment token and print the one line to paste on the machine
    Token {
        /// Which host names may use it
        #[arg(long, default_value = "*")]
        host_pattern: String,
        /// Grants beside its own host: `probe`
        #[arg(long, value_delimiter = ',')]
        grants: Vec<String>,
        /// How long it may be used: `10m`, `1h`, at most `24h`
        #[arg(long, default_value = "1h", value_parser = span)]
        ttl: u64,
        /// Where the host lands, by name or id; your own tenant when left out
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Enrolment tokens
    Tokens,
    /// Take an unused token back
    Withdraw {
        /// Id, as `watchkeep agent tokens` shows it
        token: String,
    },
    /// Revoke an agent: its links close within a second, for good
    Revoke {
        /// Id or host name
        agent: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// Trust a quarantined agent again
    Release {
        /// Id or host name
        agent: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// End the server's management of an agent: it goes on to tell what it sees, and is sent nothing to run
    ReadOnly {
        /// Id or host name
        agent: String,
        /// Begin to manage it again
        #[arg(long)]
        off: bool,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// What an agent executed, newest first
    Executions {
        /// Id or host name
        agent: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Entries, newest first
    List {
        /// Who did it
        #[arg(long)]
        actor: Option<String>,
        /// Beginning of the action: `problem.`
        #[arg(long)]
        action: Option<String>,
        /// What it was done to, by id or name
        #[arg(long)]
        object: Option<String>,
        /// Entries at most
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// One entry whole: who, from where, what changed, and what proves it
    Show {
        /// Its number, as the list shows it
        seq: u64,
    },
    /// Recompute every entry
    Verify,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CertCommand {
    /// Every certificate, soonest to end first
    List,
    /// Print the root certificate, for `--ca-file` elsewhere; reads the data directory
    Root,
    /// Destroy the authority's private keys for good; the server must not be running
    Destroy {
        /// Type the word `destroy`
        #[arg(long)]
        confirm: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ChannelCommand {
    /// All channels
    List,
    /// Add a channel; the secret is read from standard input
    Add {
        /// What people call it
        name: String,
        /// `email` or `webhook`
        kind: String,
        /// Configuration as JSON
        config: String,
        /// Read a password or signing key from standard input
        #[arg(long)]
        secret: bool,
    },
    /// Send a test
    Test {
        /// Id, as `watchkeep channel list` shows it
        id: String,
    },
    /// Remove a channel
    Remove {
        /// Id, as `watchkeep channel list` shows it
        id: String,
    },
    /// Notifications, newest first
    Log,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Rules for passwords
    #[command(subcommand)]
    Password(PasswordPolicyCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum PasswordPolicyCommand {
    /// The rules in force, what each knob may be, and who says so
    Show {
        /// Only this one: `default`, `role:admin`, `group:ID`
        scope: Option<String>,
    },
    /// Set the rules: `watchkeep policy password set pci-dss-4 history=8`
    Set {
        /// `nist`, `pci-dss-4`, `pci-strict` or `classic`
        profile: String,
        /// What is turned: `chars_min=14`, `one_count=on`, `age_max_days=none`
        knobs: Vec<String>,
        /// For whom: `default`, `role:admin`, `group:ID`; of several the strictest holds
        #[arg(long, default_value = "default")]
        scope: String,
        /// Change nothing, and say how many accounts would have to change their password
        #[arg(long)]
        preview: bool,
    },
    /// Remove the rules of a role or a group
    Remove {
        /// `role:admin`, `group:ID`, or `default` to go back to `nist`
        scope: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum PasswordCommand {
    /// The list of breached passwords that new ones are compared with
    #[command(subcommand)]
    Blocklist(BlocklistCommand),
}

#[derive(Debug, Subcommand)]
pub(crate) enum BlocklistCommand {
    /// Replace the list by a file of any size; the server may be running
    Import {
        /// A password in each line, or the published form `SHA1:COUNT`; `-` reads standard input
        file: PathBuf,
        /// `words` or `sha1`; guessed from the first line when left out
        #[arg(long, value_parser = ["words", "sha1"])]
        format: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConditionsCommand {
    /// Show them
    Show,
    /// Change some of them
    Set {
        /// Which second factor: `any` or `passkey`
        #[arg(long, value_parser = ["any", "passkey"])]
        factor: Option<String>,
        /// From these networks alone, such as 192.0.2.0/24: replaces the list
        #[arg(long = "network", conflicts_with = "anywhere")]
        networks: Vec<String>,
        /// From anywhere
        #[arg(long)]
        anywhere: bool,
        /// From enrolled devices alone: `on` or `off`
        #[arg(long, value_parser = ["on", "off"])]
        device: Option<String>,
    },
    /// Back to how a new server has them
    Reset,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClientsCommand {
    /// Show what the door does
    Show,
    /// Ask nobody for a certificate
    Off,
    /// Let whoever has a certificate present it
    Ask {
        /// Certificates of the authorities, PEM
        #[arg(long)]
        ca: Option<PathBuf>,
        /// Lists of revoked certificates, PEM
        #[arg(long)]
        crl: Option<PathBuf>,
    },
    /// Let nobody come in without one
    Require {
        /// Certificates of the authorities, PEM
        #[arg(long)]
        ca: Option<PathBuf>,
        /// Lists of revoked certificates, PEM
        #[arg(long)]
        crl: Option<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiTokenCommand {
    /// Everybody's tokens
    List,
    /// Make a token of a service account; it is printed once. A person makes his own in the console
    Create {
        /// Name of the service account
        account: String,
        /// What it is for
        #[arg(long)]
        name: String,
        /// What it may do at most: a role
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Only in this tenant and below it
        #[arg(long)]
        tenant: Option<String>,
        /// Only hosts with these labels: `site=paris`
        #[arg(long)]
        labels: Option<String>,
        /// Only these sections: monitor, hosts, agents, notifications, evidence, system, access
        #[arg(long = "section")]
        sections: Vec<String>,
        /// Only from these addresses: `192.0.2.0/24`; from anywhere when left out
        #[arg(long = "network")]
        networks: Vec<String>,
        /// Life in days, at most 365
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// A new secret for a service account's token; printed once
    Rotate {
        id: String,
        /// How long the old secret works too, in hours, at most 168
        #[arg(long, default_value_t = 24)]
        overlap_hours: u32,
        /// Life of the new one in days, at most 365
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// End a token at once
    Revoke { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServiceAccountCommand {
    /// All of them
    List,
    /// Make one
    Add {
        name: String,
        /// What it may do at most
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Name of the person who answers for it
        #[arg(long)]
        owner: String,
        /// What it is for
        #[arg(long)]
        purpose: String,
        /// When somebody must look at it again, in days
        #[arg(long, default_value_t = 180)]
        review_days: u32,
        /// Why; asked for where a second person must agree
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say who answers for it, what it is for, and when to look again
    Set {
        name: String,
        #[arg(long)]
        owner: Option<String>,
        #[arg(long)]
        purpose: Option<String>,
        #[arg(long, default_value_t = 180)]
        review_days: u32,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApprovalCommand {
    /// What waits for a decision; agreeing is for a person, in the console
    List {
        /// Decided ones too
        #[arg(long)]
        all: bool,
    },
    /// One request, with what exactly will be done
    Show { id: String },
    /// When a second person is asked for: `off`, `when-two` or `always`
    Policy {
        #[arg(value_parser = ["off", "when-two", "always"])]
        mode: Option<String>,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReviewCommand {
    /// Accounts and tokens as they are now, with what is odd about them
    Findings {
        /// How far back use counts
        #[arg(long, default_value_t = 90)]
        days: u32,
    },
    /// All reviews
    List,
    /// Begin one
    Begin {
        /// How far back use counts
        #[arg(long, default_value_t = 90)]
        days: u32,
        /// When it is to be signed
        #[arg(long, default_value_t = 14)]
        due_days: u32,
    },
    /// Its lines
    Show { id: String },
    /// Decide about one line
    Decide {
        id: String,
        number: i64,
        #[arg(value_parser = ["keep", "reduce", "disable"])]
        decision: String,
        /// For `reduce`: the role
        #[arg(long, default_value = "")]
        role: String,
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Sign it off: what was decided is done
    Sign {
        id: String,
        #[arg(long)]
        note: String,
        /// When the next one is due
        #[arg(long, default_value_t = 90)]
        next_days: u32,
    },
    /// As CSV; as JSON with `--json`
    Export { id: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// All accounts
    List,
    /// Invite a person and print the one-time link behind which they choose password and second factor
    Invite {
        /// Name to sign in with
        name: String,
        /// `viewer`, `operator` or `admin`
        #[arg(long, default_value = "viewer")]
        role: String,
        /// Where they are at home, by name or id; your own tenant when left out
        #[arg(long)]
        tenant: Option<String>,
    },
    /// Disable an account: its sessions end at once
    Disable {
        /// Name to sign in with
        name: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// Enable an account
    Enable {
        /// Name to sign in with
        name: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// Give an account another role, from its next request on
    Role {
        /// Name to sign in with
        name: String,
        /// `viewer`, `operator` or `admin`
        role: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// Reset password and second factor, and print the one-time link behind which the person chooses new ones
    Reset {
        /// Name to sign in with
        name: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// Somebody may know the password: the person can do nothing before choosing another; sessions end at once
    RequireChange {
        /// Name to sign in with
        name: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
    /// Let an account sign in again after too many failures
    Reopen {
        /// Name to sign in with
        name: String,
        /// Why; goes to the audit log
        #[arg(long)]
        reason: String,
    },
}

/// `90`, `90s`, `30m`, `4h` or `2d` in seconds.
pub(crate) fn span(raw: &str) -> Result<u64, String> {
    let digits = raw.find(|c: char| !c.is_ascii_digit()).unwrap_or(raw.len());
    let (number, unit) = raw.split_at(digits);
    let factor = match unit {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err("write a time such as 90s, 30m, 4h or 2d".to_owned()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .filter(|seconds| *seconds > 0)
        .ok_or_else(|| "write a time such as 90s, 30m, 4h or 2d".to_owned())
}

/// Prints the completion script.
pub(crate) fn completion(shell: clap_complete::Shell) {
    clap_complete::generate(shell, &mut Args::command(), "watchkeep", &mut std::io::stdout());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Args::command().debug_assert();
    }

    #[test]
    fn spans_have_units() {
        assert_eq!(span("90"), Ok(90));
        assert_eq!(span("4h"), Ok(14_400));
        assert!(span("0s").is_err() && span("4w").is_err() && span("").is_err() && span("-5m").is_err());
        assert!(span("99999999999999999999d").is_err());
    }
}
