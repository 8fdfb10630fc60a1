use std::collections::BTreeSet;

use serde_json::Value;
use sha_crypt::{PasswordHash, PasswordVerifier, ShaCrypt};

use super::{dashboards, login, monitors, rules, scrape_configs};
use crate::config::source::METRICS_PASSWORD;
use crate::config::stack::Stack;
use crate::core::secret::Secret;

fn stack(issuer: &str) -> Stack {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("citrino.yml");
    let text = format!(
        "stack: shop\ndomain: www.example.com\nhost: {{ address: 203.0.113.7, host_key: \"ssh-ed25519 AAAA\" }}\ntls: {{ issuer: {issuer} }}\n\
         monitoring: {{ exporters: true, allow_from: [198.51.100.4/32], password: {{ env: X }} }}\n"
    );
    std::fs::write(&file, text).unwrap();
    Stack::load(&crate::config::paths::ConfigPaths::find(Some(&file), None).unwrap()).unwrap()
}

fn secret(password: &str) -> Vec<(String, Secret)> {
    vec![(METRICS_PASSWORD.to_owned(), Secret::new(password))]
}

#[test]
fn nginx_knows_prometheus_by_a_line_that_stays_the_same() {
    let stack = stack("letsencrypt");
    let line = login(&stack, &secret("open sesame")).unwrap();
    assert_eq!(line, login(&stack, &secret("open sesame")).unwrap());
    assert!(!line.contains("sesame"), "{line}");
    let hash = line.trim().strip_prefix("prometheus:").unwrap();
    let hash = PasswordHash::new(hash).unwrap();
    assert!(
        ShaCrypt::SHA512
            .verify_password(b"open sesame", &hash)
            .is_ok()
    );
    assert!(ShaCrypt::SHA512.verify_password(b"open", &hash).is_err());
    assert_eq!(login(&stack, &[]), None);
}

#[test]
fn prometheus_trusts_what_no_public_root_has_signed_by_itself_alone() {
    let jobs = |issuer| scrape_configs(&stack(issuer))["scrape_configs"].clone();
    let (public, own) = (jobs("letsencrypt"), jobs("self_signed"));
    let paths = |jobs: &Value| -> Vec<String> {
        let jobs = jobs.as_array().unwrap().iter();
        jobs.map(|job| job["metrics_path"].as_str().unwrap().to_owned())
            .collect()
    };
    let expected = ["/metrics/node", "/metrics/postgres", "/metrics/app"];
    assert_eq!(paths(&public), expected);
    assert_eq!(public[0].get("tls_config"), None);
    assert_eq!(own[0]["tls_config"]["ca_file"], "/etc/prometheus/shop.pem");
    assert_eq!(
        own[0]["static_configs"][0]["targets"][0],
        "www.example.com:443"
    );
}

#[test]
fn each_rule_and_each_line_of_a_dashboard_is_of_the_stack() {
    let stack = stack("letsencrypt");
    let rules = rules(&stack).to_string();
    assert_eq!(
        rules.matches("\"expr\"").count(),
        rules.matches("stack=\\\"shop\\\"").count()
    );
    for dashboard in dashboards(&stack).unwrap() {
        for expr in dashboard.expressions(&stack) {
            assert!(expr.contains("stack=\"shop\""), "{expr}");
        }
        assert!(!dashboard.json(&stack).to_string().contains("STACK"));
    }
}

/// Grafana shows nothing of panels that lie on each other.
#[test]
fn panels_have_a_place_of_their_own() {
    let stack = stack("letsencrypt");
    for dashboard in dashboards(&stack).unwrap() {
        let json = dashboard.json(&stack);
        let mut taken = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for panel in json["panels"].as_array().unwrap() {
            assert!(ids.insert(panel["id"].as_u64().unwrap()));
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
            for x in at("x")..at("x") + at("w") {
                assert!(
                    x < 24 && taken.insert((x, at("y"))),
                    "{}: {panel}",
                    dashboard.name
                );
            }
        }
        assert!(!ids.is_empty());
    }
}

#[test]
fn uptime_kuma_asks_what_users_see_and_waits_for_the_host() {
    let file = monitors(&stack("letsencrypt"));
    let monitors = file["monitorList"].as_array().unwrap();
    let urls: Vec<&str> = monitors
        .iter()
        .filter_map(|it| it["url"].as_str())
        .collect();
    let expected = [
        "https://www.example.com/",
        "https://www.example.com/api/health",
        "https://www.example.com/api/ready",
    ];
    assert_eq!(urls, expected);
    assert_eq!(monitors.last().unwrap()["type"], "push");
}
