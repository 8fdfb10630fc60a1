//! `init` asks the API what can be ordered, and what it costs.

use crate::fake_api::FakeApi;
use crate::operator::Operator;

#[test]
fn what_init_writes_has_a_type_and_a_price_of_the_api() {
    let fake = FakeApi::start();
    let ana = Operator::new(&fake, "");
    std::fs::remove_file(ana.path().join("citrino.yml")).unwrap();
    let line = "init --yes --stack shop --domain shop.example.com --ssh-key id_ed25519.pub";
    let (code, said) = ana.types(line);
    assert_eq!(code, 0, "{said}");
    let yml = std::fs::read_to_string(ana.path().join("citrino.yml")).unwrap();
    assert!(
        yml.contains(" a month net\n") && yml.contains("  max_monthly_eur: "),
        "{yml}"
    );
    // What was chosen can be ordered, within the limit.
    let (code, said) = ana.types("plan");
    assert_eq!(code, 3, "{said}");
}
