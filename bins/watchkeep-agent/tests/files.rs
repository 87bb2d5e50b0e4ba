//! The agent's own files: what it refuses to start with, and how it says so.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it, and says where")]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        mode(dir.path(), 0o711);
        for name in ["data", "config"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let data = dir.path().join("data");
        mode(&data, 0o700);
        if rustix::process::geteuid().is_root() {
            // As on a machine: the data belongs to a user of the agent's own.
            std::os::unix::fs::chown(&data, Some(61_338), Some(61_338)).unwrap();
        }
        Self { dir }
    }

    fn write(&self, name: &str, text: &str) -> std::path::PathBuf {
        let path = self.dir.path().join("config").join(name);
        std::fs::write(&path, text).unwrap();
        mode(&path, 0o644);
        path
    }

    fn run(&self, args: &[&str]) -> (Option<i32>, String) {
        let output: Output = Command::new(env!("CARGO_BIN_EXE_watchkeep-agent"))
            .arg("--data")
            .arg(self.dir.path().join("data"))
            .arg("--config")
            .arg(self.dir.path().join("config"))
            .args(args)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&text).into_owned())
    }
}

fn mode(path: &Path, bits: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
}

#[test]
fn a_typo_in_a_key_names_the_place_and_the_key_that_was_meant() {
    let place = Place::new();
    for (text, at, word) in [
        ("# mine\nremot = \"off\"\n", ":2:1: ", "Did you mean `remote`?"),
        ("[log]\nformt = \"json\"\n", ":2:1: ", "Did you mean `format`?"),
        ("remote = \"maybe\"\n", ":1:10: ", "`off`"),
        ("sample_interval_s = 0\n", "", "sample_interval_s"),
        ("proxy = \n", ":1:", ""),
    ] {
        let file = place.write("agent.toml", text);
        for command in [&["run"][..], &["check"], &["enrol", "wk1.x"]] {
            let (code, said) = place.run(command);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains(&format!("{}{at}", file.display())) && said.contains(word), "{said}");
            assert!(!said.contains("panicked"), "{said}");
        }
    }
    assert!(std::fs::read_dir(place.dir.path().join("data")).unwrap().next().is_none(), "it wrote something");
}

#[test]
fn a_policy_that_others_may_write_is_no_policy() {
    let place = Place::new();
    let file = place.write("plugins.toml", "");
    for bits in [0o666, 0o664, 0o646] {
        mode(&file, bits);
        for command in ["check", "run"] {
            let (code, said) = place.run(&[command]);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains(&format!("chmod go-w {}", file.display())), "{said}");
        }
    }
    mode(&file, 0o644);
    assert_eq!(place.run(&["check"]).0, Some(0));
}

#[test]
fn a_mistake_in_the_policy_refuses_all_of_it_by_name() {
    let place = Place::new();
    let file = place
        .write("plugins.toml", "[[plugin]]\nname = \"check-x\"\nprogram = \"/bin/true\"\nsha25 = \"00\"\n");
    let (code, said) = place.run(&["check"]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&file.display().to_string()) && said.contains("sha256"), "{said}");
}

#[test]
fn a_data_directory_that_others_may_read_is_refused_with_the_command_that_mends_it() {
    let place = Place::new();
    let data = place.dir.path().join("data");
    mode(&data, 0o755);
    let (code, said) = place.run(&["run"]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("chmod 700 {}", data.display())), "{said}");
}

#[test]
fn without_an_identity_it_says_how_to_get_one() {
    let place = Place::new();
    let (code, said) = place.run(&["run"]);
    assert_eq!(code, Some(1));
    assert!(
        said.contains("this machine is not enrolled") && said.contains("watchkeep agent token"),
        "{said}"
    );
    for token in ["", "hello", "wk1.", "wk1.AAAA"] {
        let (code, said) = place.run(&["enrol", token]);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.starts_with("watchkeep-agent: ") && !said.contains("panicked"), "{said}");
    }
}
