//! The problem as plain data.

/// Everything that is decided on, in one value. Build it, pass it to [`optimise`](super::optimise).
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// What is to be brought within bands: delta, gamma, vega by bucket, or anything that is linear in the trades.
    pub rows: Vec<Row>,
    /// What can be traded.
    pub instruments: Vec<Instrument>,
    /// Where margin is limited.
    pub venues: Vec<Venue>,
    /// What is made smallest.
    pub aim: Aim,
    /// Fractions or whole lots.
    pub lots: Lots,
    /// How much work at most.
    pub effort: Effort,
}

/// An exposure that the trades move.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name, unique: `BTC delta`, `ETH vega 27MAR26`.
    pub name: String,
    /// Before any trade, in the row's own unit.
    pub exposure: f64,
    /// How far from zero it may be, and what it costs to be further.
    pub band: Band,
}

/// How far from zero a row may be, in its own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Band {
    /// Never further.
    Hard {
        /// Half the band's width.
        width: f64,
    },
    /// Further, at a price.
    Soft {
        /// Half the band's width.
        width: f64,
        /// USD for each unit beyond it.
        price: f64,
    },
}

/// What can be traded. Every coefficient is per unit of quantity, which is any unit the caller likes (coins, contracts).
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// Its name, unique: `deribit BTC-PERPETUAL`.
    pub name: String,
    /// Quantity of one lot.
    pub lot: f64,
    /// What trading a unit costs, USD: fee, half the spread, and what holding it costs or brings over the horizon. One side may be
    /// negative (funding received), the sum of both not.
    pub cost: Sides,
    /// Impact: a trade of x units costs another `impact x² / 2` USD.
    pub impact: f64,
    /// The most that can be traded, in units: what the book holds, or a limit of ours.
    pub liquidity: Sides,
    /// The smallest trade that is worth or allowed making, in units; none at all is always allowed.
    pub minimum: f64,
    /// By how much a unit bought changes rows; each row once at most, those left out do not change.
    pub moves: Vec<Move>,
    /// Margin used by a unit, USD, if its venue is in the problem.
    pub margin: Option<VenueMargin>,
}

/// By how much a unit bought changes a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Move {
    /// The row's name.
    pub row: String,
    /// The row's unit per unit of quantity.
    pub per_unit: f64,
}

/// What a trade does to the margin of a venue, per unit, linearly; negative where it is released.
#[derive(Debug, Clone, PartialEq)]
pub struct VenueMargin {
    /// The venue's name.
    pub venue: String,
    /// USD per unit. The sum of both sides is not negative: buying and selling the same releases nothing.
    pub per_unit: Sides,
}

/// One number for what is bought and one for what is sold, both per unit traded.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Sides {
    /// Of a unit bought.
    pub bought: f64,
    /// Of a unit sold.
    pub sold: f64,
}

impl Sides {
    /// The same for both.
    #[must_use]
    pub const fn both(value: f64) -> Self {
        Self { bought: value, sold: value }
    }
}

/// Margin of one venue, USD.
#[derive(Debug, Clone, PartialEq)]
pub struct Venue {
    /// Its name, unique.
    pub name: String,
    /// Used before any trade.
    pub used: f64,
    /// The most that may be used.
    pub limit: f64,
}

/// What is made smallest. *Cost* is trading, impact, and the price of what is beyond soft bands.
#[derive(Debug, Clone, PartialEq)]
pub enum Aim {
    /// Cost.
    Cost,
    /// CVaR + `cost_weight` x cost.
    Tail {
        /// Scenarios and level.
        tail: Tail,
        /// Mu, how much CVaR a USD of cost must save: 1 adds them, 0 ignores the cost.
        cost_weight: f64,
    },
    /// Cost, with CVaR at most a budget.
    CostWithin {
        /// Scenarios and level.
        tail: Tail,
        /// The largest CVaR allowed, USD.
        budget: f64,
    },
}

/// The scenarios, all equally likely, and how much of the tail counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Tail {
    /// Level, e.g. 0.95: the mean of the worst 5 % is CVaR.
    pub alpha: f64,
    /// Loss of the book in each scenario, USD; a gain is negative.
    pub losses: Vec<f64>,
    /// Gain of a unit bought in each scenario, USD, by revaluation: one list an instrument, in the order of the instruments.
    pub gains: Vec<Vec<f64>>,
}

/// Fractions or whole lots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lots {
    /// Any fraction of a lot.
    Fractional,
    /// Whole lots, by branch and bound.
    Whole,
}

/// Limits of work, counted in steps and not in time: a limit of time would end the search elsewhere on a busier machine, and the answer
/// would not be the same twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// Steps of the simplex method in all.
    pub pivots: u64,
    /// Rounds of one relaxation: scenarios brought in, impact refined.
    pub rounds: u32,
    /// Nodes of the search for whole lots and minimum trades.
    pub nodes: u32,
}

impl Default for Effort {
    fn default() -> Self {
        Self { pivots: 2_000_000, rounds: 200, nodes: 2_000 }
    }
}
