//! What a host is there for. A host with every role is a whole stack.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Which playbooks a host gets: `playbooks/site.yml` names the role of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The app, and nginx before it.
    App,
    /// `PostgreSQL`, its volume and its backups.
    Database,
}

impl Role {
    pub const ALL: [Role; 2] = [Role::App, Role::Database];

    /// As citrino.yml, playbooks and labels have it.
    pub fn word(self) -> &'static str {
        match self {
            Role::App => "app",
            Role::Database => "database",
        }
    }
}

/// The roles of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roles(BTreeSet<Role>);

/// What a label says of a host with every role: the servers of earlier versions have it.
const EVERY: &str = "host";

impl Roles {
    pub fn every() -> Self {
        Self::from(Role::ALL)
    }

    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// As the value of a label, which has no commas.
    pub fn label(&self) -> String {
        if *self == Self::every() {
            return EVERY.to_owned();
        }
        let words: Vec<_> = self.0.iter().map(|role| role.word()).collect();
        words.join(".")
    }
}

impl<const N: usize> From<[Role; N]> for Roles {
    fn from(roles: [Role; N]) -> Self {
        Self(BTreeSet::from(roles))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_label_of_a_host_with_every_role_is_the_one_of_earlier_versions() {
        assert_eq!(Roles::every().label(), "host");
        assert_eq!(Roles::from([Role::Database]).label(), "database");
        assert!(!Roles::from([Role::Database]).has(Role::App));
    }

    #[test]
    fn a_role_is_written_as_it_is_read() {
        for role in Role::ALL {
            let text = serde_json::to_value(role).unwrap();
            assert_eq!(text, role.word());
        }
    }
}
