//! Which files a command reads its configuration from.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::core::error::{Code, Fault};

/// The name that is looked for.
pub const DEFAULT: &str = "citrino.yml";
/// Names the file where the command line does not.
pub const VARIABLE: &str = "CITRINO_CONFIG";

/// A citrino.yml, and the file of an environment that lies on top of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigPaths {
    pub main: PathBuf,
    pub environment: Option<PathBuf>,
}

impl ConfigPaths {
    /// The file that is named on the command line, else by `CITRINO_CONFIG`, else the citrino.yml of this folder or of the
    /// nearest one above. Whether it is there is seen when it is read.
    ///
    /// # Errors
    /// E0002 when `environment` cannot be part of a file's name.
    pub fn find(named: Option<&Path>, environment: Option<&str>) -> Result<Self> {
        let main = named.map(Path::to_owned).or_else(of_variable);
        let main = main.unwrap_or_else(nearest);
        let environment = environment.map(|name| beside(&main, name)).transpose()?;
        Ok(Self { main, environment })
    }
}

fn of_variable() -> Option<PathBuf> {
    let path = std::env::var_os(VARIABLE).filter(|path| !path.is_empty());
    path.map(PathBuf::from)
}

/// As errors and lines name it: in this folder by its name alone.
fn nearest() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    let mut above = here.ancestors().skip(1).map(|folder| folder.join(DEFAULT));
    if Path::new(DEFAULT).exists() {
        return DEFAULT.into();
    }
    above
        .find(|path| path.is_file())
        .unwrap_or_else(|| DEFAULT.into())
}

/// `citrino.staging.yml` beside `citrino.yml`.
fn beside(main: &Path, name: &str) -> Result<PathBuf> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(is_word) {
        let shown: String = name.escape_debug().collect();
        let message = format!("`{shown}` cannot be the name of an environment");
        return Err(Fault::new(Code::E0002, message)
            .hint("use letters, digits and hyphens: `-e staging` reads citrino.staging.yml")
            .into());
    }
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    let end = main.extension().unwrap_or("yml".as_ref()).to_string_lossy();
    Ok(main.with_file_name(format!("{stem}.{name}.{end}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(main: &str, name: &str) -> Result<String> {
        let paths = ConfigPaths::find(Some(Path::new(main)), Some(name))?;
        Ok(paths.environment.unwrap().display().to_string())
    }

    #[test]
    fn the_file_of_an_environment_is_beside_its_citrino_yml() {
        assert_eq!(
            file("citrino.yml", "staging").unwrap(),
            "citrino.staging.yml"
        );
        assert_eq!(file("a/shop.yaml", "x-1").unwrap(), "a/shop.x-1.yaml");
        for bad in ["", "../x", "a/b", "a b", "."] {
            assert!(file("citrino.yml", bad).is_err(), "{bad}");
        }
    }
}
