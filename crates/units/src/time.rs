//! Instants: UTC, nanoseconds since 1970, no clock. `now` is always an argument.

use crate::{UnitError, YearFraction};
use std::fmt;
use std::str::FromStr;

const RULE: &str =
    "an RFC 3339 instant such as 2026-02-05T15:51:32Z, a UTC date such as 2026-02-05, or Unix milliseconds";

/// An instant in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    const NANOS_PER_DAY: f64 = 86_400e9;

    /// From nanoseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_unix_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// From milliseconds since 1970, as venues send them.
    ///
    /// # Errors
    /// Outside the years 1678 to 2262, which 64-bit nanoseconds cannot hold.
    pub fn from_unix_millis(millis: i64) -> Result<Self, UnitError> {
        let nanos = millis.checked_mul(1_000_000);
        nanos.map(Self).ok_or_else(|| UnitError::text("instant", &millis.to_string(), RULE))
    }

    /// Nanoseconds since 1970.
    #[must_use]
    pub const fn unix_nanos(self) -> i64 {
        self.0
    }

    /// An instant on a UTC day: `hour` o'clock.
    ///
    /// # Errors
    /// When the day does not exist.
    pub fn from_utc_date(year: i16, month: i8, day: i8, hour: i8) -> Result<Self, UnitError> {
        let bad = || {
            UnitError::text(
                "date",
                &format!("{year}-{month}-{day}"),
                "a day of the calendar from 1678 to 2262",
            )
        };
        let date = jiff::civil::Date::new(year, month, day).map_err(|_| bad())?;
        let instant = date.at(hour, 0, 0, 0).to_zoned(jiff::tz::TimeZone::UTC).map_err(|_| bad())?;
        i64::try_from(instant.timestamp().as_nanosecond()).map(Self).map_err(|_| bad())
    }

    /// Year, month and day in UTC.
    #[must_use]
    pub fn utc_date(self) -> (i16, i8, i8) {
        let date = self.jiff().to_zoned(jiff::tz::TimeZone::UTC).date();
        (date.year(), date.month(), date.day())
    }

    /// Time from here to `later`, actual/365; negative when `later` lies before.
    ///
    /// # Errors
    /// When the instants lie over 100 years apart.
    pub fn years_until(self, later: Self) -> Result<YearFraction, UnitError> {
        #[allow(clippy::cast_precision_loss)] // a nanosecond in centuries is far below the rounding of a vol
        let nanos = (i128::from(later.0) - i128::from(self.0)) as f64;
        YearFraction::new(nanos / (Self::NANOS_PER_DAY * YearFraction::DAYS))
    }

    /// This instant moved by whole milliseconds; saturates at the ends of the range.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis.saturating_mul(1_000_000)))
    }

    fn jiff(self) -> jiff::Timestamp {
        // Every i64 of nanoseconds lies inside jiff's range of years -9999 to 9999.
        jiff::Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
    }
}

impl FromStr for Timestamp {
    type Err = UnitError;
    fn from_str(text: &str) -> Result<Self, UnitError> {
        let trimmed = text.trim();
        let bad = || UnitError::text("instant", text, RULE);
        if trimmed.len() >= 12 && trimmed.bytes().all(|b| b.is_ascii_digit()) {
            return Self::from_unix_millis(trimmed.parse().map_err(|_| bad())?);
        }
        if let Ok(date) = trimmed.parse::<jiff::civil::Date>()
            && trimmed.len() == 10
        {
            return Self::from_utc_date(date.year(), date.month(), date.day(), 0);
        }
        let instant: jiff::Timestamp = trimmed.parse().map_err(|_| bad())?;
        i64::try_from(instant.as_nanosecond()).map(Self).map_err(|_| bad())
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with as many decimals as are needed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.jiff().to_string())
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_parse_and_print_the_same() {
        for (text, printed) in [
            ("2026-02-05T15:51:32.535650+00:00", "2026-02-05T15:51:32.53565Z"),
            ("2026-02-05", "2026-02-05T00:00:00Z"),
            ("1613068625266", "2021-02-11T18:37:05.266Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), printed);
        }
        for bad in ["", "yesterday", "2026-02-30", "2026-02-05T15:51"] {
            assert!(bad.parse::<Timestamp>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_day_is_one_in_365_of_a_year() {
        let noon = Timestamp::from_utc_date(2026, 2, 5, 12).unwrap();
        let next = Timestamp::from_utc_date(2026, 2, 6, 12).unwrap();
        assert!((noon.years_until(next).unwrap().get() - 1.0 / 365.0).abs() < 1e-18);
        assert!(next.years_until(noon).unwrap().is_expired());
    }
}
