//! Reach: the app's binary on the operator's machine, built or given.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::Result;
use object::LittleEndian;
use object::elf::{EM_AARCH64, EM_RISCV, EM_X86_64, FileHeader64, PT_INTERP};
use object::read::elf::{FileHeader, ProgramHeader};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::process::Command;

use crate::core::app_profile::SourceTree;
use crate::core::error::{Code, Fault};
use crate::core::value::Sha256;

/// A binary that can become a release.
pub struct Build {
    pub bytes: Vec<u8>,
    pub sha256: Sha256,
    /// The commit of its source, with `-dirty` when the tree had changes; empty when unknown.
    pub commit: String,
    /// When the file was written, RFC 3339.
    pub built_at: String,
    /// The processor that it is for, as Linux calls it.
    pub arch: String,
}

impl Build {
    /// # Errors
    /// E0601 when a host with this processor could not run it.
    pub fn is_for(&self, arch: &str) -> Result<()> {
        if self.arch == arch {
            return Ok(());
        }
        let message = format!("the build is for {}, but the host is {arch}", self.arch);
        Err(Fault::new(Code::E0601, message)
            .hint(format!("build a static {arch} Linux binary"))
            .into())
    }
}

/// Builds the app from the source tree that citrino.yml or the working directory lies in.
///
/// # Errors
/// E0601 with the end of what cargo said.
pub async fn build(app: &SourceTree, from: &Path) -> Result<Build> {
    let source = source(app, from)?;
    let package = &*app.package;
    let output = Command::new("cargo")
        .args([
            "build",
            "--release",
            "--locked",
            "--package",
            package,
            "--message-format",
            "json",
        ])
        .current_dir(&source)
        .stdin(Stdio::null())
        .output()
        .await
        .map_err(|error| {
            Fault::new(
                Code::E0601,
                format!("`cargo` could not be started: {error}"),
            )
            .hint("install Rust, or name a binary with --artifact")
        })?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.trim().lines().collect();
        let tail = lines[lines.len().saturating_sub(12)..].join("\n");
        return Err(Fault::new(
            Code::E0601,
            format!(
                "the app could not be built in {}:\n{tail}",
                source.display()
            ),
        )
        .hint(format!(
            "run `cargo build --release -p {package}` there to see the whole output"
        ))
        .into());
    }
    let path = executable(package, &String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Fault::new(Code::E0601, "cargo built the app, but reported no binary"))?;
    let mut build = take(&path).await?;
    build.commit = commit(&source).await;
    Ok(build)
}

/// A binary that is there.
///
/// # Errors
/// E0609 when it cannot be read, E0601 when a host could not run it.
pub async fn take(path: &Path) -> Result<Build> {
    let wrong = |why: String| {
        Fault::new(
            Code::E0601,
            format!("{} cannot be a release: {why}", path.display()),
        )
        .hint("use a static Linux binary, as `cargo build --release` creates it with `-C target-feature=+crt-static`")
    };
    let bytes = tokio::fs::read(path)
        .await
        .map_err(|error| unreadable(path, &error))?;
    let arch = arch_of_static(&bytes).map_err(|why| wrong(why.to_owned()))?;
    let written = std::fs::metadata(path)?.modified()?;
    Ok(Build {
        sha256: Sha256::of(&bytes),
        bytes,
        arch,
        commit: String::new(),
        built_at: OffsetDateTime::from(written)
            .replace_nanosecond(0)?
            .format(&Rfc3339)?,
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::new(
        Code::E0609,
        format!("cannot read {}: {error}", path.display()),
    )
    .hint("correct the path of `--artifact`")
}

/// The source tree of the app that citrino.yml or the working directory lies in: the nearest folder above that is its
/// workspace.
pub fn source_tree(app: &SourceTree, from: &Path) -> Result<Option<PathBuf>> {
    let here = std::env::current_dir()?;
    let starts = [std::path::absolute(from)?, here];
    let mut folders = starts.iter().flat_map(|start| start.ancestors());
    let found = folders.find(|folder| {
        folder.join(&*app.manifest).is_file() && folder.join("Cargo.toml").is_file()
    });
    Ok(found.map(Path::to_owned))
}

fn source(app: &SourceTree, from: &Path) -> Result<PathBuf> {
    source_tree(app, from)?.ok_or_else(|| {
        Fault::new(
            Code::E0601,
            "the app's source is neither in a folder above citrino.yml nor above the working directory",
        )
        .hint("run this in the source tree, or name a binary with --artifact")
        .into()
    })
}

/// The path in cargo's last word on the package's binary.
fn executable(package: &str, messages: &str) -> Option<PathBuf> {
    let mut paths = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        let named = message["target"]["name"] == package;
        message["executable"]
            .as_str()
            .filter(|_| named)
            .map(PathBuf::from)
    });
    paths.next_back()
}

/// Empty where there is no git: the commit is told to people and decides nothing.
async fn commit(source: &Path) -> String {
    let output = Command::new("git")
        .args([
            "describe",
            "--always",
            "--dirty",
            "--abbrev=10",
            "--exclude=*",
        ])
        .current_dir(source)
        .stdin(Stdio::null())
        .output()
        .await;
    match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => String::new(),
    }
}

/// What processor a static program is for. One that is not static has a program header which names a loader.
fn arch_of_static(bytes: &[u8]) -> Result<String, &'static str> {
    const NO_ELF: &str = "it is not a Linux program";
    let header = FileHeader64::<LittleEndian>::parse(bytes).map_err(|_| NO_ELF)?;
    let endian = header.endian().map_err(|_| NO_ELF)?;
    let parts = header.program_headers(endian, bytes).map_err(|_| NO_ELF)?;
    if parts.iter().any(|part| part.p_type(endian) == PT_INTERP) {
        return Err("it is not static: it needs a loader that the host may not have");
    }
    Ok(match header.e_machine(endian) {
        EM_X86_64 => "x86_64".to_owned(),
        EM_AARCH64 => "aarch64".to_owned(),
        EM_RISCV => "riscv64".to_owned(),
        other => format!("the ELF machine {other}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_static_program_can_be_a_release_and_its_processor_is_known() {
        // This very test is one.
        let own = std::fs::read("/proc/self/exe").unwrap();
        assert_eq!(arch_of_static(&own).unwrap(), std::env::consts::ARCH);
        assert!(arch_of_static(b"#!/bin/sh\n").is_err());
        assert!(arch_of_static(&own[..60]).is_err());
        let mut other = own[..4096].to_vec();
        for (machine, arch) in [(183, "aarch64"), (2, "the ELF machine 2")] {
            other[18] = machine;
            assert_eq!(arch_of_static(&other).unwrap(), arch);
        }
        let shell = std::fs::read("/bin/sh").unwrap();
        assert!(arch_of_static(&shell).unwrap_err().contains("not static"));
    }

    /// git refuses a tree of somebody else, and the commit decides nothing.
    #[tokio::test]
    async fn a_tree_that_git_does_not_tell_of_has_no_commit_and_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(commit(folder.path()).await, "");
        let git = |words: &[&str]| {
            let who = [
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b",
                "-c",
                "init.defaultBranch=main",
            ];
            let mut git = std::process::Command::new("git");
            let ended = git
                .args(who)
                .args(words)
                .current_dir(folder.path())
                .output();
            ended.unwrap().status.success()
        };
        assert!(git(&["init", "-q"]) && git(&["commit", "-q", "--allow-empty", "-m", "x"]));
        assert_eq!(commit(folder.path()).await.len(), 10);
        // Only root can give it away.
        if std::os::unix::fs::chown(folder.path(), Some(12345), None).is_ok() {
            let is_told = git(&["rev-parse", "HEAD"]);
            assert_eq!(commit(folder.path()).await.is_empty(), !is_told);
        }
    }

    #[test]
    fn the_binary_is_the_one_that_cargo_names() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/x"}
{"reason":"compiler-artifact","target":{"name":"shop"},"executable":"/t/shop"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(executable("shop", messages), Some(PathBuf::from("/t/shop")));
    }
}
