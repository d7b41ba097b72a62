//! Rows of a market file as read, before anything is believed. Readers in `lake` fill these; [`crate::Snapshot::admit`]
//! checks them. Vols are already fractions here, whatever the file's unit was; prices are in the file's own unit (coin for
//! inverse options, USD or stablecoin otherwise).

use units::{Issues, Timestamp};

/// Which layout a file has: it decides units and how rows group into snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// One row per instrument and instant; rows of equal `timestamp` are one snapshot; `mark_iv` is a fraction.
    Chain,
    /// As `Chain`, in the column names of the raw recorder (`implied_volatility`, `futures_price`, ...).
    RecorderChain,
    /// Full tickers with `greeks.*` and a time of their own per row; the file is one snapshot; `mark_iv` in percent.
    Tickers,
    /// The exchange's `get_book_summary_by_currency` answer; the file is one snapshot; `mark_iv` in percent.
    BookSummary,
    /// Perpetual prices: `timestamp,currency,instrument_name,perpetual_price`.
    PerpetualPrices,
}

/// One row as read. `None` is an absent or empty cell; NaN stays NaN and is refused later with its row number.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct RawQuote {
    /// Row of data, from 1.
    pub row: u64,
    /// Source time of the row.
    pub timestamp: Option<Timestamp>,
    /// Venue word; `None` means `deribit`, whose layouts these are.
    pub venue: Option<String>,
    /// Instrument as the venue writes it.
    pub instrument_name: String,
    /// Expiry column, cross-checked against the symbol.
    pub expiry: Option<Timestamp>,
    /// Strike column, cross-checked against the symbol.
    pub strike: Option<f64>,
    /// `call` or `put`, cross-checked against the symbol.
    pub option_type: Option<String>,
    /// Best bid; absent when there is none.
    pub bid_price: Option<f64>,
    /// Best ask; absent when there is none.
    pub ask_price: Option<f64>,
    /// Mark price.
    pub mark_price: Option<f64>,
    /// Mark vol as a fraction.
    pub mark_vol: Option<f64>,
    /// Published delta.
    pub delta: Option<f64>,
    /// Published gamma, per USD.
    pub gamma: Option<f64>,
    /// Published vega, USD per vol point.
    pub vega_per_point: Option<f64>,
    /// Published theta, USD per day.
    pub theta_per_day: Option<f64>,
    /// Published rho, USD per 1 %.
    pub rho_per_1pct: Option<f64>,
    /// Open interest in contracts.
    pub open_interest: Option<f64>,
    /// Volume of the last 24 hours.
    pub volume: Option<f64>,
    /// Forward that the venue marks this option with.
    pub underlying_price: Option<f64>,
    /// `BTC-27MAR26`, `SYN.BTC-1MAR26` or `index_price`.
    pub underlying_name: Option<String>,
    /// Index at the row's time.
    pub index_price: Option<f64>,
    /// Funding of the last 8 hours, as a fraction; perpetuals only.
    pub funding_rate_8h: Option<f64>,
}

/// One snapshot as read from one file, with what could not be read.
#[derive(Debug, Clone, PartialEq)]
pub struct RawSnapshot {
    /// File as the user named it.
    pub file: String,
    /// What kind of file it is.
    pub layout: Layout,
    /// Time of the snapshot: the common time of its rows, or the latest where each row has its own.
    pub asof: Timestamp,
    /// How many snapshots the file holds; 1 for files that are one snapshot.
    pub snapshots_in_file: u64,
    /// Rows of the chosen snapshot, in file order.
    pub rows: Vec<RawQuote>,
    /// Cells that are not of their column's type.
    pub issues: Issues,
}
