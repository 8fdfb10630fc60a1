//! The real binary on a sealed machine, beside the fake.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::fake_api::{FakeApi, TOKEN};
use crate::run::KEY;

/// An operator's home with a citrino.yml in it.
pub struct Operator {
    pub home: tempfile::TempDir,
    endpoint: String,
}

impl Operator {
    /// `cloud` is the part of citrino.yml in its flow style, without the keys that all have.
    pub fn new(fake: &FakeApi, cloud: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("id_ed25519.pub"), KEY).unwrap();
        let operator = Self {
            home,
            endpoint: fake.endpoint(),
        };
        operator.wish(cloud);
        operator
    }

    pub fn wish(&self, cloud: &str) {
        let text = format!(
            "stack: prod\ndomain: www.example.com\ncloud: {{ ssh_keys: [id_ed25519.pub], {cloud} }}\n"
        );
        std::fs::write(self.home.path().join("citrino.yml"), text).unwrap();
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }

    pub fn command(&self, line: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_citrino-ops"));
        command
            .args(line.split_whitespace())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path())
            .env("USER", "ana")
            .env("HCLOUD_ENDPOINT", &self.endpoint)
            .env("HCLOUD_TOKEN", TOKEN)
            .current_dir(self.path())
            .stdin(Stdio::null());
        command
    }

    /// The exit code, and all that was printed.
    pub fn types(&self, line: &str) -> (i32, String) {
        said(&self.command(line).output().unwrap())
    }
}

pub fn said(output: &Output) -> (i32, String) {
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    (output.status.code().unwrap_or(-1), text.concat())
}
