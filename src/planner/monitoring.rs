//! Figures for Prometheus: who may read them, what reads them, and what is shown of them.

use serde_json::Value;
use sha_crypt::{CustomizedPasswordHasher, Params, ShaCrypt};

use crate::config::source::METRICS_PASSWORD;
use crate::config::stack::{METRICS_USER, Stack};
use crate::core::digest;
use crate::core::secret::Secret;

mod dashboards;
mod kuma;

pub use dashboards::{Dashboard, all as dashboards};
pub use kuma::monitors;

/// How many bytes of salt crypt(5) takes.
const SALT: usize = 12;

/// The line by which nginx knows Prometheus: its user, and its password as crypt(5) keeps it. The same password has the same line, so
/// that a second run changes nothing; the salt is the stack's own.
pub fn login(stack: &Stack, secrets: &[(String, Secret)]) -> Option<String> {
    let mut secrets = secrets.iter();
    let (_, password) = secrets.find(|(name, _)| name == METRICS_PASSWORD)?;
    let salt = digest::sha256(format!("metrics of {}", stack.name).as_bytes());
    let salt = &salt.as_bytes()[..SALT];
    let password = password.reveal().as_bytes();
    let crypt = ShaCrypt::SHA512;
    let hash = crypt.hash_password_customized(password, salt, None, None, Params::default());
    Some(format!("{METRICS_USER}:{}\n", hash.ok()?))
}

/// One thing that Prometheus reads.
struct Scraped {
    job: &'static str,
    path: &'static str,
}

/// What nginx leads to below `/metrics/`.
fn targets(stack: &Stack) -> Vec<Scraped> {
    let app = stack.profile.routes.metrics.is_some();
    let app = app.then_some(Scraped {
        job: "app",
        path: "/metrics/app",
    });
    let own = [
        Scraped {
            job: "node",
            path: "/metrics/node",
        },
        Scraped {
            job: "postgres",
            path: "/metrics/postgres",
        },
    ];
    own.into_iter().chain(app).collect()
}

/// The part of prometheus.yml that reads this stack. The password is read from a file there; whoever's certificate no public root
/// has signed is trusted by that certificate alone.
pub fn scrape_configs(stack: &Stack) -> Value {
    let is_public = stack.tls.https().is_some_and(|https| https.issued);
    let jobs = targets(stack).into_iter().map(|target| {
        let mut job = serde_json::json!({
            "job_name": format!("{}-{}", stack.name, target.job),
            "scheme": "https",
            "metrics_path": target.path,
            "basic_auth": {
                "username": METRICS_USER,
                "password_file": format!("/etc/prometheus/{}.password", stack.name),
            },
            "static_configs": [{
                "targets": [format!("{}:443", stack.domain)],
                "labels": { "stack": stack.name, "what": target.job },
            }],
        });
        if !is_public {
            let ca = format!("/etc/prometheus/{}.pem", stack.name);
            job["tls_config"] = serde_json::json!({ "ca_file": ca });
        }
        job
    });
    serde_json::json!({ "scrape_configs": jobs.collect::<Vec<_>>() })
}

/// What Prometheus alerts of: what the host cannot tell, since it is away, and what its own checks found.
pub fn rules(stack: &Stack) -> Value {
    let of_stack = format!("stack=\"{}\"", stack.name);
    let rule = |alert: &str, expr: String, minutes: u32, summary: String| {
        serde_json::json!({
            "alert": alert,
            "expr": expr,
            "for": format!("{minutes}m"),
            "labels": { "severity": "page" },
            "annotations": { "summary": summary },
        })
    };
    let rules = [
        rule(
            "CitrinoUnreachable",
            format!("up{{{of_stack}}} == 0"),
            2,
            format!("{{{{ $labels.what }}}} of {} does not answer", stack.domain),
        ),
        rule(
            "CitrinoCheckFailed",
            format!("citrino_ops_check_up{{{of_stack}}} == 0"),
            10,
            format!(
                "{{{{ $labels.check }}}} of {} fails: run the verb health",
                stack.domain
            ),
        ),
        rule(
            "CitrinoChecksStopped",
            format!("time() - citrino_ops_checked_timestamp_seconds{{{of_stack}}} > 1200"),
            5,
            format!("{} no longer runs its checks", stack.domain),
        ),
        rule(
            "CitrinoBackupOld",
            format!("time() - citrino_ops_backup_timestamp_seconds{{{of_stack}}} > 26 * 3600"),
            10,
            format!(
                "the newest backup of {} is older than 26 hours",
                stack.domain
            ),
        ),
    ];
    serde_json::json!({ "groups": [{ "name": stack.name, "rules": rules }] })
}

#[cfg(test)]
mod tests;
