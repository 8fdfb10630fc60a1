//! The root image: Debian 12, built once by mmdebstrap and cached outside the repository.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::lab::{Lab, hex, run};

const PACKAGES: &str = include_str!("../image/packages.txt");
const SYSTEM: &str = include_str!("../image/system.txt");
const MASKED: &str = include_str!("../image/masked.txt");

const NEVER: &str = include_str!("../image/never.timer");

/// The lab's own files in the image.
const FILES: &[(&str, &str)] = &[
    (
        "etc/cloud/cloud.cfg.d/90-lab.cfg",
        include_str!("../image/cloud.cfg"),
    ),
    (
        "etc/ssh/sshd_config.d/50-lab.conf",
        include_str!("../image/sshd.conf"),
    ),
    ("etc/dpkg/dpkg.cfg.d/lab", include_str!("../image/dpkg.cfg")),
    ("etc/systemd/system/apt-daily.timer.d/lab.conf", NEVER),
    (
        "etc/systemd/system/apt-daily-upgrade.timer.d/lab.conf",
        NEVER,
    ),
    (
        "etc/systemd/system/lab-volumes.service",
        include_str!("../image/volumes.service"),
    ),
];

/// Part of the recipe: increase it if the steps in this file change.
const REVISION: &str = "1";

fn words(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .collect()
}

/// The path of the image for this recipe; another recipe has another path.
pub fn path(lab: &Lab) -> PathBuf {
    let mut hasher = Sha256::new();
    for part in [REVISION, PACKAGES, SYSTEM, MASKED] {
        hasher.update(part.as_bytes());
    }
    for (path, content) in FILES {
        hasher.update(path.as_bytes());
        hasher.update(content.as_bytes());
    }
    let name = hex(&hasher.finalize()[..8]);
    lab.cache.join(format!("debian-12-{name}"))
}

/// Builds the image if it is missing, and reports progress to `say`.
pub fn build(lab: &Lab, force: bool, say: &dyn Fn(&str)) -> Result<PathBuf> {
    let image = path(lab);
    if image.exists() && !force {
        return Ok(image);
    }
    fs::create_dir_all(&lab.cache)
        .with_context(|| format!("could not make the image cache {}", lab.cache.display()))?;
    let lock = File::create(lab.cache.join("lock"))?;
    if lock.try_lock().is_err() {
        say("another process builds the machine image; waiting for it");
        lock.lock()?;
    }
    if image.exists() {
        if !force {
            return Ok(image);
        }
        refuse_when_used(&image)?;
        fs::remove_dir_all(&image)?;
    }
    say(
        "building the machine image (Debian 12 and the .debs of the playbooks): half a minute, once",
    );
    let building = image.with_extension("building");
    remove_tree(&building)?;
    if let Err(error) = bootstrap(&building, say).and_then(|()| finish(&building)) {
        // Report the first error; the next build removes what is left.
        let _ = remove_tree(&building);
        return Err(error);
    }
    fs::rename(&building, &image)
        .with_context(|| format!("could not put the image at {}", image.display()))?;
    say(&format!("the machine image is at {}", image.display()));
    Ok(image)
}

/// Running machines use the image as the lower layer of their disks.
fn refuse_when_used(image: &Path) -> Result<()> {
    let lower = format!("lowerdir={},", image.display());
    if fs::read_to_string("/proc/self/mounts")?.contains(&lower) {
        bail!(
            "machines stand on the image {}; run `citrino-lab down` in their lab first",
            image.display()
        );
    }
    Ok(())
}

/// The keys that Debian's archive is signed with.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// mmdebstrap uses the host's own Debian sources, or else its default mirror.
fn bootstrap(root: &Path, say: &dyn Fn(&str)) -> Result<()> {
    let sources = debian_sources();
    if sources.is_empty() && !Path::new(KEYRING).exists() {
        bail!(
            "Debian's keys are not here to check the image with; run `apt-get install debian-archive-keyring`"
        );
    }
    let mut command = Command::new("mmdebstrap");
    command
        .args([
            "--variant=minbase",
            "--skip=cleanup/apt",
            "--dpkgopt=force-unsafe-io",
        ])
        .arg("--aptopt=Acquire::Languages \"none\"")
        .arg(format!("--include={}", words(SYSTEM).join(",")))
        .arg(format!(
            "--customize-hook=chroot \"$1\" apt-get install -y --download-only {}",
            words(PACKAGES).join(" ")
        ))
        .arg(format!(
            "--customize-hook=chroot \"$1\" systemctl mask {}",
            words(MASKED).join(" ")
        ))
        .arg("bookworm")
        .arg(root)
        .args(sources)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = command
        .spawn()
        .context("`mmdebstrap` could not be started; run `apt-get install mmdebstrap`")?;
    let mut said = Vec::new();
    for line in child
        .stderr
        .take()
        .map(BufReader::new)
        .into_iter()
        .flat_map(BufRead::lines)
        .map_while(Result::ok)
    {
        if line.starts_with("I: ") && !line.contains("cleaning") {
            say(&format!("  {}", line.trim_start_matches("I: ")));
        }
        said.push(line);
    }
    if child.wait()?.success() {
        return Ok(());
    }
    let tail = said.len().saturating_sub(8);
    bail!(
        "mmdebstrap could not build the machine image:\n{}",
        said[tail..].join("\n")
    )
}

/// The files of apt sources with the whole archive of bookworm.
fn debian_sources() -> Vec<PathBuf> {
    let mut candidates = vec![PathBuf::from("/etc/apt/sources.list")];
    if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
        candidates.extend(entries.flatten().map(|entry| entry.path()));
    }
    candidates.sort();
    let names_debian =
        |text: &str| text.contains("bookworm-updates") || text.contains("bookworm-security");
    candidates
        .into_iter()
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "list" || end == "sources")
        })
        .filter(|path| fs::read_to_string(path).is_ok_and(|text| names_debian(&text)))
        .collect()
}

/// Turns the system into an image: removes its identity, and lets cloud-init create a new one.
fn finish(root: &Path) -> Result<()> {
    for (path, content) in FILES {
        let path = root.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content).with_context(|| format!("could not write {}", path.display()))?;
    }
    for path in [
        "etc/machine-id",
        "var/lib/dbus/machine-id",
        "etc/hostname",
        "etc/resolv.conf",
    ] {
        remove_file(&root.join(path))?;
    }
    for entry in fs::read_dir(root.join("etc/ssh"))?.flatten() {
        if entry.file_name().to_string_lossy().starts_with("ssh_host_") {
            fs::remove_file(entry.path())?;
        }
    }
    run(&[
        "chroot",
        &root.display().to_string(),
        "systemctl",
        "enable",
        "ssh.service",
        "lab-volumes.service",
    ])?;
    Ok(())
}

fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

fn remove_tree(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_words_without_their_comments() {
        assert!(words(PACKAGES).contains(&"postgresql-15-postgis-3"));
        assert!(words(SYSTEM).contains(&"cloud-init"));
        assert!(
            words(MASKED)
                .iter()
                .all(|unit| unit.contains('.') && !unit.contains(' '))
        );
    }
}
