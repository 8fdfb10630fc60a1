//! The log: one JSON object for each line on standard output, with `time` and `level` first.

use std::fmt;
use std::io::Write;

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::http::request_id;

/// Sends every event of level INFO and above to standard output. Called once, by `serve`.
pub fn start() {
    let subscriber = tracing_subscriber::registry().with(JsonLines);
    // If a subscriber is already set, it is the right one.
    let _ = tracing::subscriber::set_global_default(subscriber);
}

struct JsonLines;

impl<S: Subscriber> Layer<S> for JsonLines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>, _: Context<'_, S>) -> bool {
        *metadata.level() <= Level::INFO
    }

    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let now = OffsetDateTime::now_utc()
            .format(&Rfc3339)
            .unwrap_or_default();
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let request = request_id::current();
        if !request.is_empty() {
            fields.0.insert("request_id".to_owned(), request.into());
        }
        let rest = Value::Object(fields.0).to_string();
        let comma = if rest.len() > 2 { "," } else { "" };
        let line = format!(
            "{{\"time\":\"{now}\",\"level\":\"{}\"{comma}{}\n",
            event.metadata().level(),
            &rest[1..]
        );
        // If standard output is closed, there is nobody to tell.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }
}

struct Fields(Map<String, Value>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0
            .insert(field.name().to_owned(), Value::String(format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.0.insert(field.name().to_owned(), value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}
