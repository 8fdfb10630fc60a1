//! A swap file of this size, in use now and after the next boot.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::core::engine::{CheckResult, Wish};
use crate::core::error::{Code, Fault};
use crate::host::system::{Cmd, Kind, System};

const FSTAB: &str = "/etc/fstab";

/// Where mkswap(8) writes that a file is swap: the last ten bytes of the first page of 4096.
const SIGNATURE_AT: u64 = 4086;
const SIGNATURE: &[u8; 10] = b"SWAPSPACE2";

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Swap {
    pub path: String,
    pub size_mb: u64,
}

impl Swap {
    fn bytes(&self) -> u64 {
        self.size_mb * 1024 * 1024
    }

    fn is_on(&self, system: &System) -> Result<bool> {
        let text = system.read_text("/proc/swaps")?.unwrap_or_default();
        Ok(is_on(&text, &self.path))
    }

    /// Whether the file that is there can go on as it is.
    fn fits(&self, system: &System) -> Result<bool> {
        let Some(found) = system.stat(&self.path)? else {
            return Ok(false);
        };
        Ok(found.bytes == self.bytes() && found.mode == 0o600 && self.is_swap(system)?)
    }

    fn is_swap(&self, system: &System) -> Result<bool> {
        let context = || format!("could not read {}", self.path);
        let Some(mut file) = system.open(&self.path)? else {
            return Ok(false);
        };
        let mut bytes = [0; SIGNATURE.len()];
        file.seek(SeekFrom::Start(SIGNATURE_AT))
            .with_context(context)?;
        match file.read_exact(&mut bytes) {
            Ok(()) => Ok(bytes == *SIGNATURE),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error).with_context(context),
        }
    }

    /// Only swap is replaced, or what a run that was killed left: zeroes.
    fn refuse_data(&self, system: &System) -> Result<()> {
        let Some(found) = system.stat(&self.path)? else {
            return Ok(());
        };
        if found.kind == Kind::File
            && (self.is_swap(system)? || starts_with_zeroes(system, &self.path)?)
        {
            return Ok(());
        }
        Err(Fault::new(
            Code::E0408,
            format!("{} exists and is not a swap file", self.path),
        )
        .hint("move it away by hand if it is not needed")
        .into())
    }

    async fn create(&self, system: &System) -> Result<()> {
        if self.is_on(system)? {
            run(system, &["swapoff", &self.path]).await?;
        }
        system.remove(&self.path)?;
        // Nobody else may ever read what is swapped out, so the file is private before it has a size.
        system
            .write_atomic(&self.path, b"", 0o600, None, &[])
            .await?;
        let size = self.bytes().to_string();
        run(system, &["fallocate", "--length", &size, &self.path]).await?;
        run(system, &["mkswap", &self.path]).await
    }

    async fn write_fstab(&self, system: &System) -> Result<()> {
        let text = system.read_text(FSTAB)?.unwrap_or_default();
        let mode = system.stat(FSTAB)?.map_or(0o644, |found| found.mode);
        system
            .write_atomic(
                FSTAB,
                with_line(&text, &self.path).as_bytes(),
                mode,
                None,
                &[],
            )
            .await
    }
}

async fn run(system: &System, argv: &[&str]) -> Result<()> {
    system
        .run(&Cmd::new(argv.iter().copied()))
        .await?
        .success()?;
    Ok(())
}

fn starts_with_zeroes(system: &System, path: &str) -> Result<bool> {
    let context = || format!("could not read {path}");
    let mut start = Vec::new();
    let Some(file) = system.open(path)? else {
        return Ok(false);
    };
    file.take(4096)
        .read_to_end(&mut start)
        .with_context(context)?;
    Ok(start.iter().all(|byte| *byte == 0))
}

/// Reads /proc/swaps, whose first line names the columns.
fn is_on(swaps: &str, path: &str) -> bool {
    swaps
        .lines()
        .skip(1)
        .any(|line| line.split_whitespace().next() == Some(path))
}

fn in_fstab(fstab: &str, path: &str) -> bool {
    fstab.lines().any(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        fields.first() == Some(&path) && fields.get(2) == Some(&"swap")
    })
}

fn with_line(fstab: &str, path: &str) -> String {
    if in_fstab(fstab, path) {
        return fstab.to_owned();
    }
    let end = if fstab.is_empty() || fstab.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{fstab}{end}{path} none swap sw 0 0\n")
}

impl Wish<System> for Swap {
    async fn check(&self, system: &System) -> Result<CheckResult> {
        self.refuse_data(system)?;
        let mut what = Vec::new();
        if system.stat(&self.path)?.is_none() {
            what.push(format!("{} does not exist", self.path));
        } else if !self.fits(system)? {
            what.push(format!(
                "{} is not a private swap file of {} MB",
                self.path, self.size_mb
            ));
        }
        if !self.is_on(system)? {
            what.push(format!("{} is not in use", self.path));
        }
        if !in_fstab(&system.read_text(FSTAB)?.unwrap_or_default(), &self.path) {
            what.push(format!("{FSTAB} does not name {}", self.path));
        }
        Ok(CheckResult::from(what))
    }

    async fn apply(&self, system: &System) -> Result<()> {
        self.refuse_data(system)?;
        if !self.fits(system)? {
            self.create(system).await?;
        }
        if !self.is_on(system)? {
            run(system, &["swapon", &self.path]).await?;
        }
        self.write_fstab(system).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SWAPS: &str = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n/swapfile                               file\t\t1048572\t\t0\t\t-2\n";

    #[test]
    fn reads_which_files_are_in_use() {
        assert!(is_on(SWAPS, "/swapfile"));
        assert!(!is_on(SWAPS, "/swap"));
        assert!(!is_on("", "/swapfile"));
    }

    #[test]
    fn adds_its_line_to_fstab_once_and_minds_the_missing_newline() {
        let once = with_line("UUID=1 / ext4 defaults 0 1", "/swapfile");
        assert_eq!(
            once,
            "UUID=1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n"
        );
        assert_eq!(with_line(&once, "/swapfile"), once);
        assert!(!in_fstab("#/swapfile none swap sw 0 0\n", "/swapfile"));
    }
}
