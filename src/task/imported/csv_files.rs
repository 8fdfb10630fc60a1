//! CSV files, read by the app's own loader: it knows the columns, and says of each row that it does not take why.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::error::{Code, Fault};
use crate::host::system::{Output, System};
use crate::storage::dump::Table;
use crate::task::release_check::ReleaseCheck;
use crate::task::scratch::Scratch;

/// The app's word for "not so, and only looked at".
const PENDING: i32 = 3;

/// A CSV file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvFile {
    /// As the operator calls it.
    pub name: String,
    pub file: String,
    pub table: Table,
}

pub struct CsvFiles<'a> {
    pub sheets: &'a [CsvFile],
    pub source: &'a str,
    pub options: &'a [String],
}

impl CsvFiles<'_> {
    /// What the loader would do to the live database.
    ///
    /// # Errors
    /// E0454 when it refuses a file.
    pub async fn ahead(&self, system: &System, trial: &ReleaseCheck) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for sheet in self.sheets {
            let arguments = [self.arguments(sheet), vec!["--check"]].concat();
            let output = system.run(&trial.app(system, &arguments, &[])?).await?;
            if !output.ok() && output.code != PENDING {
                return Err(refused(sheet, &output).into());
            }
            told.extend(lines(sheet, &output));
        }
        Ok(told)
    }

    /// Loads them, agents before the properties that name them, and services before the properties near them.
    ///
    /// # Errors
    /// E0454 when the loader refuses a file.
    pub async fn load(
        &self,
        system: &System,
        trial: &ReleaseCheck,
        fresh: &Scratch,
    ) -> Result<Vec<String>> {
        let mut told = Vec::new();
        for table in [Table::Agentes, Table::Servicios, Table::Propiedades] {
            for sheet in self.sheets.iter().filter(|sheet| sheet.table == table) {
                let output = trial.run_on(system, fresh, &self.arguments(sheet)).await?;
                if !output.ok() {
                    return Err(refused(sheet, &output).into());
                }
                told.extend(lines(sheet, &output));
            }
        }
        Ok(told)
    }

    fn arguments<'s>(&'s self, sheet: &'s CsvFile) -> Vec<&'s str> {
        let own = [
            "load",
            "--file",
            &sheet.file,
            "--source",
            self.source,
            "--table",
            sheet.table.word(),
        ];
        own.into_iter()
            .chain(self.options.iter().map(String::as_str))
            .collect()
    }
}

fn refused(sheet: &CsvFile, output: &Output) -> Fault {
    let said = [output.stdout.trim(), output.stderr.trim()].join("\n");
    let why = said.replace(&sheet.file, &sheet.name);
    Fault::new(Code::E0454, format!("{} cannot be loaded: {}", sheet.name, why.trim()))
        .hint("the live database is unchanged; correct the file, or add what it lacks with --moneda, --cambio or --operacion")
}

/// What the loader said of a file; the sums over all sources are told better at the end.
fn lines(sheet: &CsvFile, output: &Output) -> Vec<String> {
    let of_all = |line: &&str| {
        ["before:", "after:", "source "]
            .iter()
            .any(|head| line.starts_with(head))
    };
    output
        .stdout
        .lines()
        .filter(|line| !of_all(line))
        .map(
            |line| match line.strip_prefix(&format!("{}: ", sheet.file)) {
                Some(rest) => format!("{}: {rest}", sheet.name),
                None => format!("{}: {line}", sheet.name),
            },
        )
        .collect()
}
