//! `db import`: what the owner developed with comes into production, looked at before anybody is served from it.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use time::OffsetDateTime;

use super::deploy;
use super::job::Job;
use crate::cli::{CsvOptions, ImportCommand};
use crate::core::app_profile::CsvImport;
use crate::core::datum::{Datum, DatumKind};
use crate::core::digest;
use crate::core::error::{Code, Fault, code, exit, exit_code};
use crate::core::event::Event;
use crate::core::plain;
use crate::core::plan::Mode;
use crate::facts::imports;
use crate::operator::preview::Preview;
use crate::operator::remote::Remote;
use crate::planner::backup::Swapping;
use crate::planner::import;
use crate::storage::dump::{self, DumpKind, Form};
use crate::task::imported::{CsvFile, ImportSource, Imported};
use crate::verb::consent;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, wish: &ImportCommand) -> Result<u8> {
    let files = files(job, wish)?;
    let loader = loader_options(job, &wish.csv)?;
    let brought = brought(&files, &wish.csv, loader);
    let remote = on_host::connect(job).await?;
    let remote = remote.telling(job.report.progress());
    first_release(job, &remote, wish).await?;
    let agent = on_host::agent(job, &remote).await?;
    on_host::refuse_exposed(agent.facts())?;
    let app = agent.facts().app.clone();
    let at = OffsetDateTime::now_utc();
    let imported = import::imported(&job.stack, &app, brought, at, wish.check)?;
    // Nothing is to be said to it before all has been sent.
    drop(agent);
    let done = async {
        send(job, &remote, &files).await?;
        if wish.check {
            look(job, &remote, &imported).await.map(|()| Import::Done)
        } else {
            swap(job, &remote, imported.clone(), at, wish.yes.yes).await
        }
    }
    .await;
    match done {
        Ok(Import::Done) => tell(job, &remote, &imported.previous).await?,
        Ok(Import::Needless) => {
            delete_sent(&remote, &imported).await;
            job.report.note("Nothing to import: the database has these rows already. No previous database was made.");
        }
        Err(error) => {
            clear(&remote, &error, &imported).await;
            return Err(error);
        }
    }
    if wish.check {
        job.report.as_test();
        job.report
            .note("The import would succeed. Nothing was changed.");
    }
    remote.close().await;
    Ok(exit::OK)
}

/// An import needs the migrations and the loader of a release: where none serves yet, the first one comes before it.
async fn first_release(job: &mut Job<'_>, remote: &Remote, wish: &ImportCommand) -> Result<()> {
    let agent = on_host::agent(job, remote).await?;
    if wish.check || agent.facts().app.live_release().is_some() {
        return Ok(());
    }
    drop(agent);
    let why = "No release is live yet, and an import needs one: it deploys the app first.";
    consent::confirm(job, wish.yes.yes, why, &format!("{why} Deploy it?")).await?;
    job.report.heading("deploy");
    let build = deploy::build(job, &wish.artifact).await?;
    Box::pin(deploy::on(job, remote, &build, None)).await?;
    job.report.heading("import");
    Ok(())
}

/// A file of the operator's, and where it will lie on the host.
struct LocalFile {
    path: PathBuf,
    form: Form,
    there: String,
}

/// Reads what was named as far as can be done here: what cannot be imported is refused before anything is sent.
///
/// # Errors
/// E0450 for what is neither a dump nor a CSV, or does not go together; E0451 for a dump that is not whole.
fn files(job: &mut Job<'_>, wish: &ImportCommand) -> Result<Vec<LocalFile>> {
    let mut files = Vec::new();
    for path in &wish.files {
        let shown = path.display().to_string();
        let form = Form::of(&shown, File::open(path), job.stack.profile.import.as_ref())?;
        if form.kind == DumpKind::Sql {
            job.report.waiting(format!("reading {}", path.display()));
            let file = File::open(path).with_context(|| format!("could not read {shown}"))?;
            dump::count(file, form.packing)?;
        }
        files.push(LocalFile {
            path: path.clone(),
            there: format!("{}/{}", job.stack.profile.imports(), there(path, &form)?),
            form,
        });
    }
    let csvs = files.iter().filter(|file| sheet(file).is_some()).count();
    let why = match (csvs, files.len()) {
        (0, 1) if wish.csv.source.is_some() => {
            "--source is for CSV files; a dump replaces all data"
        }
        (0, 1) => return Ok(files),
        (0, _) => "name only one dump: a dump replaces all data",
        (csvs, all) if csvs < all => "a dump and CSV files cannot be imported together",
        _ if wish.csv.source.is_none() => {
            "CSV files need --source, who the rows are from: together with its code this identifies a row in later imports"
        }
        _ => return Ok(files),
    };
    Err(Fault::new(Code::E0450, why)
        .hint("nothing was sent; see `citrino-ops db import --help`")
        .into())
}

/// By its content, so that what was sent before a cut is not sent again.
fn there(path: &Path, form: &Form) -> Result<String> {
    /// How much of its hash tells it from all others.
    const HEAD: usize = 16;
    let context = || format!("could not read {}", path.display());
    let mut file = File::open(path).with_context(context)?;
    let (sha256, _) = digest::sha256_of(&mut file).with_context(context)?;
    // The app's loader goes by the ending.
    let end = match form.kind {
        DumpKind::Csv(_) => "csv",
        DumpKind::Sql | DumpKind::Archive => "dump",
    };
    Ok(format!("{}.{end}", &sha256[..HEAD]))
}

fn sheet(file: &LocalFile) -> Option<&str> {
    match &file.form.kind {
        DumpKind::Csv(table) => Some(table),
        DumpKind::Sql | DumpKind::Archive => None,
    }
}

fn brought(files: &[LocalFile], csv: &CsvOptions, loader: Vec<String>) -> ImportSource {
    if let [file] = files
        && sheet(file).is_none()
    {
        return ImportSource::Dump {
            file: file.there.clone(),
            packing: file.form.packing,
            archive: file.form.kind == DumpKind::Archive,
        };
    }
    let sheets = files.iter().filter_map(|file| {
        Some(CsvFile {
            name: shown(&file.path),
            file: file.there.clone(),
            table: sheet(file)?.to_owned(),
        })
    });
    ImportSource::Csv {
        sheets: sheets.collect(),
        source: csv.source.clone().unwrap_or_default(),
        options: loader,
    }
}

/// The words behind `--`, for the app's loader.
///
/// # Errors
/// E0450 when the loader has no such option.
fn loader_options(job: &Job, csv: &CsvOptions) -> Result<Vec<String>> {
    let Some(import) = &job.stack.profile.import else {
        return Ok(Vec::new());
    };
    let checked = import.checked(&csv.loader);
    let own = checked.map_err(|why| {
        Fault::new(Code::E0450, why)
            .hint("nothing was sent; write the options behind `--`: `db import FILE --source NAME -- OPTIONS`")
    })?;
    Ok([key(import, csv)?, own].concat())
}

/// The column that tells rows apart, as the loader is told of it.
fn key(import: &CsvImport, csv: &CsvOptions) -> Result<Vec<String>> {
    let Some(column) = &csv.key else {
        return Ok(Vec::new());
    };
    let flag = import.key.as_ref().ok_or_else(|| {
        let why = "--key is given, and the loader of the application profile has no option for it";
        Fault::new(Code::E0450, why)
            .hint("nothing was sent; name the option in the profile: `import: { key: --FLAG }`")
    })?;
    // In one word: a column may be called anything.
    Ok(vec![format!("{flag}={column}")])
}

fn shown(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// Nobody on the host but root may list them; the app's loader reads its own.
async fn send(job: &mut Job<'_>, remote: &Remote, files: &[LocalFile]) -> Result<()> {
    let profile = job.stack.profile.clone();
    let folder = profile.imports();
    remote
        .output(&["install", "-d", "-m", "0711", &folder])
        .await?;
    // What an interrupted import has left.
    remote
        .output(&["find", &folder, "-type", "f", "-mmin", "+1440", "-delete"])
        .await?;
    for file in files {
        job.report
            .waiting(format!("sending {}", file.path.display()));
        remote.upload(&file.path, &file.there).await?;
        if sheet(file).is_some() {
            remote
                .output(&["chown", &*profile.user, &file.there])
                .await?;
        }
    }
    Ok(())
}

/// Whether somebody may have use for what was sent: the host goes on with it alone, another run is at work (with it,
/// since files of the same content have the same name), or more of it is to come.
fn is_of_use(error: &anyhow::Error) -> bool {
    exit_code(error) == exit::LOCKED || matches!(code(error), Code::E0503 | Code::E0435)
}

/// A file that was refused is of no more use.
async fn clear(remote: &Remote, error: &anyhow::Error, imported: &Imported) {
    if !is_of_use(error) {
        delete_sent(remote, imported).await;
    }
}

async fn delete_sent(remote: &Remote, imported: &Imported) {
    let files = imported.brought.files();
    let argv: Vec<&str> = ["rm", "-f", "--"]
        .into_iter()
        .chain(files.iter().map(String::as_str))
        .collect();
    // What stays goes with the next import; what is told is more than this.
    let _ = remote.output(&argv).await;
}

/// It is made and looked at, and goes again.
async fn look(job: &mut Job<'_>, remote: &Remote, imported: &Imported) -> Result<()> {
    let gone = import::gone(&imported.brought);
    let mut steps = vec![import::step(imported.clone(), "check the import")];
    steps.extend(gone.clone());
    let plan = job.plan(Mode::Apply, steps, gone);
    let agent = remote.agent().await?;
    on_host::run(job, agent, &plan, &[]).await.map(drop)
}

/// It takes the live database's place, after a yes and a backup.
async fn swap(
    job: &mut Job<'_>,
    remote: &Remote,
    imported: Imported,
    at: OffsetDateTime,
    yes: bool,
) -> Result<Import> {
    let (previous, gone) = (imported.previous.clone(), import::gone(&imported.brought));
    let step = import::step(imported, "replace the database with the import");
    job.report.waiting("reading the files on the host");
    let seen = on_host::foresee(job, remote.agent().await?, vec![step.clone()]).await?;
    if changes_nothing(&seen) {
        return Ok(Import::Needless);
    }
    let why = "This replaces the live database.";
    consent::confirm_loss(job, yes, why, "Replace the live database?").await?;
    let agent = remote.agent().await?;
    let swapping = Swapping {
        settings: &job.backups(),
        stack: &job.stack,
        app: &agent.facts().app,
        at,
    };
    let around = swapping.by(step, previous.clone());
    let (mut steps, mut on_failure) = (around.steps, around.on_failure);
    let no_return = steps.len();
    steps.extend(gone.clone());
    on_failure.extend(gone);
    let mut plan = job.plan(Mode::Apply, steps, on_failure);
    plan.no_return = Some(no_return);
    on_host::run(job, agent, &plan, &[]).await?;
    job.report.note(format!(
        "The previous database is kept as {previous}; `citrino-ops backup prune --previous-databases` deletes it."
    ));
    Ok(Import::Done)
}

/// What became of an import.
enum Import {
    Done,
    /// The database has all of it: another one in its place would be the same again.
    Needless,
}

/// Whether the app's loader said of each file that the database has its rows.
fn changes_nothing(seen: &Preview) -> bool {
    seen.events.iter().any(
        |event| matches!(event, Event::Step { figure: Some(figure), .. } if figure.value == 0.0),
    )
}

/// What the host has written down of it: rows table by table, and what is worth a line.
async fn tell(job: &mut Job<'_>, remote: &Remote, name: &str) -> Result<()> {
    let text = remote.output(&["cat", &imports::record(name)]).await?;
    let import: imports::KnownImport =
        serde_json::from_str(&text).context("the record of the import cannot be parsed")?;
    for note in &import.notes {
        job.report.note(note);
    }
    for rows in import.rows() {
        let count = |rows: Option<u64>| rows.map_or("absent".to_owned(), |rows| rows.to_string());
        let line = format!(
            "{:<24} {} before, {} now",
            plain::line(&format!("rows of {}", rows.table)),
            count(rows.before),
            count(rows.after)
        );
        let data = serde_json::to_value(rows)?;
        job.report.datum(Datum::new(DatumKind::Rows, data), &line);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_another_run_may_be_at_work_with_stays() {
        let is_of_use = |code| super::is_of_use(&Fault::new(code, "x").into());
        for code in [
            Code::E0503,
            Code::E0435,
            Code::E0504,
            Code::E0508,
            Code::E0513,
        ] {
            assert!(is_of_use(code), "{code}");
        }
        for code in [
            Code::E0451,
            Code::E0453,
            Code::E0801,
            Code::E0402,
            Code::E0407,
        ] {
            assert!(!is_of_use(code), "{code}");
        }
    }
}
