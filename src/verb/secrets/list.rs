//! `secrets list`: sources, and whether each gives a value. A value is never shown.

use anyhow::Result;
use serde_json::json;

use crate::config::sealed::SealedFile;
use crate::config::source;
use crate::config::stack::SecretSource;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, error_info, exit};
use crate::core::report::{ListTable, TableHead, TableRow};
use crate::verb::job::Job;

const HEADS: &[TableHead] = &[
    TableHead::Left("SECRET"),
    TableHead::Left("COMES FROM"),
    TableHead::Left("VALUE"),
];

/// What is known of a source.
enum SourceState {
    Gives,
    GivesNot(String),
    /// Commands run only when they are asked for: they may want a person.
    NotAsked,
    /// Nobody wants it.
    Unused,
}

pub fn run(job: &mut Job<'_>, resolve: bool) -> Result<u8> {
    let mut table = ListTable::new(HEADS);
    let mut missing = 0;
    for (key, source) in source::all(&job.stack) {
        let state = state(job, &key, source, resolve);
        missing += usize::from(matches!(state, SourceState::GivesNot(_)));
        table.push(row(Some(&key), &source.to_string(), &state));
    }
    for name in unused(job) {
        let source = SecretSource::Age(name).to_string();
        table.push(row(None, &source, &SourceState::Unused));
    }
    job.report.table(&table);
    if table.is_empty() {
        job.report.note("citrino.yml names no secrets");
    }
    if missing == 0 {
        return Ok(exit::OK);
    }
    let message = format!("secrets without a value: {missing}");
    Err(Fault::new(Code::E0103, message)
        .hint("the list says why; `citrino-ops secrets set NAME` sets one in secrets.age")
        .into())
}

fn state(job: &Job<'_>, key: &str, source: &SecretSource, resolve: bool) -> SourceState {
    if matches!(source, SecretSource::Command(_)) && !resolve {
        return SourceState::NotAsked;
    }
    match source::resolves(&job.stack, key, source) {
        Ok(()) => SourceState::Gives,
        Err(error) => SourceState::GivesNot(error_info(&error).message),
    }
}

/// Names in secrets.age that nothing takes. What cannot be opened is told where it is needed.
fn unused(job: &Job<'_>) -> Vec<String> {
    let secrets = SealedFile::of(&job.stack.folder).read().unwrap_or_default();
    let names = secrets.names().into_iter();
    names
        .filter(|name| !super::is_named(job, name))
        .map(str::to_owned)
        .collect()
}

fn row(key: Option<&str>, source: &str, state: &SourceState) -> TableRow {
    let (resolves, word, remark) = match state {
        SourceState::Gives => (Some(true), "yes", String::new()),
        SourceState::GivesNot(why) => (Some(false), "no", why.clone()),
        SourceState::NotAsked => (None, "not asked", "`--resolve` runs it".to_owned()),
        SourceState::Unused => (Some(true), "yes", "citrino.yml does not name it".to_owned()),
    };
    let why = matches!(state, SourceState::GivesNot(_)).then_some(&remark);
    let data = json!({"key": key, "source": source, "resolves": resolves, "why": why});
    TableRow {
        datum: Datum::new(DatumKind::SecretSource, data),
        cells: vec![
            key.unwrap_or("-").to_owned(),
            source.to_owned(),
            word.to_owned(),
        ],
        remark,
    }
}
