//! Ages as people write and read them: `90s`, `15m`, `2h`, `3d`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// # Errors
/// When it is not a whole number with a unit.
pub fn parse(text: &str) -> Result<Duration, String> {
    let units = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400)];
    let found = units.iter().find_map(|(unit, unit_s)| Some((text.strip_suffix(*unit)?, unit_s)));
    found
        .and_then(|(number, unit_s)| number.parse::<u64>().ok()?.checked_mul(*unit_s))
        .map(Duration::from_secs)
        .ok_or_else(|| "an age is a whole number with a unit, as 90s, 15m, 2h or 3d".to_owned())
}

/// The two largest units say enough: `2h 5m`.
pub fn words(age_ms: u64) -> String {
    let s = age_ms / 1000;
    match s {
        0..60 => format!("{s}s"),
        60..3600 => format!("{}m {}s", s / 60, s % 60),
        3600..86_400 => format!("{}h {}m", s / 3600, s % 3600 / 60),
        _ => format!("{}d {}h", s / 86_400, s % 86_400 / 3600),
    }
}

/// In ms since 1970 (UTC).
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_with_their_unit_only() {
        assert_eq!(parse("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse("3d"), Ok(Duration::from_secs(3 * 86_400)));
        for wrong in ["", "5", "h", "1.5h", "-1m", "2 h", "2w", "99999999999999999999d", "999999999999999999d"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn ages_are_written_in_two_units() {
        let written = [999, 61_000, 7_500_000, 266_400_000].map(words);
        assert_eq!(written, ["0s", "1m 1s", "2h 5m", "3d 2h"]);
    }
}
