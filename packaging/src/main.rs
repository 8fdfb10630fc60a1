//! Writes the manual pages of every verb and the completion scripts into a folder, for `packaging/dist`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use citrino_ops::verb::{completion_script, manual};

fn main() -> Result<()> {
    let folder = std::env::args_os()
        .nth(1)
        .context("usage: citrino-packaging FOLDER")?;
    let folder = Path::new(&folder);
    for (shell, name) in [
        ("bash", "citrino-ops.bash"),
        ("zsh", "_citrino-ops"),
        ("fish", "citrino-ops.fish"),
    ] {
        let script =
            completion_script(shell).with_context(|| format!("no completions for {shell}"))?;
        write(&folder.join("completions").join(name), script.as_bytes())?;
    }
    let mut command = manual();
    command.build();
    clap_mangen::generate_to(command, made(&folder.join("man"))?)
        .context("could not write the manual pages")
}

fn made(folder: &Path) -> Result<&Path> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    Ok(folder)
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    path.parent().map(made).transpose()?;
    fs::write(path, content).with_context(|| format!("could not write {}", path.display()))
}
