//! When a message is tried again: the same pauses every time, so that a log explains itself.

use std::time::Duration;

/// The longest pause of its own.
const LONGEST_SECONDS: u64 = 60;
/// The longest pause that a receiver may ask for.
const LONGEST_ASKED_SECONDS: u64 = 300;

/// The pause after so many tries that failed: 1, 2, 4, ... up to 60 seconds; or what the receiver asked for, 1 to 300 seconds.
pub(super) fn pause(tries: u32, asked_seconds: Option<u64>) -> Duration {
    Duration::from_secs(match asked_seconds {
        Some(asked) => asked.clamp(1, LONGEST_ASKED_SECONDS),
        None => 1_u64.checked_shl(tries.saturating_sub(1)).unwrap_or(u64::MAX).min(LONGEST_SECONDS),
    })
}

/// What a status means for the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It has arrived.
    Arrived,
    /// Later perhaps.
    Again,
    /// Never.
    Final,
}

/// 2xx has arrived; 408, 425, 429 and 5xx may do later; everything else never will, redirects among it: an address is taken as it is written.
pub(super) const fn verdict(status: u16) -> Verdict {
    match status {
        200..=299 => Verdict::Arrived,
        408 | 425 | 429 | 500..=599 => Verdict::Again,
        _ => Verdict::Final,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_never_overflow() {
        let seconds: Vec<u64> = (1..=9).map(|tries| pause(tries, None).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(pause(u32::MAX, None).as_secs(), LONGEST_SECONDS);
        assert_eq!(pause(0, None).as_secs(), 1);
    }

    #[test]
    fn a_receiver_may_ask_for_a_pause_within_bounds() {
        let asked: Vec<u64> = [0, 7, 1_000_000].map(|asked| pause(1, Some(asked)).as_secs()).to_vec();
        assert_eq!(asked, [1, 7, LONGEST_ASKED_SECONDS]);
    }

    #[test]
    fn statuses_are_sorted_into_three() {
        assert_eq!([200, 202, 204, 299].map(verdict), [Verdict::Arrived; 4]);
        assert_eq!([408, 425, 429, 500, 503, 599].map(verdict), [Verdict::Again; 6]);
        assert_eq!([100, 301, 302, 307, 400, 401, 404, 410, 422, 600].map(verdict), [Verdict::Final; 10]);
    }
}
