//! What apt goes by: `apt-config dump`, which has read all files. Of a setting that stands twice the last one counts.

mod syntax;

use anyhow::Result;

use super::config_text::{matching, text};
use super::{Deviation, InForce};
use crate::host::system::{Cmd, System};
use crate::task::program::run_if_there;
use syntax::{AptSetting, statements};

const FOLDER: &str = "/etc/apt/apt.conf.d/*";
/// Read after those of the folder.
const LAST: &str = "/etc/apt/apt.conf";

pub async fn deviations(asked: &InForce, system: &System) -> Result<Vec<Deviation>> {
    let dump = Cmd::new(["apt-config", "dump"]);
    let Some(output) = run_if_there(system, &dump).await? else {
        return Ok(vec![Deviation::unread("apt-config is not installed")]);
    };
    let is = statements(&output.success()?.stdout);
    let mut found = Vec::new();
    for wished in statements(&asked.content) {
        let values: Vec<&str> = is
            .iter()
            .filter(|statement| statement.is_about(&wished))
            .map(|statement| statement.value.as_str())
            .collect();
        if values.contains(&wished.value.as_str()) {
            continue;
        }
        let value = if values.is_empty() {
            "not set".to_owned()
        } else {
            values.join(", ")
        };
        let (name, expected) = (&wished.name, &wished.value);
        let what = format!("{name} is {value}, expected {expected}");
        found.push(match in_the_way(&wished, asked, system)? {
            Some(place) => Deviation::in_the_way(format!("{what}: {place}")),
            None => Deviation::unread(format!("{what}: apt does not take it from {}", asked.path)),
        });
    }
    Ok(found)
}

/// The last file after ours that has a word on the setting.
fn in_the_way(wished: &AptSetting, asked: &InForce, system: &System) -> Result<Option<String>> {
    let mut files = matching(system, FOLDER, &asked.path)?;
    files.push(LAST.to_owned());
    let after = files.iter().rev().take_while(|file| **file != asked.path);
    for file in after {
        let said = statements(&text(system, file)?);
        if let Some(other) = said
            .iter()
            .rev()
            .find(|it| it.is_about(wished) || it.clears(wished))
        {
            return Ok(Some(format!(
                "{file} says {} and is read later",
                other.told()
            )));
        }
    }
    Ok(None)
}
