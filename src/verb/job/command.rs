//! Who asks for what, by which name others know it.

use time::OffsetDateTime;

use crate::cli::Cli;
use crate::config::source;
use crate::core::plan::{Claim, Purpose};
use crate::core::shell;

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

/// How a command was begun, when it named a file or an environment: another command must name it too.
pub fn another_file(cli: &Cli) -> Option<String> {
    (cli.config.is_some() || cli.environment.is_some()).then(|| typed(cli))
}

/// How a command was begun, up to the verb.
pub fn typed(cli: &Cli) -> String {
    let program = std::env::args().next();
    let mut words = vec![program.unwrap_or_else(|| "citrino-ops".to_owned())];
    if let Some(path) = &cli.config {
        words.extend(["-c".to_owned(), shell::word(&path.to_string_lossy())]);
    }
    if let Some(name) = &cli.environment {
        words.extend(["-e".to_owned(), shell::word(name)]);
    }
    words.join(" ")
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
