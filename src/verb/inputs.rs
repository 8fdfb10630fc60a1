//! What the operator gives, checked as a whole: playbooks and templates for every kind of host, and the migrations.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::config::playbook::Playbooks;
use crate::config::stack::Stack;
use crate::config::template::Values;
use crate::config::text;
use crate::core::app_profile::Table;
use crate::core::error::{Code, Fault};
use crate::core::role::Roles;
use crate::facts::app::AppFacts;
use crate::facts::backups::data::DataTable;
use crate::facts::{Facts, Os};
use crate::host::neighbours::NeighbourRecord;
use crate::operator::artifact;
use crate::operator::hooks;
use crate::planner::host_key;
use crate::planner::migration::{self, MigrationText};

/// Renders playbooks and templates for every kind of host that they know, so that a fault in them
/// is found before a host is reached.
pub fn check(stack: &Stack, playbooks: &Playbooks, values: &Values) -> Result<()> {
    for facts in hosts() {
        let values = values.clone().with("facts", &facts);
        let values = values.with("data_tables", &data_tables(stack));
        playbooks.site(&Roles::every(), &values)?;
        playbooks.steps("health", &values)?;
        let values = values.with("socket", &stack.profile.socket("blue"));
        playbooks.steps("smoke", &values)?;
    }
    if stack.cloud.is_some() {
        host_key::rehearse(playbooks, values.clone())?;
    }
    hooks::check(stack)?;
    sound_migrations(stack)
}

/// As a host has them that was backed up once.
fn data_tables(stack: &Stack) -> Vec<DataTable> {
    let tables = stack
        .profile
        .import
        .iter()
        .flat_map(|import| &import.tables);
    let one = |table: &Table| DataTable {
        table: table.name.to_string(),
        had: 0,
        backup: String::new(),
    };
    tables.map(one).collect()
}

/// The rules of migrations, held where the app's source is at hand: its next build embeds them.
fn sound_migrations(stack: &Stack) -> Result<()> {
    let Some((folder, sources)) = migrations(stack)? else {
        return Ok(());
    };
    let findings = migration::lint(&sources);
    if findings.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{}/{finding}", folder.display()))
        .collect();
    let message = format!("migrations break the rules:\n{}", lines.join("\n"));
    Err(Fault::new(Code::E0203, message)
        .hint("correct each line; `citrino-ops explain E0203` says more")
        .into())
}

/// The folder of the source tree's migrations as it can be typed here, and the SQL in it.
pub fn migrations(stack: &Stack) -> Result<Option<(PathBuf, Vec<MigrationText>)>> {
    let source = &stack.profile.source;
    let Some(tree) = artifact::source_tree(source, &stack.folder)? else {
        return Ok(None);
    };
    let folder = tree.join(&*source.migrations);
    if !folder.is_dir() {
        return Ok(None);
    }
    let mut sources = Vec::new();
    for entry in std::fs::read_dir(&folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "sql") {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("could not read {}", path.display()))?;
            let name = path.file_name().unwrap_or_default();
            let name = name.to_string_lossy().into_owned();
            let text = text::plain(&text);
            sources.push(MigrationText { name, text });
        }
    }
    let here = std::env::current_dir()?;
    let shown = folder.strip_prefix(&here).unwrap_or(&folder).to_owned();
    Ok(Some((shown, sources)))
}

fn hosts() -> Vec<Facts> {
    let systems = [("ubuntu", "22.04", "jammy"), ("debian", "12", "bookworm")];
    let virts = ["kvm", "systemd-nspawn"];
    let mut hosts = Vec::new();
    for (id, version, codename) in systems {
        for virt in virts {
            hosts.push(Facts {
                os: Os {
                    id: id.to_owned(),
                    version: version.to_owned(),
                    codename: codename.to_owned(),
                },
                virt: virt.to_owned(),
                app: AppFacts::default(),
                cluster_port: 5432,
                ipv6: true,
                localhost: true,
                ..Facts::default()
            });
        }
    }
    hosts.push(shared());
    hosts
}

/// A host that was there before and has all that a host can have beside the stack, or lack.
fn shared() -> Facts {
    Facts {
        os: Os {
            id: "debian".to_owned(),
            version: "12".to_owned(),
            codename: "bookworm".to_owned(),
        },
        virt: "kvm".to_owned(),
        cluster_port: 5433,
        other_clock: true,
        neighbours: Box::new(NeighbourRecord::of_everything()),
        ..Facts::default()
    }
}

#[cfg(test)]
mod tests;
