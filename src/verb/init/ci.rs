//! The files of a CI system: one script that any runner can run, and a workflow that runs it.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result};

use crate::config::options::CiSystem;
use crate::core::report::Report;

const SCRIPT: &str = include_str!("../../../examples/ci/deploy");
const WORKFLOW: &str = include_str!("../../../examples/ci/github.yml");

/// Writes them; what is there stays.
pub fn write(report: &mut Report, system: CiSystem) -> Result<()> {
    file(report, "ci/deploy", SCRIPT)?;
    // A runner starts it by its name.
    fs::set_permissions("ci/deploy", Permissions::from_mode(0o755))
        .context("could not make ci/deploy executable")?;
    if system == CiSystem::Github {
        file(report, ".github/workflows/deploy.yml", WORKFLOW)?;
        report.note("next: give GitHub its secrets: `citrino-ops docs ci` lists them");
    }
    Ok(())
}

fn file(report: &mut Report, name: &str, text: &str) -> Result<()> {
    if let Some(folder) = Path::new(name).parent() {
        fs::create_dir_all(folder)
            .with_context(|| format!("could not make the folder {}", folder.display()))?;
    }
    super::write(report, name, text)
}
