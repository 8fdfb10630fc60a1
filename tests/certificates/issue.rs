//! What an issuer gives, and what it refuses.

use std::fs;

use citrino_ops::core::error::Code;
use citrino_ops::core::event::StepState;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::ca::Ca;
use crate::namespace::alone;
use crate::site::Site;

const SHOP: &str = "shop.example.com";

#[test]
fn a_site_gets_a_certificate_for_all_its_names_and_a_new_key_with_each() {
    alone(
        "issue::a_site_gets_a_certificate_for_all_its_names_and_a_new_key_with_each",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP, "www.example.com", "old.example.net"]).await;
            let own = site.serves();
            assert_eq!(site.run(json!("late")).await, (StepState::Changed, None));
            let first = site.serves();
            assert_ne!(first, own);
            site.is_tidy();
            let facts = site.facts();
            let live = facts.live.clone().unwrap();
            let mut names = live.leaf.names.clone();
            names.sort();
            assert_eq!(names, ["old.example.net", SHOP, "www.example.com"]);
            assert_eq!(live.issued.clone().unwrap().directory, Ca::directory());
            assert_eq!(facts.refusal, None);
            // Nobody who visits the site trusts this issuer, so nobody is bound to it.
            assert!(!site.path("etc/citrino/tls/live/hsts.conf").exists());
            // Nothing is left to do, for `converge` and for the timer, and nothing is asked.
            ca.spoil("none", 0).await;
            for renew in ["late", "due"] {
                assert_eq!(site.run(json!(renew)).await, (StepState::Same, None));
            }
            assert_eq!(ca.spoil("none", 0).await, 0);
            let of_ten_days: Duration =
                live.leaf.begins + Duration::days(10) * 2 / 3 - facts.renews_at().unwrap();
            assert!(of_ten_days.abs() < Duration::minutes(1), "{of_ten_days}");
            let key = fs::read(site.path("etc/citrino/tls/live/privkey.pem")).unwrap();
            site.renewed().await;
            assert_ne!(
                key,
                fs::read(site.path("etc/citrino/tls/live/privkey.pem")).unwrap()
            );
            assert_ne!(first, site.serves());
            // The one before is kept, and those before that are not.
            site.renewed().await;
            let folders = fs::read_dir(site.path("etc/citrino/tls")).unwrap().count();
            assert_eq!(folders, 3, "the link, this one and the one before");
            site.is_tidy();
        },
    );
}

#[test]
fn another_name_another_issuer_and_a_key_that_others_can_read_want_another() {
    alone(
        "issue::another_name_another_issuer_and_a_key_that_others_can_read_want_another",
        async || {
            use std::os::unix::fs::PermissionsExt;
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            site.renewed().await;
            let mut before = site.serves();
            let key = site.path("etc/citrino/tls/live/privkey.pem");
            fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
            for more in [
                json!({ "names": [SHOP], "ca": ca.certificate }),
                json!({ "names": [SHOP, "www.example.com"], "ca": ca.certificate }),
                json!({ "names": [SHOP], "ca": ca.certificate, "directory": "https://127.0.0.1:14000/dir" }),
            ] {
                site.settings(&more);
                assert_eq!(site.run(json!("late")).await, (StepState::Changed, None));
                assert_ne!(before, site.serves());
                before = site.serves();
                assert_eq!(site.run(json!("due")).await, (StepState::Same, None));
            }
        },
    );
}

/// `converge` ends well; the timer tries again, and so does whoever is asked to by name.
#[test]
fn a_name_that_does_not_lead_here_costs_the_issuer_no_call() {
    alone(
        "issue::a_name_that_does_not_lead_here_costs_the_issuer_no_call",
        async || {
            let ca = Ca::started().await;
            let mut site = Site::with(&ca, &[SHOP, "www.example.com"]).await;
            let own = site.serves();
            ca.spoil("none", 0).await;
            let at = |address: &str| json!({ "host": "www.example.com", "addresses": [address] });
            for (what, told, why) in [
                (
                    "add-a",
                    at("192.0.2.9"),
                    "www.example.com points to 192.0.2.9, and port 80 cannot be reached there",
                ),
                (
                    "set-servfail",
                    json!({ "host": "www.example.com" }),
                    "could not look up www.example.com in the DNS",
                ),
                (
                    "clear-servfail",
                    json!({ "host": "www.example.com" }),
                    "www.example.com points to 192.0.2.9",
                ),
                ("add-a", at("127.0.0.1"), "points to 192.0.2.9"),
                ("clear-a", json!({ "host": "www.example.com" }), ""),
                (
                    "add-aaaa",
                    at("::1"),
                    "www.example.com points to ::1, and port 80 cannot be reached there",
                ),
            ] {
                ca.names(what, told).await;
                if !why.is_empty() {
                    let refused = site.refused().await;
                    assert_eq!(refused.code, Code::E0460, "{what}");
                    assert!(refused.message.contains(why), "{}", refused.message);
                    assert_eq!(site.facts().refusal.unwrap().message, refused.message);
                }
            }
            ca.names("clear-aaaa", json!({ "host": "www.example.com" }))
                .await;
            site.close();
            assert!(
                site.refused()
                    .await
                    .message
                    .contains("shop.example.com points to 127.0.0.1, and port 80 cannot")
            );
            // What `converge` is told once it need not be told each time, until the timer has had its turn.
            assert_eq!(site.run(json!("late")).await, (StepState::Same, None));
            assert_eq!(ca.spoil("none", 0).await, 0, "the issuer was asked");
            assert_eq!(site.serves(), own);
            site.is_tidy();
            site.serve().await;
            assert_eq!(site.run(json!("due")).await, (StepState::Changed, None));
            assert_eq!(site.facts().refusal, None);
        },
    );
}

#[test]
fn what_the_issuer_cannot_find_or_may_not_give_is_told_with_the_name() {
    alone(
        "issue::what_the_issuer_cannot_find_or_may_not_give_is_told_with_the_name",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP, "www.example.com"]).await;
            // The host looks at the name by its own file; the issuer is led elsewhere.
            let hosts = "127.0.0.1 localhost shop.example.com www.example.com\n";
            fs::write("/etc/hosts", hosts).unwrap();
            ca.names(
                "add-a",
                json!({ "host": "www.example.com", "addresses": ["192.0.2.9"] }),
            )
            .await;
            let refused = site.refused().await;
            assert_eq!(refused.code, Code::E0463);
            for part in ["the issuer refused www.example.com", "192.0.2.9"] {
                assert!(refused.message.contains(part), "{}", refused.message);
            }
            site.is_tidy();
            // An order may have been refused once for all; the next one is another.
            ca.names("clear-a", json!({ "host": "www.example.com" }))
                .await;
            site.renewed().await;
        },
    );
}

#[test]
fn an_account_that_the_issuer_has_forgotten_is_made_again() {
    alone(
        "issue::an_account_that_the_issuer_has_forgotten_is_made_again",
        async || {
            let mut ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            site.renewed().await;
            let accounts = || {
                let mut found = fs::read_dir(site.path("etc/citrino/acme")).unwrap();
                let path = found.next().unwrap().unwrap().path();
                assert!(found.next().is_none());
                (fs::read(&path).unwrap(), path)
            };
            let (first, path) = accounts();
            site.renewed().await;
            assert_eq!(first, accounts().0, "one account serves for all orders");
            ca.begin_anew().await;
            site.renewed().await;
            assert_ne!(first, accounts().0);
            fs::write(path, "{ half").unwrap();
            site.renewed().await;
            site.is_tidy();
            ca.stop();
            let kept = site.serves();
            let refused = site.refused_now().await;
            assert_eq!(refused.code, Code::E0461);
            assert_eq!(kept, site.serves());
        },
    );
}

#[test]
fn an_issuer_that_nobody_vouches_for_gets_no_order() {
    alone(
        "issue::an_issuer_that_nobody_vouches_for_gets_no_order",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            ca.spoil("none", 0).await;
            site.settings(&json!({ "names": [SHOP] }));
            let refused = site.refused().await;
            assert_eq!(refused.code, Code::E0465, "{}", refused.message);
            site.settings(&json!({ "names": [SHOP], "directory": "http://127.0.0.1:8055/" }));
            let refused = site.refused().await;
            assert_eq!(refused.code, Code::E0466, "{}", refused.message);
            assert_eq!(ca.spoil("none", 0).await, 0);
        },
    );
}

/// The issuer says when (RFC 9773), and says so of the very certificate.
#[test]
fn a_certificate_is_renewed_when_its_issuer_says_so() {
    alone(
        "issue::a_certificate_is_renewed_when_its_issuer_says_so",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            site.renewed().await;
            let first = site.serves();
            assert_eq!(site.run(json!("due")).await, (StepState::Same, None));
            site.was_issued_days_ago(2);
            ca.spoil("renewal_info", 0).await;
            let is_due = citrino_ops::task::certificate::is_due(&site.system()).await;
            assert!(is_due.unwrap(), "{:?}", site.facts());
            let said = site.facts().renewal.unwrap();
            assert_eq!(said.at.year(), 2020);
            assert!(said.ask_after > OffsetDateTime::now_utc());
            // A `converge` leaves it to the timer.
            assert_eq!(site.run(json!("late")).await, (StepState::Same, None));
            assert_eq!(site.run(json!("due")).await, (StepState::Changed, None));
            assert_ne!(first, site.serves());
            // An issuer that says so of each that it has just issued is not asked for another at once.
            let is_due = citrino_ops::task::certificate::is_due(&site.system()).await;
            assert!(!is_due.unwrap());
            assert_eq!(site.facts().renewal.unwrap().at.year(), 2020);
        },
    );
}
