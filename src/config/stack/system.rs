//! What is known of the systems that a server can have.

use super::Stack;

/// The systems that playbooks and templates know: as Hetzner calls the image, and as the system calls itself.
pub const SYSTEMS: [(&str, &str); 2] =
    [("debian-12", "debian 12"), ("ubuntu-22.04", "ubuntu 22.04")];

/// How the names of systems begin that Hetzner has images of; the number may stand behind it in any way.
const OTHERS: [&str; 8] = [
    "debian", "ubuntu", "fedora", "rocky", "alma", "centos", "opensuse", "arch",
];

/// Why a server with this image cannot carry the stack. A snapshot may be called anything: of that the host is asked.
pub fn refused_image(image: &str) -> Option<String> {
    let is_known = SYSTEMS.iter().any(|(name, _)| *name == image);
    let name = image.to_lowercase();
    let is_other = OTHERS.iter().any(|other| name.starts_with(other));
    let known = SYSTEMS.map(|(name, _)| name).join(" and ");
    (!is_known && is_other).then(|| format!("is `{image}`, and the stack runs on {known}"))
}

/// Accepted, and never run by the tests.
const UNTRIED: [(&str, &str); 1] = [("ubuntu-22.04", "April 2027")];

impl Stack {
    /// What its operator should know of the image, and no fault.
    pub fn image_note(&self) -> Option<String> {
        let image = &*self.cloud.as_ref()?.image;
        let (_, ends) = UNTRIED.iter().find(|(name, _)| *name == image)?;
        Some(format!(
            "no test has run on {image}, and its support ends in {ends}; the tests run on debian-12"
        ))
    }
}
