//! `cargo xtask test`: every test there is.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{parts, sh};

/// Installs or names what is missing, then runs unit, property, conformance, black-box and browser tests.
///
/// # Errors
/// The first step that fails.
pub fn test(args: &[String]) -> Result<()> {
    let fast = args.iter().any(|arg| arg == "--fast");
    let rest: Vec<&str> = args.iter().map(String::as_str).filter(|arg| *arg != "--fast").collect();
    parts::for_tests()?;
    parts::console()?;
    parts::npm_of("oidc")?;
    if let ["--part", part] = rest.as_slice() {
        sh::step(
            "build the programs",
            &mut sh::command("cargo", &["build", "--quiet", "--locked", "--bins"]),
        )?;
        return match *part {
            "browser" => browser(),
            "schema" => schema(),
            other => bail!("there is no part `{other}`: it is browser or schema"),
        };
    }
    let console = sh::root().join("console");
    sh::step("console: unit tests", sh::command("npm", &["run", "--silent", "test"]).current_dir(&console))?;
    // Black-box tests start the programs; they are built once, here.
    sh::step("build the programs", &mut sh::command("cargo", &["build", "--quiet", "--locked", "--bins"]))?;
    let mut nextest: Command = if sh::has("cargo-nextest") {
        sh::command("cargo", &["nextest", "run", "--locked", "--workspace", "--no-fail-fast"])
    } else {
        sh::command("cargo", &["test", "--locked", "--workspace", "--no-fail-fast"])
    };
    if fast {
        nextest.env("WATCHKEEP_TEST_FAST", "1");
    }
    nextest.args(&rest);
    sh::step("unit, property, conformance and black-box tests", &mut nextest)?;
    if rest.is_empty() {
        browser()?;
        schema()?;
    }
    Ok(())
}

/// The console's tests, in a real Chromium against a real server and agent, in a data directory that goes with them.
fn browser() -> Result<()> {
    let console = sh::root().join("console");
    let data = std::env::temp_dir().join(format!("watchkeep-e2e-{}", std::process::id()));
    let server = Server::start(&programs(), &data)?;
    let mut e2e = sh::command("npm", &["run", "--silent", "e2e"]);
    e2e.current_dir(&console).env("WATCHKEEP_URL", &server.url).env("WATCHKEEP_CLAIM", &server.claim);
    e2e.env("WATCHKEEP_BIN", programs().join("watchkeep")).env("WATCHKEEP_DATA", &data);
    let done = sh::step("browser tests", &mut e2e);
    drop(server);
    let _ = std::fs::remove_dir_all(&data);
    done
}

/// Every operation of the OpenAPI document with made-up arguments, as a stranger and as three roles.
fn schema() -> Result<()> {
    let python = parts::python("schemathesis")?;
    let data = std::env::temp_dir().join(format!("watchkeep-schema-{}", std::process::id()));
    let server = Server::start(&programs(), &data)?;
    let mut run = Command::new(python);
    run.arg(sh::root().join("tests/schemathesis/run.py")).env("WATCHKEEP_CLAIM", &server.claim);
    let done = sh::step("made-up requests against the API's document", &mut run);
    drop(server);
    let _ = std::fs::remove_dir_all(&data);
    done
}

fn programs() -> std::path::PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| sh::root().join("target"), Into::into).join("debug")
}

/// A server with its agent, for as long as this value lives.
pub struct Server {
    child: Child,
    pub url: String,
    pub claim: String,
}

impl Server {
    /// Starts the programs of a folder with an empty data directory.
    pub fn start(programs: &Path, data: &Path) -> Result<Self> {
        let log = std::fs::File::create(data.with_extension("log")).context("the server's log")?;
        let mut child = Command::new(programs.join("watchkeep"))
            .args(["up", "--console-listen", "127.0.0.1:0", "--hub-listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("cannot start the server that was just built")?;
        let stdout = child.stdout.take().context("the server has no output")?;
        // The link is the last thing it says before it enrols its agent; reading on keeps its pipe from filling.
        let (told, claim) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if let Some(link) =
                    line.trim().strip_prefix("https://").filter(|rest| rest.contains("/claim#"))
                {
                    let _ = told.send(format!("https://{link}"));
                }
            }
        });
        let claim = claim.recv_timeout(Duration::from_secs(60)).map_err(|_| {
            let _ = child.kill();
            anyhow::anyhow!(
                "the server printed no claim link within a minute; see {}",
                data.with_extension("log").display()
            )
        })?;
        let url = claim.split("/claim#").next().unwrap_or_default().to_owned();
        Ok(Self { child, url, claim })
    }
}

impl Server {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked politely, so that it stops its agent too.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        for _ in 0..150 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
