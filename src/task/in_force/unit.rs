//! What systemd runs a unit with: the unit's file and its drop-ins, in their order. What a later one says of a setting of
//! ours counts, and of settings that list things it is added.

use std::collections::BTreeMap;

use anyhow::Result;

use super::config_text::{short, text};
use super::{Deviation, InForce};
use crate::host::system::{Cmd, System};
use crate::task::program::run_if_there;

/// The values of each setting, by its section.
type UnitSettings = BTreeMap<(String, String), Vec<String>>;

struct UnitLine {
    number: usize,
    section: String,
    key: String,
    value: String,
}

pub async fn deviations(asked: &InForce, system: &System) -> Result<Vec<Deviation>> {
    let unit = asked.unit();
    let Some(files) = files_of(unit, system).await? else {
        return Ok(vec![Deviation::unread("systemd does not run")]);
    };
    let Some(at) = files.iter().position(|file| *file == asked.path) else {
        let name = asked.path.rsplit('/').next().unwrap_or_default();
        let namesake = files
            .iter()
            .find(|file| file.rsplit('/').next() == Some(name));
        return Ok(vec![match namesake {
            Some(other) => Deviation::in_the_way(format!(
                "systemd does not read {} for {unit}: it reads {other} in its place",
                asked.path
            )),
            None => Deviation::unread(format!("systemd does not read {} for {unit}", asked.path)),
        }]);
    };
    let ours = settings(&asked.content);
    let mut found = Vec::new();
    for file in &files[at + 1..] {
        for line in lines(&text(system, file)?) {
            found.extend(line.contradicts(&ours, file));
        }
    }
    Ok(found)
}

/// The file of a unit and its drop-ins, in the order in which they count.
async fn files_of(unit: &str, system: &System) -> Result<Option<Vec<String>>> {
    let show = Cmd::new([
        "systemctl",
        "show",
        "--property=FragmentPath,DropInPaths",
        "--",
        unit,
    ]);
    let Some(output) = run_if_there(system, &show).await? else {
        return Ok(None);
    };
    let said = output.success()?.stdout;
    let of = |name: &str| {
        let mut lines = said.lines();
        lines
            .find_map(|line| line.strip_prefix(name))
            .unwrap_or_default()
    };
    let all = [of("FragmentPath="), of("DropInPaths=")];
    let all = all.into_iter().flat_map(str::split_whitespace);
    Ok(Some(all.map(str::to_owned).collect()))
}

impl UnitLine {
    /// It says something else than ours of a setting that ours has a word on.
    fn contradicts(&self, ours: &UnitSettings, file: &str) -> Option<Deviation> {
        let wished = ours.get(&(self.section.clone(), self.key.clone()))?;
        if wished.contains(&self.value) {
            return None;
        }
        let Self {
            number, key, value, ..
        } = self;
        let says = short(&format!("{key}={value}"));
        let wished = short(&wished.join(" "));
        Some(Deviation::in_the_way(format!(
            "{file} line {number} says `{says}`, expected {wished}"
        )))
    }
}

fn settings(text: &str) -> UnitSettings {
    let mut found = UnitSettings::new();
    for line in lines(text) {
        let values = found.entry((line.section, line.key)).or_default();
        values.push(line.value);
    }
    found
}

/// `systemd.syntax(7)`: a line that ends with a backslash goes on in the next one.
fn lines(text: &str) -> Vec<UnitLine> {
    let mut section = String::new();
    let mut found = Vec::new();
    let mut begun: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        let (number, mut whole) = begun.take().unwrap_or((index + 1, String::new()));
        if let Some(part) = line.strip_suffix('\\') {
            whole.push_str(part);
            whole.push(' ');
            begun = Some((number, whole));
            continue;
        }
        whole.push_str(line);
        if let Some(name) = whole.strip_prefix('[') {
            name.trim_end_matches(']').clone_into(&mut section);
        } else if let Some((key, value)) = whole.split_once('=') {
            found.push(UnitLine {
                number,
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
            });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "[Unit]\nDescription=x\n[Service]\nNoNewPrivileges=yes\nReadWritePaths=/run\nReadWritePaths=/var\nExecStart=/bin/a \\\n  b\n";

    fn told(drop_in: &str) -> Vec<String> {
        let ours = settings(OURS);
        let lines = lines(drop_in).into_iter();
        lines
            .filter_map(|line| line.contradicts(&ours, "/etc/o.conf"))
            .map(|deviation| deviation.what)
            .collect()
    }

    #[test]
    fn names_the_line_that_takes_a_word_of_ours_back() {
        assert_eq!(
            told("[Service]\n# NoNewPrivileges=no\n NoNewPrivileges = no\n"),
            ["/etc/o.conf line 3 says `NoNewPrivileges=no`, expected yes"]
        );
        assert_eq!(
            told("[Service]\nReadWritePaths=\nReadWritePaths=/home\n").len(),
            2
        );
        assert_eq!(told("[Service]\nExecStart=\\\n/bin/b\n").len(), 1);
    }

    #[test]
    fn what_ours_has_no_word_on_is_theirs() {
        for fine in [
            "[Service]\nRestart=always\nNoNewPrivileges=yes\nReadWritePaths=/var\n",
            "[Unit]\nNoNewPrivileges=no\n",
            "",
        ] {
            assert_eq!(told(fine), [""; 0], "{fine}");
        }
    }
}
