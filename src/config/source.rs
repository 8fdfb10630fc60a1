//! Reach: where secrets come from on the operator's machine.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::config::sealed::SealedFile;
use crate::config::stack::{SecretSource, Stack, UrlSource};
pub use crate::config::variable::variable;
use crate::core::error::{Code, Fault};
use crate::core::secret::{STAND_IN, Secret};

/// Which sources of secrets are asked. For the others something stands in: nothing that is made with it leaves this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretReading {
    All,
    /// Of a file from elsewhere they are somebody else's programs.
    WithoutCommands,
    Nothing,
}

/// The value of every secret of the stack, by name.
///
/// # Errors
/// E0103 with the secret's name and its source, never with what the source said.
pub fn secrets(stack: &Stack, reading: SecretReading) -> Result<Vec<(String, Secret)>> {
    stack
        .secrets
        .iter()
        .map(|(name, source)| {
            let key = format!("secrets.{name}");
            Ok((
                name.to_string(),
                in_one_line(&key, read(stack, &key, source, reading)?)?,
            ))
        })
        .collect()
}

/// The name of `backup.signing_key` among the secrets of backups.
pub const SIGNING_KEY: &str = "SIGNING_KEY";

/// What backups alone need, by the name that templates know it by. It never goes into the app's environment.
///
/// # Errors
/// As `secrets`.
pub fn backup_secrets(stack: &Stack, reading: SecretReading) -> Result<Vec<(String, Secret)>> {
    let backup = &stack.backup;
    let passphrase = backup.pitr_passphrase.iter();
    let passphrase = passphrase.map(|source| ("PITR_PASSPHRASE", "pitr_passphrase", source));
    let s3 = backup.s3.iter();
    let s3 = s3.flat_map(|s3| {
        [
            ("S3_KEY_ID", "s3.key_id", &s3.key_id),
            ("S3_SECRET", "s3.secret", &s3.secret),
        ]
    });
    let read = |(name, key, source): (&str, _, _)| {
        let key = format!("backup.{key}");
        let secret = in_one_line(&key, read(stack, &key, source, reading)?)?;
        Ok((name.to_owned(), secret))
    };
    let signing = backup.signing_key.iter();
    let signing = signing.map(|source| (SIGNING_KEY, "signing_key", source));
    passphrase.chain(signing).chain(s3).map(read).collect()
}

/// The name of the relay's password among the secrets of alerts.
pub const RELAY_PASSWORD: &str = "RELAY_PASSWORD";
/// The name of `alerts.heartbeat` among them.
pub const HEARTBEAT: &str = "HEARTBEAT";
/// The name of `monitoring.password` among them.
pub const METRICS_PASSWORD: &str = "METRICS_PASSWORD";

/// What alerts and monitoring alone need: the relay's password, that of Prometheus, and URLs that whoever knows them may use; those of webhooks by their place in
/// the list.
///
/// # Errors
/// As `secrets`.
pub fn alert_secrets(stack: &Stack, reading: SecretReading) -> Result<Vec<(String, Secret)>> {
    let mut secrets = Vec::new();
    let relay = stack.alerts.relay.as_ref();
    if let Some(source) = relay.and_then(|relay| relay.password.as_ref()) {
        let key = "alerts.relay.password";
        let secret = in_one_line(key, read(stack, key, source, reading)?)?;
        secrets.push((RELAY_PASSWORD.to_owned(), secret));
    }
    if let Some(url) = &stack.alerts.heartbeat {
        let url = url_of(stack, "alerts.heartbeat", url, reading)?;
        secrets.push((HEARTBEAT.to_owned(), url));
    }
    if let Some(source) = &stack.monitoring.password {
        let key = "monitoring.password";
        let secret = in_one_line(key, read(stack, key, source, reading)?)?;
        secrets.push((METRICS_PASSWORD.to_owned(), secret));
    }
    for (index, notify) in stack.notify.iter().enumerate() {
        let url = url_of(stack, &format!("notify.{index}.url"), &notify.url, reading)?;
        secrets.push((hook_name(index), url));
    }
    Ok(secrets)
}

/// The name of a webhook's URL among the secrets of alerts.
pub fn hook_name(index: usize) -> String {
    format!("NOTIFY_{index}")
}

/// # Errors
/// E0103 when it is no URL, without what it is.
fn url_of(stack: &Stack, key: &str, url: &UrlSource, reading: SecretReading) -> Result<Secret> {
    let source = match url {
        UrlSource::Plain(url) => return Ok(Secret::new(url.to_string())),
        UrlSource::From(source) => source,
    };
    let secret = in_one_line(key, read(stack, key, source, reading)?)?;
    let parsed = reqwest::Url::parse(secret.reveal()).ok();
    let is_url = parsed.is_some_and(|url| matches!(url.scheme(), "http" | "https"));
    if is_url || secret.is_stand_in() {
        return Ok(secret);
    }
    let message = format!("{key} is not available: its source gives what is no URL");
    Err(Fault::new(Code::E0103, message)
        .hint("it must be an URL such as https://HOST/…")
        .into())
}

/// A secret that goes into a file of settings, which has a line for each.
fn in_one_line(key: &str, secret: Secret) -> Result<Secret> {
    let lines = secret.reveal().lines().count();
    if lines <= 1 && !secret.reveal().contains('\r') {
        return Ok(secret);
    }
    let message = format!("{key} has {lines} lines, and a setting of the host has one");
    Err(Fault::new(Code::E0103, message)
        .hint("encode it, as with base64, and let the app decode it")
        .into())
}

/// Every source that citrino.yml names, by its key.
pub fn all(stack: &Stack) -> Vec<(String, &SecretSource)> {
    let secrets = stack.secrets.iter();
    let secrets = secrets.map(|(name, source)| (format!("secrets.{name}"), source));
    let backup = &stack.backup;
    let own = [
        ("pitr_passphrase", &backup.pitr_passphrase),
        ("signing_key", &backup.signing_key),
    ];
    let own = own
        .into_iter()
        .filter_map(|(key, source)| Some((key, source.as_ref()?)));
    let s3 = backup.s3.iter();
    let s3 = s3.flat_map(|s3| [("s3.key_id", &s3.key_id), ("s3.secret", &s3.secret)]);
    let backup = own.chain(s3);
    let backup = backup.map(|(key, source)| (format!("backup.{key}"), source));
    let token = stack.cloud.iter().filter_map(|cloud| cloud.token.as_ref());
    let token = token.map(|source| ("cloud.token".to_owned(), source));
    let alerts = sources_of_alerts(stack);
    secrets.chain(backup).chain(token).chain(alerts).collect()
}

/// The keys of those that only a command gives.
pub fn by_command(stack: &Stack) -> Vec<String> {
    let all = all(stack).into_iter();
    all.filter(|(key, source)| matches!(source, SecretSource::Command(_)) && key != "cloud.token")
        .map(|(key, _)| key)
        .collect()
}

/// Each with its key.
fn sources_of_alerts(stack: &Stack) -> Vec<(String, &SecretSource)> {
    let mut urls = vec![];
    if let Some(url) = stack.alerts.heartbeat.as_ref() {
        urls.push(("alerts.heartbeat".to_owned(), url));
    }
    for (index, notify) in stack.notify.iter().enumerate() {
        urls.push((format!("notify.{index}.url"), &notify.url));
    }
    let urls = urls.into_iter().filter_map(|(key, url)| match url {
        UrlSource::From(source) => Some((key, source)),
        UrlSource::Plain(_) => None,
    });
    let relay = stack.alerts.relay.as_ref();
    let password = relay.and_then(|relay| relay.password.as_ref());
    let password = password.map(|source| ("alerts.relay.password".to_owned(), source));
    let metrics = stack.monitoring.password.as_ref();
    let metrics = metrics.map(|source| ("monitoring.password".to_owned(), source));
    urls.chain(password).chain(metrics).collect()
}

/// Whether a source gives a value.
///
/// # Errors
/// E0103 or E0104 with the reason, never with what the source said.
pub fn resolves(stack: &Stack, key: &str, source: &SecretSource) -> Result<()> {
    in_one_line(key, read(stack, key, source, SecretReading::All)?).map(drop)
}

/// What opens encrypted backups, when this machine has it: the key file that is named with the command, or in citrino.yml.
///
/// # Errors
/// E0103 when the file is named and cannot be read.
pub fn identities(stack: &Stack, named: Option<&Path>) -> Result<Vec<Secret>> {
    let path = named.map(Path::to_owned);
    let path = path.or_else(|| {
        stack
            .backup
            .identity
            .as_ref()
            .map(|path| stack.resolve(path))
    });
    path.into_iter()
        .map(|path| {
            read(
                stack,
                "backup.identity",
                &SecretSource::File(path),
                SecretReading::All,
            )
        })
        .collect()
}

/// Holds the token of the Hetzner API, before what citrino.yml names.
pub const TOKEN: &str = "HCLOUD_TOKEN";

/// The token of the Hetzner API: the environment's, or the one that citrino.yml names.
///
/// # Errors
/// E0301 when there is neither.
pub fn token(stack: &Stack) -> Result<Secret> {
    if let Some(token) = variable(TOKEN) {
        return Ok(Secret::new(token));
    }
    let source = stack.cloud.as_ref().and_then(|cloud| cloud.token.as_ref());
    match source {
        Some(source) => read(stack, "cloud.token", source, SecretReading::All),
        None => Err(Fault::new(Code::E0301, "there is no token for the Hetzner API")
            .hint("set HCLOUD_TOKEN to a read and write token of the project, or name its source in cloud.token")
            .into()),
    }
}

fn read(stack: &Stack, key: &str, source: &SecretSource, reading: SecretReading) -> Result<Secret> {
    let wrong = |why: String, hint: &str| {
        anyhow::Error::from(
            Fault::new(Code::E0103, format!("{key} is not available: {why}")).hint(hint),
        )
    };
    let value = match source {
        _ if reading == SecretReading::Nothing => return Ok(Secret::new(STAND_IN)),
        SecretSource::Env(name) => std::env::var(name).map_err(|_| {
            wrong(
                format!("the environment variable {name} is not set"),
                &format!("export {name}, or name another source in citrino.yml"),
            )
        })?,
        SecretSource::File(path) => {
            let path = stack.resolve(path);
            std::fs::read_to_string(&path).map_err(|error| {
                wrong(
                    format!("{} could not be read: {error}", path.display()),
                    "put the secret there, readable by you alone, or name another source in citrino.yml",
                )
            })?
        }
        SecretSource::Age(name) => sealed(stack, key, name)?,
        SecretSource::Command(_) if reading == SecretReading::WithoutCommands => {
            return Ok(Secret::new(STAND_IN));
        }
        SecretSource::Command(line) => command(stack, line)
            .map_err(|why| wrong(why, "run the command by hand to see why it fails"))?,
    };
    // Files from Windows begin with a mark and end their lines with two characters.
    let value = value.strip_prefix('\u{FEFF}').unwrap_or(&value);
    let value = value.trim_end_matches(['\n', '\r']);
    if value.is_empty() {
        return Err(wrong(
            "its source gives nothing".to_owned(),
            "give it a value, or take it out of citrino.yml",
        ));
    }
    Ok(Secret::new(value))
}

/// The value of a name in secrets.age.
fn sealed(stack: &Stack, key: &str, name: &str) -> Result<String> {
    let file = SealedFile::of(&stack.folder);
    let secrets = file
        .read()
        .with_context(|| format!("{key} is not available"))?;
    let why = match secrets.get(name) {
        Some(secret) => return Ok(secret.reveal().to_owned()),
        None if file.is_there() => format!("secrets.age has no {name}"),
        None => "there is no secrets.age".to_owned(),
    };
    Err(
        Fault::new(Code::E0103, format!("{key} is not available: {why}"))
            .hint(format!("`citrino-ops secrets set {name}` gives it a value"))
            .into(),
    )
}

/// What the command says on stderr is the operator's to see; what it says on stdout is the secret.
fn command(stack: &Stack, line: &str) -> Result<String, String> {
    let output = Command::new("sh")
        .args(["-c", line])
        .current_dir(&stack.folder)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`sh` could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!(
            "its command ended with {}",
            output.status.code().unwrap_or(-1)
        ));
    }
    String::from_utf8(output.stdout).map_err(|_| "its command printed what is no text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(secrets_yaml: &str) -> Result<Vec<(String, Secret)>, String> {
        let text = format!(
            "stack: prod\ndomain: example.com\nhost: {{ address: 203.0.113.7, host_key: ssh-ed25519 AAAA }}\nsecrets: {secrets_yaml}\n"
        );
        let mut stack = Stack::parse(&text, "citrino.yml").map_err(|error| format!("{error:#}"))?;
        stack.folder = "/".into();
        secrets(&stack, SecretReading::All).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn a_command_gives_its_output_without_the_last_line_end() {
        let found = told("{ KEY: { command: \"printf 'a b\\n'\" } }").unwrap();
        assert_eq!(found[0].1.reveal(), "a b");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_secret() {
        let found =
            told("{ KEY: { command: \"printf '\\\\357\\\\273\\\\277secret\\r\\n'\" } }").unwrap();
        assert_eq!(found[0].1.reveal(), "secret");
    }

    #[test]
    fn a_secret_of_more_lines_is_refused_by_its_name() {
        let error = told("{ KEY: { command: \"printf 'hunter2\\\\nline2\\\\n'\" } }").unwrap_err();
        assert!(error.starts_with("secrets.KEY has 2 lines"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn a_source_that_gives_nothing_is_named_and_its_words_are_not() {
        for (source, wished) in [
            ("{ env: CITRINO_NO_SUCH }", "CITRINO_NO_SUCH is not set"),
            (
                "{ file: /nonexistent/key }",
                "/nonexistent/key could not be read",
            ),
            ("{ command: \"echo hunter2; exit 3\" }", "ended with 3"),
            ("{ command: \"true\" }", "gives nothing"),
        ] {
            let error = told(&format!("{{ KEY: {source} }}")).unwrap_err();
            assert!(error.starts_with("secrets.KEY is not available"), "{error}");
            assert!(
                error.contains(wished) && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
