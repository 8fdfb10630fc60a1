//! What a dashboard shows.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::core::value::TextLine;

/// One picture of figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Panel {
    pub title: TextLine,
    /// As Grafana names units: `s`, `bytes`, `percentunit`, `reqps`, `short`, `dateTimeFromNow` …
    pub unit: TextLine,
    #[serde(default)]
    pub kind: PanelKind,
    /// What a line is called, and its expression; `STACK` stands for the label of the stack.
    pub lines: BTreeMap<TextLine, TextLine>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelKind {
    #[default]
    Timeseries,
    Stat,
    Table,
}

impl PanelKind {
    /// As Grafana names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Timeseries => "timeseries",
            Self::Stat => "stat",
            Self::Table => "table",
        }
    }
}
