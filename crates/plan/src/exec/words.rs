//! Numbers as messages write them: no more digits than are needed, none too few.

/// A number with six digits, or with all where six would make it another.
pub fn shown(value: f64) -> String {
    if !value.is_finite() {
        return match value.is_nan() {
            true => "NaN".to_string(),
            false => format!("{}infinity", if value < 0.0 { "-" } else { "" }),
        };
    }
    let is_plain = value == 0.0 || (1e-5..1e15).contains(&value.abs());
    let six: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    let value = if value.fract() == 0.0 || six.fract() == 0.0 { value } else { six };
    if is_plain { value.to_string() } else { format!("{value:e}") }
}

/// A whole number with its thousands apart.
pub fn grouped(value: f64) -> String {
    if value.is_nan() || value.abs() >= 1e18 || value.fract() != 0.0 {
        return shown(value);
    }
    let digits = value.abs().to_string();
    let mut text = if value < 0.0 { "-".to_string() } else { String::new() };
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 unit`, `2 units`.
pub fn plural(n: f64, word: &str) -> String {
    format!("{} {word}{}", grouped(n), if n == 1.0 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_true() {
        for (value, text) in [
            (0.0, "0"),
            (-1.0, "-1"),
            (2.5, "2.5"),
            (1.0161283818766056, "1.01613"),
            (-0.30400336374653264, "-0.304003"),
            (0.9999999999, "0.9999999999"),
            (123456789.0, "123456789"),
            (1e300, "1e300"),
            (1e-7, "1e-7"),
            (f64::NEG_INFINITY, "-infinity"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(shown(value), text);
        }
        assert_eq!(grouped(1e12), "1,000,000,000,000");
        assert_eq!(grouped(-1234.0), "-1,234");
        assert_eq!(grouped(2.5), "2.5");
        assert_eq!(plural(1.0, "unit"), "1 unit");
        assert_eq!(plural(12000.0, "unit"), "12,000 units");
    }
}
