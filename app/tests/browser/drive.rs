//! The page in a real browser, wherever it is served: Debian's Chromium, driven from Node. Tests of the app and of a host share it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CHROMIUM: &str = "/usr/bin/chromium-headless-shell";

/// What Node needs: the scenes, and the packages at their versions.
const FILES: &[(&str, &str)] = &[
    ("page.mjs", include_str!("page.mjs")),
    ("package.json", include_str!("package.json")),
    ("package-lock.json", include_str!("package-lock.json")),
];

/// Whether a browser can be driven here; says so where it cannot.
pub fn browser() -> Option<Browser> {
    match prepared() {
        Ok(folder) => Some(Browser { folder }),
        Err(why) => {
            crate::need::skipped(&format!("the page in a browser: {why}"));
            None
        }
    }
}

/// A folder with the scenes and what they need.
pub struct Browser {
    folder: PathBuf,
}

impl Browser {
    /// Plays every scene on the page at this address, such as `http://127.0.0.1:5001`; all of them must end well.
    pub fn plays(&self, page: &str) {
        let output = Command::new("node")
            .args(["--test-reporter=spec", "page.mjs"])
            .current_dir(&self.folder)
            .env("PAGE", page)
            .env("CHROMIUM", CHROMIUM)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}");
        assert!(
            output.status.success(),
            "{said}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

/// The folder, or why there is none.
fn prepared() -> Result<PathBuf, String> {
    if !Path::new(CHROMIUM).exists() {
        return Err("Chromium is not installed here".to_owned());
    }
    if !runs("node", &["--version"]) || !runs("npm", &["--version"]) {
        return Err("Node and npm are not installed here".to_owned());
    }
    // The ring of the hosts runs beside that of the app, and what npm does to a folder is nobody else's.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("browser")
        .join(env!("CARGO_PKG_NAME"));
    fs::create_dir_all(&folder).unwrap();
    for (name, text) in FILES {
        fs::write(folder.join(name), text).unwrap();
    }
    let installed = Command::new("npm")
        .args(["ci", "--prefer-offline", "--no-audit", "--no-fund"])
        .current_dir(&folder)
        .output()
        .unwrap();
    if installed.status.success() {
        Ok(folder)
    } else {
        Err(format!(
            "npm cannot fetch what it needs: {}",
            String::from_utf8_lossy(&installed.stderr).trim()
        ))
    }
}

fn runs(program: &str, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
