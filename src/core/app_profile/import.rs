//! CSV files that the app's own loader takes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::{AppProfile, Asked};
use crate::core::value::{Flag, TextLine, two_readings};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CsvImport {
    /// The loader: it reads `{file}` into `{table}`; `{source}` says who the rows are from.
    pub load: Asked,
    /// The loader's option that names the column by which rows are told apart, for files in which it is another than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Flag>,
    /// In the order in which they are loaded.
    pub tables: Vec<Table>,
    /// What the operator may add for the loader, behind `--`.
    #[serde(default)]
    pub options: Vec<LoaderOption>,
    /// Lines of the loader that begin so are not shown: they are sums over all sources, which are counted better here.
    #[serde(default)]
    pub sums: Vec<TextLine>,
}

/// A table of the app, and how a CSV file for it is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// As the loader calls it.
    pub name: TextLine,
    /// A file that names all of these columns is for this table; of several tables, for the last one.
    pub columns: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoaderOption {
    pub flag: Flag,
    pub says: TextLine,
    #[serde(default)]
    pub takes: Takes,
}

/// What stands behind an option.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Takes {
    #[default]
    Nothing,
    Text,
    Number,
    OneOf(Vec<String>),
}

/// A column's name as names are compared: `Fecha Publicación` is `fecha_publicacion`.
fn plain(name: &str) -> String {
    let letters = name
        .trim()
        .nfd()
        .filter(|letter| !is_combining_mark(*letter));
    letters
        .collect::<String>()
        .to_lowercase()
        .replace([' ', '-'], "_")
}

impl AppProfile {
    /// Which tables that imports fill lost all their rows, each as a sentence; none where nothing is imported.
    pub fn lost(
        &self,
        before: &BTreeMap<String, u64>,
        after: &BTreeMap<String, u64>,
    ) -> Vec<String> {
        let import = self.import.as_ref();
        import.map_or_else(Vec::new, |import| import.lost(before, after))
    }
}

impl CsvImport {
    /// The table of a CSV file whose first line names these columns, without regard to case, accents and blanks.
    pub fn table_of(&self, names: &[&str]) -> Option<&Table> {
        let columns: Vec<String> = names.iter().map(|name| plain(name)).collect();
        let has = |wanted: &String| columns.contains(&plain(wanted));
        let mut tables = self.tables.iter().rev();
        tables.find(|table| table.columns.iter().all(has))
    }

    /// The tables that had rows before and have none after, a sentence fragment each: whatever did that has lost the app's
    /// data.
    pub fn lost(
        &self,
        before: &BTreeMap<String, u64>,
        after: &BTreeMap<String, u64>,
    ) -> Vec<String> {
        let count = |rows: &BTreeMap<String, u64>, table: &Table| rows.get(&*table.name).copied();
        let lost = |table: &Table| {
            let had = count(before, table).filter(|had| *had > 0)?;
            let is_empty = count(after, table).unwrap_or(0) == 0;
            is_empty.then(|| {
                format!(
                    "{} has no rows in it, of {had} in the live one",
                    &*table.name
                )
            })
        };
        self.tables.iter().filter_map(lost).collect()
    }

    /// Where a table stands in the order of loading.
    pub fn rank(&self, table: &str) -> usize {
        let place = self.tables.iter().position(|one| one.name == *table);
        place.unwrap_or(self.tables.len())
    }

    /// The words for the loader, checked.
    ///
    /// # Errors
    /// Which word is wrong, and what may stand there.
    pub fn checked(&self, words: &[String]) -> Result<Vec<String>, String> {
        let mut rest = words.iter();
        let mut checked = Vec::new();
        while let Some(word) = rest.next() {
            let (flag, inline) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let known = self.options.iter().find(|one| one.flag == *flag);
            let option = known.ok_or_else(|| self.no_such(flag))?;
            checked.push(flag.to_owned());
            if option.takes == Takes::Nothing {
                if inline.is_some() {
                    return Err(format!("{flag} takes no value"));
                }
                continue;
            }
            let value = inline.or_else(|| rest.next().cloned());
            checked.push(option.value(value)?);
        }
        Ok(checked)
    }

    fn no_such(&self, flag: &str) -> String {
        let known: Vec<String> = self.options.iter().map(LoaderOption::shown).collect();
        match known.as_slice() {
            [] => format!("the app's loader has no option `{flag}`, and no other"),
            _ => format!(
                "the app's loader has no option `{flag}`; it has {}",
                known.join(", ")
            ),
        }
    }

    /// The options that give what a file may lack: `--unit, --rate or --kind`.
    pub fn that_add(&self) -> Option<String> {
        let adds = |one: &&LoaderOption| one.takes != Takes::Nothing;
        let flags: Vec<&str> = self
            .options
            .iter()
            .filter(adds)
            .map(|one| &*one.flag)
            .collect();
        let (last, rest) = flags.split_last()?;
        Some(if rest.is_empty() {
            (*last).to_owned()
        } else {
            format!("{} or {last}", rest.join(", "))
        })
    }
}

impl LoaderOption {
    /// `--unit kg|lb`
    pub fn shown(&self) -> String {
        match &self.takes {
            Takes::Nothing => self.flag.to_string(),
            Takes::Text => format!("{} TEXT", self.flag),
            Takes::Number => format!("{} NUMBER", self.flag),
            Takes::OneOf(values) => format!("{} {}", self.flag, values.join("|")),
        }
    }

    fn value(&self, value: Option<String>) -> Result<String, String> {
        let wrong = || format!("{} is not understood: write {}", self.flag, self.shown());
        let value = value
            .filter(|value| !value.starts_with("--"))
            .ok_or_else(wrong)?;
        let fits = match &self.takes {
            Takes::Nothing | Takes::Text => true,
            Takes::Number => {
                if let Some(both) = two_readings(&value) {
                    return Err(format!("{} {both}", self.flag));
                }
                value.parse::<f64>().is_ok_and(f64::is_finite)
            }
            Takes::OneOf(values) => values.contains(&value),
        };
        fits.then_some(value).ok_or_else(wrong)
    }
}
