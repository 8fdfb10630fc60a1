//! Figures and properties as Spanish text.

/// A whole number with dots between thousands: 1.250.000.
pub fn whole(value: f64) -> String {
    let digits = rounded(value.abs()).to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('.');
        }
        text.push(digit);
    }
    text
}

/// The nearest whole number; NaN and negative numbers become 0. `{:.0}` does the same and takes ten times as long.
pub fn rounded(value: f64) -> u64 {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // it saturates
    {
        value.round_ties_even() as u64
    }
}

/// With at most one decimal, after a comma.
pub fn tenth(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0")
        .map_or_else(|| text.replace('.', ","), ToOwned::to_owned)
}

/// A price, or the words for an unknown price.
pub fn price(value: Option<f64>) -> String {
    value.map_or_else(
        || "precio no informado".to_owned(),
        |value| format!("USD {}", whole(value)),
    )
}

/// A noun with its number: "1 baño", "3 baños".
pub fn count(number: i64, one: &str, many: &str) -> String {
    // A whole number below 2⁵² loses nothing.
    #[allow(clippy::cast_precision_loss, reason = "counts are small")]
    let figure = whole(number as f64);
    format!("{figure} {}", if number == 1 { one } else { many })
}

/// The plural of a kind of property, for people.
pub fn kinds(kinds: &[&str]) -> String {
    let plural = |kind: &&str| match *kind {
        "galpon" => "galpones".to_owned(),
        "local" => "locales".to_owned(),
        "duplex" => "dúplex".to_owned(),
        kind => format!("{kind}s"),
    };
    let names: Vec<String> = kinds.iter().map(plural).collect();
    if names.is_empty() {
        "propiedades".to_owned()
    } else {
        names.join(" y ")
    }
}

/// An operation as it follows a noun.
pub fn operation(operation: &str) -> &'static str {
    match operation {
        "alquiler" => "en alquiler",
        "anticretico" => "en anticrético",
        _ => "en venta",
    }
}

/// A category of services, for people.
pub fn category(category: &str) -> &str {
    match category {
        "educacion" => "educación",
        "recreacion" => "recreación",
        "otros" => "otros servicios",
        category => category,
    }
}

/// Words as they were said: «a», «b» y «c».
pub fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("«{name}»")).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [names @ .., last] => format!("{} y {last}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_spanish() {
        assert_eq!(whole(1_250_000.4), "1.250.000");
        assert_eq!(whole(950.0), "950");
        assert_eq!(tenth(87.5), "87,5");
        assert_eq!(tenth(120.0), "120");
        assert_eq!(count(1, "baño", "baños"), "1 baño");
        assert_eq!(price(None), "precio no informado");
    }
}
