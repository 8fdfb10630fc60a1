use super::*;

/// An app that shares no name with the one that is shipped.
pub fn shop() -> AppProfile {
    let value = serde_json::json!({
        "name": "shop", "title": "The shop", "user": "merchant", "home": "/srv/shop", "folder": "/srv/shop/app",
        "data": "/srv/shop/data", "settings": "/etc/shop.yml", "binary": "shopd",
        "source": { "package": "shopd", "manifest": "shopd/Cargo.toml", "migrations": "schema" },
        "database": { "name": "shop_db", "role": "shop_role" },
        "environment": { "release": "SHOP_RELEASE" },
        "commands": {
            "serve": ["run", "--at", "{bind}"], "migrate": { "run": ["up"], "check": ["up", "--dry"] },
            "down": ["to", "{version}"], "describe": ["known"], "status": ["seen"],
        },
        "routes": { "live": "/alive", "ready": "/able", "api": "/v1/" },
        "away": { "lang": "en", "title": "Closed", "text": "Come back later." },
        "import": {
            "load": { "run": ["read", "{file}", "{table}"], "check": ["read", "--dry", "{file}"] },
            "tables": [{ "name": "people", "columns": ["name"] }, { "name": "goods", "columns": ["name", "price"] }],
            "options": [
                { "flag": "--unit", "says": "The unit", "takes": { "one_of": ["kg", "lb"] } },
                { "flag": "--rate", "says": "The rate", "takes": "number" },
                { "flag": "--strict", "says": "Refuse more" },
            ],
        },
    });
    serde_json::from_value(value).unwrap()
}

fn whys(profile: &AppProfile) -> Vec<String> {
    let wrongs = profile.wrongs().into_iter();
    wrongs
        .map(|wrong| format!("{}: {}", wrong.path.join("."), wrong.why))
        .collect()
}

#[test]
fn the_shipped_profile_is_right_and_has_its_sql() {
    let shipped = AppProfile::default();
    assert_eq!(whys(&shipped), Vec::<String>::new());
    assert!(
        shipped
            .data_checks
            .iter()
            .all(|check| !check.sql.is_empty())
    );
    // It goes to hosts as JSON.
    let sent = serde_json::to_string(&shipped).unwrap();
    assert_eq!(serde_json::from_str::<AppProfile>(&sent).unwrap(), shipped);
}

#[test]
fn everything_of_an_app_is_called_after_it() {
    let shop = shop();
    assert_eq!(whys(&shop), Vec::<String>::new());
    assert_eq!(shop.group(), "merchant");
    assert_eq!(shop.unit("blue"), "shop@blue.service");
    assert_eq!(shop.socket("green"), "/run/shop/green/app.sock");
    assert_eq!(shop.binary_of("r1"), "/srv/shop/app/releases/r1/shopd");
    let name = shop.backup_name(time::macros::datetime!(2026-11-25 03:00 UTC));
    assert_eq!(name, "shop_20261125_030000");
    let file = format!("{name}.dump.zst");
    assert_eq!(shop.split_backup(&file), Some((&*name, ".dump.zst")));
    for other in [
        "shop_2026112x_030000.dump",
        "store_20261125_030000.dump",
        "shop_2026",
        "shop_20261125_03000é",
    ] {
        assert_eq!(shop.split_backup(other), None, "{other}");
    }
}

#[test]
fn a_command_has_its_values_and_no_others() {
    let mut shop = shop();
    assert_eq!(shop.commands.down.with(&[("version", "7")]), ["to", "7"]);
    let argv = |words: &[&str]| serde_json::from_value::<Argv>(serde_json::json!(words));
    assert!(argv(&[]).is_err());
    assert!(argv(&["a b"]).is_err());
    assert!(argv(&["%i"]).is_err());
    shop.commands.serve = argv(&["run"]).unwrap();
    shop.commands.describe = argv(&["known", "{file}"]).unwrap();
    assert_eq!(
        whys(&shop),
        [
            "commands.serve: does not say where `{bind}` goes",
            "commands.describe: has `{file}`, but nothing is put in its place",
        ]
    );
}

#[test]
fn names_that_meet_the_tools_own_or_each_other_are_refused() {
    let mut shop = shop();
    shop.name = "citrino-backup".parse().unwrap();
    shop.folder = shop.home.clone();
    shop.data = shop.home.clone();
    assert_eq!(whys(&shop).len(), 4, "{:?}", whys(&shop));
}

#[test]
fn a_table_of_the_import_that_had_rows_and_has_none_is_lost() {
    let import = AppProfile::default().import.unwrap();
    let rows = |rows: &[(&str, u64)]| {
        let rows = rows
            .iter()
            .map(|(table, rows)| ((*table).to_owned(), *rows));
        rows.collect::<std::collections::BTreeMap<_, _>>()
    };
    let full = rows(&[("propiedades", 7), ("servicios", 0), ("sesiones", 3)]);
    for after in [rows(&[("propiedades", 0)]), rows(&[])] {
        let lost = ["propiedades has no rows in it, of 7 in the live one"];
        assert_eq!(import.lost(&full, &after), lost);
    }
    assert_eq!(import.lost(&full, &rows(&[("propiedades", 1)])), [""; 0]);
    assert_eq!(
        import.lost(&rows(&[("propiedades", 0)]), &rows(&[])),
        [""; 0]
    );
}

#[test]
fn a_csv_is_for_the_last_table_whose_columns_it_has() {
    let import = shop().import.unwrap();
    let table = |columns: &[&str]| {
        let table = import.table_of(columns);
        table.map(|table| table.name.to_string())
    };
    assert_eq!(table(&["price", "name", "x"]).as_deref(), Some("goods"));
    assert_eq!(table(&["name"]).as_deref(), Some("people"));
    assert_eq!(table(&["Price", "NÁME "]).as_deref(), Some("goods"));
    assert_eq!(table(&["price"]), None);
    assert!(import.rank("people") < import.rank("goods"));
}

#[test]
fn an_option_of_the_loader_is_checked_before_anything_is_sent() {
    let import = shop().import.unwrap();
    let checked = |words: &str| {
        let words: Vec<String> = words.split_whitespace().map(str::to_owned).collect();
        import.checked(&words).map(|words| words.join(" "))
    };
    assert_eq!(
        checked("--unit=kg --strict --rate 6.9"),
        Ok("--unit kg --strict --rate 6.9".to_owned())
    );
    for (words, why) in [
        (
            "--unt kg",
            "no option `--unt`; it has --unit kg|lb, --rate NUMBER, --strict",
        ),
        ("--unit oz", "--unit is not understood: write --unit kg|lb"),
        ("--rate", "write --rate NUMBER"),
        ("--rate x", "write --rate NUMBER"),
        ("--unit --strict", "write --unit kg|lb"),
        ("--strict=1", "--strict takes no value"),
        ("kg", "no option `kg`"),
    ] {
        let said = checked(words).unwrap_err();
        assert!(said.contains(why), "{said}");
    }
    assert_eq!(import.that_add().as_deref(), Some("--unit or --rate"));
}

#[test]
fn what_was_found_is_told_by_the_profiles_own_sentences() {
    let check: DataCheck = serde_json::from_value(serde_json::json!({
        "sql": "SELECT 1",
        "faults": [{ "count": "bad", "says": "{bad} of {all} in {name} are bad" }],
        "notes": [{ "count": "odd", "says": "{odd} in {name} are odd" }],
    }))
    .unwrap();
    let found: Vec<DataObject> = serde_json::from_value(serde_json::json!([
        { "name": "a", "all": 9, "bad": 2, "odd": 0 },
        { "name": "b", "all": 3, "bad": 0, "odd": 1 },
    ]))
    .unwrap();
    assert_eq!(
        check.faults(&found).collect::<Vec<_>>(),
        ["2 of 9 in a are bad"]
    );
    assert_eq!(check.notes(&found).collect::<Vec<_>>(), ["1 in b are odd"]);
}
