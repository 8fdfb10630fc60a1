//! The rows to load: generated or from a file.

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::cli::{Kind, Load};
use crate::demo;
use crate::failure::Failure;
use crate::load::file::{self, Reject};
use crate::load::readers;
use crate::load::row::{self, Given, Reader};
use crate::load::table::{AGENTES, PROPIEDADES, SERVICIOS, Table};

/// Rejects shown on the terminal; `--rejects` writes all of them.
const SHOWN: usize = 20;

/// The rows of one source.
pub struct Batch {
    /// A title for people.
    pub title: String,
    /// The source's name.
    pub source: String,
    /// Whether these are all rows of the source, so that its other rows are removed.
    pub whole: bool,
    /// Table by table, in the order in which they are loaded.
    pub parts: Vec<Part>,
}

/// The rows of one table, as a JSON list.
pub struct Part {
    pub table: &'static Table,
    pub rows: String,
}

/// Generates or reads what the command line asks for.
pub fn prepare(job: &Load) -> Result<Batch, Failure> {
    match (&job.what.file, &job.file.source) {
        (Some(path), Some(source)) => from_file(job, path, source),
        _ => Ok(generated(job)?),
    }
}

/// Services come before properties, because the distances to services are measured when a property is inserted.
fn generated(job: &Load) -> Result<Batch> {
    let demo = demo::generate(job.seed, job.propiedades);
    Ok(Batch {
        title: format!("source {}, seed {}", demo::SOURCE, job.seed),
        source: demo::SOURCE.to_owned(),
        whole: true,
        parts: vec![
            part(&AGENTES, &demo.agentes)?,
            part(&SERVICIOS, &demo.servicios)?,
            part(&PROPIEDADES, &demo.propiedades)?,
        ],
    })
}

fn from_file(job: &Load, path: &Path, source: &str) -> Result<Batch, Failure> {
    let (table, read): (&'static Table, Reader) = match job.file.table {
        Kind::Propiedades => (&PROPIEDADES, readers::property),
        Kind::Servicios => (&SERVICIOS, readers::service),
        Kind::Agentes => (&AGENTES, readers::agent),
    };
    let given = Given {
        moneda: job.file.moneda.clone(),
        cambio: job.file.cambio,
        operacion: job.file.operacion.clone(),
        known_zones: job.file.known_zones,
    };
    let mut content = file::read(path).map_err(Failure::Usage)?;
    let ignored = row::unknown_columns(&content.records, read);
    let rows = row::rows(content.records, read, &given, &mut content.rejects);
    if !ignored.is_empty() {
        let ignored: Vec<String> = ignored.into_iter().collect();
        println!("columns not used: {}", ignored.join(", "));
    }
    println!(
        "{}: {} rows taken, {} rejected",
        path.display(),
        rows.len(),
        content.rejects.len()
    );
    tell(&content.rejects, job.file.rejects.as_deref())?;
    if rows.is_empty() {
        let told = anyhow::anyhow!("no row of {} can be loaded", path.display());
        return Err(Failure::Failed(told));
    }
    Ok(Batch {
        title: format!("source {source}"),
        source: source.to_owned(),
        // A file may hold a part of the source's rows.
        whole: false,
        parts: vec![part(table, &rows)?],
    })
}

fn part(table: &'static Table, rows: &impl Serialize) -> Result<Part> {
    let rows = serde_json::to_string(rows)
        .with_context(|| format!("the rows for {} cannot be written", table.name))?;
    Ok(Part { table, rows })
}

fn tell(rejects: &[Reject], path: Option<&Path>) -> Result<()> {
    for Reject { place, reason } in rejects.iter().take(SHOWN) {
        println!("rejected: {place}: {reason}");
    }
    if rejects.len() > SHOWN {
        println!("rejected: and {} more", rejects.len() - SHOWN);
    }
    let Some(path) = path else { return Ok(()) };
    let written = || format!("{} cannot be written", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(written)?;
    writer
        .write_record(["place", "reason"])
        .with_context(written)?;
    for Reject { place, reason } in rejects {
        writer.write_record([place, reason]).with_context(written)?;
    }
    if let Err(error) = writer.flush() {
        bail!("{}: {error}", written());
    }
    Ok(())
}
