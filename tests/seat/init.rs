//! `init` by the real binary: what it writes is sound, with a person and without one, and nothing that is there is overwritten.

use std::fs;

use crate::secrets::{Conversation, Home};

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV ana\n";

/// A home with a key to log in with, and nothing else.
fn home() -> Home {
    let home = Home::new();
    fs::remove_file(home.path("citrino.yml")).unwrap();
    fs::create_dir(home.path(".ssh")).unwrap();
    fs::write(home.path(".ssh/id_ed25519.pub"), KEY).unwrap();
    home
}

#[test]
fn without_a_person_options_and_defaults_make_a_sound_file() {
    for options in [
        "--stack shop",
        "--server-type cx23 --location fsn1 --secrets",
        "--letsencrypt --alerts ana@example.com --relay smtp.example.com",
        "--host 203.0.113.7 --host-key KEY --ssh-user ana --ssh-port 2222",
    ] {
        let home = home();
        let words: Vec<&str> = options
            .split(' ')
            .map(|word| {
                if word == "KEY" {
                    KEY.trim_end_matches(" ana\n")
                } else {
                    word
                }
            })
            .collect();
        let words = [&["init", "--yes", "--domain", "shop.example.com"], &*words].concat();
        let (code, said) = home.told_words(&words, "");
        assert_eq!(code, 0, "{options}: {said}");
        assert!(said.contains("next 1: "), "{said}");
        let (code, said) = home.told("validate", "");
        assert_eq!(code, 0, "{options}: {said}");
        for name in ["citrino.schema.json", ".gitignore"] {
            assert!(home.path(name).exists(), "{name}");
        }
        assert_eq!(
            home.path("secrets.age").exists(),
            options.contains("--secrets")
        );
    }
}

#[test]
fn what_is_there_is_not_overwritten() {
    let home = home();
    for name in [".gitignore", "secrets.age", "citrino.schema.json"] {
        fs::write(home.path(name), "mine").unwrap();
    }
    let (code, said) = home.told(
        "init --yes --domain shop.example.com --stack shop --secrets",
        "",
    );
    assert_eq!(code, 0, "{said}");
    for name in [".gitignore", "secrets.age", "citrino.schema.json"] {
        assert_eq!(
            fs::read_to_string(home.path(name)).unwrap(),
            "mine",
            "{name}"
        );
    }
    let before = fs::read(home.path("citrino.yml")).unwrap();
    let (code, said) = home.told("init --yes --domain other.example.com", "");
    assert!(code == 7 && said.contains("E0106"), "{said}");
    assert_eq!(fs::read(home.path("citrino.yml")).unwrap(), before);
}

#[test]
fn where_nobody_can_be_asked_nothing_is_guessed() {
    let home = home();
    for (line, part) in [
        ("init", "no terminal"),
        ("init --yes", "--domain is not given"),
        (
            "-e staging init --yes --domain a.example.com",
            "and no other file",
        ),
        (
            "init --yes --domain a.example.com --host 203.0.113.7",
            "--host-key is not given",
        ),
    ] {
        let (code, said) = home.told(line, "");
        assert!(code != 0 && said.contains(part), "{line}: {said}");
        assert!(!home.path("citrino.yml").exists(), "{line}");
    }
}

#[test]
fn a_conversation_ends_with_a_sound_file() {
    let home = home();
    let mut talk = Conversation::begin(&home, "init");
    for (question, keys) in [
        ("Where does the stack live?", "\r"),
        ("Name of the stack", "shop\r"),
        ("Domain that users type", "not a name\r"),
        (
            "Domain that users type",
            "\u{15}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}shop.example.com\r",
        ),
        ("Server type", "\r"),
        ("Location", "\r"),
        // The second of the list.
        ("System", "\u{1b}[B\r"),
        ("Have Let's Encrypt issue", "y"),
        ("Mail address for alerts", "ana@example.com\r"),
        ("Mail server that takes", "smtp.example.com\r"),
        ("Account at the mail server", "shop\r"),
        ("Bucket for copies", "\r"),
        ("secrets.age, an encrypted file", "y"),
    ] {
        talk.hear(question);
        talk.say(keys);
    }
    let said = talk.end();
    assert!(said.contains("wrote citrino.yml"), "{said}");
    let yml = fs::read_to_string(home.path("citrino.yml")).unwrap();
    for part in [
        "stack: shop ",
        "domain: shop.example.com\n",
        "image: ubuntu-22.04\n",
        "tls: { issuer: letsencrypt }",
        "relay: { host: smtp.example.com, user: \"shop\", password: { age: RELAY_PASSWORD } }",
        "DB_PASSWORD: { age: DB_PASSWORD }",
    ] {
        assert!(yml.contains(part), "{part}: {yml}");
    }
    let (code, said) = home.told("secrets set RELAY_PASSWORD", "word\n");
    assert_eq!(code, 0, "{said}");
    let (code, said) = home.told("validate", "");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn who_breaks_it_off_has_written_nothing() {
    let home = home();
    let mut talk = Conversation::begin(&home, "init");
    talk.hear("Where does the stack live?");
    let said = talk.break_off();
    assert!(
        said.contains("Cancelled") && !home.path("citrino.yml").exists(),
        "{said}"
    );
}
