//! `tls`: what the site shows by TLS, and a new certificate at once.

use anyhow::Result;
use serde_json::json;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::job::Job;
use crate::cli::TlsCommand;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::{Code, Fault, exit};
use crate::core::plain;
use crate::core::plan::Mode;
use crate::facts::certificate::CertificateFacts;
use crate::operator::remote::Remote;
use crate::planner::certificate;
use crate::task::certificate::Renew;
use crate::verb::on_host;

pub async fn run(job: &mut Job<'_>, what: TlsCommand) -> Result<u8> {
    if matches!(what, TlsCommand::Renew) {
        refuse_without_issuer(job)?;
    }
    let remote = on_host::connect(job).await?;
    if matches!(what, TlsCommand::Renew) {
        renew(job, &remote).await?;
    }
    let agent = on_host::agent(job, &remote).await?;
    let facts = agent.facts().certificate.clone();
    drop(agent);
    remote.close().await;
    tell(job, &facts);
    Ok(exit::OK)
}

/// What would cost an order for nothing is refused on the host, which looks before it asks.
async fn renew(job: &mut Job<'_>, remote: &Remote) -> Result<()> {
    let agent = on_host::agent(job, remote).await?;
    let now = OffsetDateTime::now_utc().format(&Rfc3339)?;
    let steps = certificate::renewed(Renew::IssuedBefore(now));
    let way_back = certificate::way_back(&agent.facts().certificate);
    let plan = job.plan(Mode::Apply, steps, way_back);
    on_host::run(job, agent, &plan, &[]).await?;
    Ok(())
}

fn refuse_without_issuer(job: &Job<'_>) -> Result<()> {
    if job.stack.tls.directory().is_some() {
        return Ok(());
    }
    let message = "this stack's certificate comes from no issuer";
    Err(Fault::new(Code::E0802, message)
        .hint("set `tls: { issuer: letsencrypt }` in citrino.yml, then run `citrino-ops converge`")
        .into())
}

/// Why the issuer has not made a newer one, for who has just converged; none where there is nothing to tell.
pub fn note(facts: &CertificateFacts) -> Option<String> {
    let refusal = facts.refusal.as_ref()?;
    let meanwhile = match facts.live.as_ref().and_then(|live| live.issued.as_ref()) {
        Some(_) => "The current certificate stays in use",
        None => "The host's own certificate is used until then",
    };
    let message = plain::line(&refusal.message);
    Some(format!(
        "No certificate from the issuer yet ({}): {message}. {meanwhile}. The host retries automatically; `citrino-ops tls renew` retries now.",
        refusal.code
    ))
}

fn tell(job: &mut Job<'_>, facts: &CertificateFacts) {
    let live = facts.live.as_ref();
    let refusal = facts.refusal.as_ref();
    let data = json!({
        "issuer": live.map(|live| &live.leaf.issuer),
        "directory": live.and_then(|live| live.issued.as_ref()).map(|issued| &issued.directory),
        "asked": job.stack.tls.directory(),
        "names": live.map(|live| &live.leaf.names).into_iter().flatten().collect::<Vec<_>>(),
        "begins": live.and_then(|live| written(live.leaf.begins)),
        "ends": live.and_then(|live| written(live.leaf.ends)),
        "renewed_at": renews_at(job, facts).and_then(written),
        "refusal": refusal.map(|refusal| json!({
            "code": refusal.code,
            "message": refusal.message,
            "at": written(refusal.at),
            "not_before": refusal.until.and_then(written),
        })),
    });
    let lines: Vec<String> = rows(job, facts)
        .into_iter()
        .map(|(title, told)| format!("{title:<12} {}", plain::line(&told)))
        .collect();
    let datum = Datum::new(DatumKind::Certificate, data);
    job.report.datum(datum, &lines.join("\n"));
}

/// Only that of an issuer is renewed by itself.
fn renews_at(job: &Job<'_>, facts: &CertificateFacts) -> Option<OffsetDateTime> {
    job.stack.tls.directory()?;
    let issued = facts.live.as_ref()?.issued.as_ref();
    issued.and_then(|_| facts.renews_at())
}

fn rows(job: &Job<'_>, facts: &CertificateFacts) -> Vec<(&'static str, String)> {
    let Some(live) = &facts.live else {
        return vec![("certificate", "none: the site has no TLS".to_owned())];
    };
    let by = match &live.issued {
        Some(_) => live.leaf.issuer.clone(),
        None => "the host itself, which no browser trusts".to_owned(),
    };
    let left = live.leaf.left_percent(OffsetDateTime::now_utc()).max(0.0);
    let mut rows = vec![
        ("issued by", by),
        ("names", live.leaf.names.join(", ")),
        (
            "ends",
            format!(
                "{} ({left:.0} % of its lifetime is left)",
                day(live.leaf.ends)
            ),
        ),
    ];
    let asked = job.stack.tls.directory().is_some();
    let next = match renews_at(job, facts) {
        Some(at) => format!("{}, or at the next run of the timer after that", day(at)),
        None if asked => "the host requests the first one automatically".to_owned(),
        None => "`converge` makes a new one a month before its end".to_owned(),
    };
    rows.push(("renewed", next));
    if let Some(refusal) = &facts.refusal {
        let until = refusal
            .until
            .map(|until| format!(" (not before {})", day(until)));
        let told = format!("{} {}: {}", day(refusal.at), refusal.code, refusal.message);
        rows.push(("last refusal", told + &until.unwrap_or_default()));
    }
    rows
}

fn written(at: OffsetDateTime) -> Option<String> {
    at.format(&Rfc3339).ok()
}

/// `2026-11-30 18:00 UTC`
fn day(at: OffsetDateTime) -> String {
    let format = format_description!("[year]-[month]-[day] [hour]:[minute] UTC");
    at.format(format).unwrap_or_default()
}
