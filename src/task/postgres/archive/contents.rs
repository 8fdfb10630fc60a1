//! The table of contents of an archive, as `pg_restore --list` prints it.
//!
//! A line is `id; oid oid KIND SCHEMA NAME OWNER`, and nothing is quoted: a name with blanks in it can look like something else.
//! So nothing here protects anything. The role that restores may do no more than the app, and what is kept wrongly it is refused.

use std::collections::BTreeSet;

/// What only the superuser may make, or what reaches beyond the database.
const NOT_OF_THE_APP: [&str; 10] = [
    "ACCESS METHOD ",
    "EVENT TRIGGER ",
    "EXTENSION ",
    "FOREIGN DATA WRAPPER ",
    "PROCEDURAL LANGUAGE ",
    "PUBLICATION ",
    "SECURITY LABEL ",
    "SERVER ",
    "SUBSCRIPTION ",
    "USER MAPPING ",
];

/// The role of `PostgreSQL`'s own that owns `public`; every owner of a database is one of it.
const EVERY_OWNER: &str = "pg_database_owner";

pub struct Contents<'a> {
    lines: Vec<ListedEntry<'a>>,
}

struct ListedEntry<'a> {
    whole: &'a str,
    /// What stands behind the numbers.
    what: &'a str,
}

impl<'a> Contents<'a> {
    pub fn read(listed: &'a str) -> Self {
        let lines = listed.lines().filter_map(|whole| {
            let (id, rest) = whole.split_once("; ")?;
            id.parse::<u32>().ok()?;
            let what = rest.splitn(3, ' ').nth(2)?;
            Some(ListedEntry { whole, what })
        });
        Self {
            lines: lines.collect(),
        }
    }

    /// The list of those that make an extension; empty where none is wanted.
    pub fn extensions(&self) -> String {
        self.listed(|line| line.what.starts_with("EXTENSION "))
    }

    /// The list of those that a role can restore into a database that has these schemas. What other roles may do comes along as
    /// far as this one may say so.
    pub fn kept(&self, there: &BTreeSet<String>, grants: Option<&str>) -> String {
        self.listed(|line| line.is_kept(there, grants))
    }

    fn listed(&self, is_in: impl Fn(&ListedEntry) -> bool) -> String {
        let lines = self.lines.iter().filter(|line| is_in(line));
        lines.flat_map(|line| [line.whole, "\n"]).collect()
    }
}

impl ListedEntry<'_> {
    fn is_kept(&self, there: &BTreeSet<String>, grants: Option<&str>) -> bool {
        let what = self.what;
        if NOT_OF_THE_APP.iter().any(|kind| what.starts_with(kind))
            || what.starts_with("COMMENT - EXTENSION ")
        {
            return false;
        }
        if what.starts_with("ACL ") || what.starts_with("DEFAULT ACL ") {
            return grants.is_some_and(|role| self.is_of(role) || self.is_of(EVERY_OWNER));
        }
        let schema = what
            .strip_prefix("SCHEMA - ")
            .or_else(|| what.strip_prefix("COMMENT - SCHEMA "));
        schema.is_none_or(|rest| {
            !rest
                .rsplit_once(' ')
                .is_some_and(|(name, _)| there.contains(name))
        })
    }

    fn is_of(&self, owner: &str) -> bool {
        let before = self.what.strip_suffix(owner);
        before.is_some_and(|before| before.ends_with(' '))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by `pg_restore` 15.
    const LISTED: &str = ";
; Archive created at 2026-11-25 18:13:45 UTC
;     dbname: citrino_prod
;
;
; Selected TOC Entries:
;
10; 2615 19030 SCHEMA - topology postgres
5012; 0 0 COMMENT - SCHEMA topology postgres
11; 2615 19031 SCHEMA - aparte citrino_user
2; 3079 17950 EXTENSION - postgis 
5013; 0 0 COMMENT - EXTENSION postgis 
240; 1259 19214 TABLE public agentes citrino_user
5020; 0 0 COMMENT public TABLE agentes citrino_user
5014; 0 0 ACL public TABLE agentes citrino_user
5015; 0 0 ACL public TABLE spatial_ref_sys postgres
5016; 0 0 ACL - SCHEMA public pg_database_owner
5017; 0 0 ACL public TABLE notas not_citrino_user
3980; 0 18260 TABLE DATA public spatial_ref_sys postgres
4000; 3466 20000 EVENT TRIGGER - x postgres
4001; 6104 20001 PUBLICATION - p citrino_user
";

    fn kept(grants: Option<&str>) -> Vec<String> {
        let there = BTreeSet::from(["public", "topology"].map(str::to_owned));
        let kept = Contents::read(LISTED).kept(&there, grants);
        let id = |line: &str| line.split(';').next().unwrap_or_default().to_owned();
        kept.lines().map(id).collect()
    }

    #[test]
    fn what_the_role_may_not_make_is_left_out() {
        assert_eq!(
            kept(Some("citrino_user")),
            ["11", "240", "5020", "5014", "5016", "3980"]
        );
        assert_eq!(kept(None), ["11", "240", "5020", "3980"]);
    }

    #[test]
    fn extensions_are_listed_by_themselves() {
        let listed = Contents::read(LISTED).extensions();
        assert_eq!(listed, "2; 3079 17950 EXTENSION - postgis \n");
    }
}
