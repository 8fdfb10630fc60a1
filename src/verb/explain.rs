//! `explain`: what stands behind an error code.

use anyhow::Result;

use crate::core::error::{CATALOGUE, Fault, entry, exit};
use crate::core::report::Report;

pub fn run(report: &mut Report, code: Option<&str>) -> Result<u8> {
    let Some(code) = code else {
        for entry in CATALOGUE {
            report.text(&format!("{}  {}", entry.code, entry.title));
        }
        return Ok(exit::OK);
    };
    let entry = entry(code).ok_or_else(|| {
        Fault::new("E0002", format!("there is no error code `{code}`"))
            .hint("`citrino-ops explain` lists them all")
    })?;
    report.text(&format!(
        "{}: {}\n\nCause    {}\nChanged  {}\nNext     {}\nExit     {}",
        entry.code, entry.title, entry.cause, entry.changed, entry.next, entry.exit
    ));
    Ok(exit::OK)
}
