//! The profile of the app that this tool comes with.

use std::sync::LazyLock;

use include_dir::{Dir, include_dir};

use super::AppProfile;
use crate::core::value::InnerPath;

/// The profile, and the files beside it.
pub static SHIPPED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/app");

const TEXT: &str = include_str!("../../../templates/app/profile.yml");

static PROFILE: LazyLock<AppProfile> = LazyLock::new(|| {
    // By way of JSON, as a profile of the operator's own is read: YAML of serde_yaml has enums in tags.
    let value = serde_yaml::from_str::<serde_json::Value>(TEXT).unwrap_or_default();
    let mut profile: AppProfile = serde_json::from_value(value)
        .unwrap_or_else(|error| unreachable!("the embedded profile is wrong: {error}"));
    let shipped = |file: &InnerPath| {
        let file = SHIPPED
            .get_file(&**file)
            .and_then(|file| file.contents_utf8());
        file.map(str::to_owned).ok_or(())
    };
    let unread = profile.read_files(shipped);
    assert!(unread.is_empty(), "the embedded profile lacks a file");
    profile
});

impl Default for AppProfile {
    fn default() -> Self {
        PROFILE.clone()
    }
}

impl AppProfile {
    /// Fills in the SQL that lies in files; gives the places of those that could not be read, and why.
    pub fn read_files<E>(
        &mut self,
        read: impl Fn(&InnerPath) -> Result<String, E>,
    ) -> Vec<(usize, E)> {
        let mut unread = Vec::new();
        for (index, check) in self.data_checks.iter_mut().enumerate() {
            let Some(file) = &check.file else { continue };
            match read(file) {
                Ok(sql) => check.sql = sql,
                Err(error) => unread.push((index, error)),
            }
        }
        unread
    }
}
