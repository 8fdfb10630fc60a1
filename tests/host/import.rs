//! What the owner developed with comes into production, or nothing does.

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::stack::{Said, Stack, serving};

const LIVE: &str = "citrino_prod";
/// The database of development, of a role that production does not know.
const DEV: &str = "desarrollo";
const TABLES: [&str; 6] = [
    "agentes",
    "servicios",
    "propiedades",
    "categorias_servicios",
    "_sqlx_migrations",
    "schema_floor",
];

/// Asks a database of the host as its superuser.
fn sql(stack: &Stack, database: &str, query: &str) -> String {
    let line = format!(
        "cd / && runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} -c \"{query}\""
    );
    stack.on_host(&line).trim().to_owned()
}

/// Of every row of every table.
fn sums(stack: &Stack, database: &str) -> String {
    let each = TABLES.map(|table| {
        format!("SELECT '{table}', count(*), md5(coalesce(string_agg(t::text, '|' ORDER BY t::text COLLATE \\\"C\\\"), '')) FROM {table} t")
    });
    sql(stack, database, &each.join(" UNION ALL "))
}

fn rows(stack: &Stack, table: &str) -> u64 {
    let count = sql(stack, LIVE, &format!("SELECT count(*) FROM {table}"));
    count.parse().unwrap()
}

/// The database of development: all that is live, of another owner, with something done to it. None of it is left on the
/// host but the dump, which is the operator's then.
pub fn dump(stack: &Stack, name: &str, done: &str, options: &str) -> (PathBuf, String) {
    let (file, done) = (format!("/var/tmp/{name}"), done.replace('"', "\\\""));
    stack.on_host(&format!(
        "set -e; cd /; p='runuser -u postgres --'; $p dropdb --if-exists {DEV}; $p createuser ana; $p createdb -O ana {DEV}
         $p pg_dump -Fc {LIVE} | $p pg_restore --no-owner -d {DEV}
         for table in agentes servicios propiedades; do $p psql -qd {DEV} -c \"ALTER TABLE $table OWNER TO ana; GRANT SELECT ON $table TO PUBLIC\"; done
         $p psql -qd {DEV} -v ON_ERROR_STOP=1 -c \"{done}\"
         $p pg_dump {options} {DEV} > {file}"
    ));
    let sums = if done.contains("DROP") {
        String::new()
    } else {
        sums(stack, DEV)
    };
    stack.on_host(&format!(
        "set -e; cd /; p='runuser -u postgres --'; $p dropdb {DEV}; $p dropuser ana"
    ));
    let path = stack.home.join(name);
    fs::copy(stack.disk().join(file.trim_start_matches('/')), &path).unwrap();
    stack.on_host(&format!("rm {file}"));
    (path, sums)
}

fn import(stack: &Stack, file: &std::path::Path, options: &[&str]) -> Said {
    stack.citrino(&[&["db", "import", file.to_str().unwrap()], options].concat())
}

fn imported(stack: &Stack, file: &std::path::Path) -> String {
    let said = import(stack, file, &["--yes"]);
    assert_eq!(said.code, 0, "{}", said.text);
    said.text
}

/// It was refused so, and production has not noticed it.
fn refused(stack: &Stack, before: &str, said: &Said, exit: i32, parts: &[&str]) {
    for part in parts {
        assert!(
            said.code == exit && said.text.contains(part),
            "{part}, {exit}: {}: {}",
            said.code,
            said.text
        );
    }
    assert_eq!(sums(stack, LIVE), before, "{}", said.text);
    nothing_is_left(stack);
}

/// Neither of a database that was made beside the live one, nor of what was sent.
fn nothing_is_left(stack: &Stack) {
    let beside =
        "SELECT count(*) FROM pg_database WHERE datname ~ '_restoring|_rehearsal|_before_'";
    assert_eq!(stack.sql(beside), "0");
    let sent = stack.on_host("find /home/citrino/database/imports -type f 2>/dev/null || true");
    assert_eq!(sent.trim(), "");
}

/// The databases that imports have set aside, newest last.
fn aside(stack: &Stack) -> Vec<String> {
    let names = stack.sql("SELECT datname FROM pg_database WHERE datname ~ '_before_' ORDER BY 1");
    names.lines().map(str::to_owned).collect()
}

fn forget_aside(stack: &Stack) {
    for name in aside(stack) {
        stack.sql(&format!("DROP DATABASE {name}"));
    }
    nothing_is_left(stack);
    stack.is_as_wished();
}

/// Every tenth property is gone, and every other costs more.
const WORKED: &str = "DELETE FROM propiedades WHERE id % 10 = 0; UPDATE propiedades SET precio_usd = precio_usd + 1, precio_original = precio_original + 1 WHERE moneda = 'USD'";

#[test]
fn a_dump_in_each_form_takes_the_place_of_what_is_live() {
    let Some(stack) = serving() else { return };
    let before = sums(&stack, LIVE);
    let (now, backups) = (
        rows(&stack, "propiedades"),
        stack.on_host("ls /home/citrino/database/backups | wc -l"),
    );
    let (home, _) = dump(&stack, "home.dump", "SELECT 1", "-Fc");
    let (plain, wished) = dump(&stack, "work.sql", WORKED, "");
    let bytes = fs::read(&plain).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(
        text.contains("OWNER TO ana") && text.contains("GRANT "),
        "the dump is of nobody else"
    );
    let gz = plain.with_extension("sql.gz");
    let mut packed = GzEncoder::new(File::create(&gz).unwrap(), Compression::fast());
    packed.write_all(&bytes).unwrap();
    packed.finish().unwrap();
    let zst = plain.with_extension("zst");
    // As a shell of Windows leaves it, and packed after that.
    let windows = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    fs::write(&zst, zstd::encode_all(windows.as_bytes(), 1).unwrap()).unwrap();

    let unsaid = import(&stack, &plain, &[]);
    let differ = format!("rows of propiedades: {now} now, ");
    refused(&stack, &before, &unsaid, 7, &["E0801", &differ]);

    let looked = import(&stack, &plain, &["--check"]);
    refused(
        &stack,
        &before,
        &looked,
        0,
        &["The import would succeed", "rows of propiedades"],
    );

    for (at, file) in [&plain, &gz, &zst].into_iter().enumerate() {
        let text = imported(&stack, file);
        assert!(
            text.contains("rows of propiedades") && text.contains(&format!("{now} before, ")),
            "{text}"
        );
        assert_eq!(sums(&stack, LIVE), wished, "{}", file.display());
        assert!(rows(&stack, "propiedades") < now);
        let owners = "SELECT string_agg(DISTINCT tableowner, ' ') FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'spatial_ref_sys'";
        assert_eq!(stack.sql(owners), "citrino_user");
        let functions = "SELECT string_agg(DISTINCT pg_get_userbyid(proowner), ' ') FROM pg_proc p WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')";
        assert_eq!(stack.sql(functions), "citrino_user");
        let found = stack.http("/api/recomendar", Some(&serde_json::json!({ "limite": 3 })));
        assert_eq!(found.0, 200, "{}", found.1);
        // What was there is there yet, under another name.
        let newest = aside(&stack).pop().unwrap();
        assert_eq!(sums(&stack, &newest), before);
        imported(&stack, &home);
        assert_eq!(sums(&stack, LIVE), before);
        assert_eq!(aside(&stack).len(), 2 * (at + 1));
    }
    assert_ne!(
        stack.on_host("ls /home/citrino/database/backups | wc -l"),
        backups,
        "no backup was taken before"
    );
    forget_aside(&stack);
    stack.is_healthy();
}

#[test]
fn a_dump_of_an_older_schema_is_migrated() {
    let Some(stack) = serving() else { return };
    let before = sums(&stack, LIVE);
    let (home, _) = dump(&stack, "home.dump", "SELECT 1", "-Fc");
    // As the app's own ways down leave it.
    let down: Vec<String> = [7, 6, 5, 4, 3]
        .map(|number| {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations");
            let files = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path());
            let is_it = |path: &PathBuf| {
                let name = path.file_name().unwrap().to_str().unwrap();
                name.starts_with(&format!("{number:04}")) && name.ends_with(".down.sql")
            };
            let text = fs::read_to_string(files.into_iter().find(is_it).unwrap()).unwrap();
            format!("BEGIN; {text}; DELETE FROM _sqlx_migrations WHERE version = {number}; COMMIT;")
        })
        .into();
    let sql = down
        .join("\n")
        .replace('\\', "\\\\")
        .replace('$', "\\$")
        .replace('`', "\\`");
    let (older, _) = dump(&stack, "older.dump", &format!("{sql} --DROP"), "-Fc");
    imported(&stack, &older);
    let applied = "SELECT count(*) = max(version) AND max(version) >= 7 FROM _sqlx_migrations";
    assert_eq!(stack.sql(applied), "t");
    imported(&stack, &home);
    assert_eq!(sums(&stack, LIVE), before);
    forget_aside(&stack);
}

/// Files that production does not take.
struct Refusals<'s> {
    stack: &'s Stack,
    /// Of the rows of before.
    before: String,
}

impl Refusals<'_> {
    fn refuse(&self, file: &std::path::Path, exit: i32, parts: &[&str]) {
        let said = import(self.stack, file, &["--yes"]);
        refused(self.stack, &self.before, &said, exit, parts);
    }

    /// A dump of what is live, with something done to it.
    fn refuse_done(&self, name: &str, done: &str, parts: &[&str]) {
        self.refuse(&dump(self.stack, name, done, "-Fc").0, 7, parts);
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.stack.home.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Found out here, before anything is sent.
    fn found_out_here(&self, text: &str) {
        let refuse = |file: &std::path::Path, exit, parts: &[&str]| self.refuse(file, exit, parts);
        let file = |name: &str, content: &[u8]| self.file(name, content);
        refuse(
            &file("elf.sql", b"\x7fELF\0\0"),
            2,
            &["E0450", "neither a dump nor a CSV"],
        );
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        refuse(
            &file("cut.sql.gz", &packed[..packed.len() / 2]),
            1,
            &["E0451", "cut short"],
        );
        refuse(
            &file("cut.sql", &text.as_bytes()[..text.len() / 2]),
            1,
            &["E0451", "cut short"],
        );
        let elsewhere = text.replacen(
            "SET lock_timeout",
            "\\connect citrino_prod\nSET lock_timeout",
            1,
        );
        refuse(
            &file("elsewhere.sql", elsewhere.as_bytes()),
            1,
            &["E0451", "is a command to psql"],
        );
    }

    /// Found out on the host, as it reads.
    fn found_out_there(&self, text: &str) {
        let refuse = |file: &std::path::Path, exit, parts: &[&str]| self.refuse(file, exit, parts);
        let file = |name: &str, content: &[u8]| self.file(name, content);
        let (archive, _) = dump(self.stack, "whole.dump", "SELECT 1", "-Fc");
        let bytes = fs::read(&archive).unwrap();
        refuse(
            &file("cut.dump", &bytes[..bytes.len() / 2]),
            1,
            &["E0451", "end of file"],
        );
        // A row that no column takes, behind thousands that went in.
        let at = text.find("COPY public.servicios ").unwrap();
        let end = at + text[at..].find("\\.\n").unwrap();
        let broken = format!("{}ninguno\tx\n{}", &text[..end], &text[end..]);
        refuse(
            &file("broken.sql", broken.as_bytes()),
            1,
            &["E0451", "ERROR: ", "servicios", "line "],
        );
    }

    /// Whole, and not what this app can live with.
    fn does_not_fit(&self) {
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (99, 'x', true, 'x', 0)";
        self.refuse_done("newer.dump", newer, &["E0452", "it has migration 0099"]);
        let foreign = "DROP TABLE _sqlx_migrations";
        self.refuse_done(
            "foreign.dump",
            foreign,
            &["E0452", "none of the app's migrations"],
        );
        let swapped = "UPDATE propiedades SET coordenadas = ST_FlipCoordinates(coordenadas::geometry)::geography WHERE id % 2 = 0";
        let told = "have latitude and longitude swapped";
        self.refuse_done("swapped.dump", swapped, &["E0453", told]);
        let bare = "DROP INDEX idx_servicios_coordenadas";
        let told = "lacks what the live database has: the index public.idx_servicios_coordenadas";
        self.refuse_done("bare.dump", bare, &["E0453", told]);
        let told = "propiedades has no rows in it, of ";
        self.refuse_done("empty.dump", "TRUNCATE propiedades", &["E0453", told]);
        let empty = self.stack.home.join("empty.dump");
        let looked = import(self.stack, &empty, &["--check"]);
        refused(self.stack, &self.before, &looked, 7, &["E0453"]);
    }
}

#[test]
fn what_is_not_whole_or_does_not_fit_is_refused_and_production_stays() {
    let Some(stack) = serving() else { return };
    let refusals = Refusals {
        before: sums(&stack, LIVE),
        stack: &stack,
    };
    let (plain, _) = dump(&stack, "plain.sql", "SELECT 1", "");
    let text = fs::read_to_string(&plain).unwrap();
    refusals.found_out_here(&text);
    refusals.found_out_there(&text);
    refusals.does_not_fit();
    stack.is_as_wished();
}

#[test]
fn when_the_site_does_not_answer_the_previous_database_is_live_again() {
    let Some(stack) = serving() else { return };
    let before = sums(&stack, LIVE);
    let (work, _) = dump(&stack, "work.dump", WORKED, "-Fc");
    stack.on_host("systemctl stop nginx");
    let said = import(&stack, &work, &["--yes"]);
    stack.on_host("systemctl start nginx");
    refused(
        &stack,
        &before,
        &said,
        1,
        &["E0407", "answer through nginx"],
    );
    stack.is_as_wished();
}

#[test]
fn rows_of_a_csv_come_into_what_is_there_and_those_that_cannot_are_told() {
    let Some(stack) = serving() else { return };
    let before = sums(&stack, LIVE);
    let (home, _) = dump(&stack, "home.dump", "SELECT 1", "-Fc");
    stack.write(
        "casas.csv",
        "titulo,tipo_propiedad,precio_usd,moneda,url,latitud,longitud,zona\n\
         Casa con patio,casa,120000,USD,https://ejemplo.bo/1,-17.78,-63.18,Centro\n\
         Casa sin precio,casa,mucho,USD,https://ejemplo.bo/2,-17.78,-63.18,Centro\n\
         Casa al norte,casa,90000,USD,https://ejemplo.bo/3,-17.74,-63.17,Equipetrol\n\
         Casa en la luna,casa,90000,USD,https://ejemplo.bo/4,80,10,Centro\n",
    );
    stack.write("agentes.csv", "nombre,codigo\nAna Roca,1\n");
    let (casas, agentes) = (stack.home.join("casas.csv"), stack.home.join("agentes.csv"));
    let unsaid = import(&stack, &casas, &["--yes"]);
    refused(&stack, &before, &unsaid, 2, &["E0450", "--source"]);
    stack.write("nada.csv", "titulo,precio_usd\n,x\n");
    let none = import(
        &stack,
        &stack.home.join("nada.csv"),
        &["--source", "prueba", "--yes"],
    );
    refused(
        &stack,
        &before,
        &none,
        1,
        &[
            "E0454",
            "no row of",
            "rejected: 1 row: titulo is missing. line 2",
        ],
    );

    let (houses, agents) = (rows(&stack, "propiedades"), rows(&stack, "agentes"));
    let options = [
        casas.to_str().unwrap(),
        "--source",
        "prueba",
        "--yes",
        "--",
        "--operacion",
        "venta",
    ];
    let said = import(&stack, &agentes, &options);
    assert_eq!(said.code, 0, "{}", said.text);
    for told in [
        "casas.csv: 2 rows taken, 2 rejected",
        "casas.csv: rejected: 1 row: precio is not a number. line 3 (\"mucho\")",
        "casas.csv: rejected: 1 row: lat must lie between -23 and -9. line 5 (80)",
        &format!("{houses} before, {} now", houses + 2),
    ] {
        assert!(said.text.contains(told), "{told} is not in {}", said.text);
    }
    assert_eq!(
        (rows(&stack, "propiedades"), rows(&stack, "agentes")),
        (houses + 2, agents + 1)
    );
    // A second time it is known by its source and code.
    let aside = "SELECT count(*) FROM pg_database WHERE datname LIKE 'citrino_prod_before_%'";
    let kept = sql(&stack, "postgres", aside);
    let again = import(&stack, &agentes, &options);
    assert_eq!(again.code, 0, "{}", again.text);
    // It changes nothing, and so nothing is set aside for it; what was rejected is told again.
    assert!(again.text.contains("Nothing to import"), "{}", again.text);
    assert!(
        again.text.contains("precio is not a number"),
        "{}",
        again.text
    );
    assert_eq!(sql(&stack, "postgres", aside), kept);
    assert_eq!(rows(&stack, "propiedades"), houses + 2);
    imported(&stack, &home);
    assert_eq!(sums(&stack, LIVE), before);
    forget_aside(&stack);
}

/// What a dump would write on the host, could it write files or run programs.
const MARK: &str = "/var/tmp/written-by-a-dump";

/// What a dump can try, and what it is answered.
fn attacks() -> [(&'static str, String, &'static str); 9] {
    // What an index or a default calls may not say itself that it changes anything.
    let program = format!(
        "CREATE FUNCTION public.inner_one() RETURNS bigint LANGUAGE plpgsql AS $$BEGIN COPY (SELECT 1) TO PROGRAM 'touch {MARK}'; RETURN 1; END$$;\n\
         CREATE FUNCTION public.outer_one(bigint) RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN public.inner_one(); END$$;\n\
         CREATE FUNCTION public.on_row() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM public.inner_one(); RETURN NEW; END$$;\n"
    );
    let table = "CREATE TABLE public.botin (t text);\n";
    [
        (
            "reads a file",
            format!("{table}INSERT INTO public.botin SELECT pg_catalog.pg_read_file('/etc/passwd');"),
            "permission denied for function pg_read_file",
        ),
        (
            "writes a file",
            format!("CREATE SEQUENCE public.s;\nSELECT pg_catalog.setval('public.s', 1), lo_export(lo_from_bytea(0, 'x'), '{MARK}');"),
            "permission denied for function lo_export",
        ),
        ("makes files tables", "CREATE EXTENSION file_fdw;".to_owned(), "the extension file_fdw"),
        (
            "makes files tables by another's hand",
            "CREATE FUNCTION public.hand() RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE 'CREATE EXTENSION file_fdw SCHEMA public'; RETURN ''; END$$;\n\
             CREATE TABLE public.botin (t text DEFAULT public.hand());\nINSERT INTO public.botin DEFAULT VALUES;"
                .to_owned(),
            "permission denied to create extension",
        ),
        (
            "an index runs a program",
            format!("{program}CREATE INDEX botin ON public.agentes (public.outer_one(id));"),
            "to COPY to or from an external program",
        ),
        (
            "a default runs a program",
            format!("{program}CREATE TABLE public.botin (n bigint DEFAULT public.inner_one());\nINSERT INTO public.botin DEFAULT VALUES;"),
            "to COPY to or from an external program",
        ),
        (
            "a trigger runs a program",
            format!(
                "{program}{table}CREATE TRIGGER botin BEFORE INSERT ON public.botin FOR EACH ROW EXECUTE FUNCTION public.on_row();\n\
                 COPY public.botin (t) FROM stdin;\nx\n\\.\n"
            ),
            "to COPY to or from an external program",
        ),
        // What is a text to the sieve is none to psql after this.
        (
            "psql runs a program",
            format!(
                "SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);\n\
                 COMMENT ON TABLE public.agentes IS 'a\\'' \\! touch {MARK}\n;--';"
            ),
            "backslash commands are restricted",
        ),
        (
            "becomes the superuser",
            "CREATE FUNCTION public.hand() RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE 'RESET SESSION AUTHORIZATION'; EXECUTE 'SET ROLE postgres'; RETURN ''; END$$;\n\
             CREATE TABLE public.botin (t text DEFAULT public.hand());\nINSERT INTO public.botin DEFAULT VALUES;"
                .to_owned(),
            "permission denied to set role",
        ),
    ]
}

#[test]
fn a_dump_can_do_no_more_than_the_apps_own_role() {
    let Some(stack) = serving() else { return };
    let before = sums(&stack, LIVE);
    let (plain, _) = dump(&stack, "plain.sql", "SELECT 1", "");
    let text = fs::read_to_string(&plain).unwrap();
    let end = text
        .find("--\n-- PostgreSQL database dump complete")
        .unwrap();
    let dumped = |sql: &str| {
        let path = stack.home.join("attack.sql");
        let (begins, ends) = text.split_at(end);
        fs::write(&path, format!("{begins}{sql}\n\n{ends}")).unwrap();
        import(&stack, &path, &["--yes"])
    };
    for (what, sql, why) in attacks() {
        let said = dumped(&sql);
        let mark = stack.on_host(&format!("ls {MARK} 2>/dev/null || true; rm -f {MARK}"));
        assert_eq!(mark, "", "{what}: it was written: {}", said.text);
        refused(&stack, &before, &said, 1, &["E0451", why]);
    }
    let foreign = "has code that the live database does not have";
    // As many in one dump as a refusal names.
    for some in WAITING.chunks(4) {
        let (sql, mut told): (Vec<_>, Vec<_>) = some.iter().copied().unzip();
        told.extend(["E0453", foreign]);
        refused(&stack, &before, &dumped(&sql.join("\n")), 7, &told);
    }
    stack.is_as_wished();
}

/// What does nothing while the app's role fills the database, and could do something when somebody restores a backup of it, counts
/// its rows or looks at it who may do more.
const WAITING: [(&str, &str); 11] = [
    (
        "CREATE FUNCTION public.format(text, text) RETURNS text LANGUAGE plpgsql AS $$BEGIN IF CURRENT_USER = 'postgres' THEN COPY (SELECT 1) TO PROGRAM 'true'; END IF; RETURN replace($1, '%s', $2); END$$;",
        "the function public.format(text,text)",
    ),
    (
        "CREATE TABLE public.botin_b (t text CHECK (CASE WHEN CURRENT_USER = 'postgres' THEN pg_catalog.query_to_xml('COPY (SELECT 1) TO PROGRAM $$true$$', false, false, '') IS NOT NULL ELSE true END));\nINSERT INTO public.botin_b VALUES ('x');",
        "the constraint botin_b_check of public.botin_b",
    ),
    (
        "CREATE FUNCTION public.hand() RETURNS text LANGUAGE plpgsql AS $$BEGIN EXECUTE 'CREATE EXTENSION hstore SCHEMA public'; RETURN ''; END$$;\nCREATE TABLE public.botin_c (t text DEFAULT public.hand());\nINSERT INTO public.botin_c DEFAULT VALUES;",
        "the extension hstore, made by the dump",
    ),
    (
        "CREATE SCHEMA postgres;\nCREATE VIEW postgres.propiedades AS SELECT id FROM public.propiedades WHERE CASE WHEN CURRENT_USER = 'postgres' THEN pg_catalog.lo_export(424242, '/var/tmp/written-by-a-dump') = 1 ELSE true END;",
        "the schema postgres, which has the name of a role, the view postgres.propiedades",
    ),
    (
        "CREATE MATERIALIZED VIEW public.botin_e AS SELECT pg_catalog.now() AS n WITH NO DATA;",
        "the view public.botin_e",
    ),
    (
        "CREATE TABLE public.botin_f (t text DEFAULT pg_catalog.pg_read_file('/etc/passwd'));",
        "the default of public.botin_f.t",
    ),
    (
        "CREATE TABLE public.botin_g (t text);\nCREATE RULE regla AS ON UPDATE TO public.botin_g DO ALSO SELECT pg_catalog.pg_reload_conf();",
        "the rule regla of public.botin_g",
    ),
    (
        "CREATE POLICY regla ON public.agentes USING (CURRENT_USER <> 'postgres');",
        "the policy regla of public.agentes",
    ),
    (
        "CREATE TYPE public.botin_i AS (n integer);\nCREATE CAST (public.botin_i AS text) WITH INOUT AS IMPLICIT;",
        "the cast from public.botin_i to text",
    ),
    (
        "CREATE DOMAIN public.botin_j AS text CHECK (VALUE <> CURRENT_USER);",
        "the constraint botin_j_check of public.botin_j",
    ),
    (
        "CREATE SEQUENCE public.botin_k;\nSELECT pg_catalog.setval('public.botin_k', pg_catalog.lo_from_bytea(424242, 'x')::bigint);",
        "large objects",
    ),
];

/// As one of a container of PostGIS comes, with all that such a one has, and rows in tables of extensions.
#[test]
fn what_extensions_keep_comes_with_a_dump_and_stays_theirs() {
    let Some(stack) = serving() else { return };
    let before = sums(&stack, LIVE);
    let all = "CREATE EXTENSION fuzzystrmatch; CREATE EXTENSION postgis_raster; CREATE EXTENSION postgis_tiger_geocoder; \
               CREATE SCHEMA aparte; CREATE EXTENSION hstore SCHEMA aparte; \
               INSERT INTO spatial_ref_sys (srid, auth_name, auth_srid) VALUES (990001, 'propio', 1); \
               INSERT INTO tiger.pagc_gaz (id, seq, word, stdword, token) VALUES (990001, 1, 'a', 'a', 1); \
               SELECT topology.CreateTopology('barrio', 4326)";
    for options in ["", "-Fc", "--clean --if-exists", "--inserts"] {
        let (file, wished) = dump(&stack, "contenedor.dump", all, options);
        imported(&stack, &file);
        assert_eq!(sums(&stack, LIVE), wished, "{options}");
        for (query, found) in [
            (
                "SELECT count(*) FROM spatial_ref_sys WHERE srid = 990001",
                "1",
            ),
            ("SELECT count(*) FROM tiger.pagc_gaz WHERE id = 990001", "1"),
            ("SELECT name FROM topology.topology", "barrio"),
            (
                "SELECT nspname FROM pg_namespace n JOIN pg_extension e ON e.extnamespace = n.oid WHERE extname = 'hstore'",
                "aparte",
            ),
            (
                "SELECT count(*) FROM pg_extension WHERE extowner <> 10",
                "0",
            ),
            // What was lent is given back.
            (
                "SELECT count(*) FROM (SELECT unnest(extconfig) AS kept FROM pg_extension) e JOIN pg_class c ON c.oid = e.kept WHERE c.relkind = 'r' AND has_table_privilege('citrino_user', c.oid, 'INSERT')",
                "0",
            ),
            (
                "SELECT has_schema_privilege('citrino_user', 'tiger', 'USAGE')",
                "f",
            ),
        ] {
            assert_eq!(stack.sql(query), found, "{options}: {query}");
        }
        if options == "-Fc" {
            // What production has from now on stays where it is there.
            let (file, _) = dump(&stack, "otra_vez.dump", "SELECT 1", options);
            imported(&stack, &file);
            let place =
                "SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'hstore'";
            assert_eq!(stack.sql(place), "aparte");
        }
        stack.sql("SELECT topology.DropTopology('barrio'); DELETE FROM spatial_ref_sys WHERE srid = 990001");
        stack.sql("DROP EXTENSION postgis_tiger_geocoder, postgis_raster, fuzzystrmatch, hstore; DROP SCHEMA IF EXISTS aparte, tiger, tiger_data CASCADE");
    }
    assert_eq!(sums(&stack, LIVE), before);
    forget_aside(&stack);
}
