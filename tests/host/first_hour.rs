//! A newcomer has the example, a token and a key, and types what the README says: it ends well on an empty database.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::stack::{Said, Stack, binary, untouched};

const HOUSES: &str = "titulo,tipo_propiedad,precio_usd,moneda,url,latitud,longitud,zona,codigo\n\
    Casa con patio,casa,120000,USD,https://ejemplo.bo/1,-17.78,-63.18,Centro,1\n\
    Casa al norte,casa,90000,USD,https://ejemplo.bo/3,-17.74,-63.17,Norte,2\n";

#[test]
fn the_first_hour_goes_as_the_readme_says() {
    let Some(stack) = untouched() else { return };
    from_the_example(&stack);
    let app = binary("citrino-app");
    let app = app.to_str().unwrap();

    let up = stack.citrino(&["up", "--yes", "--artifact", app]);
    println!("{}", up.text);
    assert_eq!(up.code, 0, "{}", up.text);
    let record = format!(
        "citrino.example.com has no address yet. Set in the DNS:\n  citrino.example.com A {}\n  citrino.example.com AAAA ",
        stack.address()
    );
    says(&up, &record);
    says(
        &up,
        "The app runs without data: no rows in agentes, servicios, propiedades.",
    );
    says(&up, "db import FILE   loads your data");
    says(&up, "rows of propiedades");
    assert_eq!(catalogue(&stack), "vacio");
    let page = stack.text("/");
    assert!(page.contains("Todavía no hay propiedades en este sitio."));
    let status = stack.citrino(&["status"]);
    says(&status, "citrino.example.com has no address yet");
    let again = stack.citrino(&["deploy", "--artifact", app]);
    assert_eq!(again.code, 0, "{}", again.text);

    let houses = imports(&stack, "uno", app);
    assert_eq!(houses.code, 0, "{}", houses.text);
    assert_eq!(catalogue(&stack), "con_datos");
    stack.is_healthy();

    without_a_release(&stack, app);
    rows_that_are_lost(&stack);
}

/// As it is copied; only where the API is, is the lab's.
fn from_the_example(stack: &Stack) {
    let example = include_str!("../../examples/citrino.yml");
    let cloud = format!(
        "\ncloud:\n  endpoint: {}\n  token: {{ file: {} }}\n",
        stack.lab.endpoint(),
        stack.lab.token_file().display()
    );
    let (before, after) = example.split_once("\ncloud:").unwrap();
    let rest = after.split_once('\n').unwrap().1;
    let text = format!("{before}{cloud}{rest}").replace("stack: citrino-prod", "stack: rehearsal");
    stack.write("citrino.yml", &text);
    let key = stack.lab.operator_key();
    let public = key.with_extension("pub");
    for (from, name) in [(key.clone(), "id_ed25519"), (public, "id_ed25519.pub")] {
        stack.write(&format!(".ssh/{name}"), &fs::read_to_string(from).unwrap());
    }
    let own = fs::Permissions::from_mode(0o600);
    fs::set_permissions(stack.home.join(".ssh/id_ed25519"), own).unwrap();
}

/// A host that is prepared and has no release that serves: the import brings the first one itself, and a look does not.
fn without_a_release(stack: &Stack, app: &str) {
    stack.on_host("rm /home/citrino/citrino/live");
    let file = stack.home.join("casas.csv");
    let file = file.to_str().unwrap();
    let import = ["db", "import", file, "--source", "dos"];
    let look = stack.citrino(&[&import[..], &["--check"]].concat());
    assert_eq!(look.code, 7, "{}", look.text);
    says(&look, "E0455");
    let refused = stack.citrino(&[&import[..], &["--artifact", app]].concat());
    assert_eq!(refused.code, 7, "{}", refused.text);
    says(&refused, "E0801");
    let houses = imports(stack, "dos", app);
    assert_eq!(houses.code, 0, "{}", houses.text);
    assert_eq!(stack.sql("SELECT count(*) FROM propiedades"), "4");
}

/// What was empty from the first is healthy; what had rows is not, also when a backup was taken of it since.
fn rows_that_are_lost(stack: &Stack) {
    let backup = stack.citrino(&["backup"]);
    assert_eq!(backup.code, 0, "{}", backup.text);
    stack.sql("DELETE FROM propiedades");
    let backup = stack.citrino(&["backup"]);
    assert_eq!(backup.code, 0, "{}", backup.text);
    let health = stack.citrino(&["health"]);
    assert_eq!(health.code, 4, "{}", health.text);
    says(
        &health,
        "propiedades is empty; it had 4 rows in backup citrino_",
    );
}

fn imports(stack: &Stack, source: &str, app: &str) -> Said {
    stack.write("casas.csv", HOUSES);
    let file = stack.home.join("casas.csv");
    let words = ["db", "import", file.to_str().unwrap(), "--source", source];
    let more = ["--yes", "--artifact", app, "--", "--operacion", "venta"];
    stack.citrino(&[&words[..], &more].concat())
}

fn catalogue(stack: &Stack) -> Value {
    let (status, ready) = stack.http("/api/ready", None);
    assert_eq!(status, 200, "{ready}");
    ready["catalogo"].clone()
}

fn says(said: &Said, part: &str) {
    assert!(said.text.contains(part), "{part} is not in:\n{}", said.text);
}
