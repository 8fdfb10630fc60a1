//! The app's role lays traps in its own database, on a server of the test's own, and the task kinds that work on it walk past
//! them. The host ring does the same with every verb (`tests/host/planted.rs`).

#![allow(clippy::unwrap_used)] // clippy.toml allows it in tests; helpers of a test are outside of #[test]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use citrino_ops::core::app_profile::AppProfile;
use citrino_ops::core::engine::{CheckResult, Wish};
use citrino_ops::host::system::System;
use citrino_ops::task::Task;
use serde_json::{Value, json};

mod need;

const BINARIES: &str = "/usr/lib/postgresql/15/bin";
const PROBED: &str = "SELECT count(*) FROM propiedades WHERE ST_DWithin(coordenadas, ST_MakePoint(-63.182, -17.783)::geography, 2000.0)";

/// A server whose superuser is the system user postgres; nobody may come in as the app's role.
struct Server {
    folder: tempfile::TempDir,
}

impl Server {
    fn start() -> Option<Self> {
        let files = ["initdb", "pg_ctl"].map(|name| Path::new(BINARIES).join(name));
        let postgis = Path::new("/usr/share/postgresql/15/extension/postgis_topology.control");
        let is_root = nix::unistd::geteuid().is_root();
        if !is_root || !postgis.exists() || files.iter().any(|file| !file.exists()) {
            need::skipped("root and a PostgreSQL 15 with PostGIS are needed to lay traps in one");
            return None;
        }
        let server = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        let folder = server.path("");
        shell(&format!(
            "chmod 755 {folder}; install -d -o postgres {folder}/pg; cd {folder}/pg
             runuser -u postgres -- {BINARIES}/initdb -D {folder}/pg/data -E UTF8 --locale=C.UTF-8 >log 2>&1
             printf 'local all postgres peer\nlocal all citrino_reader peer map=m\nlocal all citrino_user peer map=m\n' >data/pg_hba.conf
             printf 'm postgres citrino_reader\nm nobody citrino_user\n' >data/pg_ident.conf
             runuser -u postgres -- {BINARIES}/pg_ctl -s -w -D {folder}/pg/data -o \"-k {folder}/pg -F -c listen_addresses=''\" -l {folder}/pg/server.log start"
        ));
        Some(server)
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("pg/data");
        let stop = ["-u", "postgres", "--", "/usr/lib/postgresql/15/bin/pg_ctl"];
        let _ = Command::new("runuser")
            .args(stop)
            .args(["-s", "-m", "immediate", "-D", &data, "stop"])
            .current_dir("/")
            .status();
    }
}

fn shell(lines: &str) -> String {
    let said = Command::new("sh").args(["-ec", lines]).output().unwrap();
    let text = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    assert!(said.status.success(), "{lines}: {text}");
    text
}

/// The programs find the server where Debian has its socket: so the test goes on in a process that sees this one there.
#[test]
fn whoever_works_on_the_apps_database_walks_past_its_traps() {
    let Some(server) = Server::start() else {
        return;
    };
    let there =
        "mkdir -p /var/run/postgresql; mount --bind \"$0\" /var/run/postgresql; exec \"$@\"";
    let inner = Command::new("unshare")
        .args(["--mount", "sh", "-ec", there, &server.path("pg")])
        .arg(std::env::current_exe().unwrap())
        .args(["walk", "--exact", "--ignored", "--nocapture"])
        .env("TRAPS", server.path(""))
        .output()
        .unwrap();
    let said = [inner.stdout, inner.stderr].concat();
    assert!(inner.status.success(), "{}", String::from_utf8_lossy(&said));
}

#[test]
#[ignore = "is the inner part of the other test"]
fn walk() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(Walk::new().go());
}

struct Walk {
    folder: PathBuf,
    system: System,
}

impl Walk {
    fn new() -> Self {
        let folder = PathBuf::from(std::env::var_os("TRAPS").unwrap());
        let root = folder.join("root");
        for below in [
            "etc/citrino",
            "run",
            "proc/sys/kernel/random",
            "home/citrino/database/backups",
        ] {
            fs::create_dir_all(root.join(below)).unwrap();
        }
        let data = folder.join("pg/data");
        fs::create_dir_all(root.join(data.strip_prefix("/").unwrap())).unwrap();
        fs::copy("/etc/passwd", root.join("etc/passwd")).unwrap();
        fs::copy("/etc/group", root.join("etc/group")).unwrap();
        fs::write(root.join("proc/sys/kernel/random/uuid"), "3f-9a7c\n").unwrap();
        // What its backups are signed with.
        fs::write(
            root.join("etc/citrino/stack.key"),
            "0123456789abcdef".repeat(2),
        )
        .unwrap();
        // Who comes in as the app's role.
        let mut app = serde_json::to_value(&*Arc::<AppProfile>::default()).unwrap();
        app["user"] = json!("nobody");
        let app: AppProfile = serde_json::from_value(app).unwrap();
        let system = System::at(root).with_app(app);
        Self { folder, system }
    }

    async fn go(self) {
        self.set_up().await;
        let (clean, rows) = (
            self.backup("citrino_20261125_030000", "custom").await,
            self.rows(),
        );
        Self::plant();
        self.check(
            "postgres_extension",
            json!({ "name": "postgis", "database": "citrino_prod" }),
        )
        .await;
        let dropped = json!({ "name": "postgis_raster", "database": "citrino_prod" });
        let refused = self.apply("postgres_extension", dropped).await.unwrap_err();
        assert!(refused.contains("E0408"), "{refused}");
        for ask in [
            json!({ "sql": { "database": "citrino_prod", "query": PROBED, "expect": "0" } }),
            json!({ "index_used": { "database": "citrino_prod", "query": "SELECT id FROM servicios WHERE ST_DWithin(coordenadas, ST_MakePoint(-63.182, -17.783)::geography, 500.0)", "index": "idx_servicios_coordenadas" } }),
        ] {
            self.check("probe", json!({ "ask": ask })).await;
        }
        for (name, format) in [
            ("citrino_20261125_040000", "custom"),
            ("citrino_20261125_050000", "plain"),
        ] {
            self.backup(name, format).await;
            let previous = format!("citrino_prod_before_{format}");
            self.does(
                "restored",
                json!({ "database": "citrino_prod", "backup": name, "previous": previous }),
            )
            .await;
            assert_eq!(self.rows(), rows, "{format}");
            let owners = "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'spatial_ref_sys'";
            assert_eq!(self.sql("citrino_prod", owners), "citrino_user");
        }
        let keep = json!({ "days": 7, "at_least": 3, "weeks": 0, "months": 0 });
        let prune = json!({ "database": "citrino_prod", "keep": keep, "now": "2026-11-25T15:00:00Z", "previous": true });
        self.does("pruned", prune).await;
        self.does("restored", json!({ "database": "citrino_prod", "backup": clean, "previous": "citrino_prod_before_clean" })).await;
        assert_eq!(
            self.sql("citrino_prod", "SELECT to_regclass('planted') IS NULL"),
            "t"
        );
    }

    async fn set_up(&self) {
        self.does("postgres_reader", json!({})).await;
        self.does(
            "postgres_role",
            json!({ "name": "citrino_user", "confined": true }),
        )
        .await;
        self.does(
            "postgres_database",
            json!({ "name": "citrino_prod", "owner": "citrino_user" }),
        )
        .await;
        for name in ["postgis", "postgis_topology"] {
            self.does(
                "postgres_extension",
                json!({ "name": name, "database": "citrino_prod" }),
            )
            .await;
        }
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
        let mut files: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|one| one.unwrap().path())
            .collect();
        files.retain(|path| path.to_str().unwrap().ends_with(".up.sql"));
        files.sort();
        for file in files {
            Self::app(
                &format!("BEGIN;\n{}\nCOMMIT;\n", fs::read_to_string(file).unwrap()),
                "x",
            );
        }
        Self::app("CREATE TABLE _sqlx_migrations (version bigint); INSERT INTO agentes (nombre, fuente, codigo) VALUES ('Ana', 'a', '1');
                  INSERT INTO servicios (nombre, categoria, coordenadas, fuente, codigo) SELECT 's', 'salud', ST_MakePoint(-63 - n / 1000.0, -17)::geography, 'f', n FROM generate_series(1, 3000) n;
                  ANALYZE servicios; COMMENT ON TABLE agentes IS 'quien vende'; SELECT lo_from_bytea(424242, 'x');", "x");
        // Somebody else's.
        self.sql("citrino_prod", "CREATE ROLE lectora; GRANT CREATE ON SCHEMA public TO lectora; SET ROLE lectora; CREATE TABLE public.notas AS SELECT 1 AS n");
        Self::app("GRANT SELECT ON agentes TO lectora;", "x");
    }

    /// As the app could, with the functions that the product's SQL calls.
    fn plant() {
        let planted = include_str!("host/on_host/planted.sql");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let folders =
            ["src", "playbooks", "templates/app"].map(|name| root.join(name).display().to_string());
        let names = shell(&format!(
            "grep -rhoE '[a-zA-Z0-9_]+\\(' {} | tr -d '(' | tr A-Z a-z | sort -u | tr '\\n' ' '",
            folders.join(" ")
        ));
        let said = Self::app(planted, &names);
        let count: u32 = said
            .trim()
            .strip_prefix("planted ")
            .unwrap_or(&said)
            .parse()
            .unwrap();
        assert!(count > 300, "{count} traps are few");
    }

    fn app(sql: &str, names: &str) -> String {
        let mut psql = Command::new("runuser");
        psql.args([
            "-u",
            "nobody",
            "--",
            "psql",
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-v",
            &format!("names={names}"),
        ]);
        psql.args(["-U", "citrino_user", "-d", "citrino_prod"])
            .current_dir("/");
        let mut child = psql
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), sql.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{sql}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// The tester asks as the superuser, and minds the traps.
    fn sql(&self, database: &str, query: &str) -> String {
        let query = query.replace('\'', "'\\''");
        let line = format!(
            "cd {}; PGOPTIONS='-c search_path=pg_catalog,public' runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} -c '{query}'",
            self.folder.display()
        );
        shell(&line).trim().to_owned()
    }

    fn rows(&self) -> String {
        self.sql("citrino_prod", "SELECT (SELECT count(*) FROM agentes), (SELECT count(*) FROM categorias_servicios), (SELECT count(*) FROM notas), (SELECT count(*) FROM pg_largeobject_metadata), obj_description('agentes'::regclass), has_table_privilege('lectora', 'agentes', 'SELECT')").replace("|t", "").replace("|f", "")
    }

    async fn backup(&self, name: &str, format: &str) -> String {
        let backup =
            json!({ "name": name, "stack": "s", "database": "citrino_prod", "format": format });
        self.does("backup", backup).await;
        name.to_owned()
    }

    async fn apply(&self, kind: &str, keys: Value) -> Result<(), String> {
        let task: Task = serde_json::from_value(json!({ kind: keys })).unwrap();
        let told = |error: anyhow::Error| {
            let error = citrino_ops::core::error::error_info(&error);
            format!("{:?} {}", error.code, error.message)
        };
        task.check(&self.system).await.map_err(told)?;
        task.apply(&self.system).await.map_err(told)
    }

    async fn does(&self, kind: &str, keys: Value) {
        let shown = keys.to_string();
        self.apply(kind, keys.clone())
            .await
            .unwrap_or_else(|why| panic!("{kind} {shown}: {why}"));
        self.check(kind, keys).await;
    }

    /// Nothing differs, and nobody but the role ran any trap.
    async fn check(&self, kind: &str, keys: Value) {
        let shown = keys.to_string();
        let task: Task = serde_json::from_value(json!({ kind: keys })).unwrap();
        let looked: CheckResult = task.check(&self.system).await.unwrap();
        assert!(
            looked.change.is_none(),
            "{kind} {shown}: {:?}",
            looked.change
        );
        let log = fs::read_to_string(self.folder.join("pg/server.log")).unwrap();
        let caught = log
            .lines()
            .find(|line| line.contains("planted code ran as"));
        assert_eq!(caught, None, "{kind} {shown}");
        assert!(
            !Path::new("/var/tmp/planted").exists(),
            "{kind} {shown}: a program ran as the superuser"
        );
    }
}
