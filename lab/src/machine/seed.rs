//! What cloud-init finds at first boot: the `NoCloud` seed, with the very `user_data` of the call.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::bootstrap::Birth;

/// Writes what cloud-init asks for, and for a new disk what a machine knows of itself before
/// cloud-init runs. A disk that comes from a snapshot knows what it knew.
pub fn write(root: &Path, birth: &Birth) -> Result<()> {
    give(root, birth)?;
    if birth.snapshot.is_none() {
        introduce(root, birth)?;
    }
    fs::write(root.join("etc/resolv.conf"), resolvers())?;
    Ok(())
}

/// What Hetzner's metadata service tells of the server.
fn give(root: &Path, birth: &Birth) -> Result<()> {
    let folder = root.join("var/lib/cloud/seed/nocloud");
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    // JSON is YAML, and needs no quoting by hand.
    let meta = json!({
        "instance-id": birth.id.to_string(),
        "local-hostname": birth.name,
        "public-keys": birth.public_keys,
    });
    fs::write(folder.join("meta-data"), serde_json::to_vec_pretty(&meta)?)?;
    fs::write(folder.join("user-data"), user_data(&birth.user_data))?;
    let vendor = birth.root_password.as_ref().map_or_else(
        || json!({}),
        |password| json!({ "chpasswd": { "expire": false, "list": format!("root:{password}\n") } }),
    );
    fs::write(
        folder.join("vendor-data"),
        format!("#cloud-config\n{vendor}\n"),
    )?;
    Ok(())
}

fn introduce(root: &Path, birth: &Birth) -> Result<()> {
    fs::write(
        root.join("etc/machine-id"),
        format!("{:032x}\n", rand::random::<u128>()),
    )?;
    fs::write(root.join("etc/hostname"), format!("{}\n", birth.name))?;
    fs::write(
        root.join("etc/hosts"),
        format!(
            "127.0.0.1 localhost\n127.0.1.1 {0}\n::1 localhost\n",
            birth.name
        ),
    )?;
    Ok(())
}

/// Hetzner's datasource decodes base64 by itself, so that user data may be compressed.
fn user_data(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return b"#cloud-config\n{}\n".to_vec();
    }
    let packed: String = text.split_whitespace().collect();
    STANDARD
        .decode(packed)
        .unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// The host's own resolvers. Where it asks a resolver on its loopback, which no machine can
/// reach, those that systemd-resolved asks in turn.
fn resolvers() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let text = read("/etc/resolv.conf");
    let on_loopback = text.lines().any(|line| line.starts_with("nameserver 127."));
    if on_loopback {
        read("/run/systemd/resolve/resolv.conf")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_data_is_taken_plain_or_in_base64() {
        assert_eq!(
            user_data("#cloud-config\nusers: []\n"),
            b"#cloud-config\nusers: []\n"
        );
        assert_eq!(user_data("I2Nsb3Vk\nLWNvbmZpZwo="), b"#cloud-config\n");
        assert!(user_data("").starts_with(b"#cloud-config"));
    }
}
