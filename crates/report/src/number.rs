//! Numbers as text: no digit more than their error supports, none lost where they are data.

use serde_json::Value;

/// A number and its standard error, each with the digits that the error supports.
///
/// The error keeps two significant digits where these are 10 to 35, and one where they are more:
/// so the last digit of the number is uncertain by 3 to 35 units. The number is rounded to the
/// same place. Both are written with an exponent where they would have many zeros, and with the
/// same one. An error of 0, or one so small that rounding made it, supports all digits; six are
/// shown.
///
/// # References
/// Particle Data Group, Review of Particle Physics, introduction, on rounding.
pub fn with_error(value: f64, error: f64) -> (String, String) {
    if !value.is_finite() || !error.is_finite() {
        return (significant(value, EXACT_DIGITS), significant(error, 2));
    }
    let error = error.abs();
    if error <= 1e-13 * value.abs() || error < f64::MIN_POSITIVE {
        return (significant(value, EXACT_DIGITS), "0".to_string());
    }
    let place = last_place(error);
    let exponent = exponent_of(value).max(exponent_of(error));
    if (-MOST_DECIMALS..=0).contains(&place) && exponent < WIDEST {
        let decimals = place.unsigned_abs() as usize;
        return (fixed(value, decimals), fixed(error, decimals));
    }
    if place > 0 && exponent < WIDEST {
        let unit = 10f64.powi(place);
        let rounded = |v: f64| fixed((v / unit).round() * unit, 0);
        return (rounded(value), rounded(error));
    }
    let decimals = usize::try_from(exponent - place).unwrap_or(0);
    let scaled = |v: f64| {
        // Twice, since the power may be too large for one number.
        let half = exponent / 2;
        let mantissa = v / 10f64.powi(half) / 10f64.powi(exponent - half);
        format!("{}e{exponent}", fixed(mantissa, decimals))
    };
    (scaled(value), scaled(error))
}

/// Significant digits of numbers without an error.
const EXACT_DIGITS: usize = 6;

/// Most decimals that are written without an exponent.
const MOST_DECIMALS: i32 = 7;

/// Fewest digits before the decimal point that are written with an exponent, minus 1.
const WIDEST: i32 = 12;

/// The exponent of the last place that an error supports.
fn last_place(error: f64) -> i32 {
    // Three digits decide: 100 to 354 keep two, 355 to 949 keep one, 950 and more round up to a
    // 10 that keeps two.
    let text = format!("{error:.2e}");
    let (digits, exponent) = text.split_once('e').expect("`e` is in the format");
    let exponent: i32 = exponent.parse().expect("an exponent is a whole number");
    if digits < "3.55" { exponent - 1 } else { exponent }
}

/// The exponent of the leading digit; for 0 one below all others.
fn exponent_of(value: f64) -> i32 {
    if value == 0.0 { -400 } else { value.abs().log10().floor() as i32 }
}

/// A number with that many decimals; never `-0`.
pub fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let is_zero = !text.contains(|c: char| c.is_ascii_digit() && c != '0');
    if is_zero { text.trim_start_matches('-').to_string() } else { text }
}

/// A number with at most that many significant digits, without zeros at the end. Digits before
/// the decimal point are never rounded away; very large and very small numbers have an exponent.
pub fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "NA".to_string();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Inf" } else { "-Inf" }.to_string();
    }
    let digits = digits.max(1);
    let text = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').expect("`e` is in the format");
    let exponent: i32 = exponent.parse().expect("an exponent is a whole number");
    if (-5..15).contains(&exponent) {
        let decimals = usize::try_from(digits as i32 - 1 - exponent).unwrap_or(0);
        return without_end_zeros(&fixed(value, decimals));
    }
    format!("{}e{exponent}", without_end_zeros(mantissa))
}

fn without_end_zeros(text: &str) -> String {
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text.to_string()
    }
}

/// The fewest digits that give back the same number.
pub fn shortest(value: f64) -> String {
    if value == 0.0 {
        return "0".to_string();
    }
    let size = value.abs();
    if !(1e-5..1e16).contains(&size) { format!("{value:e}") } else { format!("{value}") }
}

/// A number of things, with commas between thousands.
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The ends of an interval, with two significant digits of its width. Ends that are whole numbers
/// have no decimals.
pub fn interval(low: f64, high: f64) -> (String, String) {
    let decimals = match high - low {
        width if width > 0.0 && width.is_finite() => 1 - exponent_of(width),
        _ => EXACT_DIGITS as i32,
    };
    let end = |v: f64| {
        let exact = v == v.trunc() && v.abs() < 1e15;
        fixed(v, if exact { 0 } else { decimals.clamp(0, 15) as usize })
    };
    (end(low), end(high))
}

/// A number for JSON: the fewest digits that give it back, `null` where it is not finite.
pub fn json_number(value: f64) -> Value {
    if value == value.trunc() && value.abs() < (1u64 << 53) as f64 {
        return Value::from(value as i64);
    }
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_those_that_the_error_supports() {
        let cases = [
            (0.948312, 0.00099, "0.9483", "0.0010"),
            (0.948312, 0.00094, "0.9483", "0.0009"),
            (0.948312, 0.000354, "0.94831", "0.00035"),
            (0.948312, 0.000356, "0.9483", "0.0004"),
            (0.948312, 0.00012, "0.94831", "0.00012"),
            (7.93, 0.014, "7.930", "0.014"),
            (-0.0000021, 0.000012, "-0.000002", "0.000012"),
            (-0.0000001, 0.000012, "0.000000", "0.000012"),
            (123456.0, 1234.0, "123500", "1200"),
            (5.0, 12.3, "5", "12"),
            (0.05, 12.3, "0", "12"),
            (1.5e-9, 3.1e-10, "1.50e-9", "0.31e-9"),
            (1.5e-12, 3.1e-10, "0.0e-10", "3.1e-10"),
            (4.0e20, 3.0e18, "4.000e20", "0.030e20"),
            (1.0, 0.0, "1", "0"),
            (0.1, 1e-18, "0.1", "0"),
            (2.0 / 3.0, 0.0, "0.666667", "0"),
            (0.0, 0.002, "0.0000", "0.0020"),
        ];
        for (value, error, text, text_of_error) in cases {
            let expected = (text.to_string(), text_of_error.to_string());
            assert_eq!(with_error(value, error), expected, "{value} {error}");
        }
    }

    #[test]
    fn extreme_numbers_are_written_too() {
        let ends = [0.0, 5e-324, 1e-310, 1e-300, 1.0, 1e300, f64::MAX, f64::INFINITY, f64::NAN];
        for value in ends.into_iter().chain(ends.map(|v| -v)) {
            for error in ends {
                let (text, text_of_error) = with_error(value, error);
                let is_short = |t: &str| !t.is_empty() && t.len() < 40;
                assert!(is_short(&text) && is_short(&text_of_error), "{value:e} {error:e}: {text}");
                assert!(!text.contains("NaN"), "{value:e} {error:e}: {text}");
            }
        }
    }

    #[test]
    fn significant_digits() {
        let cases = [
            (0.5, 5, "0.5"),
            (1.0 / 3.0, 5, "0.33333"),
            (123456.789, 5, "123457"),
            (99999.96, 6, "100000"),
            (-0.00001234567, 3, "-0.0000123"),
            (1.25e-9, 5, "1.25e-9"),
            (1e20, 5, "1e20"),
            (-0.0, 5, "0"),
            (f64::NAN, 5, "NA"),
            (f64::NEG_INFINITY, 5, "-Inf"),
        ];
        for (value, digits, text) in cases {
            assert_eq!(significant(value, digits), text);
        }
    }

    #[test]
    fn shortest_numbers_come_back() {
        let values = [0.1, 1.0 / 3.0, 1e-7, 123456789.125, 1e300, -2.5e-310, f64::MAX, 5.0, -0.0];
        for value in values {
            let text = shortest(value);
            assert_eq!(text.parse::<f64>().unwrap(), value, "{text}");
            assert!(text.len() < 26, "{text}");
            assert_eq!(json_number(value).as_f64().unwrap(), value);
        }
        assert_eq!([shortest(1e-7), shortest(5.0)], ["1e-7", "5"]);
        assert_eq!(json_number(1.0).to_string(), "1");
        assert_eq!(json_number(-0.25).to_string(), "-0.25");
        assert!(json_number(f64::NAN).is_null() && json_number(f64::INFINITY).is_null());
    }

    #[test]
    fn counts_and_intervals() {
        let counts = [(0, "0"), (999, "999"), (1000, "1,000"), (1234567, "1,234,567")];
        counts.iter().for_each(|(n, text)| assert_eq!(count(*n), *text));
        let ends = |low, high| interval(low, high);
        assert_eq!(ends(0.99924, 1.0), ("0.99924".into(), "1".into()));
        assert_eq!(ends(0.0, 0.2775), ("0".into(), "0.28".into()));
        assert_eq!(ends(0.9272, 0.9659), ("0.927".into(), "0.966".into()));
        assert_eq!(ends(0.5, 0.5), ("0.500000".into(), "0.500000".into()));
    }
}
