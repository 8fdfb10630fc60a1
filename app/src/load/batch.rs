//! The rows to load: generated or from a file.

use std::path::Path;

use anyhow::{Context, Result, anyhow};
use serde::Serialize;

use crate::cli::{Kind, Load};
use crate::demo;
use crate::failure::Failure;
use crate::load::file;
use crate::load::readers;
use crate::load::reject;
use crate::load::row::{self, Given, Reader};
use crate::load::table::{AGENTES, PROPIEDADES, SERVICIOS, Table};

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
        key: job.file.key.as_deref().map(file::key),
    };
    let mut content = file::read(path).map_err(Failure::Usage)?;
    if let Some(why) = row::fault_of_key(&content.records, &given) {
        return Err(Failure::Usage(anyhow!("{}: {why}", path.display())));
    }
    for note in &content.notes {
        println!("{}: {note}", path.display());
    }
    let ignored = row::unknown_columns(&content.records, read, &given);
    let rows = row::rows(content.records, read, &given, &mut content.rejects);
    if !ignored.is_empty() {
        let ignored: Vec<String> = ignored.into_iter().collect();
        println!("columns not used: {}", ignored.join(", "));
    }
    println!(
        "{}: {} taken, {} rejected",
        path.display(),
        reject::count(rows.len()),
        content.rejects.len()
    );
    reject::tell(&content.rejects, job.file.rejects.as_deref())?;
    if rows.is_empty() {
        let told = anyhow!("no row of {} can be loaded", path.display());
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
