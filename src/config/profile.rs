//! The application profile of the operator's own: a YAML file, and SQL files beside it.

use std::path::Path;

use super::text;
use super::yaml::Document;
use crate::core::app_profile::AppProfile;

/// Why a file gives no profile.
#[derive(Debug)]
pub enum Refused {
    /// It cannot be read; a sentence for the key that names it.
    Unreadable(String),
    /// All its faults, a line each with its place.
    Faults(String),
}

/// Reads and checks a profile with all that lies beside it.
///
/// # Errors
/// When it cannot be read, or is wrong.
pub fn load(path: &Path) -> Result<AppProfile, Refused> {
    let file = path.display().to_string();
    let text = text::read(path)
        .map_err(|unreadable| Refused::Unreadable(format!("{file} {}", unreadable.why())))?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, &file, folder).map_err(Refused::Faults)
}

/// The same from text; SQL files lie in `folder`.
fn parse(text: &str, file: &str, folder: &Path) -> Result<AppProfile, String> {
    let mut document = Document::parse(text, file);
    let mut profile: Option<AppProfile> = document
        .is_yaml()
        .then(|| document.typed(stand_in))
        .flatten();
    if let Some(profile) = &mut profile {
        check(profile, folder, &mut document);
    }
    match (document.faults(), profile) {
        (None, Some(profile)) => Ok(profile),
        (Some(faults), _) => Err(faults),
        (None, None) => Err(format!("{file} has errors that could not be located")),
    }
}

fn check(profile: &mut AppProfile, folder: &Path, document: &mut Document) {
    for wrong in profile.wrongs() {
        let path: Vec<&str> = wrong.path.iter().map(String::as_str).collect();
        document.refuse(&path, wrong.why);
    }
    let unread = profile.read_files(|file| text::read(&folder.join(&**file)));
    for (index, why) in unread {
        let path = ["data_checks", &index.to_string(), "file"];
        document.refuse(&path, why.why());
    }
}

/// What stands in for a key that must be there and is missing or wrong, so that all other faults are found too.
fn stand_in(path: &str) -> Option<&'static str> {
    Some(match path {
        "name" | "title" | "user" | "binary" | "source.package" | "database.name"
        | "database.role" | "away.lang" | "away.title" | "away.text" => "app",
        "home" => "/home/app",
        "folder" => "/home/app/app",
        "data" => "/home/app/data",
        "settings" => "/etc/app.yml",
        "source.manifest" | "source.migrations" => "file",
        "environment.release" => "RELEASE",
        "routes.live" | "routes.ready" | "routes.api" => "/",
        "source" => "{ package: app, manifest: file, migrations: file }",
        "database" => "{ name: app, role: app }",
        "environment" => "{ release: RELEASE }",
        "routes" => "{ live: /, ready: /, api: / }",
        "away" => "{ lang: en, title: app, text: app }",
        "commands" => {
            "{ serve: [\"{bind}\"], migrate: { run: [word], check: [word] }, down: [\"{version}\"], describe: [word], status: [word] }"
        }
        "commands.serve" => "[\"{bind}\"]",
        "commands.down" => "[\"{version}\"]",
        "commands.migrate" => "{ run: [word], check: [word] }",
        "commands.describe"
        | "commands.status"
        | "commands.migrate.run"
        | "commands.migrate.check" => "[word]",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/app");
        std::fs::read_to_string(folder.join("profile.yml")).unwrap()
    }

    #[test]
    fn the_shipped_profile_is_read_as_one_of_the_operators_own_would_be() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/app");
        let read = load(&folder.join("profile.yml")).unwrap();
        assert_eq!(read, AppProfile::default());
    }

    /// Each with its own line.
    #[test]
    fn all_faults_of_a_profile_are_told_at_once() {
        let text = shipped()
            .replace("user: citrino\n", "user: root\n")
            .replace("home: /home/citrino\n", "home: /home/../etc\n")
            .replace("serve: [serve, ", "serve: [\"serve; rm\", ")
            .replace("--down-to, \"{version}\"", "--down-to")
            .replace("live: /api/health", "live: api/health")
            .replace("title: Citrino\n", "titel: Citrino\n")
            .replace("takes: number", "takes: numbers")
            .replace("checks/places.sql", "../places.sql");
        let folder = tempfile::tempdir().unwrap();
        let said = parse(&text, "shop.yml", folder.path()).unwrap_err();
        let line = |part: &str| {
            let at = text.lines().position(|line| line.contains(part)).unwrap();
            at + 1
        };
        for (part, why) in [
            ("user: root", "user: cannot be `root`"),
            ("home: /home/../etc", "home: must be an absolute path"),
            (
                "serve; rm",
                "commands.serve: must be a word of a command line",
            ),
            (
                "--down-to",
                "commands.down: does not say where `{version}` goes",
            ),
            ("live: api/health", "routes.live: must be the path of a URL"),
            ("titel:", "titel: unknown key; did you mean `title`?"),
            ("takes: numbers", "import.options.takes: must be one of"),
            ("../places.sql", "data_checks.file: must be a relative path"),
        ] {
            let wished = format!("shop.yml:{}: {why}", line(part));
            assert!(said.contains(&wished), "{wished}\n{said}");
        }
        assert!(said.contains("title: is missing"), "{said}");
        assert!(said.starts_with("shop.yml has 9 faults"), "{said}");
    }

    #[test]
    fn sql_that_is_not_there_is_a_fault_of_the_key_that_names_it() {
        let folder = tempfile::tempdir().unwrap();
        let said = parse(&shipped(), "shop.yml", folder.path()).unwrap_err();
        assert!(
            said.contains("data_checks.file: could not be read"),
            "{said}"
        );
        assert!(matches!(
            load(&folder.path().join("none.yml")),
            Err(Refused::Unreadable(_))
        ));
    }
}
