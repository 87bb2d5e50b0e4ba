//! Everything one does with a checkout: `cargo xtask run|test|lint|bench|docs`.
//!
//! Small on purpose: it compiles in seconds, because every first minute in a fresh clone passes through it.

mod arrows;
mod bench;
mod links;
mod lint;
mod parts;
mod run;
mod sh;
mod test;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <command>

  run     build console and programs, start server and local agent, print the claim link   [--data DIR] [--release]
  test    install or name what is missing, then run every test       [--fast] [--part browser|schema] [NEXTEST ARGS]
  lint    formatting, clippy, crate arrows, licences and bans, generated files, docs
  bench   measure against the budgets; peers that are installed run beside                 [NAME ...]
  docs    build the guide into docs/book
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next().unwrap_or_default();
    let rest: Vec<String> = args.collect();
    let done = match command.as_str() {
        "run" => run::run(&rest),
        "test" => test::test(&rest),
        "lint" => lint::lint(),
        "bench" => bench::bench(&rest),
        "docs" => lint::docs(),
        "" | "help" | "-h" | "--help" => {
            sh::say(HELP);
            return ExitCode::SUCCESS;
        }
        other => Err(anyhow::anyhow!("there is no command `{other}`\n\n{HELP}")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            sh::say(&format!("\nxtask {command}: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
