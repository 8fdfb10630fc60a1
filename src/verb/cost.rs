//! `cost`: euros a month, by the API's own prices.

use anyhow::{Context, Result};

use super::job::Job;
use crate::core::error::exit;
use crate::core::event::Figure;
use crate::hetzner::availability;
use crate::verb::on_cloud;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let api = on_cloud::api(job)?;
    let server = api.server_of(&job.host).await?;
    let cloud = job.stack.cloud.clone().context("no cloud")?;
    let offer = availability(&api, &job.stack.name, &cloud, server.as_ref()).await?;
    let cost = &offer.cost;
    let figure = |value: f64, limit: Option<f64>| {
        Some(Figure {
            // To a hundredth of a cent: sums of decimal fractions have none in binary.
            value: (value * 1e4).round() / 1e4,
            unit: cost.currency.clone(),
            limit,
        })
    };
    for item in &cost.items {
        job.report.fact(&item.name, "", figure(item.net, None));
    }
    let limit = cloud.max_monthly_eur.as_deref().copied();
    job.report
        .fact("per month, net", "", figure(cost.total(), limit));
    let vat = format!("with {}% VAT", cost.vat_rate);
    job.report.fact(&vat, "", figure(cost.gross(), None));
    if server.is_none() {
        job.report
            .note("There is no server now: these are the prices of what citrino.yml asks for.");
    }
    for note in &offer.notes {
        job.report.note(format!("note: {note}"));
    }
    Ok(exit::OK)
}
