//! Numbers as people read them: thousands apart, as many digits as say something, a true minus.

/// A whole number, its thousands apart: 11,738.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A share of 0 to 1 as hundredths: 97.43 %.
pub(crate) fn percent(share: f64) -> String {
    decimals(100.0 * share, 2) + "\u{202f}%"
}

/// A number with so many decimals.
pub(crate) fn decimals(number: f64, places: usize) -> String {
    let text = format!("{number:.places$}");
    match text.strip_prefix('-') {
        // What rounds to 0 has no sign.
        Some(digits) if digits.bytes().all(|byte| matches!(byte, b'0' | b'.')) => digits.to_owned(),
        Some(digits) => format!("−{digits}"),
        None => text,
    }
}

/// A number to three significant digits, with an exponent where it is far from 1.
pub(crate) fn short(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 {
        return "0".into();
    }
    if !(1e-4..1e6).contains(&size) {
        let text = format!("{number:.2e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let digits = match digits.contains('.') {
            true => digits.trim_end_matches('0').trim_end_matches('.'),
            false => digits,
        };
        return format!("{digits}e{exponent}").replace('-', "−");
    }
    let places = (2 - size.log10().floor() as i32).clamp(0, 6) as usize;
    decimals(number, places)
}

/// Seconds as a length of time: 0.84 s, 12.3 s, 4 min 07 s, 2 h 05 min.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "—".into();
    }
    if seconds < 9.995 {
        return decimals(seconds, 2) + " s";
    }
    if seconds < 99.95 {
        return decimals(seconds, 1) + " s";
    }
    let whole = seconds.round() as u64;
    match whole {
        0..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::{count, decimals, duration, percent, short};

    #[test]
    fn thousands_stand_apart() {
        let texts = [0, 999, 1_000, 11_738, 1_234_567].map(count);
        assert_eq!(texts, ["0", "999", "1,000", "11,738", "1,234,567"]);
    }

    #[test]
    fn nothing_is_minus_nought() {
        assert_eq!(decimals(-0.001, 2), "0.00");
        assert_eq!(decimals(-0.01, 2), "−0.01");
        assert_eq!(percent(0.97434), "97.43\u{202f}%");
    }

    #[test]
    fn digits_that_say_something() {
        for (number, text) in [
            (0.0, "0"),
            (2.298, "2.30"),
            (0.031_25, "0.0312"),
            (-17.26, "−17.3"),
            (1234.5, "1234"),
            (4e-5, "4e−5"),
            (-1.25e-9, "−1.25e−9"),
            (1e300, "1e300"),
        ] {
            assert_eq!(short(number), text);
        }
    }

    #[test]
    fn time_has_the_unit_that_fits() {
        for (seconds, text) in [
            (0.0, "0.00 s"),
            (9.996, "10.0 s"),
            (12.34, "12.3 s"),
            (99.96, "1 min 40 s"),
            (247.0, "4 min 07 s"),
            (7_500.0, "2 h 05 min"),
            (f64::NAN, "—"),
            (1e300, "5124095576030431 h 00 min"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }
}
