//! What is taken and what is refused; and that no text whatever makes one of them panic.

use std::fmt::Display;

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::*;

fn read<T: DeserializeOwned>(value: impl Into<Value>) -> Result<T, String> {
    serde_json::from_value(value.into()).map_err(|error| error.to_string())
}

/// Reads them all, and gives back why the wrong ones are.
fn only<T: DeserializeOwned + Display>(right: &[&str], wrong: &[&str]) -> Vec<String> {
    for text in right {
        assert_eq!(read::<T>(*text).unwrap().to_string(), *text);
    }
    let refused = wrong.iter().map(|text| match read::<T>(*text) {
        Ok(_) => panic!("`{text}` is taken"),
        Err(why) => why,
    });
    refused.collect()
}

#[test]
fn domains() {
    let why = only::<Domain>(
        &[
            "example.com",
            "localhost",
            "xn--pea-8ma.example.com",
            "a-b.c",
        ],
        &[
            "Example.com",
            "example.com.",
            "https://example.com/x",
            "peña.example.com",
            "exa mple.com",
            "",
            ".",
            "-a.com",
            "a..b",
        ],
    );
    assert!(why[0].contains("write `example.com`"), "{why:?}");
    assert!(why[1].contains("write `example.com`"), "{why:?}");
    assert!(why[2].contains("write `example.com`"), "{why:?}");
    assert!(
        why[3].contains("write `xn--pea-8ma.example.com`"),
        "{why:?}"
    );
    assert!(why[4].contains("not `exa mple.com`"), "{why:?}");
}

#[test]
fn names_of_hosts() {
    let longest = "h".repeat(63);
    let too_long = "h".repeat(64);
    let why = only::<HostName>(
        &["prod", "a", "web-1", &longest],
        &[
            "", "Prod", "1web", "-web", "web-", "a.b", "a_b", "a/b", "..", "a\nb", &too_long,
        ],
    );
    assert!(why[1].contains("not `Prod`"), "{why:?}");
}

#[test]
fn whatever_may_name_a_stack_may_name_its_host() {
    for text in ["a", "prod-2", &"s".repeat(50)] {
        let stack = text.parse::<StackName>().unwrap();
        let host = HostName::from(&stack);
        assert_eq!(read::<HostName>(host.to_string()).unwrap(), host);
    }
}

#[test]
fn a_name_is_within_its_zone_at_a_dot_only() {
    let domain = |text: &str| text.parse::<Domain>().unwrap();
    let zone = domain("example.com");
    assert!(domain("example.com").is_within(&zone));
    assert!(domain("www.example.com").is_within(&zone));
    assert!(!domain("myexample.com").is_within(&zone));
}

#[test]
fn names_of_the_database() {
    only::<DatabaseName>(
        &["citrino_prod", "_a"],
        &["Robert;drop", "1a", "", "all", "replication", "template1"],
    );
    only::<RoleName>(&["citrino_user"], &["postgres", "pg_monitor", "all", "a-b"]);
    assert!(read::<DatabaseName>("a".repeat(40)).is_ok());
    assert!(read::<DatabaseName>("a".repeat(41)).is_err());
    assert!(read::<RoleName>("a".repeat(63)).is_ok());
    assert!(read::<RoleName>("a".repeat(64)).is_err());
}

#[test]
fn other_names() {
    only::<StackName>(&["prod", "p-1"], &["", "1p", "p-", "P", "p_1"]);
    only::<Variable>(&["A", "_a1"], &["", "1A", "A B", "A=B", "Ñ"]);
    only::<Word>(
        &["cpx11", "debian-12", "114690387"],
        &["", "a b", "-x", "a/b"],
    );
    only::<Login>(&["root", "ana.b"], &["", "-oProxyCommand=x", "a b", "a\n"]);
    only::<Email>(&["ana@example.com"], &["ana", "@x", "a b@c", "a@", "a\n@b"]);
}

#[test]
fn networks() {
    only::<Cidr>(
        &["203.0.113.0/24", "0.0.0.0/0", "::/0"],
        &["203.0.113.0", "10.0.0.0/33", "::/129", "x/8", ""],
    );
    assert_eq!(
        read::<Cidr>("10.1.2.3/8").unwrap().to_string(),
        "10.0.0.0/8"
    );
    assert_eq!(
        Cidr::of_address("203.0.113.7").unwrap().to_string(),
        "203.0.113.7/32"
    );
    let all: Vec<String> = Cidr::anywhere().iter().map(ToString::to_string).collect();
    assert_eq!(all, ["0.0.0.0/0", "::/0"]);
    only::<PrivateNetwork>(
        &["10.0.0.0/16", "172.16.0.0/12", "192.168.4.0/24"],
        &[
            "8.8.0.0/16",
            "10.0.0.1/16",
            "10.0.0.0/25",
            "10.0.0.0/7",
            "172.32.0.0/16",
            "10.0.0.0",
        ],
    );
}

#[test]
fn addresses_are_written_in_one_form() {
    let written = |text: &str| read::<Address>(text).unwrap().to_string();
    assert_eq!(written("[fd00:91:5::33]"), "fd00:91:5::33");
    assert_eq!(written("FD00:91:5:0::33"), "fd00:91:5::33");
    assert_eq!(written("203.0.113.7"), "203.0.113.7");
    assert_eq!(written("my_host"), "my_host");
    let in_url = |text: &str| read::<Address>(text).unwrap().in_url();
    assert_eq!(in_url("[fd00:91:5::33]"), "[fd00:91:5::33]");
    assert_eq!(in_url("fe80::1%eth0"), "[fe80::1%25eth0]");
    assert_eq!(in_url("203.0.113.7"), "203.0.113.7");
    only::<Address>(
        &["fe80::1%eth0"],
        &["", "-oProxyCommand=x", "a b", "a/b", "[x]"],
    );
}

#[test]
fn keys_and_places() {
    only::<HostKey>(
        &["ssh-ed25519 AAAA", "ssh-ed25519 AAAA+/= root@host"],
        &[
            "ecdsa-sha2-nistp256 AAAA",
            "ssh-ed25519 ",
            "ssh-ed25519 AAAA\nx",
            "ssh-ed25519 AA…",
        ],
    );
    only::<HttpUrl>(
        &["https://s3.example.com", "http://127.0.0.1:9000/v1"],
        &[
            "s3.example.com",
            "ftp://a",
            "https://",
            "https://u:p@a",
            "https://a b",
            "",
        ],
    );
    assert!(read::<HttpUrl>("https://a").unwrap().is_https());
    assert!(!read::<HttpUrl>("http://a").unwrap().is_https());
}

#[test]
fn times() {
    only::<TimeOfDay>(
        &["03:00", "23:59"],
        &["3am", "24:00", "3:00", "03:60", "+3:00", ""],
    );
    only::<DayAndTime>(&["Sun 04:00"], &["sun 04:00", "Sun", "Sun 4:00", "04:00"]);
}

#[test]
fn numbers_say_their_range() {
    assert_eq!(*read::<WholeNumber<1, 10>>(10).unwrap(), 10);
    for wrong in [
        json!(0),
        json!(11),
        json!(-1),
        json!(1.5),
        json!("5"),
        json!(u64::MAX),
        json!([]),
    ] {
        let why = read::<WholeNumber<1, 10>>(wrong).unwrap_err();
        assert!(why.contains("a number from 1 to 10"), "{why}");
    }
    assert_eq!(*read::<Port>(65535).unwrap(), 65535);
    assert!(read::<Port>(65536).is_err());
    assert!(read::<Port>(0).is_err());
    assert_eq!(*WholeNumber::<5, 10>::near(1), 5);
}

#[test]
#[allow(clippy::float_cmp)] // they are the same numbers, not results
fn money_is_above_nothing() {
    assert_eq!(*read::<Money>(30).unwrap(), 30.0);
    assert_eq!(*read::<Money>(0.01).unwrap(), 0.01);
    for wrong in [json!(0), json!(-3), json!(-0.5), json!("30"), json!(1e10)] {
        assert!(read::<Money>(wrong).unwrap_err().contains("above 0"));
    }
}

/// What a host or a bucket could send to be led elsewhere with.
#[test]
fn what_is_stored_leads_nowhere() {
    let astray = [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        "/etc",
        ".hidden",
        "-rf",
        "a\nb",
        "a\u{1b}[2J",
        "a b",
        "a\0",
        "a:b",
        "ñ",
        "a\u{202e}b",
        "%2e%2e",
        "$(x)",
        "a;b",
        "*",
    ];
    only::<BackupName>(&["citrino_20261125_030000"], &astray);
    only::<ReleaseId>(&["20261129T211408Z-1a2b3c4d5e6f"], &astray);
    only::<Sha256>(&["a".repeat(64).as_str()], &astray);
    let digest = "0123456789abcdef".repeat(4);
    assert!(read::<Sha256>(digest.clone()).is_ok());
    assert!(read::<Sha256>(digest.to_uppercase()).is_err());
    assert!(read::<Sha256>(&digest[1..]).is_err());
    let why = read::<BackupName>("a\u{1b}[2J\u{202e}").unwrap_err();
    assert!(!why.contains(['\u{1b}', '\u{202e}']), "{why:?}");
}

proptest! {
    #[test]
    fn no_text_makes_them_panic(text in any::<String>()) {
        let _ = read::<StackName>(text.clone());
        let _ = read::<DatabaseName>(text.clone());
        let _ = read::<RoleName>(text.clone());
        let _ = read::<Variable>(text.clone());
        let _ = read::<Word>(text.clone());
        let _ = read::<Domain>(text.clone());
        let _ = read::<Address>(text.clone());
        let _ = read::<Cidr>(text.clone());
        let _ = read::<PrivateNetwork>(text.clone());
        let _ = read::<HostKey>(text.clone());
        let _ = read::<Login>(text.clone());
        let _ = read::<Email>(text.clone());
        let _ = read::<HttpUrl>(text.clone());
        let _ = read::<TimeOfDay>(text.clone());
        let _ = read::<DayAndTime>(text.clone());
    }

    /// Whatever is taken stays within its folder.
    #[test]
    fn what_is_taken_is_one_part_of_a_path(text in "[./a\\-\\\\\n]{0,12}") {
        if let Ok(name) = read::<BackupName>(text) {
            let mut parts = std::path::Path::new(&*name).components();
            prop_assert!(matches!(parts.next(), Some(std::path::Component::Normal(_))));
            prop_assert!(parts.next().is_none());
        }
    }

    #[test]
    fn what_is_taken_reads_back_the_same(text in "[A-Za-z0-9.:/%-]{1,20}") {
        if let Ok(address) = read::<Address>(text.clone()) {
            prop_assert_eq!(read::<Address>(address.to_string()).unwrap(), address);
        }
        if let Ok(network) = read::<Cidr>(text) {
            prop_assert_eq!(read::<Cidr>(network.to_string()).unwrap(), network);
        }
    }
}

#[test]
fn what_an_application_is_called_and_told() {
    only::<SystemName>(
        &["shop", "shop-web_2"],
        &[
            "", "1a", "Shop", "a b", "root", "postgres", "a/b", "-a", "a.b",
        ],
    );
    assert!(read::<SystemName>("a".repeat(32)).is_err());
    only::<HostPath>(
        &["/srv/shop", "/a.b/c-d_e"],
        &[
            "", "/", "a", "/a/../b", "/a/", "//a", "/a b", "/a/.", "/%i", "/a\n",
        ],
    );
    only::<InnerPath>(
        &["a", "checks/places.sql"],
        &["", "/a", "../a", "a/../b", "a//b", "./a"],
    );
    only::<Route>(
        &["/", "/api/health?x=1"],
        &["", "api", "/a b", "/a\"", "/a;", "/a\n", "/{x}"],
    );
    only::<Argument>(
        &["serve", "--bind", "{bind}"],
        &["", "a b", "$x", "%i", "\"", "\\", "a\n"],
    );
    only::<Flag>(
        &["--unit", "--a-b"],
        &["", "-u", "--", "unit", "--a b", "---a"],
    );
    only::<TextLine>(&["Come back later."], &["", "a\nb", "\u{1b}[31m"]);
}
