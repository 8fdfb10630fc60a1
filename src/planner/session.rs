//! What a person runs on a host, as an argument list: as the app in its sandbox, as the app's role in the database, or as root.

use crate::config::stack::Stack;
use crate::core::app_profile::AppProfile;
use crate::core::error::{Code, Fault};
use crate::facts::Facts;
use crate::host::{own, sandbox};

/// Where a program's input and output are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionStreams {
    /// A person's terminal.
    Terminal,
    Pipes,
}

/// A program that a person runs on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostSession {
    pub argv: Vec<String>,
    /// The unit that it runs in, which can be stopped.
    pub unit: Option<String>,
}

/// For whom, and how it speaks.
pub struct SessionPlace<'a> {
    pub stack: &'a Stack,
    pub facts: &'a Facts,
    /// Names the unit.
    pub run: &'a str,
    pub streams: SessionStreams,
}

impl HostSession {
    pub fn of_root(command: &[String]) -> Self {
        Self {
            argv: command.to_vec(),
            unit: None,
        }
    }
}

impl SessionPlace<'_> {
    /// A command as the app: its user, its limits, and the environment of the release that serves.
    ///
    /// # Errors
    /// E0605 when `converge` has not made the app's user yet.
    pub fn as_app(&self, command: &[String]) -> Result<HostSession, Fault> {
        let app = self.profile();
        let live = self.facts.app.live.as_ref();
        let release = live.map(|slot| format!("{}/release.env", app.slot(slot)));
        let files = std::iter::once(app.env_file()).chain(release);
        let environment = files.map(|file| format!("EnvironmentFile=-{file}"));
        let limits = [
            format!("WorkingDirectory={}", app.folder),
            format!("MemoryMax={}M", self.stack.app.memory_max_mb),
        ];
        self.in_sandbox(environment.chain(limits), &[], command)
    }

    /// psql as the app's role. It reads no file of the app's, whose process could have written one.
    ///
    /// # Errors
    /// E0605 as of `as_app`.
    pub fn psql(&self, write: bool, arguments: &[String]) -> Result<HostSession, Fault> {
        let database = &self.stack.database;
        let port = self.facts.cluster_port.to_string();
        let mut words: Vec<&str> = vec![
            "-X",
            "-U",
            &database.user,
            "-d",
            &database.name,
            "-p",
            &port,
        ];
        if self.streams == SessionStreams::Pipes {
            words.extend(["-v", "ON_ERROR_STOP=1"]);
        }
        words.extend(arguments.iter().map(String::as_str));
        let program = format!("{}/psql", own::CLUSTER_PROGRAMS);
        let command = std::iter::once(program.as_str()).chain(words);
        let command: Vec<String> = command.map(str::to_owned).collect();
        let reads = (!write).then_some("PGOPTIONS=-c default_transaction_read_only=on");
        let environment = ["PSQL_HISTORY=/dev/null"].into_iter().chain(reads);
        let environment: Vec<&str> = environment.collect();
        self.in_sandbox(std::iter::empty(), &environment, &command)
    }

    fn in_sandbox(
        &self,
        more: impl Iterator<Item = String>,
        environment: &[&str],
        command: &[String],
    ) -> Result<HostSession, Fault> {
        if !self.facts.app.prepared {
            let message = "the host is not prepared for the app: it has no user that the command could run as";
            return Err(Fault::new(Code::E0605, message).hint("run `citrino-ops converge` first"));
        }
        let app = self.profile();
        let unit = format!("{}-{}.service", own::SESSION_UNIT, self.run);
        let streams = match self.streams {
            SessionStreams::Terminal => "--pty",
            SessionStreams::Pipes => "--pipe",
        };
        let words = ["systemd-run", "--quiet", "--collect", "--wait", streams];
        let mut argv: Vec<String> = words.map(str::to_owned).to_vec();
        argv.push(format!("--unit={unit}"));
        let user = [
            format!("User={}", app.user),
            format!("Group={}", app.group()),
        ];
        let properties = sandbox::of_app(app).into_iter().chain(user).chain(more);
        argv.extend(properties.map(|property| format!("--property={property}")));
        argv.extend(
            environment
                .iter()
                .map(|variable| format!("--setenv={variable}")),
        );
        argv.push("--".to_owned());
        // systemd would put variables in the place of what has the form of one.
        argv.extend(command.iter().map(|word| word.replace('$', "$$")));
        Ok(HostSession {
            argv,
            unit: Some(unit),
        })
    }

    fn profile(&self) -> &AppProfile {
        &self.stack.profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::app::AppFacts;

    fn stack() -> Stack {
        let text = "stack: prod\ndomain: example.com\nhost: { address: 203.0.113.7, host_key: ssh-ed25519 AAAA }\n";
        Stack::parse(text, "citrino.yml").unwrap()
    }

    fn prepared() -> Facts {
        Facts {
            app: AppFacts {
                prepared: true,
                live: Some("green".to_owned()),
                ..AppFacts::default()
            },
            cluster_port: 5433,
            ..Facts::default()
        }
    }

    fn place<'a>(stack: &'a Stack, facts: &'a Facts, streams: SessionStreams) -> SessionPlace<'a> {
        SessionPlace {
            stack,
            facts,
            run: "r1",
            streams,
        }
    }

    fn words(of: &[&str]) -> Vec<String> {
        of.iter().map(|word| (*word).to_owned()).collect()
    }

    /// Whatever a person runs as the app has each limit of the app's own processes.
    #[test]
    fn a_command_as_the_app_has_every_limit_of_the_app() {
        let (stack, facts) = (stack(), prepared());
        let pipes = place(&stack, &facts, SessionStreams::Pipes);
        let sessions = [pipes.as_app(&words(&["id"])), pipes.psql(true, &[])];
        for session in sessions {
            let argv = session.unwrap().argv;
            for limit in sandbox::of_app(&stack.profile) {
                assert!(argv.contains(&format!("--property={limit}")), "{limit}");
            }
            assert!(argv.contains(&format!("--property=User={}", stack.profile.user)));
        }
    }

    #[test]
    fn a_command_is_not_read_as_options_nor_as_variables() {
        let (stack, facts) = (stack(), prepared());
        let terminal = place(&stack, &facts, SessionStreams::Terminal);
        let session = terminal
            .as_app(&words(&["--property=User=root", "$HOME", "a b"]))
            .unwrap();
        let at = session.argv.iter().position(|word| word == "--").unwrap();
        assert_eq!(
            session.argv[at + 1..],
            ["--property=User=root", "$$HOME", "a b"]
        );
        assert!(session.argv.contains(&"--pty".to_owned()));
        let environment =
            "--property=EnvironmentFile=-/home/citrino/citrino/slots/green/release.env";
        assert!(
            session.argv.contains(&environment.to_owned()),
            "{:?}",
            session.argv
        );
    }

    #[test]
    fn psql_reads_only_until_it_is_told() {
        let (stack, facts) = (stack(), prepared());
        let line = |write| {
            let session = place(&stack, &facts, SessionStreams::Pipes)
                .psql(write, &words(&["-c", "SELECT 1"]));
            session.unwrap().argv.join(" ")
        };
        let only = "--setenv=PGOPTIONS=-c default_transaction_read_only=on";
        assert!(line(false).contains(only));
        assert!(!line(true).contains(only));
        assert!(line(true).contains(
            "/psql -X -U citrino_user -d citrino_prod -p 5433 -v ON_ERROR_STOP=1 -c SELECT 1"
        ));
    }

    #[test]
    fn without_the_apps_user_nothing_is_run() {
        let (stack, facts) = (stack(), Facts::default());
        let refused = place(&stack, &facts, SessionStreams::Pipes).as_app(&words(&["id"]));
        assert_eq!(refused.unwrap_err().code, Code::E0605);
    }
}
