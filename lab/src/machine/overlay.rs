//! A machine's disk: an overlay over an image that all machines share.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use nix::mount::{MntFlags, MsFlags, mount as kernel_mount, umount2};

/// Mounts `folder/root` if it is not mounted.
pub fn mount(folder: &Path, image: &Path) -> Result<()> {
    for name in ["upper", "work", "root"] {
        fs::create_dir_all(folder.join(name))
            .with_context(|| format!("could not make the disk in {}", folder.display()))?;
    }
    let root = folder.join("root");
    if is_mounted(&root)? {
        return Ok(());
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        image.display(),
        folder.join("upper").display(),
        folder.join("work").display()
    );
    kernel_mount(
        Some("overlay"),
        &root,
        Some("overlay"),
        MsFlags::empty(),
        Some(options.as_str()),
    )
    .with_context(|| {
        format!(
            "could not mount {} as an overlay of {}",
            root.display(),
            image.display()
        )
    })
}

/// Unmounts it if it is mounted.
pub fn unmount(folder: &Path) -> Result<()> {
    let root = folder.join("root");
    if is_mounted(&root)? {
        umount2(&root, MntFlags::empty())
            .with_context(|| format!("could not unmount {}", root.display()))?;
    }
    Ok(())
}

fn is_mounted(root: &Path) -> Result<bool> {
    let root = root.display().to_string();
    let mounts = fs::read_to_string("/proc/self/mounts")?;
    Ok(mounts
        .lines()
        .any(|line| line.split(' ').nth(1) == Some(&root)))
}
