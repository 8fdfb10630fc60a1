//! The monitors of Uptime Kuma for a stack: what it asks by itself, and what the host tells it.

use serde_json::{Value, json};

use crate::config::stack::Stack;

/// The version whose import this is. Uptime Kuma 2 has no import any more.
const VERSION: &str = "1.23.16";
/// How often it asks, in seconds.
const INTERVAL: u32 = 60;
/// How long it waits for the host, which calls every five minutes.
const HEARTBEAT: u32 = 660;

/// A file for Uptime Kuma's Settings → Backup → Import.
pub fn monitors(stack: &Stack) -> Value {
    let url = |path: &str| format!("{}{path}", stack.public_url());
    let routes = &stack.profile.routes;
    let asked = [
        ("site", url("/")),
        ("app", url(&routes.live)),
        ("app with its database", url(&routes.ready)),
    ];
    let asked = asked.map(|(what, url)| {
        let mut monitor = monitor(stack, what, "http", INTERVAL);
        monitor["url"] = url.into();
        monitor["method"] = "GET".into();
        monitor["maxredirects"] = 0.into();
        monitor["accepted_statuscodes"] = json!(["200-299"]);
        monitor["expiryNotification"] = stack.tls.https().is_some().into();
        monitor
    });
    let told = monitor(stack, "the host's own checks", "push", HEARTBEAT);
    let list: Vec<Value> = asked.into_iter().chain([told]).collect();
    json!({ "version": VERSION, "notificationList": [], "monitorList": list, "proxyList": [] })
}

fn monitor(stack: &Stack, what: &str, kind: &str, interval: u32) -> Value {
    json!({
        "name": format!("{}: {what}", stack.name),
        "type": kind,
        "interval": interval,
        "retryInterval": INTERVAL,
        "maxretries": 1,
        "active": true,
        "notificationIDList": {},
    })
}
