use super::*;
use crate::chat::words::tokens;

#[test]
fn spanish_numbers_have_their_values() {
    for (text, value) in [
        ("200.000", 200_000.0),
        ("200,000", 200_000.0),
        ("200'000", 200_000.0),
        ("200 000", 200_000.0),
        ("1 250 000", 1_250_000.0),
        ("200000", 200_000.0),
        ("200 mil", 200_000.0),
        ("200mil", 200_000.0),
        ("200k", 200_000.0),
        ("1.5 millones", 1_500_000.0),
        ("1,5 millones", 1_500_000.0),
        ("1.500.000", 1_500_000.0),
        ("1.234.567,89", 1_234_567.89),
        ("1,234,567.89", 1_234_567.89),
        ("un millón", 1_000_000.0),
        ("un millón y medio", 1_500_000.0),
        ("medio millón", 500_000.0),
        ("1 millón 200 mil", 1_200_000.0),
        ("dos millones quinientos mil", 2_500_000.0),
        ("ciento veinticinco mil", 125_000.0),
        ("treinta y cinco mil", 35_000.0),
        ("dos mil quinientos", 2_500.0),
        ("mil doscientas", 1_200.0),
        ("mil", 1_000.0),
        ("0.5", 0.5),
        ("12,5", 12.5),
    ] {
        let tokens = tokens(text);
        let numeral = read(&tokens, 0).unwrap_or_else(|| panic!("{text}"));
        assert!((numeral.value - value).abs() < 1e-6, "{text}: {numeral:?}");
        assert_eq!(numeral.end, tokens.len(), "{text}");
    }
}

#[test]
fn what_follows_a_number_is_not_swallowed() {
    for (text, value, end) in [
        ("200 mil 3 dormitorios", 200_000.0, 2),
        ("2 200 mil", 2.0, 1),
        ("doscientos mil tres dormitorios", 200_000.0, 2),
        ("3 150 m2", 3.0, 1),
        ("treinta y dos", 32.0, 3),
        ("tres y dos", 3.0, 1),
    ] {
        let numeral = read(&tokens(text), 0).unwrap();
        assert!((numeral.value - value).abs() < 1e-6, "{text}: {numeral:?}");
        assert_eq!(numeral.end, end, "{text}");
    }
    assert_eq!(read(&tokens("1.2.3"), 0), None);
    assert_eq!(read(&tokens("casa"), 0), None);
}
