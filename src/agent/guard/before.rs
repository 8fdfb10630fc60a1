//! What guarded steps may change, as it is now: as wishes that put it back.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::Result;

use crate::core::error::{Code, Fault};
use crate::core::plan::Step;
use crate::core::secret::Secret;
use crate::host::own;
use crate::host::system::{Kind, PROGRAM, System};
use crate::storage::blob;
use crate::task::file::FileContent;
use crate::task::{Command, File, Firewall, Perm, PostgresRole, Service, Task, User};

/// The part of the plan that these steps stand in.
const PART: &str = "guard";

/// There when the firewall has read again what is on disk.
const RELOADED: &str = own::RELOADED;

/// ufw's rules, and whether it is on. The last is what `ufw enable` itself writes.
const UFW_RULES: [&str; 3] = [
    "/etc/ufw/user.rules",
    "/etc/ufw/user6.rules",
    "/etc/default/ufw",
];
const UFW_IS_ON: &str = "/etc/ufw/ufw.conf";

/// The wishes, services last: they read what the others put back.
#[derive(Default)]
pub struct WayBackSteps {
    things: Vec<Step<Task>>,
    services: Vec<Step<Task>>,
    /// The places in the plan of the steps that are noted.
    noted: BTreeSet<usize>,
}

impl WayBackSteps {
    /// What puts back, in order.
    pub fn steps(&self) -> Vec<Step<Task>> {
        let all = self.things.iter().chain(&self.services);
        all.cloned().collect()
    }

    /// Whether the guarded step at this index is noted.
    pub fn knows(&self, index: usize) -> bool {
        self.noted.contains(&index)
    }

    /// Notes what the guarded step at this index may change, once.
    ///
    /// # Errors
    /// E0409 where what puts it back could be led elsewhere.
    pub async fn note(&mut self, system: &System, index: usize, task: &Task) -> Result<()> {
        if self.knows(index) {
            return Ok(());
        }
        let (things, services) = of(system, task).await?;
        self.things.extend(things);
        self.services.extend(services);
        self.noted.insert(index);
        Ok(())
    }
}

type Steps = Vec<Step<Task>>;

/// What a step may change: things, and what reads them.
async fn of(system: &System, task: &Task) -> Result<(Steps, Steps)> {
    let (mut things, mut services) = (Vec::new(), Vec::new());
    match task {
        Task::File(wish) => things.extend(place(system, &wish.path).await?),
        Task::Link(wish) => things.extend(place(system, &wish.path).await?),
        Task::Absent(wish) => things.extend(place(system, &wish.path).await?),
        Task::User(wish) => things.extend(user(system, wish)?),
        Task::Firewall(_) => things.extend(firewall(system).await?),
        Task::PostgresRole(wish) => services.extend(role(system, wish).await?),
        Task::Service(wish) => services.push(service(system, wish).await?),
        Task::HandedOver(wish) => {
            for slot in &wish.slots {
                things.extend(place(system, &slot.holds.path).await?);
                services.push(service(system, &slot.running).await?);
            }
            if let Some(slot) = wish.slots.first() {
                // Last: it leads to a slot that runs again.
                services.extend(place(system, &slot.leads.path).await?);
            }
        }
        // No playbook can guard another kind.
        _ => {}
    }
    Ok((things, services))
}

/// What is at a path: a file, a link, or nothing. What nobody would replace has no step.
///
/// # Errors
/// E0409 where somebody beside root could lead what puts it back elsewhere: programs go there by path.
async fn place(system: &System, path: &str) -> Result<Option<Step<Task>>> {
    let folder = Path::new(path).parent().unwrap_or(Path::new("/"));
    if let Some(why) = system.exposed(folder)? {
        return Err(Fault::new(Code::E0409, why)
            .hint("a guarded step can only change what lies in folders of root")
            .into());
    }
    let name = |what: &str| format!("{what} {path}");
    let Some(found) = system.stat(path)? else {
        let gone = command(
            &["rm", "-f", path],
            &[
                "sh",
                "-c",
                "test ! -e \"$1\" && test ! -L \"$1\"",
                "sh",
                path,
            ],
        );
        return Ok(Some(Step::new(PART, name("remove"), gone)));
    };
    if let Some(to) = system.read_link(path)? {
        let to = to.display().to_string();
        let link = command(
            &["ln", "-sfnT", &to, path],
            &[
                "sh",
                "-c",
                "test \"$(readlink \"$1\")\" = \"$2\"",
                "sh",
                path,
                &to,
            ],
        );
        return Ok(Some(Step::new(PART, name("restore link"), link)));
    }
    if found.kind != Kind::File {
        return Ok(None);
    }
    let ids = found.ids;
    let file = File {
        path: path.to_owned(),
        content: content(system, path).await?,
        mode: Perm(found.mode),
        owner: format!("{}:{}", ids.uid, ids.gid),
        validate: Vec::new(),
    };
    Ok(Some(Step::new(PART, name("restore"), file)))
}

/// As a secret, which no event shows; what is no text goes by its address.
async fn content(system: &System, path: &str) -> Result<FileContent> {
    let bytes = system.read_up_to(path, PROGRAM)?.unwrap_or_default();
    Ok(match String::from_utf8(bytes) {
        Ok(text) => FileContent::Secret(Secret::new(text)),
        Err(error) => FileContent::Blob {
            blob: blob::keep(system, error.as_bytes()).await?,
        },
    })
}

/// What the kernel has counts, and not what it would have after a boot: a firewall that was off must
/// not be switched on by what is to help.
async fn firewall(system: &System) -> Result<Vec<Step<Task>>> {
    let mut steps = Vec::new();
    for path in UFW_RULES {
        steps.extend(place(system, path).await?);
    }
    let (name, line) = if Firewall::is_active(system).await? {
        (
            "restore the firewall rules",
            "ufw --force enable; ufw reload",
        )
    } else {
        (
            "turn the firewall off again",
            "if command -v ufw; then ufw --force disable; fi",
        )
    };
    let line = format!("{line}; touch {RELOADED}");
    let read = command(&["sh", "-ec", &line], &["test", "-e", RELOADED]);
    steps.push(Step::new(PART, name, read));
    steps.extend(place(system, UFW_IS_ON).await?);
    Ok(steps)
}

/// An account that was there gets its home, shell and group back: who logs in with it must not be locked out. One that was not
/// there stays, and harms nobody.
fn user(system: &System, wish: &User) -> Result<Vec<Step<Task>>> {
    let Some(was) = wish.as_is(system)? else {
        return Ok(Vec::new());
    };
    let name = &wish.name;
    let mut steps = Vec::new();
    if wish.lock_password && !wish.is_locked(system)? {
        let is_open = "! getent shadow \"$1\" | cut -d: -f2 | grep -q '^!'";
        let unlock = command(
            &["usermod", "--unlock", "--", name],
            &["sh", "-c", is_open, "sh", name],
        );
        steps.push(Step::new(PART, format!("unlock user {name}"), unlock));
    }
    steps.push(Step::new(PART, format!("restore user {name}"), was));
    Ok(steps)
}

/// The password that a role had, as PostgreSQL keeps it: the app's environment is put back with the old one. After PostgreSQL's own
/// unit, which must run for it.
async fn role(system: &System, wish: &PostgresRole) -> Result<Option<Step<Task>>> {
    let was = wish.as_is(system).await?;
    let name = format!("restore role {}", wish.name);
    Ok(was.map(|role| Step::new(PART, name, role)))
}

/// A unit that was not there is stopped; its file is absent again by then.
async fn service(system: &System, wish: &Service) -> Result<Step<Task>> {
    let unit = &wish.unit;
    if let Some(service) = wish.as_is(system).await? {
        return Ok(Step::new(PART, format!("restore {unit}"), service));
    }
    let stop = command(
        &["systemctl", "stop", unit],
        &[
            "sh",
            "-c",
            "! systemctl is-active --quiet \"$1\"",
            "sh",
            unit,
        ],
    );
    Ok(Step::new(PART, format!("stop {unit}"), stop))
}

fn command(run: &[&str], check: &[&str]) -> Command {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Command {
        run: owned(run),
        check: owned(check),
        user: None,
        env_file: None,
        sandbox: false,
        writes: Vec::new(),
        deadline_s: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::engine::{self, Wish};
    use crate::core::plan::{Claim, Plan};

    fn plan(steps: Vec<Step<Task>>) -> Plan<Task> {
        Plan::new(Claim::new("r", "converge", "ana"), steps)
    }

    async fn steps(system: &System, plan: &Plan<Task>) -> Vec<Step<Task>> {
        let mut before = WayBackSteps::default();
        let guarded = plan.steps.iter().enumerate();
        for (index, step) in guarded.filter(|(_, step)| step.guard) {
            before.note(system, index, &step.task).await.unwrap();
        }
        before.steps()
    }

    /// The wish for other content; what it is does not matter here.
    fn guarded(path: &str) -> Step<Task> {
        let wish = File {
            path: path.to_owned(),
            content: FileContent::Text("new".into()),
            mode: Perm(0o600),
            owner: "root".into(),
            validate: Vec::new(),
        };
        Step {
            guard: true,
            ..Step::new("part", path, wish)
        }
    }

    async fn put_back(system: &System, steps: Vec<Step<Task>>) {
        // As it comes from disk.
        let text = serde_json::to_vec(&plan(steps)).unwrap();
        let plan: Plan<Task> = serde_json::from_slice(&text).unwrap();
        let tally = engine::put_back(&plan, system, &mut |_| Ok(()))
            .await
            .unwrap();
        assert_eq!(tally.failed, 0, "{tally:?}");
    }

    #[tokio::test]
    async fn a_file_gets_its_content_mode_and_owner_back() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let contents: [&[u8]; 2] = [b"PermitRootLogin yes\n", b"no text: \xff\xfe"];
        let mut wishes = Vec::new();
        for (n, content) in contents.iter().enumerate() {
            let file = folder.path().join(n.to_string());
            std::fs::write(&file, content).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).unwrap();
            wishes.push(guarded(&format!("/{n}")));
        }
        // One that is not guarded is not looked at.
        wishes.push(Step {
            guard: false,
            ..guarded("/0")
        });
        let before = steps(&system, &plan(wishes)).await;
        assert_eq!(before.len(), 2);
        for n in 0..contents.len() {
            let file = folder.path().join(n.to_string());
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, "new").unwrap();
        }
        put_back(&system, before).await;
        for (n, content) in contents.iter().enumerate() {
            let file = folder.path().join(n.to_string());
            assert_eq!(std::fs::read(&file).unwrap(), *content);
            let found = std::fs::metadata(&file).unwrap();
            assert_eq!(found.permissions().mode() & 0o7777, 0o640);
        }
    }

    #[tokio::test]
    async fn what_was_absent_goes_and_what_was_a_link_is_one() {
        // The programs that do it know no other root.
        let system = System::host();
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::os::unix::fs::symlink("elsewhere", path("link")).unwrap();
        let names = ["absent", "link", "absent too"].map(|name| path(name).display().to_string());
        let wishes = names.iter().map(|name| guarded(name)).collect();
        let before = steps(&system, &plan(wishes)).await;
        std::fs::write(path("absent"), "new").unwrap();
        std::fs::remove_file(path("link")).unwrap();
        std::fs::write(path("link"), "new").unwrap();
        put_back(&system, before).await;
        assert!(!path("absent").exists() && !path("absent too").exists());
        assert_eq!(
            std::fs::read_link(path("link")).unwrap().to_str(),
            Some("elsewhere")
        );
    }

    #[tokio::test]
    async fn an_account_gets_its_shell_home_and_group_back() {
        let folder = tempfile::tempdir().unwrap();
        let system = System::at(folder.path());
        let write = |name: &str, text: &str| {
            std::fs::create_dir_all(folder.path().join("etc")).unwrap();
            std::fs::write(folder.path().join("etc").join(name), text).unwrap();
        };
        write(
            "passwd",
            "ana:x:1000:1001::/home/ana:/bin/bash\nweb:x:7:7::/nonexistent:/bin/sh\n",
        );
        write("group", "staff:x:1001:\nweb:x:7:\n");
        write("shadow", "ana:$y$hash:1::::::\nweb:!:1::::::\n");
        std::fs::create_dir_all(folder.path().join("home/ana")).unwrap();
        let noted = |name: &str| {
            let text = format!(
                "{{ name: {name}, group: web, home: /srv, shell: /usr/sbin/nologin, lock_password: true }}"
            );
            user(&system, &serde_yaml::from_str(&text).unwrap()).unwrap()
        };
        let steps = noted("ana");
        assert_eq!(steps[0].name, "unlock user ana");
        let Task::User(was) = &steps[1].task else {
            panic!("{steps:?}");
        };
        let had =
            [&was.group, &was.home, &was.shell].map(|value| value.as_deref().unwrap_or_default());
        assert_eq!(had, ["staff", "/home/ana", "/bin/bash"]);
        // It has what it had: nothing is to be done, and no home is made where there was none.
        for name in ["ana", "web"] {
            let steps = noted(name);
            let was = steps.last().unwrap();
            assert_eq!(
                was.task.check(&system).await.unwrap().change,
                None,
                "{name}"
            );
        }
        assert!(noted("nobody").is_empty());
    }
}
