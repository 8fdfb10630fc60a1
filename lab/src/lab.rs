//! One lab: its names, its paths, and how it runs programs.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Everything that distinguishes labs on the same host.
#[derive(Clone, Debug)]
pub struct Lab {
    pub name: String,
    pub port: u16,
    /// The first three bytes of a /24; the bridge is .1, machines start at .2.
    pub subnet: [u8; 3],
    pub state: PathBuf,
    pub cache: PathBuf,
}

impl Lab {
    /// From the environment: `CITRINO_LAB_NAME`, `_PORT`, `_SUBNET`, `_STATE`, `_CACHE`.
    pub fn from_env() -> Result<Self> {
        let get = |key: &str, default: &str| {
            std::env::var(format!("CITRINO_LAB_{key}")).unwrap_or_else(|_| default.to_owned())
        };
        let name = get("NAME", "citrino");
        if name.is_empty()
            || name.len() > 8
            || !name
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
        {
            bail!(
                "CITRINO_LAB_NAME is `{name}`: it names network links, so give 1 to 8 lower-case letters or digits"
            );
        }
        let subnet = get("SUBNET", "10.77.0.0/24");
        let network: Ipv4Addr = subnet
            .strip_suffix("/24")
            .and_then(|address| address.parse().ok())
            .with_context(|| {
                format!("CITRINO_LAB_SUBNET is `{subnet}`: give a /24 such as 10.77.0.0/24")
            })?;
        let [a, b, c, _] = network.octets();
        Ok(Self {
            port: get("PORT", "8490")
                .parse()
                .context("CITRINO_LAB_PORT is not a port number")?,
            subnet: [a, b, c],
            state: PathBuf::from(get("STATE", "/var/lib/citrino-lab")),
            cache: PathBuf::from(get("CACHE", "/var/cache/citrino-lab")),
            name,
        })
    }

    /// A lab that exists only in tests.
    #[cfg(test)]
    pub fn for_test() -> Self {
        let place = PathBuf::from("/nonexistent");
        Self {
            name: "test".into(),
            port: 1,
            subnet: [10, 79, 0],
            state: place.clone(),
            cache: place,
        }
    }

    /// The name of its bridge, and the prefix of the names of its machines' parts.
    pub fn bridge(&self) -> String {
        format!("clab-{}", self.name)
    }

    /// The nftables table that holds NAT and firewalls.
    pub fn table(&self) -> String {
        format!("clab_{}", self.name)
    }

    pub fn address(&self, host: u8) -> Ipv4Addr {
        let [a, b, c] = self.subnet;
        Ipv4Addr::new(a, b, c, host)
    }

    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    pub fn machines(&self) -> PathBuf {
        self.state.join("machines")
    }

    /// The disks of snapshots and backups.
    pub fn images(&self) -> PathBuf {
        self.state.join("images")
    }

    /// The contents of volumes.
    pub fn volumes(&self) -> PathBuf {
        self.state.join("volumes")
    }

    /// The state of the API.
    pub fn store(&self) -> PathBuf {
        self.state.join("store.json")
    }

    /// The token of the one project that this lab has.
    pub fn token(&self) -> Result<String> {
        let path = self.state.join("token");
        match std::fs::read_to_string(&path) {
            Ok(token) => Ok(token.trim().to_owned()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                bail!("the lab `{}` is not up; run `citrino-lab up`", self.name)
            }
            Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
        }
    }

    /// The operator's ssh key pair, made by `up`.
    pub fn operator_key(&self) -> PathBuf {
        self.state.join("operator/id_ed25519")
    }
}

/// Runs a program to its end.
///
/// The error contains its output, or the package to install if it is missing.
pub fn run(argv: &[&str]) -> Result<String> {
    run_with(argv, "")
}

/// The same, with text on its standard input.
pub fn run_with(argv: &[&str], input: &str) -> Result<String> {
    use std::io::Write;
    let mut child = Command::new(argv[0])
        .args(&argv[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| missing(argv[0], &error))?;
    if let Some(mut stdin) = child.stdin.take() {
        // If a program does not read its input, its exit code says why.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    bail!("`{}` failed: {}", argv.join(" "), said.trim())
}

/// Debian's package of each program that the lab runs.
const PACKAGES: &[(&str, &str)] = &[
    ("systemd-nspawn", "systemd-container"),
    ("mmdebstrap", "mmdebstrap"),
    ("nft", "nftables"),
    ("ip", "iproute2"),
    ("ssh-keygen", "openssh-client"),
    ("setsid", "util-linux"),
    ("setpriv", "util-linux"),
    ("nsenter", "util-linux"),
    ("losetup", "mount"),
    ("mkfs.ext4", "e2fsprogs"),
];

fn missing(program: &str, error: &std::io::Error) -> anyhow::Error {
    let package = PACKAGES
        .iter()
        .find(|(name, _)| *name == program)
        .map_or(program, |(_, package)| package);
    anyhow::anyhow!(
        "`{program}` could not be started ({error}); install it with `apt-get install {package}`"
    )
}

/// Checks early that every program is installed and that we are root.
pub fn check_requirements() -> Result<()> {
    if !nix::unistd::geteuid().is_root() {
        bail!("the lab makes real machines and networks, which needs root: run it with sudo");
    }
    let folders = [
        "/usr/sbin",
        "/usr/bin",
        "/sbin",
        "/bin",
        "/usr/local/sbin",
        "/usr/local/bin",
    ];
    for (program, package) in PACKAGES {
        if !folders
            .iter()
            .any(|folder| Path::new(folder).join(program).exists())
        {
            bail!("`{program}` is not installed; run `apt-get install {package}`");
        }
    }
    Ok(())
}

/// Writes a file atomically.
pub fn write_atomic(path: &Path, content: &[u8]) -> Result<()> {
    let temporary = path.with_extension("new");
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&temporary, content)
        .with_context(|| format!("could not write {}", temporary.display()))?;
    std::fs::rename(&temporary, path).with_context(|| format!("could not write {}", path.display()))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// How long the lab waits for short steps on a busy host.
pub const PATIENCE: Duration = Duration::from_mins(2);

/// Polls until the answer is yes. Returns whether it was within the time.
pub fn until(within: Duration, mut yes: impl FnMut() -> bool) -> bool {
    let begun = Instant::now();
    while !yes() {
        if begun.elapsed() > within {
            return false;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    true
}

/// Starts this program with other arguments in a session of its own, and waits until it is up. If it
/// writes to its log it has failed, or is almost up.
pub fn start_apart(arguments: &[&str], log: &Path, is_up: impl Fn() -> bool) -> Result<()> {
    let name = arguments.join(" ");
    let mut file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("could not write {}", log.display()))?;
    let before = file.seek(SeekFrom::End(0))?;
    let status = Command::new("setsid")
        .arg("--fork")
        .arg(std::env::current_exe()?)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file.try_clone()?)
        .current_dir("/")
        .status()
        .map_err(|error| missing("setsid", &error))?;
    if !status.success() {
        bail!("`setsid` could not start `citrino-lab {name}`");
    }
    let says = || std::fs::metadata(log).is_ok_and(|now| now.len() > before);
    if until(PATIENCE, || is_up() || says()) && until(Duration::from_secs(10), &is_up) {
        return Ok(());
    }
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let said = text.get(usize::try_from(before)?..).unwrap_or_default();
    let why = match said.trim() {
        "" => "it says nothing",
        said => said,
    };
    bail!("`citrino-lab {name}` did not start: {why}")
}
