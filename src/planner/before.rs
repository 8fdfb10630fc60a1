//! What a host is looked at for before anything changes on it.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::config::stack::{SYSTEMS, Stack};
use crate::core::error::{Code, Fault};
use crate::core::plan::{Step, StepId};
use crate::host::own;
use crate::task::{Neighbours, Preflight, Task};

pub const NEIGHBOURS: StepId = StepId::new("before.neighbours");

/// What the host must be.
pub fn preflight(stack: &Stack) -> Step<Task> {
    let mut ports = BTreeSet::from([80, *stack.app.port]);
    if stack.tls.https().is_some() {
        ports.insert(443);
    }
    let task = Preflight {
        systems: SYSTEMS.map(|(_, system)| system.to_owned()).into(),
        ports: ports.into_iter().collect(),
        folders: vec![stack.profile.folder.to_string(), own::STATE.to_owned()],
    };
    Step::new("before", "host requirements", task)
}

/// What others have on a host that was there before; none of a host that the stack made itself.
pub fn neighbours(stack: &Stack, agree: Vec<String>) -> Option<Step<Task>> {
    stack.host.as_ref()?;
    let profile = &stack.profile;
    let task = Neighbours {
        login: stack.login().to_string(),
        ssh_port: *stack.ssh_port(),
        users: vec![profile.user.to_string(), profile.trial_user()],
        database: stack.database.name.to_string(),
        roles: vec![stack.database.user.to_string(), own::READER.to_owned()],
        agree,
    };
    Some(Step::new("before", "other software on the host", task).with_id(NEIGHBOURS))
}

/// Both, in order.
///
/// # Errors
/// E0415 when the account that logs in is to become the app's: it would lose its shell.
pub fn steps(stack: &Stack) -> Result<Vec<Step<Task>>> {
    let (login, profile) = (stack.login(), &stack.profile);
    if *login == *profile.user || *login == *profile.trial_user() {
        let message = format!(
            "`host.user` is {login}, which is the account of the app: it can no longer log in once the app has it"
        );
        return Err(Fault::new(Code::E0415, message)
            .hint("nothing was changed; make an account of your own on the host that may use sudo, and name it in `host.user`")
            .into());
    }
    let mut steps = vec![preflight(stack)];
    steps.extend(neighbours(stack, Vec::new()));
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::error::code;

    fn stack(user: &str) -> Stack {
        let key =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEiAibt4WhT7hqgb10TbM/jyWvjO7iihFFZcbFqteEAV";
        let text = format!(
            "stack: prod\ndomain: example.com\nhost: {{ address: 203.0.113.7, user: {user}, host_key: {key} }}\n"
        );
        Stack::parse(&text, "citrino.yml").unwrap()
    }

    /// Its shell would go, and with it every way in; no yes of anybody helps.
    #[test]
    fn who_logs_in_as_the_app_is_refused_before_the_first_step() {
        for user in ["citrino", "citrino-trial"] {
            let error = steps(&stack(user)).unwrap_err();
            assert_eq!(code(&error), Code::E0415, "{user}");
            assert_eq!(code(&error).exit(), 7);
        }
        assert_eq!(steps(&stack("deploy")).unwrap().len(), 2);
    }
}
