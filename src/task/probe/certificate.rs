//! Is the certificate of the issuer that was asked, and is there time left to renew it.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};

use crate::core::engine::CheckResult;
use crate::core::error::Code;
use crate::facts::certificate::{CaRefusal, CertificateFacts, CertificateSettings};
use crate::host::system::System;

/// A share of its lifetime is left.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifetimeLeft {
    pub min_percent: u32,
}

const DAY: f64 = 86400.0;
/// How long somebody may take to set the records of a new site.
const AWHILE: Duration = Duration::days(7);

impl LifetimeLeft {
    pub fn answer(&self, system: &System) -> Result<CheckResult> {
        let settings = CertificateSettings::read(system)?;
        let facts = CertificateFacts::gather(system)?;
        Ok(self.judge(settings.as_ref(), &facts, OffsetDateTime::now_utc()))
    }

    fn judge(
        &self,
        settings: Option<&CertificateSettings>,
        facts: &CertificateFacts,
        now: OffsetDateTime,
    ) -> CheckResult {
        let Some(live) = &facts.live else {
            return CheckResult::differs("there is no certificate that can be read");
        };
        let mut what = match settings {
            Some(settings) if !waits_for_the_name(facts, now) => facts.misfits(settings),
            _ => Vec::new(),
        };
        let (days, percent) = (
            (live.leaf.ends - now).as_seconds_f64() / DAY,
            live.leaf.left_percent(now),
        );
        let least = f64::from(self.min_percent);
        if days <= 0.0 {
            what.push("it has expired".to_owned());
        } else if percent < least {
            what.push(format!(
                "it ends in {days:.1} days: {percent:.0} % of its lifetime is left, expected at least {least} %"
            ));
        }
        if !what.is_empty() {
            what.extend(facts.refusal.as_ref().map(told));
        }
        let days = (days * 10.0).round() / 10.0;
        CheckResult::from(what).with_figure(days, "days left", None)
    }
}

/// The host's own serves, the first one of the issuer is to come, and nobody but who sets the name's records can do anything: that
/// is told beside, and no fault of the host.
fn waits_for_the_name(facts: &CertificateFacts, now: OffsetDateTime) -> bool {
    let live = facts.live.as_ref();
    let is_own = live.is_some_and(|live| live.issued.is_none() && now - live.leaf.begins < AWHILE);
    let refusal = facts.refusal.as_ref();
    is_own && refusal.is_some_and(|refusal| refusal.code == Code::E0460)
}

fn told(refusal: &CaRefusal) -> String {
    format!("last refusal ({}): {}", refusal.code, refusal.message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::certificate::{Issued, LiveCertificate, leaf::Leaf};

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;
    const CA: &str = "https://ca.example.com/dir";

    /// One of so many days, of which so many are left.
    fn live(of: i64, left: i64, is_issued: bool) -> CertificateFacts {
        let ends = NOW + Duration::days(left);
        let issued = is_issued.then(|| Issued {
            directory: CA.to_owned(),
            at: NOW,
        });
        CertificateFacts {
            live: Some(LiveCertificate {
                folder: "acme.a".to_owned(),
                leaf: Leaf {
                    names: vec!["example.com".to_owned()],
                    issuer: "an issuer".to_owned(),
                    serial: "01".to_owned(),
                    begins: ends - Duration::days(of),
                    ends,
                },
                issued,
            }),
            ..CertificateFacts::default()
        }
    }

    fn refused(facts: CertificateFacts, code: Code) -> CertificateFacts {
        let refusal = Some(CaRefusal {
            code,
            message: "why".to_owned(),
            at: NOW,
            until: None,
        });
        CertificateFacts { refusal, ..facts }
    }

    fn told(facts: &CertificateFacts, min_percent: u32) -> Vec<String> {
        let settings: CertificateSettings = serde_json::from_str(
            r#"{ "stack": "shop", "host": "shop", "directory": "https://ca.example.com/dir", "names": ["example.com"], "webroot": "/w" }"#,
        )
        .unwrap();
        let judged = LifetimeLeft { min_percent }.judge(Some(&settings), facts, NOW);
        judged.change.map(|change| change.what).unwrap_or_default()
    }

    /// Three weeks are nothing of a year, and all of a certificate of thirty days.
    #[test]
    fn a_share_of_the_lifetime_is_judged_and_no_number_of_days() {
        for (of, left, is_fine) in [(90, 15, true), (90, 14, false), (6, 2, true), (6, 0, false)] {
            let what = told(&live(of, left, true), 16);
            assert_eq!(what.is_empty(), is_fine, "{left} of {of}: {what:?}");
        }
        let what = told(&refused(live(10, 1, true), Code::E0462), 16);
        assert_eq!(
            what,
            [
                "it ends in 1.0 days: 10 % of its lifetime is left, expected at least 16 %",
                "last refusal (E0462): why"
            ]
        );
        let own = LifetimeLeft { min_percent: 4 };
        let judged = own.judge(None, &live(397, 20, false), NOW);
        assert!(judged.change.is_none());
        assert!((judged.figure.unwrap().value - 20.0).abs() < f64::EPSILON);
    }

    /// The first `up` ends well before the records are set; whatever else keeps the issuer from it is a fault.
    #[test]
    fn the_hosts_own_may_stand_in_only_while_the_name_does_not_lead_here() {
        let own = live(397, 391, false);
        assert_eq!(told(&own, 16), ["ca.example.com has not issued it yet"]);
        assert!(told(&refused(own.clone(), Code::E0460), 16).is_empty());
        let forgotten = refused(live(397, 389, false), Code::E0460);
        assert!(!told(&forgotten, 16).is_empty(), "a week is over");
        let refused = told(&refused(own, Code::E0464), 16);
        assert_eq!(refused.last().unwrap(), "last refusal (E0464): why");
        let none = told(&CertificateFacts::default(), 16);
        assert_eq!(none, ["there is no certificate that can be read"]);
    }
}
