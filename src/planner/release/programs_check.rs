//! Whether a release could be started where it is to lie.

use crate::core::error::{Code, Fault};
use crate::facts::Facts;

/// # Errors
/// E0416 when its folder is mounted so that no program starts from it.
pub fn check_programs(facts: &Facts) -> Result<(), Fault> {
    if facts.without_programs.is_empty() {
        return Ok(());
    }
    let why = facts.without_programs.join("; ");
    Err(Fault::new(
        Code::E0416,
        format!("no release can run on this host: {why}"),
    )
    .hint("nothing was sent; mount it so that programs start, and run the command again"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_not_sent_to_where_it_cannot_start() {
        let mut facts = Facts::default();
        assert_eq!(check_programs(&facts), Ok(()));
        facts.without_programs = vec![
            "/home/citrino/citrino is on a file system without programs (noexec): x".to_owned(),
        ];
        let refused = check_programs(&facts).unwrap_err();
        assert_eq!(refused.code.exit(), 7);
        assert!(refused.message.contains("noexec"));
    }
}
