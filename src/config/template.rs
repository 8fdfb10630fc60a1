//! Templates: embedded in the binary, overridden by a folder `templates/` beside citrino.yml.

use anyhow::{Context as _, Result};
use include_dir::{Dir, include_dir};
use serde::Serialize;
use serde_json::Value;
use tera::{Context, ErrorKind, Kwargs, State, Tera};

use super::files::{NamedFiles, embedded};
use crate::core::error::{Code, Fault};
use crate::core::secret::{DOTS, Secret};
use crate::task::file::FileContent;

static EMBEDDED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
/// How the names of embedded templates end.
const TEMPLATE: &str = ".tera";

/// What templates and playbooks may name. There are two of it: `open` shows dots for secrets and
/// is all that a playbook sees; `whole` has their values and only templates are rendered with it.
#[derive(Clone)]
pub struct Values {
    open: Context,
    whole: Context,
}

impl Values {
    pub fn new(secrets: &[(String, Secret)]) -> Self {
        let (open, whole) = (Context::new(), Context::new());
        Self { open, whole }.with_secrets("secrets", secrets)
    }

    /// Secrets below a name of their own.
    pub fn with_secrets(mut self, name: &'static str, secrets: &[(String, Secret)]) -> Self {
        let map = |show: fn(&Secret) -> String| {
            secrets
                .iter()
                .map(|(name, secret)| (name.clone(), show(secret)))
                .collect::<std::collections::BTreeMap<_, _>>()
        };
        self.open.insert(name, &map(|_| DOTS.to_owned()));
        self.whole
            .insert(name, &map(|secret| secret.reveal().to_owned()));
        self
    }

    /// A value that has secrets in it, and the same with dots in their place.
    pub fn with_hidden<T: Serialize>(mut self, name: &'static str, whole: &T, open: &T) -> Self {
        self.open.insert(name, open);
        self.whole.insert(name, whole);
        self
    }

    /// What another side has written down.
    pub fn with_all(mut self, values: &serde_json::Map<String, Value>) -> Self {
        for (name, value) in values {
            self.open.insert(name.clone(), value);
            self.whole.insert(name.clone(), value);
        }
        self
    }

    pub fn with<T: Serialize + ?Sized>(mut self, name: &'static str, value: &T) -> Self {
        self.open.insert(name, value);
        self.whole.insert(name, value);
        self
    }
}

pub struct Templates {
    tera: Tera,
    texts: Vec<NamedFiles>,
}

impl Templates {
    /// The embedded templates with the operator's over them.
    ///
    /// # Errors
    /// E0202 with file and line when one has a syntax error.
    pub fn with(own: Vec<(String, String)>) -> Result<Self> {
        let mut templates = shipped();
        templates.extend(own);
        Self::of(templates)
    }

    /// The names of the embedded ones.
    pub fn known() -> Vec<String> {
        let names = shipped().into_iter();
        names.map(|(name, _)| name).collect()
    }

    /// The embedded ones alone.
    pub fn own() -> Result<Self> {
        Self::of(shipped())
    }

    fn of(templates: Vec<(String, String)>) -> Result<Self> {
        let mut tera = Tera::new();
        tera.autoescape_on(Vec::<&str>::new());
        tera.register_filter("env_value", env_value);
        tera.register_filter("quoted", quoted);
        tera.register_filter("json", json);
        tera.register_filter("without", without);
        tera.add_raw_templates(templates.clone())
            .map_err(|error| explain(&error, "templates"))?;
        // A later one of a name takes the place of an earlier one.
        Ok(Self {
            tera,
            texts: templates,
        })
    }

    /// The texts of those in a folder; of one that was replaced both.
    pub fn texts_in(&self, folder: &str) -> impl Iterator<Item = &str> {
        let is_there = move |name: &str| {
            name.strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
        };
        let texts = self.texts.iter().filter(move |(name, _)| is_there(name));
        texts.map(|(_, text)| text.as_str())
    }

    /// Renders a template. A secret that went into it makes the whole content one: it is rendered
    /// once with dots and once with the values, and when these differ nobody may read it.
    pub fn render(&self, name: &str, values: &Values) -> Result<FileContent> {
        let whole = self
            .tera
            .render(name, &values.whole)
            .map_err(|error| explain(&error, &format!("templates/{name}")))?;
        let open = self
            .tera
            .render(name, &values.open)
            .map_err(|error| explain(&error, &format!("templates/{name}")))?;
        Ok(if whole == open {
            FileContent::Text(whole)
        } else {
            FileContent::Secret(Secret::new(whole))
        })
    }

    /// Renders a string of a playbook: no secret is known there.
    pub fn render_text(&self, text: &str, values: &Values) -> Result<String> {
        self.tera
            .render_str(text, &values.open, false)
            .map_err(|error| explain(&error, "expression").into())
    }

    /// Whether an expression such as `facts.os.id == "ubuntu"` holds.
    pub fn holds(&self, expression: &str, values: &Values) -> Result<bool> {
        let text = format!("{{% if {expression} %}}yes{{% endif %}}");
        Ok(self.render_text(&text, values)? == "yes")
    }

    /// The list that an expression such as `profile.smoke` names.
    ///
    /// # Errors
    /// E0202 when there is no such thing, or it is no list.
    pub fn list(&self, expression: &str, values: &Values) -> Result<Vec<Value>> {
        let text = self.render_text(&format!("{{{{ {expression} | json }}}}"), values)?;
        let no_list = || Fault::new(Code::E0202, format!("`{expression}` is not a list"));
        serde_json::from_str(&text).with_context(no_list)
    }
}

/// The embedded templates. The application profile lies beside them, and is none.
fn shipped() -> Vec<NamedFiles> {
    let mut files = embedded(&EMBEDDED);
    files.retain(|(name, _)| name.ends_with(TEMPLATE));
    files
}

/// Quotes a value for an environment file as systemd reads it (systemd.exec, `EnvironmentFile=`).
fn env_value(value: &str, _: Kwargs, _: &State) -> tera::TeraResult<String> {
    if value.contains('\n') {
        return Err(tera::Error::message(
            "a value for the environment has more than one line",
        ));
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{escaped}\""))
}

/// One word of nullmailer's `remotes`. It knows both quotes, and a backslash in the double ones alone; a text of several pieces, as a shell
/// takes it, is none for it.
#[allow(clippy::unnecessary_wraps)] // the shape of a filter
fn quoted(value: &str, _: Kwargs, _: &State) -> tera::TeraResult<String> {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    Ok(format!("\"{escaped}\""))
}

/// A list in one word, without the words that match one of the patterns, as ssh writes them.
#[allow(clippy::needless_pass_by_value)] // the shape of a filter
fn without(list: &str, given: Kwargs, _: &State) -> tera::TeraResult<String> {
    let patterns: String = given.must_get("patterns")?;
    let is_out = |word: &&str| patterns.split(',').any(|pattern| matches(pattern, word));
    let words: Vec<&str> = list.split(',').filter(|word| !is_out(word)).collect();
    // Where nothing would be left, nothing was said of the list.
    Ok(if words.is_empty() {
        list.to_owned()
    } else {
        words.join(",")
    })
}

/// Whether a word is what a pattern with `*` says.
fn matches(pattern: &str, word: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == word,
        Some((before, after)) => word.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|at| rest.is_char_boundary(at) && matches(after, &rest[at..]))
        }),
    }
}

/// A value as JSON, for files that programs read.
fn json(value: &tera::Value, _: Kwargs, _: &State) -> tera::TeraResult<String> {
    serde_json::to_string_pretty(value).map_err(|error| tera::Error::message(error.to_string()))
}

/// Tera's error as one sentence with file and line.
fn explain(error: &tera::Error, place: &str) -> Fault {
    let (ErrorKind::SyntaxError(report) | ErrorKind::RenderingError(report)) = error.kind() else {
        return Fault::new(Code::E0202, format!("{place}: {error}"));
    };
    let file = match report.filename() {
        "" | "__tera_one_off" => place.to_owned(),
        name => format!("templates/{name}"),
    };
    let line = report.span().start_line;
    Fault::new(Code::E0202, format!("{file}:{line}: {}", report.message()))
        .hint("mend that line, or give the value in citrino.yml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values::new(&[("KEY".to_owned(), Secret::new("s\"ecret"))]).with("port", &5001)
    }

    fn templates(text: &str) -> Templates {
        let mut templates = Templates {
            tera: Tera::new(),
            texts: Vec::new(),
        };
        templates.tera.register_filter("env_value", env_value);
        templates.tera.add_raw_template("env", text).unwrap();
        templates
    }

    #[test]
    fn a_secret_in_a_template_makes_its_content_secret() {
        let rendered = templates("P={{ port }}\nK={{ secrets.KEY | env_value }}\n")
            .render("env", &values())
            .unwrap();
        let FileContent::Secret(content) = rendered else {
            panic!("not secret")
        };
        assert_eq!(content.reveal(), "P=5001\nK=\"s\\\"ecret\"\n");
        let rendered = templates("P={{ port }}").render("env", &values()).unwrap();
        assert!(matches!(rendered, FileContent::Text(text) if text == "P=5001"));
    }

    #[test]
    fn an_undefined_variable_is_told_with_file_and_line() {
        let error = templates("a\nb {{ prot }}\n")
            .render("env", &values())
            .unwrap_err();
        let text = format!("{error:#}");
        assert!(text.starts_with("templates/env:2: "), "{text}");
        assert!(text.contains("prot"), "{text}");
    }

    #[test]
    fn maps_are_rendered_in_their_order_each_time() {
        let keys: Vec<String> = (0..40).map(|n| format!("k{n:02} ")).collect();
        let map: std::collections::BTreeMap<_, _> = keys.iter().map(|key| (key, 0)).collect();
        let wished = keys.concat();
        for _ in 0..3 {
            let values = Values::new(&[]).with("map", &map);
            let text = templates("")
                .render_text("{% for key, value in map %}{{ key }}{% endfor %}", &values)
                .unwrap();
            assert_eq!(text, wished);
        }
    }

    #[test]
    fn a_condition_holds_or_not() {
        let templates = templates("");
        assert!(templates.holds("port == 5001", &values()).unwrap());
        assert!(
            !templates
                .holds("secrets.OTHER is defined", &values())
                .unwrap()
        );
        assert!(templates.holds("nowhere.x", &values()).is_err());
    }

    /// The settings of pgBackRest for a section `backup` of citrino.yml, and whether they are a secret.
    fn pgbackrest(backup: &str, secrets: &[(&str, &str)]) -> (Vec<String>, bool) {
        let text = format!(
            "stack: prod\ndomain: example.com\nhost: {{ address: 203.0.113.7, host_key: ssh-ed25519 AAAA }}\nbackup: {backup}\n"
        );
        let stack = crate::config::stack::Stack::parse(&text, "citrino.yml").unwrap();
        let secrets: Vec<_> = secrets
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Secret::new(*value)))
            .collect();
        let values = Values::new(&[])
            .with_secrets("backup_secrets", &secrets)
            .with("stack", &stack.name)
            .with("backup", &stack.backup)
            .with("profile", &*stack.profile)
            .with("facts", &serde_json::json!({ "cluster_port": 5432 }));
        let rendered = Templates::own()
            .unwrap()
            .render("pgbackrest/pgbackrest.conf.tera", &values)
            .unwrap();
        let (text, secret) = match rendered {
            FileContent::Text(text) => (text, false),
            FileContent::Secret(text) => (text.reveal().to_owned(), true),
            other => panic!("{other:?}"),
        };
        let lines = text
            .lines()
            .filter(|line| line.starts_with("repo1-") || line.starts_with("expire"));
        (lines.map(str::to_owned).collect(), secret)
    }

    #[test]
    fn the_repository_is_on_the_disk_and_nothing_of_it_is_secret() {
        assert_eq!(
            pgbackrest("{ pitr: true }", &[]),
            (
                [
                    "repo1-path=/home/citrino/database/pitr",
                    "repo1-retention-full-type=time",
                    "repo1-retention-full=7",
                ]
                .map(str::to_owned)
                .to_vec(),
                false
            )
        );
    }

    #[test]
    fn the_repository_is_encrypted_when_there_is_a_passphrase() {
        let (lines, secret) = pgbackrest(
            "{ pitr: true, keep_days: 14, pitr_passphrase: { env: P } }",
            &[("PITR_PASSPHRASE", "hunter2")],
        );
        let wished = [
            "repo1-path=/home/citrino/database/pitr",
            "repo1-cipher-type=aes-256-cbc",
            "repo1-cipher-pass=hunter2",
            "repo1-retention-full-type=time",
            "repo1-retention-full=14",
        ];
        assert_eq!(lines, wished);
        assert!(secret);
    }

    #[test]
    fn the_repository_is_a_bucket_that_keys_which_only_append_never_empty() {
        let keys = "region: hel1, key_id: { env: K }, secret: { env: S }";
        let secrets = [("S3_KEY_ID", "AKIA"), ("S3_SECRET", "hunter2")];
        let (lines, secret) = pgbackrest(
            &format!(
                "{{ pitr: true, s3: {{ bucket: b, endpoint: \"https://s3.example.com\", append_only: true, {keys} }} }}"
            ),
            &secrets,
        );
        let wished = [
            "repo1-type=s3",
            "repo1-path=/prod/pitr",
            "repo1-s3-bucket=b",
            "repo1-s3-region=hel1",
            "repo1-s3-endpoint=https://s3.example.com",
            "repo1-s3-uri-style=path",
            "repo1-s3-key=AKIA",
            "repo1-s3-key-secret=hunter2",
            "expire-auto=n",
        ];
        assert_eq!(lines, wished);
        assert!(secret);
        let amazons = format!("{{ pitr: true, s3: {{ bucket: b, prefix: old, {keys} }} }}");
        let (lines, _) = pgbackrest(&amazons, &secrets);
        for line in [
            "repo1-path=/old/pitr",
            "repo1-s3-endpoint=s3.hel1.amazonaws.com",
            "repo1-retention-full=7",
        ] {
            assert!(lines.iter().any(|found| found == line), "{lines:?}");
        }
        assert!(
            !lines.iter().any(|line| line.contains("uri-style")),
            "{lines:?}"
        );
    }

    /// A clock that is set to summer time has an hour not at all in one night, and another one twice.
    #[test]
    fn a_timer_with_an_hour_goes_by_a_clock_without_summer_time() {
        let mut hours = 0;
        for (name, text) in shipped() {
            for line in text
                .lines()
                .filter_map(|line| line.strip_prefix("OnCalendar="))
            {
                let is_each_hour = line.starts_with("*:");
                assert!(is_each_hour || line.ends_with(" UTC"), "{name}: {line}");
                hours += u32::from(!is_each_hour);
            }
        }
        assert!(hours >= 5, "only {hours} were found");
    }

    #[test]
    fn every_embedded_template_parses() {
        Templates::own().unwrap();
    }
}
