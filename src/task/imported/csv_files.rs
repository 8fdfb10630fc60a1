//! CSV files, read by the app's own loader: it knows the columns, and says of each row that it does not take why.

use anyhow::Result;
use serde::{Deserialize, Serialize};

use crate::core::app_profile::{Argv, CsvImport};
use crate::core::error::{Code, Fault};
use crate::host::system::{Output, System};
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
    /// As the app's loader calls it.
    pub table: String,
}

pub struct CsvFiles<'a> {
    pub sheets: &'a [CsvFile],
    pub source: &'a str,
    pub options: &'a [String],
}

impl CsvFiles<'_> {
    /// What the loader would do to the live database, and with how many of the files it would change something.
    ///
    /// # Errors
    /// E0454 when it refuses a file.
    pub async fn ahead(
        &self,
        system: &System,
        trial: &ReleaseCheck,
    ) -> Result<(Vec<String>, usize)> {
        let import = loader(system)?;
        let (mut told, mut changing) = (Vec::new(), 0);
        for sheet in self.sheets {
            let arguments = self.arguments(sheet, &import.load.check);
            let output = system.run(&trial.app(system, &arguments)).await?;
            if !output.ok() && output.code != PENDING {
                return Err(refused(import, sheet, &output).into());
            }
            changing += usize::from(!output.ok());
            told.extend(lines(import, sheet, &output));
        }
        Ok((told, changing))
    }

    /// Loads them in the order of the profile's tables: some name rows of others.
    ///
    /// # Errors
    /// E0454 when the loader refuses a file.
    pub async fn load(
        &self,
        system: &System,
        trial: &ReleaseCheck,
        fresh: &Scratch,
    ) -> Result<Vec<String>> {
        let import = loader(system)?;
        let mut sheets: Vec<&CsvFile> = self.sheets.iter().collect();
        sheets.sort_by_key(|sheet| import.rank(&sheet.table));
        let mut told = Vec::new();
        for sheet in sheets {
            let arguments = self.arguments(sheet, &import.load.run);
            let output = trial.load_on(system, fresh, &arguments).await?;
            if !output.ok() {
                return Err(refused(import, sheet, &output).into());
            }
            told.extend(lines(import, sheet, &output));
        }
        Ok(told)
    }

    fn arguments(&self, sheet: &CsvFile, load: &Argv) -> Vec<String> {
        let values = [
            ("file", sheet.file.as_str()),
            ("source", self.source),
            ("table", &sheet.table),
        ];
        [load.with(&values), self.options.to_vec()].concat()
    }
}

/// # Errors
/// E0454 when the app's profile has no loader.
fn loader(system: &System) -> Result<&CsvImport> {
    let none = || {
        Fault::new(Code::E0454, "the app's profile has no loader for CSV files")
            .hint("give it `import`, or import a dump")
    };
    Ok(system.app().import.as_ref().ok_or_else(none)?)
}

fn refused(import: &CsvImport, sheet: &CsvFile, output: &Output) -> Fault {
    let said = [output.stdout.trim(), output.stderr.trim()].join("\n");
    let why = said.replace(&sheet.file, &sheet.name);
    let adds = import
        .that_add()
        .map(|flags| format!(", or add what it lacks with {flags} (behind `--`)"));
    Fault::new(
        Code::E0454,
        format!("{} cannot be loaded: {}", sheet.name, why.trim()),
    )
    .hint(format!(
        "the live database is unchanged; correct the file{}",
        adds.unwrap_or_default()
    ))
}

/// What the loader said of a file; the sums over all sources are told better at the end.
fn lines(import: &CsvImport, sheet: &CsvFile, output: &Output) -> Vec<String> {
    let of_all = |line: &&str| import.sums.iter().any(|head| line.starts_with(&**head));
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
