//! Whether the host has room for two instances of the app, which a change of release wants.

use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};
use crate::facts::Facts;

/// What starts uses more than what runs, and something must be left for everybody else.
const TIMES: u64 = 2;
const MB: u64 = 1024 * 1024;

/// # Errors
/// E0704 when there is not. Where the host cannot tell, nothing is known against it.
pub fn check_memory(app: &AppProfile, facts: &Facts) -> Result<(), Fault> {
    let (Some(free), Some(runs)) = (facts.memory_free, facts.app.memory) else {
        return Ok(());
    };
    let wanted = runs.saturating_mul(TIMES);
    if free >= wanted {
        return Ok(());
    }
    let message = format!(
        "not enough memory for two instances of the app: the live one uses {} MB; {} MB are free, {} MB are needed",
        runs / MB,
        free / MB,
        wanted.div_ceil(MB)
    );
    Err(Fault::new(Code::E0704, message)
        .hint(format!("`citrino-ops ssh 'systemd-cgtop -1 -m'` shows what uses the memory; restart the app first (`citrino-ops ssh systemctl restart '{}'`), or use a larger server", app.units())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_instance_wants_twice_what_the_first_one_has() {
        let app = AppProfile::default();
        let facts = |free, runs| {
            let mut facts = Facts {
                memory_free: free,
                ..Facts::default()
            };
            facts.app.memory = runs;
            facts
        };
        for (free, runs) in [
            (Some(40 * MB), Some(20 * MB)),
            (None, Some(MB)),
            (Some(0), None),
        ] {
            assert_eq!(check_memory(&app, &facts(free, runs)), Ok(()));
        }
        let refused = check_memory(&app, &facts(Some(40 * MB - 1), Some(20 * MB))).unwrap_err();
        assert_eq!(refused.code, Code::E0704);
        assert!(
            refused
                .message
                .contains("uses 20 MB; 39 MB are free, 40 MB are needed"),
            "{}",
            refused.message
        );
    }
}
