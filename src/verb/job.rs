//! One command on one stack: what was read for it, who asks, and where it is told.

use anyhow::Result;
use time::OffsetDateTime;

use super::inputs;
use crate::cli::{Cli, DEFAULT_CONFIG};
use crate::config::playbook::Playbooks;
use crate::config::source;
use crate::config::stack::Stack;
use crate::config::template::Values;
use crate::core::engine;
use crate::core::error::{Code, Fault};
use crate::core::event::Counts;
use crate::core::plan::{Claim, Mode, Plan, Step};
use crate::core::report::Report;
use crate::core::secret::{DOTS, Secret};
use crate::facts::Facts;
use crate::hetzner::{DEFAULT_ENDPOINT, Hetzner, ServerView};
use crate::operator::known_host;
use crate::operator::preview::Preview;
use crate::operator::remote::{Agent, Blob, Remote, Target};
use crate::planner::backup::Settings;
use crate::planner::cloud::{self, PublicKey, Resource};
use crate::task::Task;

/// What stands for the volume's device until the API has told it.
const A_VOLUME: &str = "/dev/disk/by-id/scsi-0HC_Volume_0";

pub struct Job<'r> {
    pub stack: Stack,
    pub playbooks: Playbooks,
    pub report: &'r mut Report,
    /// What backups alone need.
    backup_secrets: Vec<(String, Secret)>,
    /// The public keys of the operators.
    pub keys: Vec<PublicKey>,
    /// The block device of the stack's volume, as the host knows it.
    volume: Option<String>,
    verb: &'static str,
    /// Names this command in the journal.
    run: String,
    /// `user@machine`
    who: String,
    /// The digest of citrino.yml, by which a saved plan knows its wishes.
    pub wishes: String,
    /// How this command was begun, up to the verb: for what to type next.
    pub typed: String,
}

impl<'r> Job<'r> {
    /// Reads everything that the operator gives: citrino.yml, secrets, playbooks, templates. What
    /// is wrong in it is refused here, before anything is sent.
    pub fn load(cli: &Cli, report: &'r mut Report) -> Result<Self> {
        let stack = Stack::load(&cli.config)?;
        let secrets = source::secrets(&stack)?;
        let backup_secrets = source::backup_secrets(&stack)?;
        let playbooks = Playbooks::load(&stack.folder, secrets)?;
        let keys = public_keys(&stack)?;
        refuse_equal_names(&keys)?;
        let mut job = Self::of(cli, stack, playbooks, report);
        job.keys = keys;
        job.backup_secrets = backup_secrets;
        inputs::check(&job.stack, &job.playbooks, &job.values())?;
        Ok(job)
    }

    /// Reads citrino.yml alone, for verbs that only look or take away: they must work where secrets
    /// and keys of the stack are not at hand.
    pub fn look(cli: &Cli, report: &'r mut Report) -> Result<Self> {
        Ok(Self::of(
            cli,
            Stack::load(&cli.config)?,
            Playbooks::own()?,
            report,
        ))
    }

    fn of(cli: &Cli, stack: Stack, playbooks: Playbooks, report: &'r mut Report) -> Self {
        let wishes = stack.digest.clone();
        let volume = stack.cloud.iter().find_map(|cloud| cloud.volume_gb);
        let volume = volume.map(|_| A_VOLUME.to_owned());
        Self {
            stack,
            playbooks,
            report,
            keys: Vec::new(),
            backup_secrets: Vec::new(),
            volume,
            verb: cli.verb.name(),
            run: run_id(),
            who: who(),
            wishes,
            typed: typed(cli),
        }
    }

    /// The steps as a plan of this command.
    pub fn plan<T>(&self, mode: Mode, steps: Vec<Step<T>>, on_failure: Vec<Step<T>>) -> Plan<T> {
        Plan {
            run: self.run.clone(),
            stack: self.stack.name.to_string(),
            verb: self.verb.to_owned(),
            who: self.who.clone(),
            mode,
            after: None,
            guard_s: None,
            steps,
            on_failure,
            no_return: None,
            watch: Vec::new(),
        }
    }

    /// What playbooks and templates may name, without what only a host knows.
    pub fn values(&self) -> Values {
        let stack = &self.stack;
        Values::new(self.playbooks.secrets())
            .with_secrets("backup_secrets", &self.backup_secrets)
            .with("stack", &stack.name)
            .with("domain", &stack.domain)
            .with("ssh_port", &stack.ssh_port())
            .with(
                "ssh_keys",
                &self.keys.iter().map(|key| &key.line).collect::<Vec<_>>(),
            )
            .with("volume", &self.volume)
            .with("tls", &stack.tls)
            .with("https", &stack.tls.https())
            .with("app", &stack.app)
            .with("database", &stack.database)
            .with("backup", &stack.backup)
            .with_hidden(
                "backup_settings",
                &self.backups(),
                &self.backups_with_dots(),
            )
            .with("alerts", &stack.alerts)
    }

    /// What a host must know of backups.
    pub fn backups(&self) -> Settings {
        Settings::of(&self.stack, &self.backup_secrets)
    }

    fn backups_with_dots(&self) -> Settings {
        let secrets = self.backup_secrets.iter();
        let dots: Vec<_> = secrets
            .map(|(name, _)| (name.clone(), Secret::new(DOTS)))
            .collect();
        Settings::of(&self.stack, &dots)
    }

    /// The same with what a host says of itself.
    pub fn values_on(&self, facts: &Facts) -> Values {
        self.values().with("facts", facts)
    }

    /// The Hetzner API; nothing is sent yet.
    ///
    /// # Errors
    /// E0802 when the stack has no `cloud`.
    pub fn api(&self) -> Result<Hetzner> {
        let Some(cloud) = &self.stack.cloud else {
            return Err(Fault::new(
                Code::E0802,
                format!(
                    "`{}` is about the cloud, but citrino.yml names an existing `host`",
                    self.verb
                ),
            )
            .hint("run `citrino-ops converge`")
            .into());
        };
        let endpoint = source::variable("HCLOUD_ENDPOINT")
            .or_else(|| cloud.endpoint.as_ref().map(ToString::to_string));
        let endpoint = endpoint.as_deref().unwrap_or(DEFAULT_ENDPOINT);
        let api = Hetzner::connect(endpoint, &source::token(&self.stack)?)?;
        Ok(api.telling(self.report.progress()))
    }

    /// Looks at the cloud, and tells nothing yet.
    ///
    /// # Errors
    /// The first step that could not be looked at; then what was seen is told.
    pub async fn look_at_cloud(
        &mut self,
        api: &Hetzner,
        steps: Vec<Step<Resource>>,
    ) -> Result<Preview> {
        self.report.waiting("reading the cloud");
        let plan = self.plan(Mode::Check, steps, Vec::new());
        let mut events = Vec::new();
        let tally = engine::run(&plan, api, &mut |event| {
            events.push(event);
            Ok(())
        })
        .await?;
        let preview = Preview { events, tally };
        if tally.failed > 0 {
            self.show(&preview)?;
        }
        Ok(preview)
    }

    /// Tells what was seen.
    ///
    /// # Errors
    /// The first step that could not be looked at.
    pub fn show(&mut self, preview: &Preview) -> Result<()> {
        for event in &preview.events {
            self.report.tell(event.clone());
        }
        self.ended(preview.tally).map(drop)
    }

    /// Makes the cloud so.
    ///
    /// # Errors
    /// The first step that failed.
    pub async fn run_cloud(&mut self, api: &Hetzner, steps: Vec<Step<Resource>>) -> Result<Counts> {
        let plan = self.plan(Mode::Apply, steps, Vec::new());
        let tally = engine::run(&plan, api, &mut |event| {
            self.report.tell(event);
            Ok(())
        })
        .await?;
        self.ended(tally)
    }

    /// A yes of a person, or one that was given with the command.
    ///
    /// # Errors
    /// E0801 when there is none.
    pub async fn confirm(&mut self, yes: bool, why: &str, question: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        self.can_ask(why)?;
        let question = format!("{question} [y/N]");
        match self.report.ask(&question).await?.as_str() {
            "y" | "Y" | "yes" => Ok(()),
            _ => Err(Fault::new(Code::E0801, "cancelled; nothing was changed").into()),
        }
    }

    /// The same for what cannot be undone: the stack's name is typed.
    ///
    /// # Errors
    /// E0801 when it is not.
    pub async fn confirm_by_name(&mut self, yes: bool, why: &str, what: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        self.can_ask(why)?;
        let name = self.stack.name.clone();
        let question = format!("{what} Type `{name}` to continue:");
        if self.report.ask(&question).await? == name {
            return Ok(());
        }
        Err(Fault::new(
            Code::E0801,
            "cancelled, the name was not typed; nothing was changed",
        )
        .into())
    }

    fn can_ask(&self, why: &str) -> Result<()> {
        if self.report.can_ask() {
            return Ok(());
        }
        let message = format!("{why}, and there is no terminal to confirm it");
        Err(Fault::new(Code::E0801, message).hint("add --yes").into())
    }

    /// # Errors
    /// E0309 when citrino.yml wishes for a volume that is not there yet.
    pub fn need_volume(&self) -> Result<()> {
        if self.volume.as_deref() != Some(A_VOLUME) {
            return Ok(());
        }
        Err(
            Fault::new(Code::E0309, "there is no volume for the database yet")
                .hint("run `citrino-ops provision`: it creates the volume")
                .into(),
        )
    }

    /// Runs a plan on the host, after sending what it needs.
    ///
    /// # Errors
    /// The first step that failed.
    pub async fn run_host(
        &mut self,
        agent: Agent<'_>,
        plan: &Plan<Task>,
        blobs: &[Blob<'_>],
    ) -> Result<Counts> {
        let tally = agent
            .run(plan, blobs, &mut |event| self.report.tell(event))
            .await?;
        self.ended(tally)
    }

    /// Shows what steps would change on the host, before anybody is asked whether they may.
    ///
    /// # Errors
    /// The first step that could not be looked at: nothing was changed then.
    pub async fn foresee(&mut self, agent: Agent<'_>, steps: Vec<Step<Task>>) -> Result<()> {
        let plan = self.plan(Mode::Check, steps, Vec::new());
        let mut events = Vec::new();
        let tally = agent
            .run(&plan, &[], &mut |event| events.push(event))
            .await?;
        self.show(&Preview { events, tally })?;
        self.report.forget_preview();
        Ok(())
    }

    /// Who wants what, for others who want the same.
    pub fn claim(&self) -> Claim {
        Claim {
            run: self.run.clone(),
            verb: self.verb.to_owned(),
            who: self.who.clone(),
        }
    }

    /// The first step that failed since it was last asked for is the error of a run.
    pub fn ended(&mut self, tally: Counts) -> Result<Counts> {
        match self.report.take_failure() {
            None => Ok(tally),
            Some(fault) => Err(fault.into()),
        }
    }

    /// Where the stack's host is.
    ///
    /// # Errors
    /// E0309 when there is none yet.
    pub async fn target(&mut self) -> Result<Target> {
        if let Some(existing) = &self.stack.host {
            return Ok(known_host::existing(&self.stack, existing));
        }
        let api = self.api()?;
        match api.server_of(&self.stack.name).await? {
            Some(server) => self.target_of(&api, &server).await,
            None => Err(no_server(&self.stack.name).into()),
        }
    }

    /// The host that the server is; what the cloud knows of it goes into the templates.
    pub async fn target_of(&mut self, api: &Hetzner, server: &ServerView) -> Result<Target> {
        if self.volume.is_some() {
            // Until it is made, only `converge` minds.
            if let Some(device) = cloud::device(api, &self.stack).await? {
                self.volume = Some(device);
            }
        }
        known_host::of_server(&self.stack, server)
    }

    /// A connection to the host.
    pub async fn connect(&mut self) -> Result<Remote> {
        let target = self.target().await?;
        self.connect_to(&target).await
    }

    pub async fn connect_to(&mut self, target: &Target) -> Result<Remote> {
        self.report
            .waiting(format!("connecting to {}", target.address));
        Remote::open(target).await
    }

    /// The agent on the host. How the last run ended is told when nobody has heard it yet.
    pub async fn agent<'s>(&mut self, remote: &'s Remote) -> Result<Agent<'s>> {
        let agent = remote.agent().await?;
        let facts = agent.facts();
        if let Some(last) = facts.last_run.as_ref().filter(|last| !last.heard) {
            let text = last.told(facts.busy);
            self.report.note(text);
        }
        if let Some(armed) = &facts.armed {
            let text = format!(
                "the dead man's switch is armed: nobody has connected yet after {} by {} (started {})",
                armed.verb, armed.who, armed.since
            );
            self.report.note(text);
        }
        Ok(agent)
    }
}

pub fn no_server(stack: &str) -> Fault {
    Fault::new(Code::E0309, format!("stack {stack} has no server yet"))
        .hint("run `citrino-ops provision`, or `citrino-ops up` for everything")
}

/// Whether the server is there and can be asked for its host.
pub fn runs(server: Option<&ServerView>) -> bool {
    server.is_some_and(|server| server.status == "running")
}

fn public_keys(stack: &Stack) -> Result<Vec<PublicKey>> {
    let paths = stack.cloud.iter().flat_map(|cloud| &cloud.ssh_keys);
    paths
        .map(|path| {
            let file = stack.resolve(path);
            let name = path
                .file_stem()
                .unwrap_or(path.as_os_str())
                .to_string_lossy();
            let text = std::fs::read_to_string(&file).map_err(|error| {
                Fault::new(
                    Code::E0102,
                    format!(
                        "cloud.ssh_keys: {} could not be read: {error}",
                        file.display()
                    ),
                )
                .hint(
                    "name a public key that is on this machine; `ssh-keygen -t ed25519` makes one",
                )
            })?;
            PublicKey::parse(&name, &text)
        })
        .collect()
}

/// Two keys of one name would take each other's place in the project.
fn refuse_equal_names(keys: &[PublicKey]) -> Result<()> {
    let twice = keys
        .iter()
        .enumerate()
        .find(|(at, key)| keys[..*at].iter().any(|other| other.name == key.name));
    match twice {
        None => Ok(()),
        Some((_, key)) => Err(Fault::new(
            Code::E0102,
            format!(
                "cloud.ssh_keys: two files are named {}, but a key is identified by the name of its file",
                key.name
            ),
        )
        .hint("rename one of the files")
        .into()),
    }
}

/// The default file is not named again.
fn typed(cli: &Cli) -> String {
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
