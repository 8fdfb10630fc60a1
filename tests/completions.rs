//! What a shell completes, asked in the shell itself.

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests, and does not see that helpers are of a test

use std::fs;
use std::process::Command;

mod need;

const CONFIG: &str = "stack: prod\ndomain: example.com\nhost: { address: 127.0.0.1, port: 9, host_key: ssh-ed25519 AAAA }\n";
const SEEN: &str = r#"{"releases": ["20261129T101010Z-0123abcd"], "backups": ["citrino_20261129_030000", "citrino_20261128_030000"]}"#;

/// What is typed, and what the shell offers for its last word.
const TYPED: [(&[&str], &[&str]); 6] = [
    (&["rollb"], &["rollback"]),
    (&["backup", "dr"], &["drill"]),
    (&["rollback", "2026"], &["20261129T101010Z-0123abcd"]),
    (
        &["backup", "verify", "citrino_20261128"],
        &["citrino_20261128_030000"],
    ),
    (
        &["restore", "citrino_"],
        &["citrino_20261129_030000", "citrino_20261128_030000"],
    ),
    (&["explain", "E0526"], &["E0526"]),
];

/// How a shell is asked: its program, and a script that prints the candidates for the words behind it.
struct Shell {
    program: &'static str,
    options: &'static [&'static str],
    script: &'static str,
}

const SHELLS: [Shell; 3] = [
    Shell {
        program: "bash",
        options: &["--norc", "-c"],
        script: r#"source <(citrino-ops completions bash)
            COMP_WORDS=(citrino-ops "$@"); COMP_CWORD=$#; COMP_TYPE=9
            function=$(complete -p citrino-ops); function=${function##*-F }; ${function% *} citrino-ops "${!#}" x
            printf '%s\n' "${COMPREPLY[@]}""#,
    },
    Shell {
        program: "zsh",
        options: &["-f", "-c"],
        // What `compinit` would bring; `_describe` is where the candidates arrive.
        script: r#"compdef() { asked=$1; }; _describe() { print -l -- "${(@P)3}"; }
            source <(citrino-ops completions zsh)
            words=(citrino-ops "$@"); CURRENT=$#words; $asked"#,
    },
    Shell {
        program: "fish",
        options: &["--no-config", "-c"],
        script: "citrino-ops completions fish | source; complete -C \"citrino-ops $argv\"",
    },
];

#[test]
fn every_shell_completes_verbs_releases_backups_and_codes() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache/citrino-ops/prod");
    fs::create_dir_all(&cache).unwrap();
    fs::write(cache.join("seen.json"), SEEN).unwrap();
    fs::write(folder.path().join("citrino.yml"), CONFIG).unwrap();
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_citrino-ops"));
    let path = format!(
        "{}:{}",
        programs.parent().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    for shell in &SHELLS {
        let mut asked = 0;
        for (words, offered) in TYPED {
            let mut command = Command::new(shell.program);
            command.args(shell.options).arg(shell.script);
            if shell.program != "fish" {
                command.arg(shell.program);
            }
            command
                .args(words)
                .current_dir(folder.path())
                .env_clear()
                .env("PATH", &path)
                .env("HOME", folder.path())
                .env("XDG_CACHE_HOME", folder.path().join("cache"));
            let Ok(said) = command.output() else { break };
            let text = String::from_utf8_lossy(&said.stdout).into_owned();
            // A description stands behind a colon or a tab.
            let found: Vec<&str> = text
                .lines()
                .filter_map(|line| line.split([':', '\t']).next())
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .collect();
            let error = String::from_utf8_lossy(&said.stderr);
            assert_eq!(found, offered, "{}: {words:?}: {error}", shell.program);
            asked += 1;
        }
        if asked == 0 {
            need::skipped(&format!("{} is needed to complete in it", shell.program));
        }
    }
}

/// The verbs of the host's side are nothing that a person types.
#[test]
fn what_hides_itself_is_not_offered() {
    let folder = tempfile::tempdir().unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_citrino-ops"))
        .args(["--", "citrino-ops", ""])
        .env_clear()
        .env("HOME", folder.path())
        .env("CITRINO_OPS_COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", "1")
        .env("_CLAP_IFS", "\n")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8(said.stdout).unwrap();
    let words: Vec<&str> = text.lines().collect();
    assert!(words.contains(&"converge"), "{text}");
    for hidden in ["agent", "guard", "scheduled"] {
        assert!(!words.contains(&hidden), "{text}");
    }
}
