//! Times as AWS writes them and as people read them, all in UTC.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

const DAY_MS: u64 = 24 * 3600 * 1000;

/// In ms since 1970.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// A time in the CLI's JSON: seconds since 1970 from its version 1, ISO 8601 from version 2; Lambda always writes that.
pub(crate) fn read_ms(value: &Value) -> Option<u64> {
    match value {
        Value::Number(seconds) => Some((seconds.as_f64()? * 1000.0) as u64),
        Value::String(text) => iso_ms(text),
        _ => None,
    }
}

/// `2026-11-22T15:04:05.123Z`. Whatever follows the fraction is taken for UTC, as AWS has nothing else.
fn iso_ms(text: &str) -> Option<u64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let fraction = text.get(19..)?.strip_prefix('.').unwrap_or_default();
    let digits: String = fraction.chars().take_while(char::is_ascii_digit).chain("000".chars()).take(3).collect();
    let seconds = ((days(year, month, day)? * 24 + hour) * 60 + minute) * 60 + second;
    Some(seconds * 1000 + digits.parse::<u64>().ok()?)
}

/// From 1970-01-01 to this day. Years begin in March here, so that a leap day is the last of its year.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day;
    days.checked_sub(719_469)
}

/// Year, month and day; the reverse of [`days`].
pub(crate) fn date(ms: u64) -> (u64, u64, u64) {
    let days = ms / DAY_MS + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let (month_day, in_next) = (day - (month * 153 + 2) / 5 + 1, month > 9);
    (era * 400 + year + u64::from(in_next), if in_next { month - 9 } else { month + 3 }, month_day)
}

pub(crate) fn month_start_ms(ms: u64) -> u64 {
    let (.., day) = date(ms);
    (ms / DAY_MS + 1 - day) * DAY_MS
}

/// `15:04:05.123`
pub(crate) fn time(ms: u64) -> String {
    let second = ms / 1000;
    format!("{:02}:{:02}:{:02}.{:03}", second / 3600 % 24, second / 60 % 60, second % 60, ms % 1000)
}

/// `2026-11-22 15:04`
pub(crate) fn day_and_time(ms: u64) -> String {
    let (year, month, day) = date(ms);
    format!("{year}-{month:02}-{day:02} {}", &time(ms)[..5])
}

/// `2026-11-22T15:04:05Z`, as the CLI takes it.
pub(crate) fn iso(ms: u64) -> String {
    let (year, month, day) = date(ms);
    format!("{year}-{month:02}-{day:02}T{}Z", &time(ms)[..8])
}

/// The two largest units say enough: `2h 5m`; below a minute, `3.4 s` or `340 ms`.
pub(crate) fn span(ms: u64) -> String {
    let s = ms / 1000;
    match s {
        0 => format!("{ms} ms"),
        1..60 => format!("{}.{} s", s, ms % 1000 / 100),
        60..3600 => format!("{}m {}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d {}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// `90s`, `15m`, `2h`, `3d`
///
/// # Errors
/// When it is not a whole number with a unit.
pub(crate) fn age(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let found = units.iter().find_map(|(unit, unit_s)| Some((text.strip_suffix(*unit)?, unit_s)));
    let seconds = found.and_then(|(number, unit_s)| number.parse::<u64>().ok()?.checked_mul(*unit_s));
    // More than a century is a typing error, and no time before it began.
    let seconds = seconds.filter(|seconds| *seconds <= 100 * 365 * 86_400);
    seconds.map(Duration::from_secs).ok_or_else(|| "a whole number with a unit, as 90s, 15m, 2h or 3d".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_form_of_the_cli_is_the_same_time() {
        for written in [
            json!(1_795_359_845.123),
            json!("2026-11-22T15:04:05.123Z"),
            json!("2026-11-22T15:04:05.123456Z"),
            json!("2026-11-22T15:04:05.123000+00:00"),
            json!("2026-11-22T15:04:05.123+0000"),
        ] {
            assert_eq!(read_ms(&written), Some(1_795_359_845_123), "{written}");
        }
        assert_eq!(read_ms(&json!("2026-11-22T15:04:05+00:00")), Some(1_795_359_845_000));
        for nothing in [json!("yesterday"), json!("2026-11"), json!(null), json!({})] {
            assert_eq!(read_ms(&nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_time_that_is_written_is_read_again() {
        for ms in [0, 951_782_400_000, 951_868_800_000, 1_709_164_800_000, 1_795_359_845_000, 4_102_444_800_000] {
            assert_eq!(iso_ms(&iso(ms)), Some(ms), "{}", iso(ms));
        }
        assert_eq!(iso(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(day_and_time(1_795_359_845_123), "2026-11-22 15:04");
        assert_eq!(iso(month_start_ms(1_795_359_845_123)), "2026-11-01T00:00:00Z");
    }

    #[test]
    fn spans_are_written_in_two_units() {
        assert_eq!(
            [340, 3_470, 61_000, 7_500_000, 266_400_000].map(span),
            ["340 ms", "3.4 s", "1m 1s", "2h 5m", "3d 2h"]
        );
        assert!(age("2h").is_ok() && age("2 h").is_err() && age("99999d").is_err());
    }
}
