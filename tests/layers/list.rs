//! docs/layers.yml: the layers of `src/`, from top to bottom.

use std::fs;
use std::path::Path;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// A folder with its slash, or files.
    pub folder: String,
    pub holds: String,
}

impl Layer {
    pub fn entries(&self) -> impl Iterator<Item = &str> {
        self.folder.split(' ')
    }

    pub fn is_folder(&self) -> bool {
        self.folder.ends_with('/')
    }

    /// Whether the module of this name stands here.
    pub fn has(&self, module: &str) -> bool {
        self.entries()
            .any(|entry| entry.trim_end_matches('/').trim_end_matches(".rs") == module)
    }
}

pub fn layers() -> Vec<Layer> {
    serde_yaml::from_str(&text("docs/layers.yml")).unwrap()
}

pub fn text(place: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{place}: {error}"))
}
