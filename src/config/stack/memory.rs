//! What cannot run on a host of so much memory. Only what is sure is refused: how much a host needs beside that, nobody can
//! tell beforehand.

use super::Stack;
use crate::core::error::{Code, Fault};

/// What the system, nginx and PostgreSQL's own processes take before anybody asks anything, in MB.
const SYSTEM_MB: u64 = 200;
/// What PostgreSQL reserves at its start for each connection that may come: locks, buffers and a place in its lists.
const CONNECTION_KB: u64 = 25;

/// Hetzner's server types and their memory in GB, for a file that is looked at without the API.
const SERVER_TYPES: [(&str, u64); 38] = [
    ("cx22", 4),
    ("cx23", 4),
    ("cx32", 8),
    ("cx33", 8),
    ("cx42", 16),
    ("cx43", 16),
    ("cx52", 32),
    ("cx53", 32),
    ("cpx11", 2),
    ("cpx12", 2),
    ("cpx21", 4),
    ("cpx22", 4),
    ("cpx31", 8),
    ("cpx32", 8),
    ("cpx41", 16),
    ("cpx42", 16),
    ("cpx51", 32),
    ("cpx52", 24),
    ("cpx62", 32),
    ("cax11", 4),
    ("cax21", 8),
    ("cax31", 16),
    ("cax41", 32),
    ("ccx13", 8),
    ("ccx23", 16),
    ("ccx33", 32),
    ("ccx43", 64),
    ("ccx53", 128),
    ("ccx63", 192),
    ("cx11", 2),
    ("cx21", 4),
    ("cx31", 8),
    ("cx41", 16),
    ("cx51", 32),
    ("ccx12", 8),
    ("ccx22", 16),
    ("ccx32", 32),
    ("ccx42", 64),
];

/// A key whose value does not fit, and why.
pub struct Misfit {
    pub path: [&'static str; 2],
    pub why: String,
}

impl Stack {
    /// The memory of the server that citrino.yml names, in MB; none where only the API knows.
    pub(super) fn memory_mb(&self) -> Option<u64> {
        let name = &*self.cloud.as_ref()?.server_type;
        let (_, gb) = SERVER_TYPES.iter().find(|(known, _)| *known == name)?;
        Some(gb * 1024)
    }

    /// What cannot run with so much memory.
    pub(super) fn misfits(&self, memory_mb: u64) -> Vec<Misfit> {
        let database = &self.database;
        let of = |path, takes_mb: u64, what: &str| {
            let why = format!("{what} need {takes_mb} MB, and the host has {memory_mb}");
            (takes_mb > memory_mb).then_some(Misfit { path, why })
        };
        let connections_mb = u64::from(*database.max_connections) * CONNECTION_KB / 1024;
        let buffers = u64::from(*database.shared_buffers_mb);
        let (pool, work) = (u64::from(*self.app.pool), u64::from(*database.work_mem_mb));
        let maintenance = u64::from(*database.maintenance_work_mem_mb);
        let least = buffers + SYSTEM_MB;
        let too_large = of(
            ["database", "shared_buffers_mb"],
            least,
            &format!("is {buffers}: these buffers and the system"),
        );
        // What does not fit by itself is not told again with what is added to it.
        if too_large.is_some() {
            return too_large.into_iter().collect();
        }
        let rest = [
            of(
                ["database", "max_connections"],
                least + connections_mb,
                &format!(
                    "is {}: with `shared_buffers_mb`, so many connections",
                    *database.max_connections
                ),
            ),
            of(
                ["database", "work_mem_mb"],
                least + pool * work,
                &format!(
                    "is {work}: with `shared_buffers_mb`, a sort in each of the {pool} connections of `app.pool` would"
                ),
            ),
            of(
                ["database", "maintenance_work_mem_mb"],
                least + maintenance,
                &format!("is {maintenance}: with `shared_buffers_mb`, making an index would"),
            ),
            of(
                ["app", "memory_max_mb"],
                u64::from(*self.app.memory_max_mb),
                "lets a slot take more than there is: it may",
            ),
        ];
        rest.into_iter().flatten().collect()
    }

    /// Refuses what cannot run on a host that was asked for its memory.
    ///
    /// # Errors
    /// E0102 with every key that does not fit.
    pub fn must_fit(&self, memory_mb: u64) -> Result<(), Fault> {
        let misfits = self.misfits(memory_mb);
        if misfits.is_empty() || memory_mb == 0 {
            return Ok(());
        }
        let lines: Vec<String> = misfits
            .iter()
            .map(|misfit| format!("`{}` {}", misfit.path.join("."), misfit.why))
            .collect();
        Err(Fault::new(Code::E0102, lines.join("\n"))
            .hint("nothing was changed; choose smaller values, or a larger server"))
    }
}
