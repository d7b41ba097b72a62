//! Listed to resolved: a venue's symbol becomes contracts with their sizes.
//!
//! Each venue has a grammar, a pure function of the text and of [`Specs`]. A symbol must be written exactly as its venue
//! writes it (case, day without a leading zero), so that one listing has one name; strikes compare by value. Years of two
//! digits are 20YY. An expired contract resolves like any other: whether it is expired depends on the market's time.
//!
//! | venue | quantity of a position |
//! |---|---|
//! | `deribit` | USD for inverse futures and perpetuals, else coins (the API's `size`) |
//! | `okx` | contracts; coins for spot |
//! | `bybit`, `bybit-spot` | coins; USD for inverse futures and perpetuals |
//! | `binance` (options, USD-M, COIN-M), `binance-spot` | coins; contracts for COIN-M and options |
//! | `hyperliquid`, `derive`, `dydx`, `wallet` | coins |
//!
//! Bybit and Binance give spot and perpetual one name (`BTCUSDT`): the plain venue word means derivatives, spot has its own.
//!
//! Left out: OKX spread books, `XPERP` and pre-market listings, Hyperliquid markets of other deployers (`km:US500`).

use crate::contract::{Contract, Listing};
use crate::specs::Specs;
use crate::venue::{self, Ask};
use units::{Decimal, Symbol, Venue};

/// What a symbol stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// One leg with ratio 1 for a plain contract, several for a combination.
    pub legs: Vec<Leg>,
}

/// One contract inside a listed combination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leg {
    /// Quantity of the leg for one unit of the combination; negative is sold when the combination is bought.
    pub ratio: Decimal,
    /// The contract, under its own name at the same venue.
    pub listing: Listing,
}

/// Why a symbol does not resolve. The message names the rule and shows a symbol that follows it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SymbolError {
    /// No grammar for the venue.
    #[error("venue '{venue}' is not known; known are {}", known.join(", "))]
    UnknownVenue {
        /// The word given.
        venue: Venue,
        /// The words that have a grammar.
        known: Vec<&'static str>,
    },
    /// The text does not follow the venue's grammar.
    #[error("{venue} symbol '{symbol}': expected {expected}")]
    Grammar {
        /// Whose grammar.
        venue: Venue,
        /// The text.
        symbol: Symbol,
        /// The rule, with an example.
        expected: &'static str,
    },
    /// The settlement day cannot be read or does not exist.
    #[error("{venue} symbol '{symbol}': '{text}' is not a settlement day: {rule}")]
    Date {
        /// Whose grammar.
        venue: Venue,
        /// The whole symbol.
        symbol: Symbol,
        /// The part that should be a day.
        text: String,
        /// The rule, with an example.
        rule: &'static str,
    },
    /// The strike is not a positive decimal in the venue's spelling.
    #[error("{venue} symbol '{symbol}': '{text}' is not a strike: {rule}")]
    Strike {
        /// Whose grammar.
        venue: Venue,
        /// The whole symbol.
        symbol: Symbol,
        /// The part that should be a strike.
        text: String,
        /// The rule, with an example.
        rule: &'static str,
    },
    /// The text is well formed, but the specification table lacks a fact about it.
    #[error("{venue} symbol '{symbol}': the specifications lack {missing}; {mend}")]
    UnknownSpec {
        /// Whose specification.
        venue: Venue,
        /// The whole symbol.
        symbol: Symbol,
        /// The fact that is missing.
        missing: String,
        /// What to add where.
        mend: String,
    },
    /// A combination whose legs do not fit its kind.
    #[error("{venue} combination '{symbol}': {rule}")]
    ComboLegs {
        /// Whose combination.
        venue: Venue,
        /// The whole symbol.
        symbol: Symbol,
        /// The rule.
        rule: &'static str,
    },
    /// A kind of combination whose legs are not established.
    #[error(
        "{venue} combination '{symbol}': the legs of kind '{kind}' are not established, enter them as separate positions; \
         known kinds are {}",
        known.join(", ")
    )]
    UnknownCombo {
        /// Whose combination.
        venue: Venue,
        /// The whole symbol.
        symbol: Symbol,
        /// The code in the symbol.
        kind: String,
        /// The codes that resolve.
        known: Vec<&'static str>,
    },
}

/// Reads a symbol as its venue writes it.
///
/// # Errors
/// [`SymbolError`] names the rule that the symbol breaks, or the specification that is missing.
pub fn resolve(venue: &Venue, symbol: &Symbol, specs: &Specs) -> Result<Resolved, SymbolError> {
    let Some(grammar) = venue::grammar(venue) else {
        return Err(SymbolError::UnknownVenue { venue: venue.clone(), known: venue::known() });
    };
    let legs = (grammar.resolve)(Ask { venue, symbol, specs })?;
    Ok(Resolved { legs })
}

/// Writes a contract as a venue spells it; none when the venue does not list such a contract, or lists it under a name that
/// the contract does not determine (coins quoted by the thousand, numbered pairs).
///
/// Resolving the answer gives the contract back.
#[must_use]
pub fn spell(venue: &Venue, contract: &Contract) -> Option<Symbol> {
    let text = (venue::grammar(venue)?.spell)(contract)?;
    Symbol::new(&text).ok()
}
