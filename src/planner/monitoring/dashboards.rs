//! Dashboards for Grafana. What they show stands in `dashboards.yml`; here it gets the form that Grafana imports.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::stack::Stack;

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

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Panel {
    title: String,
    /// As Grafana names units: `s`, `bytes`, `percentunit`, `reqps`, `short`, `dateTimeFromNow` …
    unit: String,
    #[serde(default)]
    kind: PanelKind,
    /// What a line is called, and its expression; `STACK` stands for the label of the stack.
    lines: BTreeMap<String, String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum PanelKind {
    #[default]
    Timeseries,
    Stat,
    Table,
}

impl PanelKind {
    fn word(self) -> &'static str {
        match self {
            Self::Timeseries => "timeseries",
            Self::Stat => "stat",
            Self::Table => "table",
        }
    }
}

/// All of them.
///
/// # Errors
/// When the embedded file is wrong, which a test excludes.
pub fn all() -> Result<Vec<Dashboard>> {
    serde_yaml::from_str(TEXT).context("the embedded dashboards cannot be read")
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
            .map(|(index, (panel, place))| panel.json(index + 1, place, stack))
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
        if x + panel.width() > COLUMNS {
            (x, y) = (0, y + HEIGHT);
        }
        let place = json!({ "x": x, "y": y, "w": panel.width(), "h": HEIGHT });
        x += panel.width();
        place
    };
    panels.iter().map(place).collect()
}

impl Panel {
    fn width(&self) -> usize {
        match self.kind {
            PanelKind::Table => COLUMNS,
            PanelKind::Timeseries | PanelKind::Stat => COLUMNS / 2,
        }
    }

    fn json(&self, id: usize, place: Value, stack: &Stack) -> Value {
        let lines = self.lines.iter().zip('A'..='Z');
        let targets: Vec<Value> = lines
            .map(|((legend, expr), letter)| {
                json!({
                    "refId": letter.to_string(),
                    "datasource": source(),
                    "expr": of_stack(expr, stack),
                    "legendFormat": legend,
                    "instant": !matches!(self.kind, PanelKind::Timeseries),
                })
            })
            .collect();
        json!({
            "id": id,
            "type": self.kind.word(),
            "title": self.title,
            "datasource": source(),
            "gridPos": place,
            "fieldConfig": { "defaults": { "unit": self.unit }, "overrides": [] },
            "options": {},
            "targets": targets,
        })
    }
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
        "expr": of_stack("citrino_release_timestamp_seconds{STACK} * 1000", stack),
        "titleFormat": "{{ release }}",
        "useValueForTime": "on",
    })
}
