//! `maintenance`: the site is closed to its visitors, or open.

use anyhow::Result;

use super::job::Job;
use crate::cli::MaintenanceCommand;
use crate::core::error::exit;
use crate::core::plan::Mode;
use crate::facts::Facts;
use crate::planner::maintenance;
use crate::task::file::FileContent;
use crate::verb::on_host;

const TEMPLATE: &str = "nginx/maintenance.html.tera";

pub async fn run(job: &mut Job<'_>, what: &MaintenanceCommand) -> Result<u8> {
    let (steps, on_failure) = match what {
        MaintenanceCommand::On { message } => {
            let page = page(job, message.as_deref())?;
            maintenance::on(&job.stack, page)
        }
        MaintenanceCommand::Off => (maintenance::off(&job.stack), Vec::new()),
    };
    let remote = on_host::connect(job).await?;
    let agent = on_host::agent(job, &remote).await?;
    let plan = job.plan(Mode::Apply, steps, on_failure);
    on_host::run(job, agent, &plan, &[]).await?;
    remote.close().await;
    if let MaintenanceCommand::On { .. } = what {
        job.report
            .note("the site is closed; `citrino-ops maintenance off` opens it");
    }
    Ok(exit::OK)
}

/// What visitors read.
fn page(job: &Job<'_>, message: Option<&str>) -> Result<FileContent> {
    let message = message.map(escaped);
    let values = job.values().with("message", &message);
    job.playbooks.templates().render(TEMPLATE, &values)
}

/// Text in a page that a browser reads.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

/// What other commands say of a site that is closed.
pub fn note(job: &mut Job<'_>, facts: &Facts) {
    if let Some(since) = &facts.maintenance {
        job.report.note(format!(
            "maintenance is on since {since}: visitors see its page until `citrino-ops maintenance off`"
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_no_part_of_the_page() {
        assert_eq!(
            escaped("<b>\"A&B\"</b>"),
            "&lt;b&gt;&quot;A&amp;B&quot;&lt;/b&gt;"
        );
    }
}
