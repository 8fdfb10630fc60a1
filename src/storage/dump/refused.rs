//! A dump that is not taken.

use crate::core::error::{Code, Fault};

/// What is wrong with it, which says what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DumpFault<'a> {
    /// It is not whole.
    Torn,
    /// It has something in it that is not of the tables of one database.
    Beyond,
    /// It asks for an extension that may not be made for it.
    Extension(&'a str),
    /// `pg_restore` does not read it.
    Archive,
    /// `PostgreSQL` refused a statement of it.
    Statement,
}

impl DumpFault<'_> {
    fn hint(self) -> String {
        match self {
            Self::Torn => "make the dump again with `pg_dump --format=custom` or `pg_dump | gzip`, and import that".to_owned(),
            Self::Beyond => "dump one database with pg_dump, without `--create`, and import the file as pg_dump wrote it".to_owned(),
            Self::Extension(name) => format!(
                "if no table uses it, `DROP EXTENSION {name}` there before the dump, or dump with `--exclude-extension={name}` (pg_dump 17 or later); else create it here first, by hand"
            ),
            Self::Archive => "the host's pg_restore is older than that pg_dump: dump in plain format (`pg_dump | gzip`), and import that".to_owned(),
            Self::Statement => "look at what the named line does: this PostgreSQL does not know it, or the app's role may not do it; change it where the dump comes from".to_owned(),
        }
    }
}

/// Why a dump is not taken.
pub fn refused(fault: DumpFault<'_>, why: impl std::fmt::Display) -> Fault {
    Fault::new(Code::E0451, format!("the dump cannot be imported: {why}"))
        .hint(format!("the live database is unchanged; {}", fault.hint()))
}
