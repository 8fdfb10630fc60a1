//! Figures of the host for Prometheus: a file that the exporter of the system shows beside its own.

use anyhow::Result;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::host::own;
use crate::host::system::{Ids, System};

type LabelledGauges = Family<Vec<(String, String)>, Gauge>;

/// What a host says of itself in figures. A time is in seconds of the UNIX epoch; what is not known has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// The rows of the checklist, and whether each is well.
    pub checks: Vec<(String, bool)>,
    pub checked: i64,
    pub backup: Option<i64>,
    /// When the newest backup was made that a restore has proven.
    pub backup_proven: Option<i64>,
    pub certificate_end: Option<i64>,
    /// The live release, and since when it is that.
    pub release: Option<(String, i64)>,
    pub is_maintenance: bool,
}

impl Figures {
    /// Puts them where the exporter looks, at once and as a whole. What an earlier look wrote is gone then.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn write(&self, system: &System) -> Result<()> {
        system.make_directory(own::FIGURES, 0o755, Ids::own())?;
        let file = format!("{}/citrino.prom", own::FIGURES);
        let mut text = String::new();
        encode(&mut text, &self.registry())?;
        system
            .write_atomic(file, text.as_bytes(), 0o644, None, &[])
            .await
    }

    fn registry(&self) -> Registry {
        let mut registry = Registry::with_prefix("citrino_ops");
        let checks = self.checks.iter();
        let checks = checks.map(|(name, is_well)| ("check", name, i64::from(*is_well)));
        let help = "Whether a check of health is well";
        registry.register("check_up", help, labelled(checks));
        let release = self.release.iter();
        let release = release.map(|(name, since)| ("release", name, *since));
        let help = "Since when the release is live";
        registry.register("release_timestamp_seconds", help, labelled(release));
        let checked = (
            "checked_timestamp_seconds",
            "When the checks ran",
            Some(self.checked),
        );
        let backup = (
            "backup_timestamp_seconds",
            "When the newest backup was made",
            self.backup,
        );
        let proven = (
            "backup_proven_timestamp_seconds",
            "When the newest backup was made that was restored as a test",
            self.backup_proven,
        );
        let certificate = (
            "certificate_end_timestamp_seconds",
            "When the certificate ends",
            self.certificate_end,
        );
        let closed = i64::from(self.is_maintenance);
        let closed = ("maintenance", "Whether the site is closed", Some(closed));
        for (name, help, value) in [checked, backup, proven, certificate, closed] {
            if let Some(value) = value {
                let gauge = Gauge::<i64>::default();
                gauge.set(value);
                registry.register(name, help, gauge);
            }
        }
        registry
    }
}

/// One figure for each value of a label.
fn labelled<'f>(figures: impl Iterator<Item = (&'static str, &'f String, i64)>) -> LabelledGauges {
    let family = LabelledGauges::default();
    for (label, value, figure) in figures {
        let labels = vec![(label.to_owned(), value.clone())];
        family.get_or_create(&labels).set(figure);
    }
    family
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[tokio::test]
    async fn they_are_whole_lines_whatever_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("run")).unwrap();
        let system = System::at(folder.path());
        let figures = Figures {
            checks: vec![
                ("nginx service".to_owned(), true),
                ("a \"b\" \\ c\nd".to_owned(), false),
            ],
            checked: 7,
            release: Some(("r1".to_owned(), 9)),
            ..Figures::default()
        };
        figures.write(&system).await.unwrap();
        figures.write(&system).await.unwrap();
        let text = system.read_text("/run/citrino-figures/citrino.prom");
        let text = text.unwrap().unwrap();
        let values: BTreeSet<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            r#"citrino_ops_check_up{check="nginx service"} 1"#,
            r#"citrino_ops_check_up{check="a \"b\" \\ c\nd"} 0"#,
            "citrino_ops_checked_timestamp_seconds 7",
            r#"citrino_ops_release_timestamp_seconds{release="r1"} 9"#,
            "citrino_ops_maintenance 0",
        ];
        assert_eq!(values, expected.into());
    }
}
