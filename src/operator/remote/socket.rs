//! Where ssh keeps the socket of a connection.

use std::path::PathBuf;

/// The path of a socket has a limit of 108 bytes, and `/.ssh-connectionXXXXXX/master.XXXXXXXXXXXXXXXX` comes behind this.
const LONGEST: usize = 60;

pub fn folder() -> PathBuf {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    short(std::env::temp_dir(), runtime)
}

/// The first that is there and short enough.
fn short(temporary: PathBuf, runtime: Option<PathBuf>) -> PathBuf {
    let places = [
        Some(temporary.clone()),
        runtime,
        Some(PathBuf::from("/tmp")),
    ];
    let fits = |place: &PathBuf| place.as_os_str().len() <= LONGEST && place.is_dir();
    let mut places = places.into_iter().flatten();
    places.find(fits).unwrap_or(temporary)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder whose name is too long, or that is not there, is no reason not to connect.
    #[test]
    fn the_socket_of_a_connection_has_a_short_path() {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let own = folder.path().to_owned();
        let long = own.join("x".repeat(LONGEST));
        std::fs::create_dir(&long).unwrap();
        let tmp = PathBuf::from("/tmp");
        for (temporary, runtime, expected) in [
            (own.clone(), None, &own),
            (long.clone(), Some(own.clone()), &own),
            (long.clone(), Some(long.clone()), &tmp),
            (PathBuf::from("/nonexistent"), None, &tmp),
        ] {
            assert_eq!(short(temporary, runtime), *expected);
        }
    }
}
