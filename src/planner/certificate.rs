//! The certificate of an issuer as wishes: issued, in nginx, and back to the one before when nginx does not take it.

use crate::config::stack::Stack;
use crate::core::plan::Step;
use crate::facts::certificate::{CertificateFacts, CertificateSettings};
use crate::host::own;
use crate::task::certificate::{CHAIN, Certificate, Renew};
use crate::task::{Link, Service, Task};

const PART: &str = "certificate";
const NGINX: &str = "nginx.service";
/// What nginx reads, as playbooks/nginx.yml and certificate.yml name it: what it was given to read must be the same for all who ask,
/// or a renewal would be a change to the next `converge`.
const READ: [&str; 2] = ["/etc/nginx/nginx.conf", CHAIN];

/// What a host must know, with the certificate that the issuer's server is trusted by; none where no issuer is asked.
pub fn settings(stack: &Stack, ca: Option<String>) -> Option<CertificateSettings> {
    let directory = stack.tls.directory()?;
    let names = std::iter::once(&stack.domain).chain(&stack.tls.names);
    Some(CertificateSettings {
        stack: stack.name.to_string(),
        host: stack.only_host().name,
        directory: directory.to_owned(),
        ca,
        email: stack.tls.email.clone(),
        names: names.cloned().collect(),
        webroot: format!("/var/www/{}", stack.profile.name),
    })
}

/// A new certificate where it is time for one, and nginx shows it.
pub fn renewed(renew: Renew) -> Vec<Step<Task>> {
    let certificate = Certificate { renew };
    vec![
        Step::new(PART, "certificate of the issuer", certificate),
        in_nginx(),
    ]
}

/// nginx shows what it showed before.
pub fn way_back(facts: &CertificateFacts) -> Vec<Step<Task>> {
    let Some(live) = &facts.live else {
        return Vec::new();
    };
    let link = Link {
        path: own::LIVE_CERTIFICATE.to_owned(),
        to: live.folder.clone(),
    };
    vec![Step::new(PART, "previous certificate", link), in_nginx()]
}

fn in_nginx() -> Step<Task> {
    let service = Service {
        unit: NGINX.to_owned(),
        enabled: None,
        running: Some(true),
        restart_on: Vec::new(),
        reload_on: READ.map(str::to_owned).to_vec(),
    };
    Step::new(PART, "certificate in nginx", service)
}
