//! A Prometheus of the distribution on another machine reads the figures of a host, and is alerted when the host is away.

use std::time::Duration;

use serde_json::Value;

use crate::lab::{until, within};
use crate::stack::{PASSWORD, Said, Stack, binary, untouched};

/// The machine that watches, as a stack that is only provisioned.
const WATCHER: &str = "watcher.yml";

#[test]
fn prometheus_on_another_machine_reads_the_figures_and_is_alerted() {
    let Some(stack) = untouched() else { return };
    stack.wish();
    let wishes = std::fs::read_to_string(stack.home.join("citrino.yml")).unwrap();
    stack.write(
        WATCHER,
        &wishes.replace("stack: rehearsal", "stack: watcher"),
    );
    ends_with(&stack, &["-c", WATCHER, "provision", "--yes"], 0);
    let watcher = address_of(&stack, "watcher");

    let monitoring = format!(
        "tls: {{ issuer: self_signed }}\nmonitoring: {{ exporters: true, allow_from: [{watcher}/32], password: {{ env: THE_PASSWORD }} }}\n"
    );
    stack.write("citrino.yml", &format!("{wishes}{monitoring}"));
    let app = binary("citrino-app");
    let up = ["up", "--yes", "--artifact", app.to_str().unwrap()];
    let said = ends_with(&stack, &up, 0);
    assert!(!said.text.contains(PASSWORD), "{}", said.text);
    ends_with(&stack, &["converge", "--check"], 0);
    stack.on_host("systemctl start citrino-health.service");
    stack.is_healthy();
    nobody_else_reads_them(&stack);

    watches(&stack);
    each_line_of_a_dashboard_has_figures(&stack);
    stack.on_host("systemctl stop nginx");
    until("the alert has arrived", || {
        alerts(&stack).contains("CitrinoUnreachable")
    });
    stack.on_host("systemctl start nginx");

    stack.write(
        "citrino.yml",
        &format!("{wishes}tls: {{ issuer: self_signed }}\n"),
    );
    ends_with(&stack, &["converge", "--yes"], 0);
    ends_with(&stack, &["converge", "--check"], 0);
    assert_eq!(stack.on_host("ss -Hltn 'sport = 9100 or sport = 9187'"), "");
    assert_eq!(read(&stack, "node", Some(PASSWORD)), "404");
}

/// The exporters listen on the host alone; nginx asks who comes, and for the password.
fn nobody_else_reads_them(stack: &Stack) {
    let listens = stack.on_host("ss -Hltn 'sport = 9100 or sport = 9187' | awk '{print $4}'");
    let mut listens: Vec<&str> = listens.lines().collect();
    listens.sort_unstable();
    assert_eq!(listens, ["127.0.0.1:9100", "127.0.0.1:9187"]);
    for what in ["node", "postgres", "app"] {
        assert_eq!(read(stack, what, None), "401", "{what}");
        assert_eq!(read(stack, what, Some("another")), "401", "{what}");
        assert_eq!(read(stack, what, Some(PASSWORD)), "200", "{what}");
        let line = format!(
            "curl -sk -o /dev/null -w '%{{http_code}}' -u prometheus:{PASSWORD} https://127.0.0.1/metrics/{what} -H 'Host: citrino.example.com'"
        );
        assert_eq!(stack.on_host(&line).trim(), "403", "{what}");
    }
    let hash = stack.on_host(
        "stat -c '%a %U %G' /etc/citrino/metrics.htpasswd; cat /etc/citrino/metrics.htpasswd",
    );
    assert!(
        hash.starts_with("640 root www-data\nprometheus:$6$"),
        "{hash}"
    );
}

/// The status of the answer to the machine that watches.
fn read(stack: &Stack, what: &str, password: Option<&str>) -> String {
    let login = password.map_or_else(String::new, |password| format!("-u prometheus:{password}"));
    let host = stack.address();
    let line = format!(
        "curl -sk -o /dev/null -w '%{{http_code}}' {login} --resolve citrino.example.com:443:{host} https://citrino.example.com/metrics/{what}"
    );
    on_watcher(stack, &line).trim().to_owned()
}

/// Sets Prometheus and Alertmanager up there with what `monitoring` prints, and nothing else but their own sections.
fn watches(stack: &Stack) {
    on_watcher(
        stack,
        "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update >/dev/null && apt-get -qq install -y --no-install-recommends prometheus prometheus-alertmanager curl >/dev/null 2>&1; systemctl stop prometheus prometheus-alertmanager",
    );
    let scrapes = ends_with(stack, &["monitoring", "prometheus"], 0).text;
    let rules = ends_with(stack, &["monitoring", "prometheus", "--rules"], 0).text;
    let own = "global: { scrape_interval: 5s, evaluation_interval: 5s }\nrule_files: [/etc/prometheus/rehearsal.rules.yml]\nalerting: { alertmanagers: [{ static_configs: [{ targets: ['127.0.0.1:9093'] }] }] }\n";
    let disk = disk_of(stack, "watcher");
    let write = |path: &str, text: &str| std::fs::write(disk.join(path), text).unwrap();
    write("etc/prometheus/prometheus.yml", &format!("{own}{scrapes}"));
    write("etc/prometheus/rehearsal.rules.yml", &rules);
    write("etc/prometheus/rehearsal.password", PASSWORD);
    let live = "/etc/citrino/tls/live/fullchain.pem";
    write(
        "etc/prometheus/rehearsal.pem",
        &stack.on_host(&format!("cat {live}")),
    );
    let host = stack.address();
    on_watcher(
        stack,
        &format!(
            "echo {host} citrino.example.com >>/etc/hosts; chmod a+r /etc/prometheus/rehearsal.*; promtool check config /etc/prometheus/prometheus.yml; systemctl start prometheus prometheus-alertmanager"
        ),
    );
    until("Prometheus reads all of it", || {
        let up = query(stack, "sum(up{stack=\"rehearsal\"})");
        up["data"]["result"][0]["value"][1] == "3"
    });
}

/// Prometheus itself understands each expression. What the lab's machines do not have, or only a fault would make, has no figures.
fn each_line_of_a_dashboard_has_figures(stack: &Stack) {
    ends_with(stack, &["monitoring", "dashboards", "--out", "boards"], 0);
    let host = stack.address();
    on_watcher(
        stack,
        &format!(
            "for n in $(seq 20); do curl -sk -o /dev/null --resolve citrino.example.com:443:{host} https://citrino.example.com/api/health; done"
        ),
    );
    let mut empty = Vec::new();
    for board in ["app", "host", "overview", "postgresql"] {
        let text =
            std::fs::read_to_string(stack.home.join(format!("boards/{board}.json"))).unwrap();
        let board: Value = serde_json::from_str(&text).unwrap();
        let panels = board["panels"].as_array().unwrap().iter();
        for target in panels.flat_map(|panel| panel["targets"].as_array().unwrap()) {
            let expr = target["expr"].as_str().unwrap();
            let mut answer = query(stack, expr);
            // A rate needs two readings.
            within(
                Duration::from_secs(if may_be_empty(expr) { 0 } else { 60 }),
                || {
                    answer = query(stack, expr);
                    !answer["data"]["result"][0].is_null()
                },
            );
            assert_eq!(answer["status"], "success", "{expr}: {answer}");
            if answer["data"]["result"][0].is_null() {
                empty.push(expr.to_owned());
            }
        }
    }
    println!("without figures here: {empty:#?}");
    assert!(empty.iter().all(|expr| may_be_empty(expr)), "{empty:#?}");
}

/// The root of the lab's machines is an overlay, which the exporter does not count; their disks are none of theirs; and nothing fails.
fn may_be_empty(expr: &str) -> bool {
    ["5..", "node_disk", "node_filesystem"]
        .iter()
        .any(|part| expr.contains(part))
}

fn query(stack: &Stack, expr: &str) -> Value {
    let expr = expr.replace('\'', "'\\''");
    let line =
        format!("curl -s --data-urlencode 'query={expr}' http://127.0.0.1:9090/api/v1/query");
    serde_json::from_str(&on_watcher(stack, &line)).unwrap_or_default()
}

fn alerts(stack: &Stack) -> String {
    on_watcher(stack, "curl -s http://127.0.0.1:9093/api/v2/alerts")
}

fn on_watcher(stack: &Stack, line: &str) -> String {
    ends_with(stack, &["-c", WATCHER, "ssh", line], 0).text
}

fn address_of(stack: &Stack, name: &str) -> String {
    let (_, list) = stack
        .lab
        .call("GET", &format!("/servers?name={name}"), &Value::Null);
    let address = list["servers"][0]["public_net"]["ipv4"]["ip"].as_str();
    address.unwrap().to_owned()
}

fn disk_of(stack: &Stack, name: &str) -> std::path::PathBuf {
    stack.disk_at(&address_of(stack, name))
}

fn ends_with(stack: &Stack, arguments: &[&str], code: i32) -> Said {
    let said = stack.citrino(arguments);
    assert_eq!(said.code, code, "{arguments:?}: {}", said.text);
    said
}
