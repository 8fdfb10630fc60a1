//! Who asks for what, by which name others know it.

use time::OffsetDateTime;

use crate::cli::{Cli, DEFAULT_CONFIG};
use crate::config::source;
use crate::core::plan::{Claim, Purpose};

/// One command, as plans and journals name it.
pub struct JobCommand {
    pub verb: &'static str,
    pub purpose: Purpose,
    /// Names it in the journal.
    run: String,
    /// `user@machine`
    who: String,
}

impl JobCommand {
    pub fn of(cli: &Cli) -> Self {
        Self {
            verb: cli.verb.name(),
            purpose: cli.verb.purpose(),
            run: run_id(),
            who: who(),
        }
    }

    pub fn claim(&self) -> Claim {
        Claim::new(&self.run, self.verb, &self.who)
    }
}

/// How a command was begun, up to the verb. The default file is not named again.
pub fn typed(cli: &Cli) -> String {
    let program = std::env::args()
        .next()
        .unwrap_or_else(|| "citrino-ops".to_owned());
    if cli.config.as_os_str() == DEFAULT_CONFIG {
        return program;
    }
    format!("{program} -c {}", cli.config.display())
}

/// Names sort by time; the nanoseconds tell two of one second apart.
fn run_id() -> String {
    let now = OffsetDateTime::now_utc();
    let format = time::macros::format_description!("[year][month][day]T[hour][minute][second]Z");
    let at = now.format(format).unwrap_or_default();
    format!("{at}-{:08x}", now.nanosecond())
}

fn who() -> String {
    let user = source::variable("USER").or_else(|| source::variable("LOGNAME"));
    let user = user.unwrap_or_else(|| format!("uid {}", nix::unistd::geteuid()));
    let machine = nix::unistd::gethostname().map_or_else(
        |_| "unknown".into(),
        |name| name.to_string_lossy().into_owned(),
    );
    format!("{user}@{machine}")
}
