//! The time, in the units of the Bot API and of the page.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// Seconds, as in `Message.date`.
pub(crate) fn now_s() -> u64 {
    now_ms() / 1000
}

/// A number that differs from call to call; nothing secret hangs on it.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(now_ms())
}
