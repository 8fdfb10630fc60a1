//! The part of the checklist that is asked from the operator's machine: what users see, and the firewall before the host.

use std::net::IpAddr;

use anyhow::Result;

use super::Job;
use crate::core::engine;
use crate::core::event::Counts;
use crate::core::plan::{Mode, Step};
use crate::hetzner::ServerView;
use crate::host::own;
use crate::operator::outside::{CertificateSeen, Outside, OutsideProbe, SiteSeen};
use crate::operator::remote::{Remote, Target};
use crate::planner::cloud;
use crate::verb::on_cloud;

/// The part that its rows stand in.
const PART: &str = "public";

/// What is known of the host beforehand.
#[derive(Default)]
pub struct KnownHostFacts {
    address: String,
    /// The release that it says serves.
    release: Option<String>,
    /// Whether anything serves that users could see; where the host cannot be asked, that is expected.
    serves: bool,
    /// The certificate that it has, as PEM.
    chain: Option<String>,
}

impl KnownHostFacts {
    /// Of a host that cannot be asked.
    pub fn of(target: &Target) -> Self {
        Self {
            address: target.address.to_string(),
            serves: true,
            ..Self::default()
        }
    }

    pub async fn on(job: &Job<'_>, remote: &Remote) -> Result<Self> {
        // What there is to note of the host comes with its own rows.
        let agent = remote.agent().await?;
        let release = agent.facts().app.live_release().map(str::to_owned);
        drop(agent);
        let path = format!("{}/live/fullchain.pem", own::CERTIFICATES);
        let chain = match job.stack.tls.https() {
            // What is not there the host's own rows say.
            Some(_) => remote.output(&["cat", &path]).await.ok(),
            None => None,
        };
        Ok(Self {
            serves: release.is_some(),
            release,
            chain,
            ..Self::of(remote.target())
        })
    }
}

/// Asks, and tells the rows.
///
/// # Errors
/// When the API does not tell of the firewall.
pub async fn ask(
    job: &mut Job<'_>,
    server: Option<&ServerView>,
    seen: &KnownHostFacts,
) -> Result<Counts> {
    job.report.as_checklist();
    let mut steps = Vec::new();
    if let (Some(cloud), Some(server)) = (&job.stack.cloud, server) {
        let firewall = cloud::firewall(&job.stack, cloud);
        let mut faults = cloud::firewall_faults(&on_cloud::api(job)?, &firewall, server).await?;
        if !faults.is_empty() {
            faults.push("next: `citrino-ops provision` corrects it".to_owned());
        }
        steps.push(step("cloud firewall", OutsideProbe::Known(faults)));
    }
    if seen.serves {
        let site = SiteSeen {
            domain: job.stack.domain.clone(),
            route: job.stack.profile.routes.live.clone(),
            address: seen.address.clone(),
            release: seen.release.clone(),
        };
        steps.push(step("site from this machine", OutsideProbe::Site(site)));
    }
    if let (Some(chain), Ok(address)) = (&seen.chain, seen.address.parse::<IpAddr>()) {
        let certificate = CertificateSeen {
            url: format!(
                "{}{}",
                job.stack.public_url(),
                job.stack.profile.routes.live
            ),
            address,
            chain: chain.clone(),
        };
        let probe = OutsideProbe::Certificate(certificate);
        steps.push(step("certificate as users see it", probe));
    }
    let plan = job.outside_plan(Mode::Check, steps);
    let report = &mut *job.report;
    engine::run(&plan, &Outside, &mut |event| {
        report.tell(event);
        Ok(())
    })
    .await
}

fn step(name: &str, probe: OutsideProbe) -> Step<OutsideProbe> {
    Step::new(PART, name, probe)
}
