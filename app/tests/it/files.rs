//! `load --file`: CSV and JSON of the owner's, taken or rejected row by row.

use std::path::PathBuf;

use crate::app::citrino;
use crate::cluster::Database;

/// As the owner's files are: the operation where the kind should be, and prices that may be bolivianos.
const LISTINGS: &str =
    "\u{feff}titulo,descripcion,precio_usd,url,latitud,longitud,zona,tipo_propiedad
Departamento en Equipetrol,\"Con\tbalcón,
y vista\",696000,https://ejemplo.bo/1,-17.76,-63.19,Equipetrol,En Venta
Casa,,3480,https://ejemplo.bo/2,,,Centro,En Alquiler
Lote en Urubó,,0,https://ejemplo.bo/3,-17.76,-63.22,Urubó,En Anticrético
Casa,,doscientos,https://ejemplo.bo/4,,,Centro,En Venta
Casa,,200.000,,,,Centro,En Venta
Casa,,5,https://ejemplo.bo/1,,,Centro,En Venta
Casa,,5,https://ejemplo.bo/6,-17.7,,Centro,En Venta
Casa,,5,https://ejemplo.bo/7,40.4,-3.7,Centro,Castillo
Casa,solo tres
";

/// Kind, operation, price in dollars, currency and price in it.
type Loaded = (String, String, Option<f64>, String, Option<f64>);

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Files { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn good_rows_come_in_once_and_bad_ones_are_told() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let files = Files::new();
    let path = files.put("anuncios.csv", LISTINGS);
    let rejects = files.path("rechazos.csv");
    let load = [
        "load",
        "--file",
        &path,
        "--source",
        "remax",
        "--moneda",
        "BOB",
        "--cambio",
        "6.96",
        "--rejects",
        rejects.to_str().unwrap(),
    ];
    let run = citrino(&database, &load);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("3 rows taken, 6 rejected"), "{}", run.out);
    assert!(
        run.out
            .contains("propiedades: 3 inserted, 0 updated, 0 removed"),
        "{}",
        run.out
    );
    let named = format!("rejected: 6 rows with all reasons in {}", rejects.display());
    assert!(run.out.contains(&named), "{}", run.out);
    let told = std::fs::read_to_string(&rejects).unwrap();
    for line in [
        "line 6,\"precio is \"\"doscientos\"\", which is not a number.",
        "line 7,\"codigo is missing, and url too; --key COLUMN names another column that tells rows apart. precio is \"\"200.000\"\", which can mean 200 or 200000;",
        "line 8,It has the same code as line 2.",
        "line 9,Only one of lat and lng is there.",
        "line 10,",
        "line 11,It has 2 values where the first line has 8.",
    ] {
        assert!(told.contains(line), "{line} is not in\n{told}");
    }
    let rows: Vec<Loaded> = database.rows(
        "SELECT tipo_propiedad::text, operacion::text, precio_usd::float8, moneda::text, precio_original::float8
         FROM propiedades ORDER BY codigo",
    );
    let row = |kind: &str, operation: &str, usd: Option<f64>, asked: Option<f64>| {
        (
            kind.to_owned(),
            operation.to_owned(),
            usd,
            "BOB".to_owned(),
            asked,
        )
    };
    assert_eq!(
        rows,
        [
            row("departamento", "venta", Some(100_000.0), Some(696_000.0)),
            row("casa", "alquiler", Some(500.0), Some(3480.0)),
            row("terreno", "anticretico", None, None),
        ]
    );

    let again = citrino(&database, &load);
    assert!(
        again.out.contains("0 inserted, 0 updated, 0 removed"),
        "{}",
        again.out
    );
    let check = [&load[..], &["--check"]].concat();
    assert_eq!(citrino(&database, &check).code, 0);
    // Another rate is other prices; a file that is a part takes nothing away.
    let dearer = files.put(
        "uno.csv",
        &LISTINGS.lines().take(3).collect::<Vec<_>>().join("\n"),
    );
    let part = [
        "load", "--file", &dearer, "--source", "remax", "--moneda", "BOB", "--cambio", "9",
    ];
    let checked = citrino(&database, &[&part[..], &["--check"]].concat());
    assert_eq!(checked.code, 3, "{}", checked.out);
    let run = citrino(&database, &part);
    assert!(
        run.out.contains("0 inserted, 1 updated, 0 removed"),
        "{}",
        run.out
    );
}

#[test]
fn a_price_without_a_currency_is_no_price() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let files = Files::new();
    let path = files.put("anuncios.csv", LISTINGS);
    let run = citrino(&database, &["load", "--file", &path, "--source", "remax"]);
    assert!(
        run.out
            .contains("5 rows: The price has no currency; --moneda gives one. line 2, line 4"),
        "{}",
        run.out
    );
    let run = citrino(
        &database,
        &[
            "load", "--file", &path, "--source", "remax", "--moneda", "BOB",
        ],
    );
    assert!(
        run.out.contains(
            "5 rows: The price is in BOB; --cambio says how many are a dollar. line 2, line 4"
        ),
        "{}",
        run.out
    );
}

#[test]
fn json_and_the_other_tables_come_in_too() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let files = Files::new();
    let agents = files.put(
        "agentes.json",
        r#"[{"codigo": "A1", "nombre": "Ana", "email": null}, {"codigo": 2}, 7]"#,
    );
    let run = citrino(
        &database,
        &[
            "load", "--file", &agents, "--source", "guia", "--table", "agentes",
        ],
    );
    assert!(run.out.contains("1 row taken, 2 rejected"), "{}", run.out);
    assert!(
        run.out.contains("1 row: nombre is missing. element 2"),
        "{}",
        run.out
    );
    let services = files.put(
        "servicios.csv",
        "codigo;nombre;categoria;lat;lng\nS1;Colegio A;Educación;-17.78;-63.18\nS2;B;abastecimiento;;\n",
    );
    let run = citrino(
        &database,
        &[
            "load",
            "--file",
            &services,
            "--source",
            "guia",
            "--table",
            "servicios",
        ],
    );
    assert!(run.out.contains("servicios: 1 inserted"), "{}", run.out);
    assert!(
        run.out.contains("line 3 (\"abastecimiento\")"),
        "{}",
        run.out
    );
    let homes = files.put(
        "casas.json",
        r#"[{"codigo": "P1", "titulo": "Casa en venta", "precio": 90000, "moneda": "USD", "lat": -17.78,
             "lng": -63.181, "num_dormitorios": 3, "agente": "A1", "fecha_publicacion": "2025-10-16"}]"#,
    );
    assert_eq!(
        citrino(&database, &["load", "--file", &homes, "--source", "guia"]).code,
        0
    );
    assert!(database.scalar::<bool>(
        "SELECT agente_id IS NOT NULL AND distancias_m[1] BETWEEN 50 AND 200 AND num_dormitorios = 3 FROM propiedades"
    ));
}

#[test]
fn what_cannot_be_read_at_all_is_a_usage_error() {
    let Some(database) = Database::bare() else {
        return;
    };
    let files = Files::new();
    let twice = files.put("x.csv", "titulo,titulo\n");
    let other = files.put("x.txt", "titulo\n");
    let broken = files.put("x.json", "{");
    for path in [&twice, &other, &broken] {
        let run = citrino(&database, &["load", "--file", path, "--source", "x"]);
        assert_eq!(run.code, 2, "{path}: {}", run.err);
    }
    assert_eq!(citrino(&database, &["load", "--file", &twice]).code, 2);
    assert_eq!(
        citrino(
            &database,
            &["load", "--demo", "--file", &twice, "--source", "x"]
        )
        .code,
        2
    );
}

#[test]
fn zones_are_written_as_they_are_known() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let files = Files::new();
    let text = "titulo,codigo,zona\nCasa,a,\"  EQUIPETROL \"\nCasa,b,urubo\nCasa,c,Parqueo\nCasa,d,\nCasa,e,\"Las   Lomas\"\n";
    let path = files.put("zonas.csv", text);
    let rejects = files.path("rechazos.csv");
    let load = [
        "load",
        "--file",
        &path,
        "--source",
        "x",
        "--operacion",
        "venta",
    ];
    let run = citrino(&database, &load);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let zones = || -> Vec<(String, Option<String>)> {
        database.rows("SELECT codigo, zona FROM propiedades ORDER BY codigo")
    };
    let row = |code: &str, zone: Option<&str>| (code.to_owned(), zone.map(str::to_owned));
    let expected = [
        row("a", Some("Equipetrol")),
        row("b", Some("Urubó")),
        row("c", Some("Parqueo")),
        row("d", None),
        row("e", Some("Las Lomas")),
    ];
    assert_eq!(zones(), expected);

    database.execute("DELETE FROM propiedades").unwrap();
    let told = rejects.to_str().unwrap();
    let strict = [&load[..], &["--known-zones", "--rejects", told]].concat();
    let run = citrino(&database, &strict);
    assert!(
        run.out.contains("Parqueo") || run.err.contains("Parqueo"),
        "{}{}",
        run.out,
        run.err
    );
    let rejected = std::fs::read_to_string(&rejects).unwrap();
    assert!(
        rejected.contains("is not a known zone of the city") && rejected.contains("Las   Lomas"),
        "{rejected}"
    );
    assert_eq!(
        zones(),
        [
            expected[0].clone(),
            expected[1].clone(),
            expected[3].clone()
        ]
    );
}

/// As a spreadsheet in Bolivia writes it: names with accents, semicolons, points between thousands, and nothing that tells rows
/// apart where our own files have the code.
#[test]
fn a_spreadsheet_is_taken_as_it_is_meant_and_what_means_two_things_is_told() {
    let Some(database) = Database::fresh() else {
        return;
    };
    assert_eq!(citrino(&database, &["migrate"]).code, 0);
    let files = Files::new();
    let mut text = "sep=;\nCódigo;Referencia;Título;Tipo;Tipo de operación;Precio;Moneda;Superficie total;Latitud;Longitud;;\n".to_owned();
    for row in 1..=30 {
        let place = if row % 2 == 0 {
            "-17.766;-63.194"
        } else {
            "-17,766;-63,194"
        };
        let row = format!(
            "remax;R{row};Casa {row};Casa;Venta;120.000,50;USD;250.500;{place};;\n;;;;;;;;;;;\n"
        );
        text.push_str(&row);
    }
    let path = files.put("hoja.csv", &text);
    let load = ["load", "--file", &path, "--source", "hoja"];
    let run = citrino(&database, &load);
    assert_eq!(run.code, 2, "{}{}", run.out, run.err);
    assert!(
        run.err.contains("codigo has 1 value in 30 rows, so it cannot tell them apart; --key COLUMN names one that can: referencia, titulo"),
        "{}",
        run.err
    );
    let keyed = [&load[..], &["--key", "Referencia"]].concat();
    let run = citrino(&database, &keyed);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(
        run.out.contains("30 rows: superficie_total can mean two numbers: write it without a thousands separator. line 3 (\"250.500\" is 250.5 or 250500), line 5"),
        "{}",
        run.out
    );
    // One value that can only be written so tells how the column is written.
    let path = files.put("hoja.csv", &text.replacen("250.500", "99,5", 1));
    let run = citrino(
        &database,
        &[
            "load",
            "--file",
            &path,
            "--source",
            "hoja",
            "--key",
            "Referencia",
        ],
    );
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("30 rows taken, 0 rejected"), "{}", run.out);
    assert!(database.scalar::<bool>(
        "SELECT bool_and(precio_usd = 120000.50 AND tipo_propiedad = 'casa' AND operacion = 'venta' AND coordenadas IS NOT NULL)
            AND count(*) FILTER (WHERE superficie_total = 250500) = 29 FROM propiedades WHERE codigo ~ '^R'"
    ));
}
