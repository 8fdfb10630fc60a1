//! An issuer that dies, lies or hangs at any of its calls: the certificate before it serves, a sentence says so, and the next order
//! brings a new one.

use std::fs;

use citrino_ops::core::error::Code;
use citrino_ops::core::event::StepState;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use crate::ca::Ca;
use crate::namespace::alone;
use crate::site::Site;

const SHOP: &str = "shop.example.com";

/// Each fault, with the codes that it may have; none where the order must get past it.
const FAULTS: [(&str, &[Code]); 9] = [
    ("cut", &[Code::E0461]),
    ("internal", &[Code::E0461, Code::E0466]),
    ("html", &[Code::E0461]),
    ("garbage", &[Code::E0466]),
    ("half", &[Code::E0466]),
    ("endless", &[Code::E0466]),
    ("rate_limited", &[Code::E0462, Code::E0466]),
    ("bad_nonce", &[]),
    ("without_tls", &[Code::E0466]),
];

/// Which calls a fault spoils: one that is cut off all of them, of the others each some, so that together they spoil every one.
/// `make cuts` has each of them spoil all.
fn spoiled(n: usize, calls: usize) -> impl Iterator<Item = usize> {
    const STEP: usize = 4;
    let is_every = n == 0 || std::env::var_os("CITRINO_EVERY_CUT").is_some();
    (1..=calls).filter(move |at| is_every || at % STEP == n % STEP)
}

#[test]
fn an_issuer_that_spoils_any_of_its_calls_leaves_the_site_as_it_was() {
    alone(
        "spoiled::an_issuer_that_spoils_any_of_its_calls_leaves_the_site_as_it_was",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            ca.spoil("none", 0).await;
            site.renewed().await;
            let calls = ca.spoil("none", 0).await;
            assert!(calls > 8, "{calls}");
            let mut wrong = Vec::new();
            for (n, (fault, codes)) in FAULTS.into_iter().enumerate() {
                for at in spoiled(n, calls) {
                    let before = site.serves();
                    ca.spoil(fault, at).await;
                    let ended = site.try_now().await;
                    ca.spoil("none", 0).await;
                    site.is_tidy();
                    match &ended {
                        None => {}
                        Some(error)
                            if codes.contains(&error.code)
                                && !error.message.contains(char::is_control) =>
                        {
                            assert_eq!(before, site.serves(), "{fault} at {at}");
                        }
                        Some(error) => {
                            wrong
                                .push(format!("{fault} at {at}: {} {}", error.code, error.message));
                        }
                    }
                    if fault != "bad_nonce" && ended.is_none() && before == site.serves() {
                        wrong.push(format!(
                            "{fault} at {at}: neither an error nor a certificate"
                        ));
                    }
                    site.forgives();
                }
            }
            assert!(wrong.is_empty(), "{wrong:#?}");
            site.renewed().await;
        },
    );
}

/// A limit is told with its time, and until then the issuer is left alone, whoever asks.
#[test]
fn a_limit_is_told_with_its_time_and_kept() {
    alone(
        "spoiled::a_limit_is_told_with_its_time_and_kept",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            let own = site.serves();
            // A nonce without a word, the account, the order with its problem.
            for (fault, at, hours) in [
                ("rate_limited", 2, 4),
                ("rate_limited", 3, 4),
                ("rate_limited_for_ever", 5, 7 * 24),
            ] {
                ca.spoil(fault, at).await;
                let refused = site.refused().await;
                assert_eq!(refused.code, Code::E0462, "{}", refused.message);
                assert!(
                    refused.message.contains(" (not before 20"),
                    "{}",
                    refused.message
                );
                let until = site.facts().refusal.unwrap().until.unwrap();
                let off = until - OffsetDateTime::now_utc() - Duration::hours(hours);
                assert!(off.abs() < Duration::minutes(5), "{off}");
                ca.spoil("none", 0).await;
                for _ in 0..3 {
                    let again = site.refused_now().await;
                    assert_eq!(again.code, Code::E0462);
                    assert_eq!(site.facts().refusal.unwrap().message, refused.message);
                }
                assert_eq!(ca.spoil("none", 0).await, 0, "the issuer was asked");
                assert_eq!(site.serves(), own);
                site.forgives();
                let _ = fs::remove_dir_all(site.path("etc/citrino/acme"));
            }
            site.renewed().await;
        },
    );
}

#[test]
fn what_the_issuer_says_is_a_bounded_sentence_with_what_to_do() {
    alone(
        "spoiled::what_the_issuer_says_is_a_bounded_sentence_with_what_to_do",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            site.renewed().await;
            for (fault, code, part) in [
                (
                    "caa",
                    Code::E0464,
                    "CAA record for the name prevents issuance",
                ),
                (
                    "compound",
                    Code::E0464,
                    "the issuer refused shop.example.com: some identifiers were rejected; policy forbids it",
                ),
                ("internal", Code::E0461, "database is away"),
                ("bad_nonce", Code::E0461, "anti-replay nonce"),
                ("terminal", Code::E0464, "evil"),
            ] {
                // Of the signed calls, every one.
                ca.spoil(fault, 0).await;
                let refused = site.refused_now().await;
                assert_eq!(refused.code, code, "{fault}: {}", refused.message);
                assert!(
                    refused.message.contains(part),
                    "{fault}: {}",
                    refused.message
                );
                assert!(refused.message.chars().count() < 1000, "{fault}");
                assert!(refused.hint.is_some());
            }
        },
    );
}

/// Whatever has the form of an answer is looked at before anything is done with it.
#[test]
fn an_issuer_chooses_no_file_no_key_and_no_name() {
    alone(
        "spoiled::an_issuer_chooses_no_file_no_key_and_no_name",
        async || {
            let ca = Ca::started().await;
            let site = Site::with(&ca, &[SHOP]).await;
            let own = site.serves();
            for (fault, why) in [
                ("token", "a token that is none"),
                ("other_chain", "the certificate is for another key"),
                ("keys_in_chain", "it sent no chain of certificates"),
            ] {
                ca.spoil(fault, 0).await;
                let refused = site.refused_now().await;
                assert_eq!(refused.code, Code::E0466, "{}", refused.message);
                assert!(refused.message.contains(why), "{}", refused.message);
                assert!(
                    !site.path("etc/planted").exists()
                        && !std::path::Path::new("/etc/planted").exists()
                );
                assert_eq!(site.serves(), own);
                site.is_tidy();
            }
            ca.spoil("none", 0).await;
            site.renewed().await;
        },
    );
}

#[test]
fn an_issuer_that_hangs_is_given_up() {
    alone("spoiled::an_issuer_that_hangs_is_given_up", async || {
        let ca = Ca::started().await;
        let site = Site::with(&ca, &[SHOP]).await;
        let own = site.serves();
        for at in [4] {
            ca.spoil("hang", at).await;
            let (state, error) = site.run(json!("due")).await;
            assert_eq!(state, StepState::Failed);
            let error = error.unwrap();
            assert_eq!(error.code, Code::E0461);
            assert!(
                error.message.contains("nothing came within 20 s"),
                "{}",
                error.message
            );
            assert_eq!(site.serves(), own);
        }
        // What `converge` gets of it is a site that serves, and a note.
        ca.spoil("cut", 0).await;
        assert_eq!(
            site.run(json!("late")).await.0,
            StepState::Same,
            "it waits for the timer"
        );
        site.forgives();
        assert_eq!(site.run(json!("late")).await, (StepState::Changed, None));
        assert_eq!(site.facts().refusal.unwrap().code, Code::E0461);
        assert_eq!(site.serves(), own);
    });
}
