use rcgen::{CertificateParams, KeyPair};

use super::*;
use crate::core::value::Domain;

fn pem(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let params = CertificateParams::new(names).unwrap();
    params
        .self_signed(&KeyPair::generate().unwrap())
        .unwrap()
        .pem()
}

fn at(days: i64) -> OffsetDateTime {
    OffsetDateTime::UNIX_EPOCH + Duration::days(days)
}

/// A certificate of ninety days, issued on the first.
fn facts(renewal: Option<i64>) -> CertificateFacts {
    let leaf = Leaf {
        names: Vec::new(),
        issuer: String::new(),
        serial: "01".to_owned(),
        begins: at(0),
        ends: at(90),
    };
    CertificateFacts {
        live: Some(LiveCertificate {
            folder: "acme.a".to_owned(),
            leaf,
            issued: Some(Issued {
                directory: String::new(),
                at: at(0),
            }),
        }),
        renewal: renewal.map(|days| RenewalTime {
            serial: "01".to_owned(),
            at: at(days),
            ask_after: at(0),
        }),
        refusal: None,
    }
}

#[test]
fn it_is_renewed_when_its_issuer_says_or_at_two_thirds_and_always_in_time() {
    let when = |facts: &CertificateFacts| facts.renews_at().unwrap();
    assert_eq!(when(&facts(None)), at(60));
    assert_eq!(when(&facts(Some(30))), at(30));
    // An issuer that errs has it neither expire nor ordered over and over.
    assert_eq!(when(&facts(Some(300))), at(75));
    assert_eq!(when(&facts(Some(-300))), at(1));
    let mut of_another = facts(Some(30));
    of_another.renewal.as_mut().unwrap().serial = "02".to_owned();
    assert_eq!(when(&of_another), at(60));
}

#[test]
fn a_refusal_keeps_converge_waiting_until_the_timer_had_its_turn() {
    let mut facts = facts(None);
    facts.refusal = Some(CaRefusal {
        code: Code::E0461,
        message: String::new(),
        at: at(0),
        until: None,
    });
    assert!(facts.is_waiting(at(0)));
    assert!(facts.is_waiting(at(0) + Duration::hours(16)));
    assert!(!facts.is_waiting(at(1)));
    // A clock that was set back must not keep it for ever.
    assert!(!facts.is_waiting(at(-1)));
}

#[test]
fn a_certificate_is_read_and_what_is_none_is_not() {
    let text = pem(&["Shop.example.com", "*.example.net"]);
    let leaf = Leaf::first_of(text.as_bytes()).unwrap();
    assert_eq!(leaf.names, ["shop.example.com", "*.example.net"]);
    let covered = |name: &str| leaf.covers(name);
    assert!(covered("shop.example.com") && covered("a.example.net"));
    assert!(!covered("example.net") && !covered("a.b.example.net") && !covered("example.com"));
    let key = KeyPair::generate().unwrap().serialize_pem();
    let many = text.repeat(leaf::MOST + 1);
    for wrong in ["", "x", &key, &format!("{text}{key}"), &many, &text[..100]] {
        assert_eq!(Leaf::first_of(wrong.as_bytes()), None);
    }
}

#[test]
fn what_leads_out_of_the_folder_is_no_certificate() {
    let root = tempfile::tempdir().unwrap();
    let system = System::at(root.path());
    let folder = system.path(own::CERTIFICATES);
    std::fs::create_dir_all(folder.join("acme.a")).unwrap();
    std::fs::write(folder.join("acme.a/fullchain.pem"), pem(&["a.example.com"])).unwrap();
    let live = folder.join("live");
    for to in ["/etc/citrino/tls/acme.a", "../tls/acme.a", "..", ".a"] {
        std::os::unix::fs::symlink(to, &live).unwrap();
        assert_eq!(
            CertificateFacts::gather(&system).unwrap().live,
            None,
            "{to}"
        );
        std::fs::remove_file(&live).unwrap();
    }
    std::os::unix::fs::symlink("acme.a", &live).unwrap();
    let found = CertificateFacts::gather(&system).unwrap().live.unwrap();
    assert_eq!(
        (found.leaf.names, found.issued),
        (vec!["a.example.com".to_owned()], None)
    );
}

#[test]
fn a_certificate_of_another_issuer_or_for_other_names_does_not_fit() {
    let mut facts = facts(None);
    let settings = |directory: &str| CertificateSettings {
        stack: "shop".to_owned(),
        host: "shop".parse().unwrap(),
        directory: directory.to_owned(),
        ca: None,
        email: None,
        names: vec![Domain::try_from("a.example.com".to_owned()).unwrap()],
        webroot: String::new(),
    };
    let letsencrypt = "https://acme-v02.api.letsencrypt.org/directory";
    assert_eq!(
        facts.misfits(&settings(letsencrypt)),
        ["it is not of Let's Encrypt"]
    );
    assert_eq!(
        facts.misfits(&settings("")),
        ["it is not for a.example.com"]
    );
    facts.live.as_mut().unwrap().issued = None;
    assert_eq!(
        facts.misfits(&settings("https://ca.example.com:1/dir")),
        ["ca.example.com:1 has not issued it yet"]
    );
}
