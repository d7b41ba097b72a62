//! A sample book and market, generated from a named seed.
//!
//! The market is one answer in the layout of the exchange's `get_book_summary_by_currency`: inverse options, futures and
//! perpetuals on BTC and ETH as of one fixed instant ([`market`]). The book is a desk over exchanges and chains, and a
//! treasury's wallets ([`book`]). Equal seeds give equal bytes on every machine: draws come from a hash, prices from this
//! project's own kernel. No file of anyone else went into it.
//!
//! The committed `examples/book.csv` and `examples/market.json` are those of [`DEFAULT_SEED`]; a test holds them to it.
//! Left out: trades, order book depth, history.

mod book;
mod market;
mod seed;
mod smile;

use seed::Seed;

/// The seed of the committed files.
pub(crate) const DEFAULT_SEED: &str = "plimsoll-1";

/// Two files, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Example {
    /// Positions and balances, in the layout that `lake::read_book` reads.
    pub book_csv: String,
    /// Quotes, in the layout that `lake::read_snapshot` reads.
    pub market_json: String,
}

/// Writes both files; any text is a seed.
#[must_use]
pub(crate) fn generate(seed: &str) -> Example {
    let seed = Seed::new(seed);
    Example { book_csv: book::csv(&seed), market_json: market::json(&seed) }
}

/// Unwraps what no seed can break: every figure is a constant of this module moved by a bounded draw.
fn certain<T, E: std::fmt::Display>(made: Result<T, E>) -> T {
    match made {
        Ok(value) => value,
        Err(rule) => unreachable!("generated figures stay in range whatever the seed: {rule}"),
    }
}

#[cfg(test)]
mod tests;
