//! Dashboards for Grafana. What they show stands in `dashboards.yml`; here it gets the form that Grafana imports.

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::stack::Stack;
use crate::core::app_profile::{Panel, PanelKind};

static TEXT: &str = include_str!("dashboards.yml");

/// The version of the form; Grafana brings older ones up to date by itself.
const SCHEMA: u32 = 39;
/// A row of the grid has 24 columns.
const COLUMNS: usize = 24;
const HEIGHT: usize = 8;

/// One dashboard.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dashboard {
    /// Its file and the last word of its address.
    pub name: String,
    pub title: String,
    panels: Vec<Panel>,
}

/// Those of a stack: the host's, and the app's where it has figures.
///
/// # Errors
/// When the embedded file is wrong, which a test excludes.
pub fn all(stack: &Stack) -> Result<Vec<Dashboard>> {
    let mut all: Vec<Dashboard> =
        serde_yaml::from_str(TEXT).context("the embedded dashboards cannot be read")?;
    let app = &stack.profile;
    if !app.dashboard.is_empty() {
        all.push(Dashboard {
            name: "app".to_owned(),
            title: app.title.to_string(),
            panels: app.dashboard.clone(),
        });
    }
    Ok(all)
}

impl Dashboard {
    /// Its expressions for a stack.
    pub fn expressions(&self, stack: &Stack) -> Vec<String> {
        let lines = self.panels.iter().flat_map(|panel| panel.lines.values());
        lines.map(|expr| of_stack(expr, stack)).collect()
    }

    /// As Grafana imports it. It asks for the data source then.
    pub fn json(&self, stack: &Stack) -> Value {
        let places = places(&self.panels).into_iter();
        let panels = self.panels.iter().zip(places).enumerate();
        let panels: Vec<Value> = panels
            .map(|(index, (panel, place))| shown(panel, index + 1, &place, stack))
            .collect();
        json!({
            "__inputs": [{
                "name": "DS_PROMETHEUS", "label": "Prometheus", "type": "datasource",
                "pluginId": "prometheus", "pluginName": "Prometheus",
            }],
            "uid": format!("{}-{}", stack.name, self.name),
            "title": format!("{}: {}", stack.name, self.title),
            "tags": ["citrino-ops", stack.name],
            "schemaVersion": SCHEMA,
            "version": 1,
            "editable": true,
            "refresh": "30s",
            "time": { "from": "now-24h", "to": "now" },
            "timezone": "browser",
            "annotations": { "list": [deploys(stack)] },
            "templating": { "list": [] },
            "panels": panels,
        })
    }
}

/// Where each panel is: two in a row, and what is wide alone.
fn places(panels: &[Panel]) -> Vec<Value> {
    let (mut x, mut y) = (0, 0);
    let place = |panel: &Panel| {
        let width = width(panel.kind);
        if x + width > COLUMNS {
            (x, y) = (0, y + HEIGHT);
        }
        let place = json!({ "x": x, "y": y, "w": width, "h": HEIGHT });
        x += width;
        place
    };
    panels.iter().map(place).collect()
}

fn width(kind: PanelKind) -> usize {
    match kind {
        PanelKind::Table => COLUMNS,
        PanelKind::Timeseries | PanelKind::Stat => COLUMNS / 2,
    }
}

fn shown(panel: &Panel, id: usize, place: &Value, stack: &Stack) -> Value {
    let lines = panel.lines.iter().zip('A'..='Z');
    let targets: Vec<Value> = lines
        .map(|((legend, expr), letter)| {
            json!({
                "refId": letter.to_string(),
                "datasource": source(),
                "expr": of_stack(expr, stack),
                "legendFormat": legend,
                "instant": !matches!(panel.kind, PanelKind::Timeseries),
            })
        })
        .collect();
    json!({
        "id": id,
        "type": panel.kind.word(),
        "title": panel.title,
        "datasource": source(),
        "gridPos": place,
        "fieldConfig": { "defaults": { "unit": panel.unit }, "overrides": [] },
        "options": {},
        "targets": targets,
    })
}

fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${DS_PROMETHEUS}" })
}

fn of_stack(expr: &str, stack: &Stack) -> String {
    expr.replace("STACK", &format!("stack=\"{}\"", stack.name))
}

/// A mark at each change of the live release.
fn deploys(stack: &Stack) -> Value {
    json!({
        "name": "deploys",
        "datasource": source(),
        "enable": true,
        "iconColor": "blue",
        "expr": of_stack("citrino_ops_release_timestamp_seconds{STACK} * 1000", stack),
        "titleFormat": "{{ release }}",
        "useValueForTime": "on",
    })
}
