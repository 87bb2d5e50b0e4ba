//! What building and testing need from the machine: found, installed, or named with the line that installs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::sh;

/// A Debian package and a file that shows it is there.
struct Part {
    package: &'static str,
    found: fn() -> bool,
}

/// A package shown by one file.
macro_rules! part {
    ($package:literal, $file:literal) => {
        Part { package: $package, found: || Path::new($file).exists() }
    };
}

const TEST_PARTS: &[Part] = &[
    Part { package: "postgresql", found: postgres },
    part!("chromium", "/usr/bin/chromium"),
    part!("monitoring-plugins-basic", "/usr/lib/nagios/plugins/check_load"),
    part!("python3-aiosmtpd", "/usr/lib/python3/dist-packages/aiosmtpd"),
    part!("rpm", "/usr/bin/rpmbuild"),
    part!("db5.3-util", "/usr/bin/db5.3_load"),
    part!("openssh-client", "/usr/bin/ssh-keygen"),
    part!("procps", "/usr/bin/free"),
    part!("iproute2", "/bin/ss"),
    part!("util-linux", "/usr/bin/unshare"),
    part!("faketime", "/usr/bin/faketime"),
    part!("slapd", "/usr/sbin/slapd"),
    part!("ldap-utils", "/usr/bin/ldapadd"),
    part!("freeradius", "/usr/sbin/freeradius"),
    part!("python3-pysaml2", "/usr/lib/python3/dist-packages/saml2/__init__.py"),
    part!("python3-lxml", "/usr/lib/python3/dist-packages/lxml/__init__.py"),
    part!("xmlsec1", "/usr/bin/xmlsec1"),
    part!("openssl", "/usr/bin/openssl"),
    part!("hydra", "/usr/bin/hydra"),
];

fn postgres() -> bool {
    std::fs::read_dir("/usr/lib/postgresql")
        .is_ok_and(|dirs| dirs.flatten().any(|dir| dir.path().join("bin/postgres").exists()))
}

/// Installs what the tests need when root can, else fails with the line that does.
pub fn for_tests() -> Result<()> {
    let missing: Vec<&str> =
        TEST_PARTS.iter().filter(|part| !(part.found)()).map(|part| part.package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    let root = sh::output(Command::new("id").arg("-u"))?.trim() == "0";
    if !root || !sh::has("apt-get") {
        bail!("the tests need Debian packages that are not here. As root:\n  {line}");
    }
    sh::step("apt-get update", Command::new("apt-get").args(["-qq", "update"]))?;
    let mut install = Command::new("apt-get");
    install.args(["-qq", "-y", "--no-install-recommends", "install"]).args(&missing);
    install.env("DEBIAN_FRONTEND", "noninteractive");
    sh::step(&line, &mut install)
}

/// Node and npm are asked for, not installed: which Node one runs is one's own choice.
pub fn node() -> Result<()> {
    if sh::has("node") && sh::has("npm") {
        return Ok(());
    }
    bail!("Node.js 20 or newer and npm build the console, and are not on the PATH. See https://nodejs.org")
}

/// A cargo tool at a fixed version, from the PATH or built once into `target/tools`.
pub fn tool(name: &str, version: &str, extra: &[&str]) -> Result<PathBuf> {
    if sh::has(name) {
        return Ok(PathBuf::from(name));
    }
    let tools = sh::root().join("target/tools");
    let path = tools.join("bin").join(name);
    if !path.exists() {
        let mut install =
            sh::command("cargo", &["install", "--quiet", "--locked", "--debug", name, "--version", version]);
        install.args(extra).arg("--root").arg(&tools).env("CARGO_TARGET_DIR", tools.join("build"));
        sh::step(&format!("install {name} {version}, once"), &mut install)?;
        let _ = std::fs::remove_dir_all(tools.join("build"));
    }
    Ok(path)
}

/// The Python of an environment with the packages that `tests/NAME/requirements.txt` names, made anew when that changes.
pub fn python(name: &str) -> Result<PathBuf> {
    let wanted = sh::root().join("tests").join(name).join("requirements.txt");
    let venv = sh::root().join("target/tools/python").join(name);
    let (python, stamp) = (venv.join("bin/python"), venv.join("requirements.txt"));
    let want = std::fs::read(&wanted).with_context(|| format!("cannot read {}", wanted.display()))?;
    if std::fs::read(&stamp).is_ok_and(|have| have == want) {
        return Ok(python);
    }
    let usable = Command::new("python3").args(["-c", "import ensurepip, venv"]).output();
    if !usable.is_ok_and(|out| out.status.success()) {
        bail!("some tests run in Python 3.11 or newer. As root:\n  apt-get install -y python3 python3-venv");
    }
    let _ = std::fs::remove_dir_all(&venv);
    sh::step(
        &format!("make an environment for tests/{name}"),
        Command::new("python3").args(["-m", "venv"]).arg(&venv),
    )?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(&wanted);
    sh::step(&format!("install the packages of tests/{name}"), &mut install)?;
    std::fs::write(&stamp, want).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(python)
}

/// Packages when the lock file is newer than what is installed, then the console's build. Without a change: nothing.
pub fn console() -> Result<()> {
    node()?;
    npm_ci()?;
    let console = sh::root().join("console");
    let built = newest(&console.join("dist"));
    let sources = [console.join("src"), console.join("public")].iter().filter_map(|dir| newest(dir)).max();
    let files = ["index.html", "package-lock.json", "vite.config.ts", "tsconfig.json"];
    let files =
        files.iter().filter_map(|file| console.join(file).metadata().and_then(|m| m.modified()).ok()).max();
    if built.is_none() || built < sources.max(files) {
        sh::step(
            "build the console",
            sh::command("npm", &["run", "--silent", "build"]).current_dir(&console),
        )?;
    }
    Ok(())
}

/// Installs the console's packages from the lock file, if that changed.
pub fn npm_ci() -> Result<()> {
    let console = sh::root().join("console");
    let stamp = console.join("node_modules/.package-lock.json");
    let age = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    if age(&stamp).is_none() || age(&stamp) < age(&console.join("package-lock.json")) {
        // Not `npm ci`: it refuses a lock file that leaves out other platforms' optional packages. This installs what
        // the lock names, by its digests, and writes nothing.
        let args =
            ["install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        let mut install = sh::command("npm", &args);
        sh::step("install the console's packages", install.current_dir(&console))?;
    }
    Ok(())
}

/// Installs what `tests/NAME/package-lock.json` names, if that changed.
pub fn npm_of(name: &str) -> Result<()> {
    node()?;
    let folder = sh::root().join("tests").join(name);
    let age = |path: &Path| path.metadata().and_then(|m| m.modified()).ok();
    let stamp = folder.join("node_modules/.package-lock.json");
    if age(&stamp).is_none() || age(&stamp) < age(&folder.join("package-lock.json")) {
        let args = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"];
        let mut install = sh::command("npm", &args);
        sh::step(&format!("install the packages of tests/{name}"), install.current_dir(&folder))?;
    }
    Ok(())
}

fn newest(dir: &Path) -> Option<std::time::SystemTime> {
    let mut newest = None;
    for entry in std::fs::read_dir(dir).ok()?.flatten() {
        let path = entry.path();
        let time = if path.is_dir() {
            self::newest(&path)
        } else {
            entry.metadata().and_then(|m| m.modified()).ok()
        };
        newest = newest.max(time);
    }
    newest
}
