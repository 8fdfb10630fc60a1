//! What is known of the systems that a server can have.

use super::Stack;

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
