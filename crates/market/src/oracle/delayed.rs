//! A price that is seen late on purpose: `current` is what everybody acts on, `next` is what it will be one hop later.
//!
//! The next price is an early warning: whoever is unsafe at `next` has one hop to mend it. Rule of Maker's oracle security module:
//! a poke is allowed once a hop has passed since the start of the hop of the last poke; it moves `next` to `current` and reads the
//! source into `next`. A source without a price changes nothing. `stop` freezes both; `void` forgets both and stops.

use super::{OracleError, PriceUnits};

/// Seconds since 1970, as a chain counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct UnixSeconds(pub u64);

/// Seconds between moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hop(std::num::NonZeroU16);

impl Hop {
    /// Maker's: an hour.
    pub const HOUR: Self = match std::num::NonZeroU16::new(3600) {
        Some(seconds) => Self(seconds),
        None => Self(std::num::NonZeroU16::MIN),
    };

    /// A hop of so many seconds.
    #[must_use]
    pub const fn new(seconds: std::num::NonZeroU16) -> Self {
        Self(seconds)
    }

    fn seconds(self) -> u64 {
        self.0.get().into()
    }
}

/// The two prices and when they last moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DelayedPrice {
    hop: Hop,
    current: Option<PriceUnits>,
    next: Option<PriceUnits>,
    /// Start of the hop of the last move.
    moved: UnixSeconds,
    is_stopped: bool,
}

impl DelayedPrice {
    /// Without prices.
    #[must_use]
    pub const fn new(hop: Hop) -> Self {
        Self { hop, current: None, next: None, moved: UnixSeconds(0), is_stopped: false }
    }

    /// The price to act on.
    #[must_use]
    pub const fn current(&self) -> Option<PriceUnits> {
        self.current
    }

    /// The price to act on after the next move.
    #[must_use]
    pub const fn next(&self) -> Option<PriceUnits> {
        self.next
    }

    /// Moves the prices on by one hop.
    ///
    /// # Errors
    /// When it is stopped, when the hop has not passed, or when the source has no price.
    pub fn poke(self, now: UnixSeconds, source: Option<PriceUnits>) -> Result<Self, OracleError> {
        if self.is_stopped {
            return Err(OracleError::Delayed("it is stopped"));
        }
        let hop = self.hop.seconds();
        if self.moved.0.checked_add(hop).is_none_or(|due| now.0 < due) {
            return Err(OracleError::Delayed("the hop has not passed"));
        }
        if source.is_none() {
            return Err(OracleError::Delayed("the source has no price"));
        }
        Ok(Self { current: self.next, next: source, moved: UnixSeconds(now.0 - now.0 % hop), ..self })
    }

    /// Another hop; it counts from the last move.
    #[must_use]
    pub const fn with_hop(self, hop: Hop) -> Self {
        Self { hop, ..self }
    }

    /// Freezes both prices.
    #[must_use]
    pub const fn stop(self) -> Self {
        Self { is_stopped: true, ..self }
    }

    /// Lets them move again.
    #[must_use]
    pub const fn start(self) -> Self {
        Self { is_stopped: false, ..self }
    }

    /// Forgets both prices and stops: for a source that was found to lie.
    #[must_use]
    pub const fn void(self) -> Self {
        Self { current: None, next: None, is_stopped: true, ..self }
    }
}
