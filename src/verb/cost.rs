//! `cost`: euros a month, by the API's own prices.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::job::Job;
use crate::core::datum::{Datum, DatumKind};
use crate::core::error::exit;
use crate::core::event::Figure;
use crate::core::report::figured;
use crate::hetzner::{Cost, availability};
use crate::verb::on_cloud;

pub async fn run(job: &mut Job<'_>) -> Result<u8> {
    let api = on_cloud::api(job)?;
    let server = api.server_of(&job.host).await?;
    let cloud = job.stack.cloud.clone().context("no cloud")?;
    let offer = availability(&api, &job.stack.name, &cloud, server.as_ref()).await?;
    let cost = &offer.cost;
    for item in &cost.items {
        let data = json!({"name": item.name, "net": rounded(item.net), "currency": cost.currency});
        let line = figured(&item.name, &figure(cost, item.net, None));
        job.report.datum(Datum::new(DatumKind::Price, data), &line);
    }
    let limit = cloud.max_monthly_eur.as_deref().copied();
    let vat = format!("with {} % VAT", cost.vat_rate);
    let lines = [
        figured("per month, net", &figure(cost, cost.total(), limit)),
        figured(&vat, &figure(cost, cost.gross(), None)),
    ];
    let data = of_month(cost, limit, server.is_some());
    job.report
        .datum(Datum::new(DatumKind::Cost, data), &lines.join("\n"));
    if server.is_none() {
        job.report
            .note("There is no server now: these are the prices of what citrino.yml asks for.");
    }
    for note in &offer.notes {
        job.report.note(format!("note: {note}"));
    }
    Ok(exit::OK)
}

/// What a month costs, as data; of what exists, or of what citrino.yml asks for.
pub fn of_month(cost: &Cost, limit: Option<f64>, exists: bool) -> Value {
    json!({
        "net": rounded(cost.total()),
        "gross": rounded(cost.gross()),
        "vat_percent": cost.vat_rate,
        "currency": cost.currency,
        "limit": limit,
        "exists": exists,
    })
}

/// To a hundredth of a cent: sums of decimal fractions have none in binary.
fn rounded(value: f64) -> f64 {
    (value * 1e4).round() / 1e4
}

fn figure(cost: &Cost, value: f64, limit: Option<f64>) -> Figure {
    Figure {
        value: rounded(value),
        unit: cost.currency.clone(),
        limit,
    }
}
