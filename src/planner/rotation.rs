//! A secret gets another value while the app serves.
//!
//! The app reads its environment when it starts, so it takes over from itself in the free slot. The password of the database is
//! more: the role has one at a time, and the slot that serves opens connections until it rests. So it takes over twice. In between it
//! comes in by the socket, where the system's user is enough (`pg_hba.conf`): then nobody uses the password, and it can change.

use anyhow::Result;

use super::release;
use crate::config::stack::Stack;
use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::facts::Facts;
use crate::task::Task;

/// What `converge` would make with the previous secrets, without the database's password, and with the new ones.
pub struct RotationSites {
    pub old: Vec<Step<Task>>,
    pub without_password: Vec<Step<Task>>,
    pub new: Vec<Step<Task>>,
}

/// The steps that rotate, and those that put back.
pub struct SecretRotation {
    pub steps: Vec<Step<Task>>,
    pub on_failure: Vec<Step<Task>>,
}

impl SecretRotation {
    /// # Errors
    /// E0605 on a host that is not prepared, E0704 where two instances of the app have no room, E0201 when no playbook writes what has
    /// the secret in it.
    pub fn of(
        stack: &Stack,
        facts: &Facts,
        name: &str,
        is_password: bool,
        sites: &RotationSites,
    ) -> Result<Self> {
        if !facts.app.prepared {
            let message = "the host is not prepared for the app, so it has no secrets to rotate";
            return Err(Fault::new(Code::E0605, message)
                .hint("run `citrino-ops converge`: it brings the secrets that there are")
                .into());
        }
        let place = RotationPlace { stack, facts };
        let mut steps = Vec::new();
        if is_password {
            let why = "by the socket, without a password";
            steps.push(place.environment(&sites.without_password, why)?);
            steps.extend(place.takes_over(why)?);
            steps.push(place.role(&sites.new, "new")?);
        }
        let why = format!("with the new {name}");
        steps.push(place.environment(&sites.new, &why)?);
        steps.extend(place.takes_over(&why)?);
        let why = format!("with the old {name}");
        let mut on_failure = Vec::new();
        if is_password {
            on_failure.push(place.role(&sites.old, "old")?);
        }
        on_failure.push(place.environment(&sites.old, &why)?);
        on_failure.extend(place.takes_over(&why)?);
        Ok(Self { steps, on_failure })
    }
}

struct RotationPlace<'a> {
    stack: &'a Stack,
    facts: &'a Facts,
}

impl RotationPlace<'_> {
    fn environment(&self, site: &[Step<Task>], why: &str) -> Result<Step<Task>> {
        let path = self.stack.profile.env_file();
        let is_it = |task: &Task| matches!(task, Task::File(file) if file.path == path);
        named(site, is_it, &path, format!("app environment {why}"))
    }

    fn role(&self, site: &[Step<Task>], which: &str) -> Result<Step<Task>> {
        let user = &*self.stack.database.user;
        let is_it = |task: &Task| matches!(task, Task::PostgresRole(role) if role.name == *user && role.password.is_some());
        named(
            site,
            is_it,
            "the password of the database's role",
            format!("{which} password of the database role"),
        )
    }

    /// The release that serves takes over from itself, with what is on disk; nothing where none serves.
    fn takes_over(&self, why: &str) -> Result<Vec<Step<Task>>> {
        let profile = &self.stack.profile;
        release::check_memory(profile, self.facts)?;
        let steps = release::keep_live(profile, self.facts).into_iter();
        Ok(steps
            .map(|step| Step {
                name: format!("{} {why}", step.name),
                part: PART.to_owned(),
                ..step
            })
            .collect())
    }
}

const PART: &str = "rotation";

/// The step of a site, under a name of its own. What goes wrong is undone by the plan, so no switch is armed.
fn named(
    site: &[Step<Task>],
    is_it: impl Fn(&Task) -> bool,
    what: &str,
    name: String,
) -> Result<Step<Task>> {
    let found = site.iter().find(|step| is_it(&step.task));
    let step = found.ok_or_else(|| {
        Fault::new(
            Code::E0201,
            format!("no playbook makes {what}, which has the secret in it"),
        )
        .hint("rotate the secret where your own playbooks bring it")
    })?;
    Ok(Step {
        name,
        part: PART.to_owned(),
        guard: false,
        ..step.clone()
    })
}
