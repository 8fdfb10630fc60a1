//! A host with a site: a root of its own, the folder that is served on port 80, and a certificate that the host made itself.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use citrino_ops::core::engine;
use citrino_ops::core::event::{ErrorInfo, Event, StepState};
use citrino_ops::core::plan::{Claim, Plan, Step};
use citrino_ops::facts::certificate::{CertificateFacts, Issued};
use citrino_ops::host::system::System;
use citrino_ops::task::Task;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};

use crate::ca::Ca;

pub struct Site {
    root: tempfile::TempDir,
    web: Option<Child>,
}

impl Site {
    /// One whose names the issuer is asked for.
    pub async fn with(ca: &Ca, names: &[&str]) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut site = Self { root, web: None };
        let own = site.path("etc/citrino/tls/self-signed.a");
        fs::create_dir_all(&own).unwrap();
        fs::create_dir_all(site.path("var/www/citrino")).unwrap();
        fs::create_dir_all(site.path("var/lib/citrino")).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([names[0].to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap();
        fs::write(own.join("fullchain.pem"), certificate.pem()).unwrap();
        fs::write(own.join("privkey.pem"), key.serialize_pem()).unwrap();
        symlink("self-signed.a", site.path("etc/citrino/tls/live")).unwrap();
        site.settings(&json!({ "names": names, "ca": ca.certificate }));
        site.serve().await;
        site
    }

    /// What `converge` would have written, with these keys in place of the usual ones.
    pub fn settings(&self, more: &Value) {
        let mut settings = json!({
            "stack": "shop", "host": "shop", "directory": Ca::directory(), "webroot": "/var/www/citrino",
        });
        let known = settings.as_object_mut().unwrap();
        known.extend(more.as_object().unwrap().clone());
        fs::write(
            self.path("etc/citrino/certificate.json"),
            settings.to_string(),
        )
        .unwrap();
    }

    /// Port 80 answers.
    pub async fn serve(&mut self) {
        let folder = self.path("var/www/citrino");
        let server = Command::new("python3")
            .args([
                "-m",
                "http.server",
                "80",
                "--bind",
                "127.0.0.1",
                "--directory",
            ])
            .arg(folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.web = Some(server.unwrap());
        for _ in 0..600 {
            if tokio::net::TcpStream::connect("127.0.0.1:80").await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("nobody serves on port 80");
    }

    pub fn close(&mut self) {
        if let Some(mut web) = self.web.take() {
            web.kill().unwrap();
            web.wait().unwrap();
        }
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.path().join(path)
    }

    pub fn system(&self) -> System {
        System::at(self.root.path())
    }

    pub fn facts(&self) -> CertificateFacts {
        CertificateFacts::gather(&self.system()).unwrap()
    }

    /// One step of a run: how it ended, and the error of it.
    pub async fn run(&self, renew: Value) -> (StepState, Option<ErrorInfo>) {
        let task: Task =
            serde_json::from_value(json!({ "certificate": { "renew": renew } })).unwrap();
        let step: Step<Task> = Step::new("certificate", "certificate", task);
        let plan = Plan::new(Claim::new("run", "tls renew", "a test"), vec![step]);
        let mut seen = None;
        engine::run(&plan, &self.system(), &mut |event| {
            if let Event::Step { state, error, .. } = event {
                seen = Some((state, error));
            }
            Ok(())
        })
        .await
        .unwrap();
        seen.unwrap()
    }

    /// As the timer does it; the error.
    pub async fn refused(&self) -> ErrorInfo {
        let (state, error) = self.run(json!("due")).await;
        assert_eq!(state, StepState::Failed);
        error.unwrap()
    }

    /// A new certificate is wanted now; the error when there is none.
    pub async fn try_now(&self) -> Option<ErrorInfo> {
        let now = time::OffsetDateTime::now_utc();
        let now = now
            .format(&time::format_description::well_known::Rfc3339)
            .unwrap();
        self.run(json!({ "issued_before": now })).await.1
    }

    pub async fn refused_now(&self) -> ErrorInfo {
        self.try_now().await.unwrap()
    }

    pub async fn renewed(&self) {
        assert_eq!(self.try_now().await, None);
    }

    /// As if so much time had passed since.
    pub fn was_issued_days_ago(&self, days: i64) {
        let path = self.path("etc/citrino/tls/live/issued.json");
        let text = fs::read_to_string(&path).unwrap();
        let mut issued: Issued = serde_json::from_str(&text).unwrap();
        issued.at -= time::Duration::days(days);
        fs::write(path, serde_json::to_string(&issued).unwrap()).unwrap();
    }

    /// As if nothing had been refused.
    pub fn forgives(&self) {
        let _ = fs::remove_file(self.path("var/lib/citrino/certificate.json"));
    }

    /// The certificate that nginx would show; its key must be the one beside it, and root's alone.
    pub fn serves(&self) -> String {
        let live = self.path("etc/citrino/tls/live");
        let read = |name: &str| fs::read_to_string(live.join(name)).unwrap();
        let public = |args: &[&str], file: &str| {
            let file = live.join(file);
            let output = Command::new("openssl")
                .args(args)
                .arg("-in")
                .arg(file)
                .output()
                .unwrap();
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            output.stdout
        };
        let certified = public(&["x509", "-noout", "-pubkey"], "fullchain.pem");
        assert_eq!(certified, public(&["pkey", "-pubout"], "privkey.pem"));
        read("fullchain.pem")
    }

    /// Nothing that an order needs on its way is left, and nothing of it is anybody's but root's.
    pub fn is_tidy(&self) {
        let left = self.path("var/www/citrino/.well-known/acme-challenge");
        let left = fs::read_dir(left).map_or(0, Iterator::count);
        assert_eq!(left, 0, "proofs are left");
        for folder in ["etc/citrino/acme", "etc/citrino/tls"] {
            private(&self.path(folder));
        }
    }
}

fn private(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_symlink() || path.ends_with("self-signed.a") {
            continue;
        }
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
        if path.is_dir() {
            private(&path);
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.close();
    }
}
