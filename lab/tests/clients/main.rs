//! The API as its real clients see it, without machines: Debian's `hcloud-cli`, Hetzner's Python
//! library, and schemathesis, which asks what no client would. Where one of them cannot be had, its
//! test says `skipped` and why.

#![allow(clippy::expect_used, clippy::unwrap_used)] // clippy.toml allows them in tests, and does not see that helpers are of a test

#[path = "../api/checking_proxy.rs"]
mod checking_proxy;
#[allow(dead_code)] // made for the tests of the API, and not all of it is used here
#[path = "../api/harness.rs"]
mod harness;
#[path = "../../../tests/need/mod.rs"]
mod need;
#[path = "../api/openapi.rs"]
mod openapi;
#[path = "../api/spec.rs"]
mod spec;
mod venv;

use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::{Api, KEY, TOKEN};
use need::skipped;
use serde_json::{Value, json};
use tokio::process::Command;
use venv::run;

/// For what never ends, on whatever machine.
const LIMIT: Duration = Duration::from_mins(15);

/// Of this file's folder.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/clients")
        .join(name)
}

#[tokio::test]
async fn the_command_line_client_does_its_work() {
    if std::process::Command::new("hcloud")
        .arg("version")
        .output()
        .is_err()
    {
        return skipped("the program `hcloud` is not there; lab/tools installs it, as root");
    }
    let api = Api::start();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let mut command = Command::new("sh");
    command
        .arg(script("cli.sh"))
        .args([
            file("key.pub", KEY),
            file("user_data", "#cloud-config\n{}\n"),
        ])
        .env("HCLOUD_ENDPOINT", &api.endpoint)
        .env("HCLOUD_TOKEN", TOKEN)
        .env("HCLOUD_CONFIG", folder.path().join("cli.toml"));
    let ended = run(&mut command, LIMIT).await;
    assert!(ended.is_ok(), "{ended:?}");
}

#[tokio::test]
async fn the_python_library_does_its_work() {
    let python = match venv::with(&script("requirements-hcloud.txt")).await {
        Ok(venv) => venv.join("bin/python"),
        Err(why) => return skipped(&why),
    };
    let api = Api::start();
    let mut command = Command::new(python);
    command
        .arg(script("sdk.py"))
        .args([&api.endpoint, TOKEN, KEY]);
    let ended = run(&mut command, LIMIT).await;
    assert!(ended.is_ok(), "{}", ended.unwrap_err());
}

/// For how long schemathesis thinks of cases; what it asks follows from the seed.
const SECONDS: &str = "60";
const SEED: &str = "7";

#[tokio::test]
async fn no_request_whatever_brings_the_lab_down() {
    let Some(document) = spec::find() else {
        return;
    };
    let schemathesis = match venv::with(&script("requirements-schemathesis.txt")).await {
        Ok(venv) => venv.join("bin/schemathesis"),
        Err(why) => return skipped(&why),
    };
    let api = Api::start();
    let (_, routes) = api.order("GET", "/routes", Value::Null).await;
    let folder = tempfile::tempdir().unwrap();
    let served = folder.path().join("served.json");
    std::fs::write(
        &served,
        spec::served(document, &routes["routes"]).to_string(),
    )
    .unwrap();
    let mut command = Command::new(schemathesis);
    command
        .current_dir(folder.path())
        .arg("run")
        .arg(&served)
        .args([
            "--url",
            &api.url("/v1"),
            "--header",
            &format!("Authorization: Bearer {TOKEN}"),
        ])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,response_schema_conformance",
        ])
        .args([
            "--seed",
            SEED,
            "--max-time",
            SECONDS,
            "--continue-on-failure",
            "--no-shrink",
            "--no-color",
            "--warnings",
            "off",
        ]);
    let ended = tokio::select! {
        ended = run(&mut command, LIMIT) => ended,
        () = keep_in_funds(&api) => unreachable!("it never ends"),
    };
    let said = ended.unwrap_or_else(|said| panic!("{said}"));
    println!(
        "{}",
        said[said.find("SUMMARY").unwrap_or_default()..].trim()
    );
}

/// Nobody asks so much in an hour as schemathesis in a minute.
async fn keep_in_funds(api: &Api) {
    loop {
        api.order("POST", "/budget", json!({ "remaining": 3600 }))
            .await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
