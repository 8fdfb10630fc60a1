//! Rows that are not loaded, and how that is told: grouped by reason, so that one way out for thousands is seen at once.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Reasons, and places of each, that are shown; `--rejects` writes all of them.
const SHOWN: usize = 12;
const PLACES: usize = 5;

/// A row that is not loaded.
#[derive(Debug)]
pub struct Reject {
    /// Where it is.
    pub place: String,
    /// Why; at least one.
    pub reasons: Vec<Reason>,
}

/// One thing that is wrong with a row.
#[derive(Debug)]
pub struct Reason {
    /// The same for all rows that are wrong in the same way: a sentence.
    pub group: String,
    /// What is wrong in this one.
    pub value: Option<String>,
    /// The sentence about this row alone.
    pub told: String,
}

impl Reason {
    /// One that is the same for every row.
    pub fn plain(told: impl Into<String>) -> Self {
        let told = told.into();
        Self {
            group: told.clone(),
            value: None,
            told,
        }
    }
}

impl Reject {
    /// All that is wrong, in one text.
    pub fn told(&self) -> String {
        let told: Vec<&str> = self.reasons.iter().map(|reason| &*reason.told).collect();
        told.join(" ")
    }
}

/// Prints them by reason, the commonest first, and writes each into the file of this path.
///
/// # Errors
/// When the file cannot be written.
pub fn tell(rejects: &[Reject], path: Option<&Path>) -> Result<()> {
    for line in lines(rejects) {
        println!("{line}");
    }
    let Some(path) = path else {
        if !rejects.is_empty() {
            println!("rejected: --rejects FILE writes every row with all its reasons");
        }
        return Ok(());
    };
    let written = || format!("{} cannot be written", path.display());
    let mut writer = csv::Writer::from_path(path).with_context(written)?;
    writer
        .write_record(["place", "reason"])
        .with_context(written)?;
    for reject in rejects {
        let row = [reject.place.clone(), reject.told()];
        writer.write_record(row).with_context(written)?;
    }
    if let Err(error) = writer.flush() {
        bail!("{}: {error}", written());
    }
    if !rejects.is_empty() {
        println!(
            "rejected: {} with all reasons in {}",
            count(rejects.len()),
            path.display()
        );
    }
    Ok(())
}

fn lines(rejects: &[Reject]) -> Vec<String> {
    let mut groups: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for reject in rejects {
        for reason in &reject.reasons {
            let place = match &reason.value {
                Some(value) => format!("{} ({value})", reject.place),
                None => reject.place.clone(),
            };
            groups.entry(&reason.group).or_default().push(place);
        }
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, places)| std::cmp::Reverse(places.len()));
    let mut lines: Vec<String> = groups
        .iter()
        .take(SHOWN)
        .map(|(group, places)| line(group, places))
        .collect();
    if groups.len() > SHOWN {
        let more = groups.len() - SHOWN;
        lines.push(format!("rejected: for {more} more reasons"));
    }
    lines
}

/// `1 row`, `2 rows`.
pub fn count(rows: usize) -> String {
    match rows {
        1 => "1 row".to_owned(),
        more => format!("{more} rows"),
    }
}

fn line(group: &str, places: &[String]) -> String {
    let count = count(places.len());
    let shown = places[..places.len().min(PLACES)].join(", ");
    let more = match places.len().saturating_sub(PLACES) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    format!("rejected: {count}: {group} {shown}{more}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_of_one_reason_are_one_line() {
        let currency = || Reason::plain("The price has no currency; --moneda gives one.");
        let mut rejects: Vec<Reject> = (2..1200)
            .map(|line| Reject {
                place: format!("line {line}"),
                reasons: vec![currency()],
            })
            .collect();
        rejects.push(Reject {
            place: "line 1200".to_owned(),
            reasons: vec![
                currency(),
                Reason {
                    group: "lat is no number.".to_owned(),
                    value: Some("\"n/a\"".to_owned()),
                    told: "lat is \"n/a\", which is not a number.".to_owned(),
                },
            ],
        });
        assert_eq!(
            lines(&rejects),
            [
                "rejected: 1199 rows: The price has no currency; --moneda gives one. line 2, line 3, line 4, line 5, line 6, and 1194 more",
                "rejected: 1 row: lat is no number. line 1200 (\"n/a\")",
            ]
        );
    }
}
