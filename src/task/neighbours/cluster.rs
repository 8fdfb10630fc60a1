//! Who else has a cluster, and who else has databases in the stack's.

use std::path::Path;

use anyhow::Result;

use super::Neighbours;
use crate::host::cluster;
use crate::host::neighbours::{SharedCluster, is_ours};
use crate::host::own::{CLUSTER, CLUSTER_OWNER};
use crate::host::system::System;
use crate::task::postgres::{SqlAnswer, ask};

#[derive(Default)]
pub struct ClusterLook {
    pub shared: Option<SharedCluster>,
    pub sentences: Vec<String>,
}

/// # Errors
/// When `PostgreSQL` refuses the question.
pub async fn look(system: &System, task: &Neighbours, is_first: bool) -> Result<ClusterLook> {
    let mut look = ClusterLook::default();
    for other in cluster::all(system)?
        .iter()
        .filter(|cluster| !cluster.is_own())
    {
        look.sentences.push(format!(
            "PostgreSQL: cluster {}/{} on port {} is not the stack's, and stays",
            other.version, other.name, other.port
        ));
    }
    let (version, name) = CLUSTER;
    let folder = format!("/etc/postgresql/{version}/{name}");
    let owner = system.of(system.ids(CLUSTER_OWNER).ok());
    let Some(hba) = owner.read_text(Path::new(&folder).join("pg_hba.conf"))? else {
        return Ok(look);
    };
    // Under the stack's own rules nobody can be locked out any more.
    if is_ours(&hba) {
        return Ok(look);
    }
    let ident = owner.read_text(Path::new(&folder).join("pg_ident.conf"))?;
    look.inside(system, task, is_first).await?;
    if look.shared.is_some() {
        look.shared = Some(SharedCluster {
            hba: rules(&hba),
            ident: rules(&ident.unwrap_or_default()),
            ..look.shared.unwrap_or_default()
        });
    }
    Ok(look)
}

impl ClusterLook {
    async fn inside(&mut self, system: &System, task: &Neighbours, is_first: bool) -> Result<()> {
        let (version, name) = CLUSTER;
        let rows = match ask(system, QUESTION).await? {
            SqlAnswer::Rows(rows) => rows,
            SqlAnswer::Away(reason) => {
                self.sentences.push(format!(
                    "PostgreSQL: cluster {version}/{name} was there before, and what is in it is not known ({reason})"
                ));
                return Ok(());
            }
        };
        let mut listens = String::new();
        for (kind, found) in rows.lines().filter_map(|line| line.split_once('|')) {
            let is_own = match kind {
                "database" => found == task.database,
                "role" => task.roles.iter().any(|role| role == found),
                _ => {
                    found.clone_into(&mut listens);
                    continue;
                }
            };
            if is_own && is_first {
                self.sentences.push(format!(
                    "PostgreSQL: {kind} {found} was there before, and would become the app's"
                ));
            } else if !is_own && !is_beside(found, task) {
                self.shared.get_or_insert_default();
                self.sentences.push(format!(
                    "PostgreSQL: {version}/{name} has the {kind} {found}; settings and access rules of the cluster become the stack's, \
                     with the rules of others below them"
                ));
            }
        }
        if let Some(shared) = &mut self.shared {
            shared.listen_addresses = listens;
        }
        Ok(())
    }
}

const QUESTION: &str = "SELECT 'database', datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' \
    UNION ALL SELECT 'role', rolname FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10 \
    UNION ALL SELECT 'listens', current_setting('listen_addresses');\n";

/// A database that the stack has made beside its own.
fn is_beside(found: &str, task: &Neighbours) -> bool {
    found
        .strip_prefix(&*task.database)
        .is_some_and(|rest| rest.starts_with('_'))
}

/// The lines that say something.
fn rules(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}
