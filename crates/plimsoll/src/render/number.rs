//! Numbers for people: one spelling for the table and the HTML page.
//!
//! | function | 1 234 567.891 | exactly 0 | rounds to 0 |
//! |---|---|---|---|
//! | [`compact`] | `1.23m` | `·` | `0` |
//! | [`compact_signed`] | `+1.23m` | `·` | `0` |
//! | [`grouped`] with 2 places | `1 234 567.89` | `·` | `0` |
//!
//! The minus sign is U+2212 and groups are set apart by U+202F (a thin space at which no line breaks): these texts are for
//! the screen, files carry ASCII. Published figures ([`Fixed`]) are rounded in whole numbers, half away from zero, so a text
//! never depends on a float. Model numbers (prices, returns) that are not finite print [`NOT_AVAILABLE`]; the reason
//! belongs beside it.

use units::Fixed;

/// Exactly nothing.
pub(crate) const NONE: &str = "·";
/// No figure; say why beside it.
pub(crate) const NOT_AVAILABLE: &str = "n/a";
/// The sign of a negative number.
pub(crate) const MINUS: char = '\u{2212}';
/// Between groups of three digits.
const GROUP: char = '\u{202f}';

/// Powers of ten with their suffixes; the last one takes all that is larger.
const SUFFIXES: [(u32, &str); 5] = [(0, ""), (3, "k"), (6, "m"), (9, "bn"), (12, "tn")];

/// Three significant digits with a suffix, to the cent: for USD figures in tables.
#[must_use]
pub(crate) fn compact(value: Fixed) -> String {
    significant(value, 2)
}

/// Three significant digits with a suffix, to a millionth: for coin figures, where a cent may be a thousand USD.
#[must_use]
pub(crate) fn compact_coin(value: Fixed) -> String {
    significant(value, 6)
}

/// As [`compact`], with a plus sign on gains: where a figure stands alone, without a column of others.
#[must_use]
pub(crate) fn compact_signed(value: Fixed) -> String {
    let text = compact(value);
    if value > Fixed::ZERO && text != "0" { format!("+{text}") } else { text }
}

/// Every digit up to `places` after the point, in groups of three.
#[must_use]
pub(crate) fn grouped(value: Fixed, places: u32) -> String {
    if value.is_zero() {
        return NONE.into();
    }
    let text = value.to_decimal_text(places);
    if text.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
        return "0".into();
    }
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut shown = String::new();
    if !sign.is_empty() {
        shown.push(MINUS);
    }
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place) % 3 == 0 {
            shown.push(GROUP);
        }
        shown.push(digit);
    }
    if !fraction.is_empty() {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

/// A price: two decimals from 1000 up, four from 1 up, else as many as it takes for four significant digits.
#[must_use]
pub(crate) fn price(value: f64) -> String {
    let magnitude = value.abs();
    let mut places = if magnitude >= 1000.0 { 2 } else { 4 };
    let mut scaled = magnitude;
    while scaled > 0.0 && scaled < 0.1 && places < 12 {
        scaled *= 10.0;
        places += 1;
    }
    Fixed::quantise(value).map_or_else(|_| NOT_AVAILABLE.into(), |fixed| grouped(fixed, places))
}

/// A price for an axis or a narrow header: three significant digits with a suffix.
#[must_use]
pub(crate) fn compact_price(value: f64) -> String {
    Fixed::quantise(value).map_or_else(|_| NOT_AVAILABLE.into(), |fixed| significant(fixed, 6))
}

/// A fraction as percent with its sign and at most two decimals: `+5 %`, `−12.4 %`, `0 %`.
#[must_use]
pub(crate) fn signed_percent(fraction: f64) -> String {
    format!("{} %", signed_trimmed(fraction * 100.0, 2))
}

/// A fraction as percent without the sign of the unit and at most two decimals: `5`, `−12.4`; for columns in percent.
#[must_use]
pub(crate) fn plain_percent(fraction: f64) -> String {
    signed_trimmed(fraction * 100.0, 2).trim_start_matches('+').to_owned()
}

/// Vol points with their sign and at most one decimal: `+25 pt`.
#[must_use]
pub(crate) fn signed_points(points: f64) -> String {
    format!("{} pt", signed_trimmed(points, 1))
}

/// Basis points, one decimal, without the unit.
#[must_use]
pub(crate) fn basis_points(value: f64) -> String {
    if value.is_finite() { screen(&format!("{value:.1}")) } else { NOT_AVAILABLE.into() }
}

/// A model figure of any size with `digits` significant digits: `0.5123`, `1234`, `2.5e−5`.
#[must_use]
pub(crate) fn figure(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NOT_AVAILABLE.into();
    }
    if value == 0.0 {
        return "0".into();
    }
    let scientific = format!("{value:.*e}", digits.saturating_sub(1));
    let exponent: i32 = scientific.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    if !(-4..=8).contains(&exponent) {
        return screen(&scientific);
    }
    let places = i32::try_from(digits).unwrap_or(i32::MAX).saturating_sub(1).saturating_sub(exponent).max(0);
    screen(&format!("{value:.*}", usize::try_from(places).unwrap_or(0)))
}

/// An exact decimal (a quantity) for the screen: only the sign changes.
#[must_use]
pub(crate) fn screen(ascii: &str) -> String {
    ascii.replace('-', "\u{2212}")
}

fn significant(value: Fixed, places: u32) -> String {
    if value.is_zero() {
        return NONE.into();
    }
    let magnitude = value.raw().unsigned_abs();
    let below_one = (3..=places).rev().map(|decimals| (0, "", decimals));
    let from_one =
        SUFFIXES.into_iter().flat_map(|(power, suffix)| (0..=2).rev().map(move |d| (power, suffix, d)));
    let mut rounded = 0;
    let mut form = (0, "", 0);
    for (power, suffix, decimals) in below_one.chain(from_one) {
        let unit = 10u128.pow(12 + power - decimals);
        // Half of an even unit; the smallest unit here is 10^6.
        rounded = (magnitude + unit / 2) / unit;
        form = (power, suffix, decimals);
        if rounded < 1000 {
            break;
        }
    }
    if rounded == 0 {
        return "0".into();
    }
    let (_, suffix, decimals) = form;
    let scale = 10u128.pow(decimals);
    let sign = if value < Fixed::ZERO { "\u{2212}" } else { "" };
    if decimals == 0 {
        return format!("{sign}{rounded}{suffix}");
    }
    format!("{sign}{}.{:0width$}{suffix}", rounded / scale, rounded % scale, width = decimals as usize)
}

fn signed_trimmed(value: f64, places: usize) -> String {
    if !value.is_finite() {
        return NOT_AVAILABLE.into();
    }
    let text = format!("{value:+.places$}");
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    if matches!(text, "+0" | "-0") { "0".into() } else { screen(text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fixed(value: f64) -> Fixed {
        Fixed::quantise(value).unwrap()
    }

    #[test]
    fn compact_keeps_three_significant_digits_and_the_true_minus() {
        for (value, expected) in [
            (0.0, "·"),
            (0.004, "0"),
            (-0.004, "0"),
            (0.005, "0.01"),
            (0.42, "0.42"),
            (9.994, "9.99"),
            (9.995, "10.0"),
            (99.95, "100"),
            (-982.4, "\u{2212}982"),
            (999.4, "999"),
            (999.5, "1.00k"),
            (-7_600.0, "\u{2212}7.60k"),
            (568_900.0, "569k"),
            (999_500.0, "1.00m"),
            (-2_431_000.0, "\u{2212}2.43m"),
            (1.5e9, "1.50bn"),
            (1e20, "100000000tn"),
        ] {
            assert_eq!(compact(fixed(value)), expected, "{value}");
        }
    }

    #[test]
    fn coins_keep_digits_that_a_cent_would_lose() {
        for (value, expected) in [
            (0.00123, "0.00123"),
            (-0.0421, "\u{2212}0.0421"),
            (0.0000314, "0.000031"),
            (0.0000004, "0"),
            (12.34, "12.3"),
        ] {
            assert_eq!(compact_coin(fixed(value)), expected, "{value}");
        }
    }

    #[test]
    fn a_gain_that_stands_alone_has_a_plus() {
        assert_eq!(compact_signed(fixed(710_000.0)), "+710k");
        assert_eq!(compact_signed(fixed(-710_000.0)), "\u{2212}710k");
        assert_eq!(compact_signed(fixed(0.001)), "0");
        assert_eq!(compact_signed(Fixed::ZERO), "·");
    }

    #[test]
    fn full_figures_are_grouped_by_three() {
        let groups = |text: &str| text.replace(' ', "\u{202f}").replace('-', "\u{2212}");
        for (value, places, expected) in [
            (1_234_567.891, 2, "1 234 567.89"),
            (-999.0, 0, "-999"),
            (-1_000.0, 0, "-1 000"),
            (0.004, 2, "0"),
            (0.0, 2, "·"),
            (12.0, 2, "12.00"),
        ] {
            assert_eq!(grouped(fixed(value), places), groups(expected), "{value}");
        }
    }

    #[test]
    fn model_numbers_that_are_none_say_so() {
        for text in
            [price(f64::NAN), compact_price(f64::INFINITY), basis_points(f64::NAN), figure(f64::NAN, 3)]
        {
            assert_eq!(text, NOT_AVAILABLE);
        }
        assert_eq!(signed_percent(f64::NAN), "n/a %");
    }

    #[test]
    fn prices_returns_and_figures_are_short() {
        assert_eq!(price(91_851.3), "91\u{202f}851.30");
        assert_eq!(price(167.57), "167.5700");
        assert_eq!(price(0.000_012_34), "0.00001234");
        assert_eq!(compact_price(91_851.3), "91.9k");
        assert_eq!(signed_percent(0.05), "+5 %");
        assert_eq!(signed_percent(-0.124), "\u{2212}12.4 %");
        assert_eq!(signed_percent(0.0), "0 %");
        assert_eq!(signed_points(-20.0), "\u{2212}20 pt");
        assert_eq!(figure(0.512_34, 4), "0.5123");
        assert_eq!(figure(-2.5e-5, 2), "\u{2212}2.5e\u{2212}5");
        assert_eq!(figure(1234.5, 3), "1234");
        assert_eq!(figure(0.0, 3), "0");
    }

    proptest! {
        /// Read back, a compact text lies within half a unit of its third digit, or of a cent.
        #[test]
        fn compact_text_stands_for_the_value(value in -1e15..1e15f64) {
            let text = compact(fixed(value)).replace(MINUS, "-");
            let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
            let power = SUFFIXES.iter().rev().find(|(_, s)| !s.is_empty() && text.ends_with(s)).map_or(0, |(p, _)| *p);
            let read: f64 = format!("{digits}e{power}").parse().unwrap();
            // Three digits: half a unit of the third is at most 0.5 % of the value; never finer than half a cent.
            prop_assert!((read - value).abs() <= (value.abs() * 0.005).max(0.005) * (1.0 + 1e-9), "{value} {text}");
        }
    }
}
