//! A `PostgreSQL` of the tests' own: in a folder that goes away, on a unix socket, without fsync.
//!
//! A small shell watches over it and stops it when its standard input ends, which the kernel sees to however the tests
//! end. So nothing is left behind, even after a kill -9. nextest has a process for each test: they share one server, which
//! ends with nextest.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::app::citrino;

/// The server that tests share; none where the machine has no `PostgreSQL` with `PostGIS`.
static SHARED: LazyLock<Option<Cluster>> = LazyLock::new(Cluster::of_the_run);
/// The shared database with the demonstration data, which tests only read.
static LOADED: LazyLock<Option<Database>> = LazyLock::new(|| SHARED.as_ref().map(Cluster::loaded));

/// A running server.
pub struct Cluster {
    folder: PathBuf,
    binaries: PathBuf,
    user: Option<String>,
    /// None where another process of the run has started it.
    watcher: Option<Child>,
}

/// A database of a cluster, owned by the ordinary role `citrino`.
#[derive(Clone)]
pub struct Database {
    folder: PathBuf,
    name: String,
}

impl Cluster {
    /// Starts a server, or says why tests are skipped.
    pub fn start() -> Option<Self> {
        let folder = tempfile::Builder::new()
            .prefix("citrino-pg")
            .tempdir()
            .unwrap();
        let mut cluster = Self::at(folder.keep())?;
        cluster.watcher = Some(cluster.watched(None));
        Some(cluster)
    }

    /// The same for all tests of a run, which under nextest have a process each: the first one starts it.
    #[expect(
        clippy::zombie_processes,
        reason = "the server ends with nextest, not with this process"
    )]
    fn of_the_run() -> Option<Self> {
        let Ok(run) = std::env::var("NEXTEST_RUN_ID") else {
            return Self::start();
        };
        let _turn = turn();
        let cluster = Self::at(std::env::temp_dir().join(format!("citrino-pg-{run}")))?;
        if !cluster.folder.exists() {
            fs::create_dir(&cluster.folder).unwrap();
            cluster.watched(Some(std::os::unix::process::parent_id()));
        }
        Some(cluster)
    }

    fn at(folder: PathBuf) -> Option<Self> {
        let Some(binaries) = binaries() else {
            crate::need::skipped("no PostgreSQL with PostGIS is installed here");
            return None;
        };
        Some(Self {
            folder,
            binaries,
            user: server_user(),
            watcher: None,
        })
    }

    /// Starts it under a shell that stops it: when this process ends, or when another one does.
    fn watched(&self, ends_with: Option<u32>) -> Child {
        if let Some(user) = &self.user {
            let (user, group) = (id("-u", user), id("-g", user));
            std::os::unix::fs::chown(&self.folder, Some(user), Some(group)).unwrap();
        }
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&self.folder, open).unwrap();
        let mut watcher = as_user(self.user.as_deref(), Path::new("/bin/sh"))
            .args(["-c", WATCH, "watch"])
            .args([&self.binaries, &self.folder])
            .args(ends_with.map(|pid| pid.to_string()))
            .current_dir("/")
            // A signal to the tests' group does not reach it.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // It may outlive the test, whose output ends when nobody holds it; what goes wrong is in the log.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(watcher.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        assert_eq!(
            line.trim(),
            "ready",
            "PostgreSQL did not start; see {}/log",
            self.folder.display()
        );
        let postgres = self.named("postgres");
        postgres.as_superuser("CREATE ROLE citrino LOGIN");
        postgres.as_superuser("CREATE DATABASE plantilla");
        self.named("plantilla")
            .as_superuser("CREATE EXTENSION postgis");
        watcher
    }

    fn named(&self, name: &str) -> Database {
        Database {
            folder: self.folder.clone(),
            name: name.to_owned(),
        }
    }

    /// A new database, with or without `PostGIS`.
    pub fn database(&self, template: &str) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let _turn = turn();
        self.create(&format!("prueba_{}_{count}", std::process::id()), template)
    }

    fn create(&self, name: &str, template: &str) -> Database {
        self.named("postgres").as_superuser(&format!(
            "CREATE DATABASE {name} OWNER citrino TEMPLATE {template}"
        ));
        self.named(name)
    }

    /// The database with the demonstration data; the first test that asks loads it.
    fn loaded(&self) -> Database {
        let _turn = turn();
        let database = self.named("cargada");
        let whole = self.folder.join("cargada");
        if !whole.exists() {
            self.named("postgres")
                .as_superuser("DROP DATABASE IF EXISTS cargada");
            self.create("cargada", "plantilla").load();
            fs::write(whole, "").unwrap();
        }
        database
    }

    /// Stops or starts the server, as an operator would.
    pub fn control(&self, action: &str) {
        let status = as_user(self.user.as_deref(), &self.binaries.join("pg_ctl"))
            .args(["-s", "-w", "-m", "fast", "-l"])
            .arg(self.folder.join("log"))
            .arg("-D")
            .arg(self.folder.join("data"))
            .arg(action)
            .current_dir("/")
            .status()
            .unwrap();
        assert!(status.success(), "pg_ctl {action}");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(watcher) = &mut self.watcher {
            drop(watcher.stdin.take());
            let _ = watcher.wait();
        }
    }
}

/// Tests of a run make their databases one after the other, whatever process they are in.
fn turn() -> File {
    let lock = File::create(Path::new(env!("CARGO_TARGET_TMPDIR")).join("cluster.lock")).unwrap();
    lock.lock().unwrap();
    lock
}

/// $1 binaries, $2 folder, $3 the process to outlive, when it is another than ours.
const WATCH: &str = r#"
trap '' INT
set -e
"$1/initdb" -D "$2/data" -U postgres --auth=trust -E UTF8 --locale=C.UTF-8 >"$2/log" 2>&1
cat >>"$2/data/postgresql.conf" <<END
listen_addresses = ''
unix_socket_directories = '$2'
fsync = off
synchronous_commit = off
full_page_writes = off
shared_buffers = 64MB
max_connections = 100
END
"$1/pg_ctl" -s -w -D "$2/data" -l "$2/log" start >>"$2/log" 2>&1
echo ready
exec >/dev/null 2>&1
set +e
if [ $# = 3 ]; then tail --pid="$3" -f /dev/null; else cat; fi
"$1/pg_ctl" -s -D "$2/data" -m immediate stop
rm -rf "$2"
"#;

impl Database {
    /// A new empty database with `PostGIS`, or none where tests are skipped.
    pub fn fresh() -> Option<Self> {
        SHARED.as_ref().map(|cluster| cluster.database("plantilla"))
    }

    /// A new empty database without `PostGIS`.
    pub fn bare() -> Option<Self> {
        SHARED.as_ref().map(|cluster| cluster.database("template0"))
    }

    /// The demonstration data, to be read only.
    pub fn loaded() -> Option<Self> {
        LOADED.clone()
    }

    /// A new database with the demonstration data, to be changed.
    pub fn loaded_copy() -> Option<Self> {
        let loaded = LOADED.as_ref()?;
        // A template must have no guests; the shared servers of other tests are some, so the data is loaded anew.
        let database = Database::fresh()?;
        assert_ne!(database.name, loaded.name);
        database.load();
        Some(database)
    }

    fn load(&self) {
        assert_eq!(citrino(self, &["migrate"]).code, 0);
        assert_eq!(citrino(self, &["load", "--demo"]).code, 0);
    }

    /// Its address for the role `citrino`.
    pub fn url(&self) -> String {
        self.url_of("citrino")
    }

    /// Runs a statement as the superuser.
    pub fn as_superuser(&self, sql: &str) {
        let url = self.url_of("postgres");
        block_on(async {
            let mut connection = PgConnection::connect(&url).await.unwrap();
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await
                .unwrap();
            connection.close().await.unwrap();
        });
    }

    /// Runs statements as the owner.
    pub fn execute(&self, sql: &str) -> Result<(), String> {
        block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            let done = sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut connection)
                .await;
            done.map(|_| ()).map_err(|error| error.to_string())
        })
    }

    /// One value.
    pub fn scalar<T>(&self, sql: &str) -> T
    where
        T: for<'r> sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin,
    {
        block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_one(&mut connection)
                .await
                .unwrap()
        })
    }

    /// All rows.
    pub fn rows<T>(&self, sql: &str) -> Vec<T>
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        block_on(async {
            let mut connection = PgConnection::connect(&self.url()).await.unwrap();
            sqlx::query_as(AssertSqlSafe(sql))
                .fetch_all(&mut connection)
                .await
                .unwrap()
        })
    }

    /// A connection for a test that holds one.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }

    fn url_of(&self, role: &str) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://{role}@{folder}/{}", self.name)
    }
}

/// Runs a future on a small runtime.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

fn binaries() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found.into_iter().rev().find_map(|path| {
        let version = path.file_name()?.to_str()?;
        let control = format!("/usr/share/postgresql/{version}/extension/postgis.control");
        let binaries = path.join("bin");
        (binaries.join("initdb").exists() && Path::new(&control).exists()).then_some(binaries)
    })
}

/// `PostgreSQL` refuses to run as root; then it runs as `postgres`, or as `nobody`.
fn server_user() -> Option<String> {
    if id("-u", "") != 0 {
        return None;
    }
    let exists = Command::new("id")
        .arg("postgres")
        .output()
        .is_ok_and(|output| output.status.success());
    Some(if exists { "postgres" } else { "nobody" }.to_owned())
}

fn id(what: &str, user: &str) -> u32 {
    let mut command = Command::new("id");
    command.arg(what);
    if !user.is_empty() {
        command.arg(user);
    }
    String::from_utf8(command.output().unwrap().stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap()
}

fn as_user(user: Option<&str>, program: &Path) -> Command {
    let Some(user) = user else {
        return Command::new(program);
    };
    let mut command = Command::new("runuser");
    command.args(["-u", user, "--"]).arg(program);
    command
}
