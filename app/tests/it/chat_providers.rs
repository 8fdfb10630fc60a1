//! The chat with providers that fail, each in its way.

use serde_json::json;

use crate::app::{App, citrino, eventually};
use crate::chat::ask;
use crate::chat_models::{KEY, QUESTION, app, faults, honest};
use crate::cluster::Database;
use crate::provider::{Behaviour, Provider};

#[test]
fn a_provider_that_fails_hands_over_to_the_next() {
    let Some(database) = Database::loaded() else {
        return;
    };
    for (script, fault, requests) in [
        (vec![Behaviour::Refuse(500, "")], "server_error", 2),
        (
            vec![Behaviour::Refuse(429, "retry-after: 0")],
            "rate_limit",
            2,
        ),
        // Longer than anybody waits.
        (
            vec![Behaviour::Refuse(429, "retry-after: 3600")],
            "rate_limit",
            1,
        ),
        (vec![Behaviour::Refuse(401, "")], "auth_error", 1),
        (vec![Behaviour::Refuse(404, "")], "rejected", 1),
        (
            vec![Behaviour::Refuse(302, "location: http://127.0.0.1:1/")],
            "rejected",
            1,
        ),
        (vec![Behaviour::Cut], "invalid_answer", 1),
        (vec![Behaviour::Nonsense], "invalid_answer", 1),
        (vec![Behaviour::Hang], "timeout", 1),
    ] {
        let bad = Provider::start(script);
        let good = Provider::start(vec![Behaviour::Tell(honest)]);
        let (app, _key) = app(&database, &[&bad, &good], "");
        let answer = ask(&app, QUESTION);
        assert_eq!(faults(&answer), [("p1".to_owned(), fault.to_owned())]);
        assert_eq!(
            (&answer["provider_usado"], &answer["fallback_activado"]),
            (&json!("p2"), &json!(true)),
            "{fault}"
        );
        assert_eq!(bad.asked().len(), requests, "{fault}");
        let told = format!("{answer}{:?}", app.log());
        assert!(!told.contains(KEY), "the key is told");
    }
}

#[test]
fn a_second_try_may_succeed() {
    let Some(database) = Database::loaded() else {
        return;
    };
    for first in [
        Behaviour::Refuse(429, "retry-after: 1"),
        Behaviour::Refuse(503, ""),
    ] {
        let provider = Provider::start(vec![first, Behaviour::Tell(honest)]);
        let (app, _key) = app(&database, &[&provider], "");
        let answer = ask(&app, QUESTION);
        assert_eq!(
            (&answer["llm_usado"], &answer["fallback_activado"]),
            (&json!(true), &json!(false))
        );
        assert_eq!(provider.asked().len(), 2);
    }
}

#[test]
fn the_deadline_holds_for_all_providers_together() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let (one, two) = (
        Provider::start(vec![Behaviour::Hang]),
        Provider::start(vec![Behaviour::Hang]),
    );
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key");
    std::fs::write(&key, KEY).unwrap();
    let key = key.to_str().unwrap();
    let settings = format!(
        "chat:\n  deadline_s: 1\n  providers:\n{}{}",
        one.patient_setting("p1", key, 600),
        two.patient_setting("p2", key, 600)
    );
    let app = App::start_with(&database.url(), &settings);
    let answer = ask(&app, QUESTION);
    let timeout = |name: &str| (name.to_owned(), "timeout".to_owned());
    assert_eq!(faults(&answer), [timeout("p1"), timeout("p2")]);
    assert!(answer["respuesta"].as_str().unwrap().starts_with("Hay "));
}

#[test]
fn a_provider_that_keeps_failing_is_left_alone() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let provider = Provider::start(vec![Behaviour::Nonsense]);
    let (app, _key) = app(&database, &[&provider], "");
    for _ in 0..3 {
        assert_eq!(faults(&ask(&app, QUESTION))[0].1, "invalid_answer");
    }
    assert_eq!(faults(&ask(&app, QUESTION))[0].1, "circuit_open");
    assert_eq!(provider.asked().len(), 3);

    // One that asks to be left alone is, at once.
    let provider = Provider::start(vec![Behaviour::Refuse(429, "retry-after: 3600")]);
    let (app, _key) = super::chat_models::app(&database, &[&provider], "");
    assert_eq!(faults(&ask(&app, QUESTION))[0].1, "rate_limit");
    assert_eq!(faults(&ask(&app, QUESTION))[0].1, "circuit_open");
    assert_eq!(provider.asked().len(), 1);
}

#[test]
fn more_conversations_than_allowed_get_the_template() {
    let Some(database) = Database::loaded() else {
        return;
    };
    let provider = Provider::start(vec![Behaviour::Hold]);
    let (app, _key) = app(&database, &[&provider], "  max_concurrent: 1\n");
    std::thread::scope(|scope| {
        let first = scope.spawn(|| ask(&app, QUESTION));
        eventually("the first is under way", || !provider.asked().is_empty());
        assert_eq!(faults(&ask(&app, QUESTION))[0].1, "busy");
        provider.let_go();
        assert_ne!(faults(&first.join().unwrap())[0].1, "busy");
    });
}

#[test]
fn settings_of_providers_are_refused_by_name() {
    let Some(database) = Database::loaded() else {
        return;
    };
    for (provider, expected) in [
        (
            "{name: x, base_url: 'http://ejemplo.test/v1', model: m}",
            "would show the key",
        ),
        (
            "{name: x, base_url: 'https://u:clave@ejemplo.test', model: m}",
            "neither a user nor a password",
        ),
        ("{name: x, base_url: nada, model: m}", "is not a URL"),
        (
            "{name: x, base_url: 'https://ejemplo.test', model: m, key_file: /nada/aqui}",
            "cannot be read",
        ),
        (
            "{name: x, base_url: 'https://ejemplo.test', model: m, key: secreto}",
            "unknown field",
        ),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("app.yml");
        std::fs::write(
            &config,
            format!("bind: 127.0.0.1:0\nchat: {{providers: [{provider}]}}\n"),
        )
        .unwrap();
        let run = citrino(&database, &["serve", "--config", config.to_str().unwrap()]);
        assert_ne!(run.code, 0);
        assert!(run.err.contains(expected), "{provider}: {}", run.err);
        assert!(!run.err.contains("clave"), "{}", run.err);
    }
}
