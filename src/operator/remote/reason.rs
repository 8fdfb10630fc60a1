//! Why a host cannot be spoken with, from what it and ssh said.

use crate::core::error::{Code, Fault};

/// What ssh said when a program could not be started over an open connection.
pub fn no_session(error: &openssh::Error) -> Fault {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        said = format!("{said}: {inner}");
        cause = inner.source();
    }
    if said.contains("open refused") {
        return Fault::new(
            Code::E0501,
            format!("the host refuses another session on the same connection: {said}"),
        )
        .hint("nothing was sent; its sshd allows one session for each connection, and this command needs two: set `MaxSessions 10` in /etc/ssh/sshd_config there, and reload ssh");
    }
    Fault::new(Code::E0501, format!("no program could be started on the host: {said}"))
        .hint("run the command again; if it fails again, `citrino-ops ssh` shows whether the host lets you in")
}

/// Why no agent spoke: `before` is what something else said in its place, `said` what came on stderr, `told` the host's processor and
/// the mount of the agent's folder.
pub fn no_agent(before: Option<&str>, said: &str, told: &str) -> Fault {
    if let Some(before) = before {
        return Fault::new(
            Code::E0505,
            format!("the host said `{before}` instead of starting the agent"),
        )
        .hint("nothing was sent; the key may have a forced command (`command=…` in authorized_keys), or the account a shell that runs no commands");
    }
    let mut lines = told.lines();
    let processor = lines.next().unwrap_or_default();
    let mut mount = lines.next().unwrap_or_default().split_whitespace();
    let (place, options) = (
        mount.next().unwrap_or("/var"),
        mount.next().unwrap_or_default(),
    );
    if options.split(',').any(|option| option == "noexec") {
        return Fault::new(
            Code::E0505,
            format!("the agent cannot be started: {place} is mounted noexec ({said})"),
        )
        .hint(format!(
            "`mount -o remount,exec {place}` on the host, and the same in its /etc/fstab"
        ));
    }
    if !processor.is_empty() && processor != std::env::consts::ARCH {
        return Fault::new(
            Code::E0505,
            format!(
                "the agent cannot be started: the host is {processor}, and this citrino-ops is for {} ({said})",
                std::env::consts::ARCH
            ),
        )
        .hint("use a host with x86_64 processors");
    }
    Fault::new(
        Code::E0505,
        format!("the agent ended before its greeting: {said}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_in_what_the_host_said() {
        let arch = std::env::consts::ARCH;
        let denied = "sh: 1: exec: /var/lib/citrino/agent/7: Permission denied";
        for (before, told, expected) in [
            (
                Some("Please login as the user deploy"),
                String::new(),
                "the host said `Please login as the user deploy`",
            ),
            (
                None,
                format!("{arch}\n/var rw,nosuid,noexec\n"),
                "/var is mounted noexec (sh: 1",
            ),
            (None, "riscv64\n/ rw\n".to_owned(), "the host is riscv64"),
            (
                None,
                format!("{arch}\n/ rw,relatime\n"),
                "ended before its greeting: sh: 1",
            ),
            (None, String::new(), "ended before its greeting: sh: 1"),
        ] {
            let fault = no_agent(before, denied, &told);
            assert_eq!(fault.code, Code::E0505);
            assert!(fault.message.contains(expected), "{}", fault.message);
        }
    }

    #[test]
    fn one_session_for_each_connection_is_told_as_that() {
        let said = "Server refused the request: Session open refused by peer.";
        let error = openssh::Error::Connect(std::io::Error::other(said));
        let fault = no_session(&error);
        assert_eq!(fault.code, Code::E0501);
        assert!(fault.hint.unwrap().contains("MaxSessions 10"));
    }
}
