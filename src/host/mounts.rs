//! The file systems of a host, and whether programs start from them.

use anyhow::Result;

use super::system::System;

/// A sentence for each folder that no program starts from.
///
/// # Errors
/// When the host does not tell its mounts.
pub fn without_programs(system: &System, folders: &[String]) -> Result<Vec<String>> {
    let text = system.read_text("/proc/1/mountinfo")?.unwrap_or_default();
    let fault = |folder: &String| {
        let mount = mount_of(&text, folder)?;
        mount.is_noexec.then(|| {
            let place = mount.place;
            format!("{folder} is on a file system without programs (noexec): `mount -o remount,exec {place}`, and in /etc/fstab")
        })
    };
    Ok(folders.iter().filter_map(fault).collect())
}

struct Mount<'a> {
    place: &'a str,
    is_noexec: bool,
}

/// The file system that a folder is on or will be on: of those with the longest path the last one, which covers the others.
/// proc(5): the place is the fifth field, its options are the sixth.
fn mount_of<'a>(mounts: &'a str, folder: &str) -> Option<Mount<'a>> {
    let mut best: Option<Mount<'a>> = None;
    for line in mounts.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (Some(place), Some(options)) = (fields.get(4), fields.get(5)) else {
            continue;
        };
        let rest = folder.strip_prefix(place.trim_end_matches('/'));
        let covers = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if covers
            && best
                .as_ref()
                .is_none_or(|best| place.len() >= best.place.len())
        {
            let is_noexec = options.split(',').any(|option| option == "noexec");
            best = Some(Mount { place, is_noexec });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "24 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n\
        25 24 8:2 / /home rw,nosuid,noexec - ext4 /dev/sda2 rw\n\
        26 24 8:3 / /homes rw - ext4 /dev/sda3 rw\n\
        27 25 8:4 / /home/citrino rw,noexec - ext4 /dev/sda4 rw\n\
        28 27 8:5 / /home/citrino rw - ext4 /dev/sda5 rw\n";

    #[test]
    fn the_file_system_of_a_folder_is_the_one_that_covers_it() {
        let noexec = |folder| mount_of(MOUNTS, folder).map(|mount| (mount.place, mount.is_noexec));
        assert_eq!(noexec("/home/ana"), Some(("/home", true)));
        assert_eq!(noexec("/home"), Some(("/home", true)));
        assert_eq!(noexec("/homes/ana"), Some(("/homes", false)));
        assert_eq!(
            noexec("/home/citrino/citrino"),
            Some(("/home/citrino", false))
        );
        assert_eq!(noexec("/var/lib"), Some(("/", false)));
        assert_eq!(noexec("relative"), None);
    }
}
