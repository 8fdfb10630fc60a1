//! `init`: a short conversation, and a citrino.yml that says what was answered. Nothing that is there is overwritten.

mod answers;
mod asker;
mod ci;
mod file;
mod look;

use std::fs::File;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::{Cli, InitOptions};
use crate::config::paths::DEFAULT;
use crate::config::reference;
use crate::config::sealed::{self, SealedFile, SecretLines};
use crate::config::stack::{DATABASE_PASSWORD, Stack};
use crate::core::error::{Code, Fault, exit};
use crate::core::report::Report;
use crate::operator::hooks;
use crate::verb::secrets;
use answers::Answers;

/// A rehearsal on machines of the lab.
const LAB: &str = include_str!("../../examples/lab/citrino.yml");
/// What a hook looks like.
const HOOK: &str = include_str!("../../examples/hooks/post-deploy.example");
const SCHEMA: &str = "citrino.schema.json";
const IGNORE: &str = ".gitignore";
/// What belongs to this machine alone.
const IGNORED: &str = "backups/\n*.key\n.env\n";

pub async fn run(report: &mut Report, cli: &Cli, options: &InitOptions) -> Result<u8> {
    if cli.config.is_some() || cli.environment.is_some() {
        let message = "`init` writes the citrino.yml of this folder, and no other file";
        return Err(Fault::new(Code::E0802, message)
            .hint("leave out -c and -e; `citrino-ops docs environments` says how staging stands beside production")
            .into());
    }
    if let Some(system) = options.ci.filter(|_| Path::new(DEFAULT).exists()) {
        ci::write(report, system)?;
        return Ok(exit::OK);
    }
    refuse_to_overwrite()?;
    if options.lab {
        write(report, DEFAULT, LAB)?;
        report.note("next: start the lab (`citrino-lab serve`), then `citrino-ops up`");
        return Ok(exit::OK);
    }
    if !options.yes && !report.can_ask() {
        return Err(Fault::new(
            Code::E0801,
            "There is no terminal to ask in. Nothing was written.",
        )
        .hint("add --yes, and what is not to have its default: `citrino-ops init --help`")
        .into());
    }
    let answers = Answers::ask(report, options).await?;
    let text = file::text(&answers);
    // What is written is read by the next command.
    let stack = Stack::parse(&text, DEFAULT)?;
    if let Some(host) = &stack.host {
        look::tell(report, &stack, host).await;
    }
    write(report, DEFAULT, &text)?;
    write(report, SCHEMA, &format!("{:#}\n", reference::schema()))?;
    ignore(report)?;
    hook_example(report)?;
    if answers.secrets {
        seal(report)?;
    }
    if let Some(system) = options.ci {
        ci::write(report, system)?;
    }
    next(report, &answers);
    Ok(exit::OK)
}

fn refuse_to_overwrite() -> Result<(), Fault> {
    if !Path::new(DEFAULT).exists() {
        return Ok(());
    }
    Err(Fault::new(
        Code::E0106,
        format!("{DEFAULT} is there already; nothing was written"),
    )
    .hint(
        "edit it, or begin in another folder; an environment beside it is a file citrino.NAME.yml",
    ))
}

/// A new file; one that is there stays.
fn write(report: &mut Report, name: &str, text: &str) -> Result<()> {
    match File::create_new(name) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            report.note(format!("{name} is there already, and stays as it is"));
            Ok(())
        }
        file => {
            file.and_then(|mut file| file.write_all(text.as_bytes()))
                .with_context(|| format!("could not write {name}"))?;
            report.note(format!("wrote {name}"));
            Ok(())
        }
    }
}

/// An example that does not run by itself, for it has a dot in its name.
fn hook_example(report: &mut Report) -> Result<()> {
    std::fs::create_dir_all(hooks::FOLDER).context("could not make the folder hooks")?;
    let name = format!("{}/post-deploy.example", hooks::FOLDER);
    write(report, &name, HOOK)
}

fn ignore(report: &mut Report) -> Result<()> {
    if !Path::new(IGNORE).exists() {
        return write(report, IGNORE, IGNORED);
    }
    let lines = IGNORED.lines().collect::<Vec<_>>().join(", ");
    report.note(format!("{IGNORE} is there already; let it have {lines}"));
    Ok(())
}

/// secrets.age with a password that nobody needs to know.
fn seal(report: &mut Report) -> Result<()> {
    let file = SealedFile::of(Path::new("."));
    if file.is_there() {
        report.note(format!(
            "{} is there already, and stays as it is",
            sealed::FILE
        ));
        return Ok(());
    }
    for made in file.prepare("who ran `init`")? {
        report.note(made);
    }
    let mut lines = SecretLines::default();
    lines.set(DATABASE_PASSWORD, &secrets::made()?);
    file.write(&lines)?;
    report.note(format!(
        "wrote {}, with a password for the database",
        sealed::FILE
    ));
    Ok(())
}

fn next(report: &mut Report, answers: &Answers) {
    let mut steps = Vec::new();
    if answers.bucket.is_some() {
        steps.push(if answers.secrets {
            "the bucket's keys: `citrino-ops secrets set S3_KEY_ID`, `citrino-ops secrets set S3_SECRET`"
        } else {
            "the bucket's keys: `export S3_KEY_ID=… S3_SECRET=…`"
        });
    }
    if answers.needs_relay_password() {
        steps.push(if answers.secrets {
            "the mail server's password: `citrino-ops secrets set RELAY_PASSWORD`"
        } else {
            "the mail server's password: `export RELAY_PASSWORD=…`"
        });
    }
    if answers.needs_token() {
        steps.push("a token of your project, read and write, from Hetzner's console: `export HCLOUD_TOKEN=…`");
    }
    steps.extend([
        "`citrino-ops validate` checks the file",
        if answers.host.is_some() {
            "`citrino-ops converge --check` shows what would change on the machine"
        } else {
            "`citrino-ops plan` shows what would be created, and the cost"
        },
        "`citrino-ops up` makes it so and deploys the app: `--artifact FILE` takes a build that is there",
    ]);
    for (index, step) in steps.iter().enumerate() {
        report.note(format!("next {}: {step}", index + 1));
    }
}
