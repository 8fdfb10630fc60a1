//! The order of a converge: which playbooks there are, and hosts of which role each is for.

use anyhow::Result;
use serde::Deserialize;

use super::{Playbooks, end, items};
use crate::config::template::Values;
use crate::config::yaml::{Document, Node, NodeContent};
use crate::core::plan::Step;
use crate::core::role::{Role, Roles};
use crate::task::Task;

/// The playbook that lists the others.
const SITE: &str = "site";

/// One of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Listed {
    pub name: String,
    /// None for every host.
    #[serde(default)]
    role: Option<Role>,
    /// What rows call it, where its name is long.
    #[serde(default)]
    part: Option<String>,
}

impl Listed {
    fn is_for(&self, roles: &Roles) -> bool {
        self.role.is_none_or(|role| roles.has(role))
    }

    /// A name alone, or a section with name and role.
    fn read(item: Node, file: &mut Document) -> Option<Self> {
        if let NodeContent::Map(_) = item.content {
            return file.part(item);
        }
        let name = file.part(item)?;
        Some(Self {
            name,
            role: None,
            part: None,
        })
    }
}

impl Playbooks {
    /// The steps of the playbooks that `site.yml` lists for a host of these roles.
    pub fn site(&self, roles: &Roles, values: &Values) -> Result<Vec<Step<Task>>> {
        let mut steps = Vec::new();
        for listed in self.listed()? {
            if listed.is_for(roles) {
                steps.extend(self.steps(&listed.name, values)?);
            }
        }
        Ok(steps)
    }

    /// What rows call the playbook of this name.
    pub(super) fn part(&self, name: &str) -> Result<String> {
        let listed = self.listed()?.into_iter().find(|one| one.name == name);
        let part = listed.and_then(|one| one.part);
        Ok(part.unwrap_or_else(|| name.to_owned()))
    }

    /// All that `site.yml` lists.
    pub(super) fn listed(&self) -> Result<Vec<Listed>> {
        let mut file = self.document(SITE)?;
        let mut listed = Vec::new();
        for item in items(&file) {
            let at = item.at;
            let Some(one) = Listed::read(item, &mut file) else {
                continue;
            };
            if self.find(&one.name).is_some() {
                listed.push(one);
            } else {
                let (name, known) = (&one.name, self.names().join(", "));
                file.refuse_at(
                    at,
                    format!("there is no playbook `{name}`; there are {known}"),
                );
            }
        }
        end(file).map(|()| listed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::event::Label;

    fn listed(roles: &Roles) -> Vec<String> {
        let listed = Playbooks::own().unwrap().listed().unwrap().into_iter();
        listed
            .filter(|one| one.is_for(roles))
            .map(|one| one.name)
            .collect()
    }

    #[test]
    fn a_host_with_every_role_gets_all_in_order() {
        let all = [
            "base",
            "firewall",
            "volume",
            "postgres",
            "tls",
            "monitoring",
            "monitoring_database",
            "nginx",
            "certificate",
            "app",
            "backup",
            "pitr",
            "hardening",
            "alerts",
            "in_force",
            "in_force_database",
            "in_force_app",
        ];
        assert_eq!(listed(&Roles::every()), all);
    }

    #[test]
    fn what_rows_call_a_playbook_fits_its_column() {
        let playbooks = Playbooks::own().unwrap();
        for one in playbooks.listed().unwrap() {
            let part = playbooks.part(&one.name).unwrap();
            assert!(part.len() <= Label::PART_WIDTH, "{part}");
        }
        assert_eq!(playbooks.part("in_force_database").unwrap(), "settings");
        assert_eq!(playbooks.part("health").unwrap(), "health");
    }

    #[test]
    fn a_host_of_one_role_gets_what_is_for_it_and_what_is_for_all() {
        let app = listed(&Roles::from([Role::App]));
        assert_eq!(
            app,
            [
                "base",
                "firewall",
                "tls",
                "monitoring",
                "nginx",
                "certificate",
                "app",
                "hardening",
                "alerts",
                "in_force",
                "in_force_app"
            ]
        );
        let database = listed(&Roles::from([Role::Database]));
        assert_eq!(
            database,
            [
                "base",
                "firewall",
                "volume",
                "postgres",
                "monitoring",
                "monitoring_database",
                "backup",
                "pitr",
                "hardening",
                "alerts",
                "in_force",
                "in_force_database"
            ]
        );
    }
}
