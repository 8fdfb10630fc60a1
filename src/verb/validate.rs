//! `validate`: everything is read and rendered as a run would, and nothing is touched.

use anyhow::Result;

use super::job::Job;
use crate::error::exit;
use crate::facts::{AppFacts, Facts, Os};
use crate::host_key;

pub fn run(job: &mut Job) -> u8 {
    // `Job::load` has rehearsed it, as for every verb.
    let stack = &job.stack;
    let text = format!(
        "the stack {} is sound: citrino.yml, {} secrets, playbooks and templates",
        stack.name,
        stack.secrets.len()
    );
    job.report.note(text);
    exit::OK
}

/// Renders playbooks and templates for every kind of host that they know, so that a fault in them
/// is found before a host is reached.
pub fn rehearse(job: &Job) -> Result<()> {
    for facts in hosts() {
        let values = job.values_on(&facts);
        job.playbooks.site(&values)?;
        job.playbooks.steps("health", &values)?;
    }
    if job.stack.cloud.is_some() {
        host_key::rehearse(&job.playbooks, job.values())?;
    }
    Ok(())
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
                ..Facts::default()
            });
        }
    }
    hosts
}
