//! Writes the manual pages of every verb and the completion scripts into a folder, for `packaging/dist`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use citrino_ops::verb::{completion_script, manual};
use clap::Command;
use clap_mangen::generate_to;

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
    let command = without_help(manual());
    generate_to(command, made(&folder.join("man"))?).context("could not write the manual pages")
}

/// `help` is no verb that needs a page, and has none of its own for each of the others.
fn without_help(command: Command) -> Command {
    let command = command.disable_help_subcommand(true);
    command.mut_subcommands(without_help)
}

fn made(folder: &Path) -> Result<&Path> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    Ok(folder)
}

fn write(path: &Path, content: &[u8]) -> Result<()> {
    path.parent().map(made).transpose()?;
    fs::write(path, content).with_context(|| format!("could not write {}", path.display()))
}
