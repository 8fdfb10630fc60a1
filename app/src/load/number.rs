//! Numbers as people and spreadsheets write them: `120000`, `120.000`, `1,234.50`, `1 234,5`.

/// What parts the decimals from the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Decimal {
    Point,
    Comma,
}

/// How the numbers of a column are written, as far as its values tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    point: bool,
    comma: bool,
}

/// What a text is, where it is no number of the wanted range.
#[derive(Debug, PartialEq)]
pub enum NoNumber {
    /// It is none.
    Not,
    /// It lies outside of the range.
    Outside,
    /// It can mean either.
    Two(f64, f64),
}

impl Style {
    /// Of a program that writes numbers with a decimal point and nothing else.
    pub const OF_PROGRAMS: Self = Self {
        point: true,
        comma: false,
    };

    /// Learns from a value that can only be written one way.
    pub fn learn(&mut self, text: &str) {
        if let [(_, decimal)] = readings(text)[..]
            && text.contains(['.', ','])
        {
            self.point |= decimal == Decimal::Point;
            self.comma |= decimal == Decimal::Comma;
        }
    }

    pub fn with(self, other: Self) -> Self {
        Self {
            point: self.point || other.point,
            comma: self.comma || other.comma,
        }
    }

    fn has(self, decimal: Decimal) -> bool {
        match decimal {
            Decimal::Point => self.point && !self.comma,
            Decimal::Comma => self.comma && !self.point,
        }
    }
}

/// The number between `low` and `high` that a text of a column means. What can mean two of them is decided by how the rest of the
/// column is written, and by nothing else.
///
/// # Errors
/// Why it is none.
pub fn read(text: &str, style: Style, low: f64, high: f64) -> Result<f64, NoNumber> {
    let all = readings(text);
    let fits: Vec<_> = all
        .iter()
        .filter(|(number, _)| (low..=high).contains(number))
        .collect();
    match fits[..] {
        [] if all.is_empty() => Err(NoNumber::Not),
        [] => Err(NoNumber::Outside),
        [(number, _)] => Ok(*number),
        [first, second, ..] => [first, second]
            .into_iter()
            .find(|(_, decimal)| style.has(*decimal))
            .map(|(number, _)| *number)
            .ok_or(NoNumber::Two(first.0, second.0)),
    }
}

/// Each number that a text can mean; at most two.
fn readings(text: &str) -> Vec<(f64, Decimal)> {
    let point = parse(text, '.', ',').map(|number| (number, Decimal::Point));
    let comma = parse(text, ',', '.').map(|number| (number, Decimal::Comma));
    match (point, comma) {
        (Some(point), Some(comma)) if point.0.to_bits() == comma.0.to_bits() => vec![point],
        _ => point.into_iter().chain(comma).collect(),
    }
}

fn parse(text: &str, decimal: char, group: char) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((text, exponent)) => (text, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = match text.split_once(decimal) {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, "0"),
    };
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = without_groups(whole, group)?;
    format!("{sign}{whole}.{fraction}e{exponent}").parse().ok()
}

/// The digits of a whole number, which one kind of separator may part into threes.
fn without_groups(text: &str, group: char) -> Option<String> {
    let separators = [group, ' ', '\'', '’', '\u{a0}', '\u{202f}'];
    let Some(separator) = text.chars().find(|letter| separators.contains(letter)) else {
        let is_whole = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        return is_whole.then(|| text.to_owned());
    };
    let groups: Vec<&str> = text.split(separator).collect();
    let (first, rest) = groups.split_first()?;
    let are_digits = |group: &&str| group.bytes().all(|byte| byte.is_ascii_digit());
    // Nobody groups a number that begins with 0.
    let begins = (1..=3).contains(&first.len()) && !first.starts_with('0');
    let goes_on = rest.iter().all(|group| group.len() == 3);
    (begins && goes_on && groups.iter().all(are_digits)).then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn alone(text: &str) -> Result<f64, NoNumber> {
        read(text, Style::default(), -1e12, 1e12)
    }

    #[test]
    fn what_can_mean_one_thing_is_read_and_what_can_mean_two_is_not() {
        for (text, number) in [
            ("120000", 120_000.0),
            ("120.5", 120.5),
            ("120,5", 120.5),
            ("1.234,56", 1234.56),
            ("1,234.56", 1234.56),
            ("1.234.567", 1_234_567.0),
            ("1 234,5", 1234.5),
            ("1\u{a0}234", 1234.0),
            ("12'500", 12_500.0),
            ("-17.76612", -17.766_12),
            ("0.125", 0.125),
            ("0,125", 0.125),
            ("1234.567", 1234.567),
            ("1.2E+05", 120_000.0),
            ("+3", 3.0),
        ] {
            assert_eq!(alone(text), Ok(number), "{text}");
        }
        for text in [
            "",
            "mucho",
            "1.2.3",
            "12.34.567",
            "1,23,456",
            "inf",
            "NaN",
            "5.",
            "$5",
            "1 2",
        ] {
            assert_eq!(alone(text), Err(NoNumber::Not), "{text}");
        }
        assert_eq!(alone("120.000"), Err(NoNumber::Two(120.0, 120_000.0)));
        assert_eq!(alone("1,250"), Err(NoNumber::Two(1250.0, 1.25)));
    }

    #[test]
    fn the_range_and_then_the_rest_of_the_column_decide() {
        assert_eq!(read("-17.766", Style::default(), -23.0, -9.0), Ok(-17.766));
        assert_eq!(read("3.000", Style::default(), 0.0, 100.0), Ok(3.0));
        assert_eq!(
            read("80", Style::default(), -23.0, -9.0),
            Err(NoNumber::Outside)
        );
        let mut style = Style::default();
        style.learn("120.000");
        style.learn("5");
        assert_eq!(style, Style::default());
        style.learn("99,5");
        assert_eq!(read("120.000", style, 0.0, 1e9), Ok(120_000.0));
        style.learn("99.5");
        assert!(read("120.000", style, 0.0, 1e9).is_err());
    }

    proptest! {
        #[test]
        fn a_number_written_in_any_way_is_read_as_itself_or_as_two(whole in 0u32..10_000_000, cents in 0u32..1000) {
            let number = f64::from(whole) + f64::from(cents) / 1000.0;
            let plain = format!("{number:.3}");
            for (group, decimal) in [(",", "."), (".", ","), (" ", ","), ("", ".")] {
                let (head, tail) = plain.split_once('.').unwrap();
                let digits: Vec<char> = head.chars().rev().collect();
                let grouped: Vec<String> = digits.chunks(3).map(|three| three.iter().collect()).collect();
                let head: String = grouped.join(group).chars().rev().collect();
                let text = format!("{head}{decimal}{tail}");
                match alone(&text) {
                    Ok(read) => prop_assert!((read - number).abs() < 1e-6, "{text}: {read}"),
                    Err(NoNumber::Two(a, b)) => prop_assert!((a - number).abs() < 1e-6 || (b - number).abs() < 1e-6, "{text}"),
                    Err(other) => prop_assert!(false, "{text}: {other:?}"),
                }
            }
        }
    }
}
