//! What cloud-init finds at first boot: the `NoCloud` seed, with the unchanged `user_data` of the call.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;

use super::bootstrap::Bootstrap;

/// Writes the seed for cloud-init, and on a new disk the machine's identity. A disk from a snapshot
/// keeps its identity.
pub fn write(root: &Path, bootstrap: &Bootstrap) -> Result<()> {
    give(root, bootstrap)?;
    if bootstrap.snapshot.is_none() {
        introduce(root, bootstrap)?;
    }
    fs::write(root.join("etc/resolv.conf"), resolvers())?;
    Ok(())
}

/// The data that Hetzner's metadata service provides.
fn give(root: &Path, bootstrap: &Bootstrap) -> Result<()> {
    let folder = root.join("var/lib/cloud/seed/nocloud");
    fs::create_dir_all(&folder)?;
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    // JSON is YAML and needs no manual quoting.
    let meta = json!({
        "instance-id": bootstrap.id.to_string(),
        "local-hostname": bootstrap.name,
        "public-keys": bootstrap.public_keys,
    });
    fs::write(folder.join("meta-data"), serde_json::to_vec_pretty(&meta)?)?;
    fs::write(folder.join("user-data"), user_data(&bootstrap.user_data))?;
    let vendor = bootstrap.root_password.as_ref().map_or_else(
        || json!({}),
        |password| json!({ "chpasswd": { "expire": false, "list": format!("root:{password}\n") } }),
    );
    fs::write(
        folder.join("vendor-data"),
        format!("#cloud-config\n{vendor}\n"),
    )?;
    Ok(())
}

fn introduce(root: &Path, bootstrap: &Bootstrap) -> Result<()> {
    fs::write(
        root.join("etc/machine-id"),
        format!("{:032x}\n", rand::random::<u128>()),
    )?;
    fs::write(root.join("etc/hostname"), format!("{}\n", bootstrap.name))?;
    fs::write(
        root.join("etc/hosts"),
        format!(
            "127.0.0.1 localhost\n127.0.1.1 {0}\n::1 localhost\n",
            bootstrap.name
        ),
    )?;
    Ok(())
}

/// Like Hetzner's datasource, decodes base64, so that user data may be compressed.
fn user_data(text: &str) -> Vec<u8> {
    if text.is_empty() {
        return b"#cloud-config\n{}\n".to_vec();
    }
    let packed: String = text.split_whitespace().collect();
    STANDARD
        .decode(packed)
        .unwrap_or_else(|_| text.as_bytes().to_vec())
}

/// The host's resolvers. If the host uses a resolver on its loopback, which no machine can reach, these
/// are the upstream servers of systemd-resolved.
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
