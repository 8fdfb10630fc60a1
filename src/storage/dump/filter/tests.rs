use proptest::prelude::*;

use super::*;
use crate::storage::dump::PIECE;

/// As `pg_dump` 15 writes one, and 17 a line of.
const DUMP: &str = r#"--
-- PostgreSQL database dump
--

\restrict AbC

SET statement_timeout = 0;
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

CREATE SCHEMA topology;


ALTER SCHEMA topology OWNER TO dev;
COMMENT ON SCHEMA topology IS 'PostGIS Topology schema';
CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public;
COMMENT ON EXTENSION postgis IS 'types; and functions';

CREATE FUNCTION public.a(b text) RETURNS text
    LANGUAGE sql
    AS $_$ SELECT ';' || $1; COMMIT; $_$;


ALTER FUNCTION public.a(b text) OWNER TO dev;

CREATE FUNCTION public.b() RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT CASE WHEN true THEN 1 END;
END;

CREATE TABLE public.notas (
    id bigint NOT NULL, "owner;" text DEFAULT 'it''s; \'
);
ALTER TABLE ONLY public."Con Espacio" ADD CONSTRAINT c PRIMARY KEY (id);

COPY public.notas (id, "owner;") FROM stdin;
1	DROP DATABASE x;
2	\\.
\.


COPY otra."Con Espacio" (id) FROM stdin;
\.

INSERT INTO public.propiedades VALUES (1, 'a (b'), (2, E'\'(;');
INSERT INTO public.propiedades (id) VALUES (3);
SELECT pg_catalog.setval('public.notas_id_seq', 2, true);
GRANT SELECT ON TABLE public.notas TO lector;

--
-- PostgreSQL database dump complete
--

\unrestrict AbC

"#;

fn sift(text: &str, pieces: usize) -> (Result<RowCounts, String>, String) {
    let there = BTreeSet::from(["public".to_owned(), "topology".to_owned()]);
    let (mut sieve, mut out) = (DumpFilter::with(there), Vec::new());
    let told = |error: anyhow::Error| error.to_string();
    for piece in text.as_bytes().chunks(pieces) {
        if let Err(error) = sieve.push(piece, &mut out) {
            return (Err(told(error)), String::from_utf8(out).unwrap());
        }
    }
    let counts = sieve.end(&mut out).map_err(told);
    (counts, String::from_utf8(out).unwrap())
}

#[test]
fn rows_are_counted_and_owners_left_out_line_by_line() {
    let (counts, out) = sift(DUMP, 4096);
    let counts = counts.unwrap();
    let (rows, extensions) = (counts.rows, counts.extensions);
    assert_eq!(
        extensions,
        [Extension {
            name: "postgis".to_owned(),
            schema: Some("public".to_owned()),
            line: 16
        }]
    );
    let wished = [
        ("notas", 2),
        ("otra.\"Con Espacio\"", 0),
        ("propiedades", 3),
    ];
    assert_eq!(
        rows,
        wished
            .map(|(table, count)| (table.to_owned(), count))
            .into()
    );
    for gone in [
        "OWNER TO",
        "GRANT",
        "restrict",
        "CREATE SCHEMA",
        "EXTENSION",
        "ON SCHEMA",
        "transaction_timeout",
    ] {
        assert!(!out.contains(gone), "{gone} is in\n{out}");
    }
    // What is left out leaves its lines behind: an error of PostgreSQL names the line of the file.
    let (given, left): (Vec<&str>, Vec<&str>) = (DUMP.lines().collect(), out.lines().collect());
    assert_eq!(given.len(), left.len());
    for (given, left) in given.iter().zip(&left) {
        assert!(left.is_empty() || given == left, "{given} became {left}");
    }
}

#[test]
fn however_it_comes_it_is_the_same() {
    let whole = sift(DUMP, 4096);
    for pieces in [1, 2, 3, 7, 64] {
        assert_eq!(sift(DUMP, pieces), whole, "{pieces}");
    }
}

/// As an editor or a shell of Windows leaves a dump: it is the one that `pg_dump` wrote.
#[test]
fn what_went_through_windows_is_as_it_was_written() {
    let (counts, out) = sift(DUMP, 4096);
    let counts = counts.unwrap();
    let lines = DUMP.replace('\n', "\r\n");
    for text in [
        lines.clone(),
        format!("\u{feff}{DUMP}"),
        format!("\u{feff}{lines}"),
    ] {
        for pieces in [1, 7, 4096] {
            let (again, through) = sift(&text, pieces);
            let again = RowCounts {
                bytes: counts.bytes,
                ..again.unwrap()
            };
            assert_eq!((&again, &through), (&counts, &out), "{pieces}");
        }
    }
    // What a function has in its own text stays there, where the lines are not all so.
    let own = DUMP.replace("SELECT ';' || $1;", "SELECT ';'\r\n || $1;");
    assert!(sift(&own, 4096).1.contains("SELECT ';'\r\n || $1;"));
    // A mark is one at the beginning only, and a backup of ours has none.
    let twice = sift(&format!("\u{feff}\u{feff}{DUMP}"), 4096).0;
    assert!(twice.is_err());
    let mut out = Vec::new();
    let mut sieve = DumpFilter::of_backup(BTreeSet::new());
    sieve.push(b"--\r\n-- x\r\n", &mut out).unwrap();
    assert_eq!(out, b"--\r\n-- x\r\n");
}

#[test]
fn the_hint_is_for_the_reason() {
    let hint = |text: &str| {
        let mut sieve = DumpFilter::default();
        let mut out = Vec::new();
        let error = sieve.push(text.as_bytes(), &mut out).err();
        let error = error.unwrap_or_else(|| sieve.end(&mut out).unwrap_err());
        error
            .downcast::<crate::core::error::Fault>()
            .unwrap()
            .hint
            .unwrap()
    };
    assert!(hint("CREATE ROLE ana;\n").contains("without `--create`"));
    assert!(hint("\\connect x\n").contains("as pg_dump wrote it"));
    assert!(hint(&DUMP[..DUMP.len() / 2]).contains("make the dump again"));
}

#[test]
fn what_reaches_beyond_the_database_is_refused_with_its_line() {
    for (line, why) in [
        (
            "\\connect citrino_prod",
            "line 7: `\\connect citrino_prod` is a command to psql",
        ),
        ("\\! rm -rf /", "is a command to psql"),
        ("SELECT 1 \\g |sh", "is a command to psql"),
        (
            "DROP DATABASE citrino_prod;",
            "`DROP … DATABASE` reaches beyond",
        ),
        (
            "alter\nrole dev superuser;",
            "line 7: `ALTER … ROLE` reaches beyond",
        ),
        ("ALTER SYSTEM SET x = 1;", "`ALTER … SYSTEM`"),
        ("COMMENT ON DATABASE a IS 'b';", "`COMMENT … DATABASE`"),
        (
            "COPY a FROM PROGRAM 'id';",
            "`COPY A FROM PROGRAM …` is not a statement",
        ),
        ("COPY a TO STDOUT;", "is not a statement"),
        ("/* GRANT */ COMMIT;", "`COMMIT …` is not a statement"),
        ("DO $$BEGIN END$$;", "`DO …` is not a statement"),
        ("SELECT pg_terminate_backend(1);", "is not a statement"),
        (
            "CREATE EXTENSION a CASCADE;",
            "line 7: this `CREATE EXTENSION` is not written",
        ),
        ("SET standard_conforming_strings = off;", "PostgreSQL 9.1"),
    ] {
        let text = DUMP.replacen("SET statement_timeout = 0;", line, 1);
        let (counts, out) = sift(&text, 4096);
        let said = counts.unwrap_err();
        assert!(said.contains(why), "{line}: {said}");
        assert!(
            !out.contains(line.trim_end_matches(';')),
            "{line} went through"
        );
    }
}

#[test]
fn wherever_it_is_cut_it_is_found_out() {
    let end = DUMP.find("dump complete").unwrap() + "dump complete".len();
    for cut in 1..end {
        let (counts, _) = sift(&DUMP[..cut], 4096);
        let said = counts.unwrap_err();
        // A command to psql that is left out is none any more when it is cut.
        assert!(
            said.contains("cut short") || said.contains("is a command to psql"),
            "at {cut}: {said}"
        );
    }
    assert!(sift(&DUMP[..end], 4096).0.is_ok());
}

/// As `pg_dump` writes large objects.
const LARGE: &str = "SELECT pg_catalog.lo_create('424242');\nBEGIN;\n\nSELECT pg_catalog.lo_open('424242', 131072);\n\
    SELECT pg_catalog.lowrite(0, '\\x78');\nSELECT pg_catalog.lo_close(0);\n\nCOMMIT;\n";

#[test]
fn a_backup_brings_large_objects_and_rows_of_any_length_and_an_import_neither() {
    let row = "x".repeat(LONGEST + 1);
    let with = |large: &str, row: &str| {
        format!("{HEAD}\n{large}COPY public.t (a) FROM stdin;\n{row}\na\n\\.\n{COMPLETE}\n")
    };
    let sifted = |mut sieve: DumpFilter, text: &str| {
        let mut out = Vec::new();
        for piece in text.as_bytes().chunks(PIECE) {
            sieve
                .push(piece, &mut out)
                .map_err(|error| error.to_string())?;
        }
        let counts = sieve.end(&mut out).map_err(|error| error.to_string())?;
        Ok::<_, String>((counts.rows["t"], String::from_utf8(out).unwrap()))
    };
    let whole = with(LARGE, &row);
    let of_backup = sifted(DumpFilter::of_backup(BTreeSet::new()), &whole);
    assert!(of_backup == Ok((2, whole)), "something of it was lost");
    let imported = |text: &str| sifted(DumpFilter::default(), text).unwrap_err();
    assert!(
        imported(&with(LARGE, "b")).contains("`SELECT PG_CATALOG LO_CREATE …` is not a statement")
    );
    assert!(imported(&with("", &row)).contains("it is longer than 16 MB"));
}

proptest! {
    #[test]
    fn a_backup_in_pieces_is_as_a_whole(rows in proptest::collection::vec("[^\r\n\\\\]{0,9}", 0..9), pieces in 1_usize..9) {
        let data: String = rows.iter().flat_map(|row| [row.as_str(), "\n"]).collect();
        let text = format!("{HEAD}\nCOPY public.t (a) FROM stdin;\n{data}\\.\n{COMPLETE}\n");
        let (mut sieve, mut out) = (DumpFilter::of_backup(BTreeSet::new()), Vec::new());
        for piece in text.as_bytes().chunks(pieces) {
            sieve.push(piece, &mut out).unwrap();
        }
        prop_assert_eq!(sieve.end(&mut out).unwrap().rows["t"], rows.len() as u64);
        prop_assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (mut sieve, mut out) = (DumpFilter::default(), Vec::new());
        if sieve.push(&bytes, &mut out).is_ok() {
            let _ = sieve.end(&mut out);
        }
    }

    #[test]
    fn as_many_rows_as_lines(rows in proptest::collection::vec("[^\r\n\\\\]{0,30}", 0..30)) {
        let data: String = rows.iter().flat_map(|row| [row.as_str(), "\n"]).collect();
        let text = format!("{HEAD}\nCOPY public.t (a) FROM stdin;\n{data}\\.\n{COMPLETE}\n");
        let (counts, out) = sift(&text, 5);
        prop_assert_eq!(counts.unwrap().rows["t"], rows.len() as u64);
        prop_assert_eq!(out, text);
    }
}
