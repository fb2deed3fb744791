//! Numbers as text: which cells are numbers, and the shortest text that gives a number back.

use std::fmt::Write;

/// The number that `text` writes, with every digit right, or `None` where it is not a number.
///
/// A number is decimal digits with at most one point, a sign, a power of ten; or `inf`,
/// `infinity` and `nan` in any case, with a sign. `007` is no number: codes are written that way,
/// and their zeros would be lost (readr decides the same).
pub(crate) fn parse(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text).as_bytes();
    if let [b'0', b'0'..=b'9', ..] = unsigned {
        return None;
    }
    // The standard library rounds correctly, and takes exactly the forms above.
    text.parse().ok()
}

/// The whole number that `text` writes without point or power of ten, where it has no more digits
/// than an `i128` holds.
pub(crate) fn parse_whole(text: &str) -> Option<i128> {
    text.parse().ok()
}

/// Whether a double holds `whole` with every digit.
pub(crate) fn is_exact(whole: i128) -> bool {
    // The cast back stops at the ends of the range, which are powers of two less one: a double
    // cannot equal the upper end, and equals the lower one exactly.
    whole != i128::MAX && whole as f64 as i128 == whole
}

/// Appends the shortest text that gives `x` back to the bit: `3`, `0.1`, `1e-308`, `-0`, `Inf`.
///
/// From 1e16 on it has a power of ten, so that a row of digits is always an exact whole number.
pub(crate) fn append(out: &mut String, x: f64) {
    if x.is_infinite() {
        out.push_str(if x > 0.0 { "Inf" } else { "-Inf" });
        return;
    }
    let start = out.len();
    // Writing to a `String` cannot fail.
    let _ = write!(out, "{x:?}");
    if out[start..].ends_with(".0") {
        out.truncate(out.len() - 2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_what_is_none() {
        for (text, x) in [
            ("1", 1.0),
            ("-1.", -1.0),
            (".5", 0.5),
            ("+2e3", 2000.0),
            ("0", 0.0),
            ("0.5", 0.5),
            ("1E-2", 0.01),
            ("Inf", f64::INFINITY),
            ("-inf", f64::NEG_INFINITY),
            ("1e400", f64::INFINITY),
        ] {
            assert_eq!(parse(text), Some(x), "{text}");
        }
        assert!(parse("nan").is_some_and(f64::is_nan));
        for text in ["", "-", ".", "007", "-01.5", "1,5", "1_000", "0x10", "1 2", "12o", "1e", "T"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn shortest_text() {
        for (x, text) in [
            (3.0, "3"),
            (-0.0, "-0"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.3333333333333333"),
            (1e-308, "1e-308"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e308"),
            (1e15, "1000000000000000"),
            (1e16, "1e16"),
            (f64::NEG_INFINITY, "-Inf"),
        ] {
            let mut out = String::from("x");
            append(&mut out, x);
            assert_eq!(out, format!("x{text}"));
        }
    }

    #[test]
    fn doubles_of_all_sizes_come_back_to_the_bit() {
        // A multiplicative walk through the bit patterns; NaN patterns are left out.
        let mut bits = 1_u64;
        let mut text = String::new();
        for _ in 0..100_000 {
            bits = bits
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let x = f64::from_bits(bits);
            if x.is_nan() {
                continue;
            }
            text.clear();
            append(&mut text, x);
            let back = parse(&text).expect("a written number is read as one");
            assert_eq!(back.to_bits(), x.to_bits(), "{text}");
            assert!(parse_whole(&text).is_none_or(is_exact), "{text}");
        }
    }

    #[test]
    fn exact_wholes() {
        for whole in [0, 1 << 53, -(1 << 53), 1 << 100, i128::MIN, 9_007_199_254_740_994] {
            assert!(is_exact(whole), "{whole}");
        }
        for whole in [(1 << 53) + 1, -(1 << 53) - 1, i128::MAX, i128::from(i64::MAX)] {
            assert!(!is_exact(whole), "{whole}");
        }
    }
}
