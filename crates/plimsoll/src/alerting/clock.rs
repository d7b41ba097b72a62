//! The clocks of delivery: nothing of record depends on them.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use units::Timestamp;

#[allow(clippy::disallowed_methods)] // pauses and time limits are of the wall's clock
pub(super) fn now() -> Instant {
    Instant::now()
}

#[allow(clippy::disallowed_methods)] // a receiver compares the time of a signature with its own clock
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Seconds since 1970 UTC.
pub(super) fn unix_seconds() -> u64 {
    since_1970().as_secs()
}

/// The time of day.
pub(super) fn time() -> Timestamp {
    Timestamp::from_unix_nanos(i64::try_from(since_1970().as_nanos()).unwrap_or(i64::MAX))
}
