//! The public keys of the operators.

use anyhow::Result;

use crate::config::stack::Stack;
use crate::config::text;
use crate::core::error::{Code, Fault};
use crate::planner::cloud::PublicKey;

/// Those of citrino.yml, each known by its file's name.
///
/// # Errors
/// E0102 when a file cannot be read, or two have one name.
pub fn read(stack: &Stack) -> Result<Vec<PublicKey>> {
    let keys = public_keys(stack).and_then(|keys| refuse_equal_names(&keys).map(|()| keys));
    keys.map_err(|error| stack.located("cloud.ssh_keys", error))
}

fn public_keys(stack: &Stack) -> Result<Vec<PublicKey>> {
    let paths = stack.cloud.iter().flat_map(|cloud| &cloud.ssh_keys);
    paths
        .map(|path| {
            let file = stack.resolve(path);
            let name = path
                .file_stem()
                .unwrap_or(path.as_os_str())
                .to_string_lossy();
            let text = text::read(&file).map_err(|error| {
                let why = error.why();
                Fault::new(
                    Code::E0102,
                    format!("cloud.ssh_keys: {} {why}", file.display()),
                )
                .hint(
                    "name a public key that is on this machine; `ssh-keygen -t ed25519` makes one",
                )
            })?;
            PublicKey::parse(&name, &text)
        })
        .collect()
}

/// Two keys of one name would take each other's place in the project.
fn refuse_equal_names(keys: &[PublicKey]) -> Result<()> {
    let twice = keys
        .iter()
        .enumerate()
        .find(|(at, key)| keys[..*at].iter().any(|other| other.name == key.name));
    match twice {
        None => Ok(()),
        Some((_, key)) => Err(Fault::new(
            Code::E0102,
            format!(
                "cloud.ssh_keys: two files are named {}, but a key is identified by the name of its file",
                key.name
            ),
        )
        .hint("rename one of the files")
        .into()),
    }
}
