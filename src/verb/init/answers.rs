//! What `init` asks: what was given is not asked again, and where nobody is asked a default holds.

use std::path::{Path, PathBuf};

use anyhow::Result;

use super::asker::InitAsker;
use super::look;
use crate::cli::InitOptions;
use crate::config::source;
use crate::config::stack::SYSTEMS;
use crate::core::error::{Code, Fault};
use crate::core::report::Report;
use crate::core::report::questions;
use crate::core::secret::Secret;
use crate::core::value::{
    Address, Domain, Email, HostKey, HttpUrl, Login, Port, StackName, TextLine, Word,
};
use crate::hetzner::{DEFAULT_ENDPOINT, Hetzner, MenuItem};
use crate::verb::on_cloud;

/// All that citrino.yml is made of.
pub struct Answers {
    pub stack: StackName,
    pub domain: Domain,
    pub server: Option<WantedServer>,
    pub host: Option<WantedHost>,
    /// Whether Let's Encrypt issues the site's certificate.
    pub letsencrypt: bool,
    pub alerts: Option<WantedAlerts>,
    pub bucket: Option<WantedBucket>,
    /// Whether secrets are kept in secrets.age.
    pub secrets: bool,
}

/// A server that is to be made.
pub struct WantedServer {
    pub server_type: Word,
    pub location: Word,
    pub image: Word,
    pub ssh_key: PathBuf,
    /// What the API says of it, where it was asked.
    pub offer: Option<MenuItem>,
}

/// A machine that is there.
pub struct WantedHost {
    pub address: Address,
    pub port: Port,
    pub user: Login,
    pub key: HostKey,
}

/// Who is told of failures, and by which mail server.
pub struct WantedAlerts {
    pub email: Email,
    pub relay: Address,
    pub user: Option<TextLine>,
}

pub struct WantedBucket {
    pub name: Word,
    pub endpoint: HttpUrl,
    pub region: Word,
}

/// What the example has, where the API cannot be asked.
const TYPE: &str = "cpx11";
const LOCATION: &str = "ash";
/// As much memory as the stack's defaults are made for.
const MEMORY_GB: f64 = 2.0;

impl Answers {
    pub async fn ask(report: &mut Report, options: &InitOptions) -> Result<Self> {
        let asker = InitAsker { asks: !options.yes };
        report.rest();
        let is_host =
            options.host.is_some() || (options.server_type.is_none() && asker.wants_host()?);
        let stack = asker.text(
            "Name of the stack and its server",
            "--stack",
            options.stack.clone(),
            folder_name().as_deref(),
        )?;
        let domain = asker.text(
            "Domain that users type",
            "--domain",
            options.domain.clone(),
            None,
        )?;
        let (mut server, mut host) = (None, None);
        if is_host {
            host = Some(asker.host(report, options).await?);
        } else {
            server = Some(asker.server(report, options).await?);
        }
        Ok(Self {
            stack,
            domain,
            server,
            host,
            // Its terms are agreed to by who runs the site.
            letsencrypt: options.letsencrypt
                || asker.agrees(
                    "Have Let's Encrypt issue the site's certificate (you agree to its terms)",
                    true,
                )?,
            alerts: asker.alerts(options)?,
            bucket: asker.bucket(options)?,
            secrets: options.secrets
                || asker.agrees(
                    "Keep secrets in secrets.age, an encrypted file beside citrino.yml",
                    true,
                )?,
        })
    }

    pub fn needs_relay_password(&self) -> bool {
        let user = self.alerts.as_ref().and_then(|alerts| alerts.user.as_ref());
        user.is_some()
    }

    /// Whether the API cannot be asked yet.
    pub fn needs_token(&self) -> bool {
        self.server.is_some() && source::variable(source::TOKEN).is_none()
    }
}

impl InitAsker {
    fn wants_host(&self) -> Result<bool, Fault> {
        if !self.asks {
            return Ok(false);
        }
        let items =
            ["a new server at Hetzner", "a machine that is there already"].map(str::to_owned);
        Ok(questions::choose("Where does the stack live?", &items, 0)? == 1)
    }

    async fn server(&self, report: &mut Report, options: &InitOptions) -> Result<WantedServer> {
        let menu = menu(report).await;
        let server_type = self.server_type(options, &menu)?;
        let location = self.location(options, &menu, &server_type)?;
        let image = match &options.image {
            Some(image) => image.clone(),
            None if self.asks => {
                let names = SYSTEMS.map(|(name, _)| name.to_owned());
                let chosen = questions::choose("System", &names, 0)?;
                word(&names[chosen])?
            }
            None => word(SYSTEMS[0].0)?,
        };
        let offer = menu
            .into_iter()
            .find(|item| item.server_type == *server_type && item.location == *location);
        Ok(WantedServer {
            server_type,
            location,
            image,
            ssh_key: self.ssh_key(options)?,
            offer,
        })
    }

    fn server_type(&self, options: &InitOptions, menu: &[MenuItem]) -> Result<Word> {
        let mut types: Vec<&MenuItem> = Vec::new();
        for item in menu {
            if !types
                .iter()
                .any(|known| known.server_type == item.server_type)
            {
                types.push(item);
            }
        }
        let fits = types
            .iter()
            .position(|item| item.memory_gb >= MEMORY_GB)
            .unwrap_or(0);
        let default = types.get(fits).map_or(TYPE, |item| &item.server_type);
        if options.server_type.is_some() || !self.asks || types.is_empty() {
            return self.text(
                "Server type",
                "--server-type",
                options.server_type.clone(),
                Some(default),
            );
        }
        let items: Vec<String> = types.iter().map(ToString::to_string).collect();
        let chosen =
            questions::choose("Server type (price in its cheapest location)", &items, fits)?;
        word(&types[chosen].server_type)
    }

    fn location(
        &self,
        options: &InitOptions,
        menu: &[MenuItem],
        server_type: &str,
    ) -> Result<Word> {
        let places: Vec<&MenuItem> = menu
            .iter()
            .filter(|item| item.server_type == server_type)
            .collect();
        let default = places.first().map_or(LOCATION, |item| &item.location);
        if options.location.is_some() || !self.asks || places.is_empty() {
            return self.text(
                "Location",
                "--location",
                options.location.clone(),
                Some(default),
            );
        }
        let items: Vec<String> = places
            .iter()
            .map(|item| format!("{}: {}", item.location, item.told()))
            .collect();
        word(&places[questions::choose("Location", &items, 0)?].location)
    }

    /// A public key of this machine.
    fn ssh_key(&self, options: &InitOptions) -> Result<PathBuf> {
        if let Some(path) = &options.ssh_key {
            return Ok(path.clone());
        }
        let keys = public_keys();
        match keys.as_slice() {
            [] => Err(Fault::new(Code::E0102, "there is no public key in ~/.ssh")
                .hint("`ssh-keygen -t ed25519` makes one; --ssh-key names one elsewhere")
                .into()),
            [only] => Ok(only.clone()),
            [first, ..] if !self.asks => Ok(first.clone()),
            several => {
                let items: Vec<String> = several
                    .iter()
                    .map(|path| path.display().to_string())
                    .collect();
                Ok(several[questions::choose("Public key to log in with", &items, 0)?].clone())
            }
        }
    }

    async fn host(&self, report: &mut Report, options: &InitOptions) -> Result<WantedHost> {
        let address: Address = self.text(
            "Address of the machine",
            "--host",
            options.host.clone(),
            None,
        )?;
        let (port, user) = (options.ssh_port, options.ssh_user.clone());
        if let Some(key) = options.host_key.clone() {
            return Ok(WantedHost {
                address,
                port,
                user,
                key,
            });
        }
        if !self.asks {
            return Err(Fault::new(
                Code::E0802,
                "--host-key is not given, and nobody is there to compare one",
            )
            .hint("it is the line in /etc/ssh/ssh_host_ed25519_key.pub of the machine")
            .into());
        }
        report.waiting(format!("asking {address} for its host key"));
        let key = look::host_key(&address, port).await?;
        report.rest();
        let print = look::fingerprint(&key);
        let question = format!("{address} shows the host key {print}. Is it the machine's own?");
        if questions::agree(&question, false)? {
            return Ok(WantedHost {
                address,
                port,
                user,
                key,
            });
        }
        Err(Fault::new(Code::E0801, "Cancelled: the host key was not confirmed. Nothing was written.")
            .hint("on the machine's console, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` prints its fingerprint")
            .into())
    }

    fn alerts(&self, options: &InitOptions) -> Result<Option<WantedAlerts>> {
        let question = "Mail address for alerts (empty: none)";
        let Some(email) = self.optional(question, options.alerts.clone())? else {
            return Ok(None);
        };
        Ok(Some(WantedAlerts {
            email,
            relay: self.text(
                "Mail server that takes the host's mail",
                "--relay",
                options.relay.clone(),
                None,
            )?,
            user: self.optional(
                "Account at the mail server (empty: none)",
                options.relay_user.clone(),
            )?,
        }))
    }

    fn bucket(&self, options: &InitOptions) -> Result<Option<WantedBucket>> {
        let question = "Bucket for copies of the backups (empty: none)";
        let Some(name) = self.optional(question, options.bucket.clone())? else {
            return Ok(None);
        };
        let endpoint = options
            .endpoint
            .as_deref()
            .map(str::parse::<HttpUrl>)
            .transpose();
        let endpoint =
            endpoint.map_err(|why| Fault::new(Code::E0802, format!("--endpoint {why}")))?;
        Ok(Some(WantedBucket {
            name,
            endpoint: self.text(
                "The bucket's S3 endpoint",
                "--endpoint",
                endpoint,
                Some("https://fsn1.your-objectstorage.com"),
            )?,
            region: self.text(
                "The bucket's region",
                "--region",
                options.region.clone(),
                Some("fsn1"),
            )?,
        }))
    }
}

fn word(text: &str) -> Result<Word> {
    text.parse::<Word>()
        .map_err(|why| Fault::new(Code::E0303, why).into())
}

/// What can be had; nothing where there is no token. What the API says instead is told.
async fn menu(report: &mut Report) -> Vec<MenuItem> {
    let Some(token) = source::variable(source::TOKEN) else {
        report.note("HCLOUD_TOKEN is not set, so types, locations and prices are not known here; `citrino-ops plan` asks for them");
        return Vec::new();
    };
    let endpoint =
        source::variable(on_cloud::ENDPOINT).unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
    report.waiting("asking Hetzner what can be ordered");
    let asked = async {
        Hetzner::connect(&endpoint, &Secret::new(token))?
            .menu()
            .await
    };
    let menu = asked.await;
    report.rest();
    menu.unwrap_or_else(|error| {
        report.note(format!("what can be ordered is not known here: {error:#}"));
        Vec::new()
    })
}

/// This folder's name as a stack may have it; none where it has no such letters.
fn folder_name() -> Option<String> {
    let here = std::env::current_dir().ok()?;
    let name = here.file_name()?.to_string_lossy().to_lowercase();
    let plain: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    plain.parse::<StackName>().is_ok().then(|| plain.to_owned())
}

/// Those of `~/.ssh`, the best kind first.
fn public_keys() -> Vec<PathBuf> {
    let home = source::variable("HOME").unwrap_or_default();
    let entries = std::fs::read_dir(Path::new(&home).join(".ssh"));
    let names = entries
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name());
    let mut names: Vec<String> = names
        .map(|name| name.to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|end| end == "pub"))
        .collect();
    names.sort_by_key(|name| (!name.contains("ed25519"), name.clone()));
    names
        .into_iter()
        .map(|name| Path::new("~/.ssh").join(name))
        .collect()
}
