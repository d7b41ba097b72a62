//! What can be wrong, by name.

use thiserror::Error;

/// Why there is no hedge.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum OptimiseError {
    /// The problem breaks rules; all that do are listed.
    #[error("the hedging problem is not sound: {}", list(.0))]
    Unsound(Vec<Fault>),
    /// A row is outside its hard band and no instrument moves it.
    #[error(
        "unhedgeable: row '{row}' is {exposure}, outside its hard band of {width}, and no instrument moves it"
    )]
    Unhedgeable {
        /// The row.
        row: String,
        /// Before any trade.
        exposure: f64,
        /// Half its band.
        width: f64,
    },
    /// A row is outside its hard band and nothing that moves it can be traded.
    #[error("no liquidity: row '{row}' is outside its hard band, and of what moves it ({}) nothing can be traded", instruments.join(", "))]
    NoLiquidity {
        /// The row.
        row: String,
        /// What would move it.
        instruments: Vec<String>,
    },
    /// These limits cannot all be kept; without any one of them the rest of these can. There may be other such sets.
    #[error("infeasible: these limits exclude one another: {}", list(.0))]
    Infeasible(Vec<Conflict>),
    /// Fractions of lots keep the limits, whole lots or minimum trades do not: the search is complete.
    #[error("no whole lots and minimum trades keep the limits, fractions do ({nodes} nodes, complete)")]
    NoWholeLots {
        /// Nodes searched.
        nodes: u32,
    },
    /// The limit of work was reached before any hedge was found.
    #[error("the limit of work was reached without a hedge: {pivots} pivots, {nodes} nodes")]
    Unfinished {
        /// Steps of the simplex method.
        pivots: u64,
        /// Nodes searched.
        nodes: u32,
    },
}

/// A rule that the problem breaks.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Fault {
    /// Nothing can be traded.
    #[error("no instrument is given")]
    NoInstruments,
    /// Nothing is to be hedged.
    #[error("neither a row nor a scenario is given")]
    NothingToHedge,
    /// A name stands for two things.
    #[error("{kind} '{name}' is given twice")]
    Twice {
        /// Row, instrument, venue, or row of an instrument.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// A row or venue that an instrument names does not exist.
    #[error("instrument '{instrument}' names {kind} '{name}', which is not in the problem")]
    Unknown {
        /// Who names it.
        instrument: String,
        /// Row or venue.
        kind: &'static str,
        /// As named.
        name: String,
    },
    /// NaN or infinite.
    #[error("{what} is {value}: a finite number is needed")]
    NotFinite {
        /// Which number.
        what: String,
        /// Its value.
        value: f64,
    },
    /// Below zero where that has no meaning.
    #[error("{what} is {value}: it cannot be negative")]
    Negative {
        /// Which number.
        what: String,
        /// Its value.
        value: f64,
    },
    /// A lot of nothing.
    #[error("instrument '{instrument}' has lots of {lot}: a lot is greater than zero")]
    Lot {
        /// Whose.
        instrument: String,
        /// Its size.
        lot: f64,
    },
    /// Buying and selling the same would earn.
    #[error("instrument '{instrument}' pays for trading both ways: its costs sum to {sum}")]
    PaidBothWays {
        /// Whose.
        instrument: String,
        /// Cost bought and cost sold.
        sum: f64,
    },
    /// Buying and selling the same would release margin.
    #[error("instrument '{instrument}' releases margin both ways: its coefficients sum to {sum}")]
    ReleasesBothWays {
        /// Whose.
        instrument: String,
        /// Margin bought and margin sold.
        sum: f64,
    },
    /// A level that leaves no tail, or nothing but tail.
    #[error("alpha is {0}: a level of CVaR is at least 0 and less than 1")]
    Alpha(f64),
    /// CVaR without a scenario.
    #[error("no scenario is given")]
    NoScenarios,
    /// The cube does not fit the book.
    #[error("{what}: {given} given, {needed} needed")]
    Count {
        /// What was counted.
        what: String,
        /// How many there are.
        given: usize,
        /// How many there should be.
        needed: usize,
    },
}

/// A limit of an irreducible set: with the others of it, it excludes every trade. Loosened to `needs`, all else as it is, the problem has
/// an answer; there is no such value where limits outside this set exclude one another too.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum Conflict {
    /// The hard band of a row.
    #[error("row '{row}' within {width} (needs {})", needed(*needs))]
    Band {
        /// The row.
        row: String,
        /// Half its band.
        width: f64,
        /// The width that would do.
        needs: Option<f64>,
    },
    /// The margin limit of a venue.
    #[error("margin at '{venue}' at most {limit} USD (needs {})", needed(*needs))]
    Margin {
        /// The venue.
        venue: String,
        /// Its limit, USD.
        limit: f64,
        /// The limit that would do, USD.
        needs: Option<f64>,
    },
    /// The most that can be bought or sold of an instrument.
    #[error("at most {most} of '{instrument}' {side} (needs {})", needed(*needs))]
    Liquidity {
        /// The instrument.
        instrument: String,
        /// Which way.
        side: Side,
        /// The most, units.
        most: f64,
        /// What would do, units.
        needs: Option<f64>,
    },
    /// The budget of CVaR.
    #[error("CVaR at most {budget} USD (needs {})", needed(*needs))]
    Budget {
        /// The budget, USD.
        budget: f64,
        /// The budget that would do, USD.
        needs: Option<f64>,
    },
}

/// Which way a trade goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// A quantity above zero.
    Bought,
    /// A quantity below zero.
    Sold,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Bought => "bought",
            Self::Sold => "sold",
        })
    }
}

fn list<T: std::fmt::Display>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn needed(needs: Option<f64>) -> String {
    needs.map_or_else(|| "more than that: other limits exclude one another too".to_owned(), |v| v.to_string())
}
