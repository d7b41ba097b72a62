//! Recorded chains as a backtest reads them: for one underlying its moments, and at each what was quoted.
//!
//! Rows are checked and made a market by [`market::Snapshot`] and [`market::Market`], as everywhere else: the forward of an option is the
//! forward of record of its expiry and its vol that of its own mark. So a live engine that is told the same rows sees the same delta.
//!
//! What is not used is counted by reason ([`History::unused`]), bad rows are issues with file, row and rule ([`HistoryBuilder::issues`]).

use hedge::delta::QuadraticMove;
use instrument::{Contract, OptionKind, Settlement, Specs, Terms};
use market::{Layout, Market, OptionQuote, RawQuote, RawSnapshot, Snapshot};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Issues, Symbol, Timestamp};

/// An option that was quoted.
#[derive(Debug, Clone, PartialEq)]
pub struct Instrument {
    /// As its venue writes it.
    pub symbol: Symbol,
    /// Settlement instant.
    pub expiry: Timestamp,
    /// USD.
    pub strike: f64,
    /// Call or put.
    pub kind: OptionKind,
}

/// Names an instrument within its history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstrumentId(u32);

/// What was quoted for one option. Prices in coin per option on one coin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quote {
    /// Which one.
    pub instrument: InstrumentId,
    /// Best bid.
    pub bid: Option<f64>,
    /// Best offer.
    pub ask: Option<f64>,
    /// Mark.
    pub mark: f64,
    /// Annual vol of the mark, as a fraction.
    pub vol: f64,
    /// Forward of record of its expiry, USD.
    pub forward: f64,
    /// Slope of the smile at its strike, dσ/d ln(K/F).
    pub slope: f64,
}

/// Where the price of a perpetual comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PerpetualSource {
    /// It was recorded.
    Recorded,
    /// The index stands for it.
    Index,
}

/// What is done where no price of the perpetual was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NoPerpetual {
    /// The index stands for it: the two differ by the premium that funding keeps small.
    Index,
    /// Nothing is hedged then.
    Refuse,
}

/// Everything known of one underlying at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment {
    /// When.
    pub time: Timestamp,
    /// USD.
    pub index: f64,
    /// Of the inverse perpetual, USD.
    pub perpetual: Option<(f64, PerpetualSource)>,
    /// By instrument.
    pub quotes: Vec<Quote>,
    /// How vols followed the underlying in the past; none before enough of it.
    pub vol_move: Option<QuadraticMove>,
}

/// The recorded chains of one underlying, in order of time.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Which underlying.
    pub asset: Asset,
    /// What was ever quoted.
    pub instruments: Vec<Instrument>,
    /// In order of time.
    pub moments: Vec<Moment>,
    /// What was recorded and is not used, counted by reason.
    pub unused: BTreeMap<&'static str, u64>,
    ids: BTreeMap<Symbol, InstrumentId>,
}

/// What no history is made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Files out of order.
    #[error("{file}: its snapshot of {time} comes after one of {before}: name the files in order of time")]
    Unsorted {
        /// Which file.
        file: String,
        /// Its snapshot.
        time: Timestamp,
        /// The one before it.
        before: Timestamp,
    },
    /// Two prices of one instant.
    #[error("{file} row {row}: {symbol} has a second price at {time}: keep one")]
    TwoPrices {
        /// Which file.
        file: String,
        /// Which row.
        row: u64,
        /// Of what.
        symbol: String,
        /// When.
        time: Timestamp,
    },
}

impl Moment {
    /// What was quoted for an instrument.
    #[must_use]
    pub fn quote(&self, id: InstrumentId) -> Option<&Quote> {
        let place = self.quotes.binary_search_by_key(&id, |quote| quote.instrument).ok()?;
        self.quotes.get(place)
    }
}

impl History {
    fn new(asset: Asset) -> Self {
        let (instruments, moments) = (Vec::new(), Vec::new());
        Self { asset, instruments, moments, unused: BTreeMap::new(), ids: BTreeMap::new() }
    }

    /// An instrument by its id.
    #[must_use]
    pub fn instrument(&self, id: InstrumentId) -> Option<&Instrument> {
        self.instruments.get(id.0 as usize)
    }

    /// How many moments have a price of the perpetual from this source.
    #[must_use]
    pub fn perpetuals_from(&self, source: PerpetualSource) -> usize {
        self.moments.iter().filter(|moment| moment.perpetual.is_some_and(|(_, from)| from == source)).count()
    }

    fn count(&mut self, reason: &'static str, more: u64) {
        if more > 0 {
            *self.unused.entry(reason).or_default() += more;
        }
    }

    fn id(&mut self, quote: &OptionQuote) -> InstrumentId {
        if let Some(id) = self.ids.get(&quote.listing.symbol) {
            return *id;
        }
        // A venue lists thousands of options in a year, not billions.
        let id = InstrumentId(u32::try_from(self.instruments.len()).unwrap_or(u32::MAX));
        let (symbol, strike) = (quote.listing.symbol.clone(), quote.strike.get());
        self.ids.insert(symbol.clone(), id);
        self.instruments.push(Instrument { symbol, expiry: quote.expiry, strike, kind: quote.kind });
        id
    }

    fn take(&mut self, snapshot: &Snapshot, market: &Market, no_perpetual: NoPerpetual) {
        let Ok(index) = market.spot(&self.asset) else {
            self.count("snapshots without an index", 1);
            return;
        };
        let mut quotes = Vec::new();
        for quote in snapshot.options.values() {
            if quote.listing.contract.underlying == self.asset {
                match self.quote(quote, market) {
                    Ok(quote) => quotes.push(quote),
                    Err(reason) => self.count(reason, 1),
                }
            }
        }
        quotes.sort_by_key(|quote| quote.instrument);
        self.with_slopes(&mut quotes);
        let perpetual = Contract {
            underlying: self.asset.clone(),
            terms: Terms::Perpetual,
            settlement: Settlement::Inverse,
        };
        let recorded = snapshot.futures.values().find(|quote| quote.listing.contract == perpetual);
        let index = index.get();
        let perpetual = match (recorded, no_perpetual) {
            (Some(quote), _) => Some((quote.mark_price.get(), PerpetualSource::Recorded)),
            (None, NoPerpetual::Index) => Some((index, PerpetualSource::Index)),
            (None, NoPerpetual::Refuse) => None,
        };
        if recorded.is_none() {
            self.count("snapshots without a recorded price of the perpetual", 1);
        }
        self.moments.push(Moment { time: snapshot.asof, index, perpetual, quotes, vol_move: None });
    }

    fn quote(&mut self, quote: &OptionQuote, market: &Market) -> Result<Quote, &'static str> {
        if quote.listing.contract.settlement != Settlement::Inverse {
            return Err("quotes of options that do not settle in coin");
        }
        let above_zero = |price: Option<f64>| price.filter(|price| *price > 0.0);
        let (bid, ask) = (above_zero(quote.bid_price), above_zero(quote.ask_price));
        if matches!((bid, ask), (Some(bid), Some(ask)) if bid > ask) {
            return Err("quotes whose bid is above the ask");
        }
        let state = market.option_state(&quote.listing.contract).map_err(|_| "quotes without a vol")?;
        if state.vol.get() <= 0.0 {
            return Err("quotes without a vol");
        }
        let instrument = self.id(quote);
        let (vol, forward) = (state.vol.get(), state.forward.get());
        Ok(Quote { instrument, bid, ask, mark: quote.mark_price, vol, forward, slope: 0.0 })
    }
}

/// Makes histories of snapshots, one after the other.
#[derive(Debug)]
pub struct HistoryBuilder {
    histories: Vec<History>,
    no_perpetual: NoPerpetual,
    specs: Specs,
    perpetuals: BTreeMap<Timestamp, BTreeMap<String, RawQuote>>,
    seen: BTreeSet<Timestamp>,
    issues: Issues,
}

impl HistoryBuilder {
    /// For these underlyings.
    #[must_use]
    pub fn new(assets: &[Asset], no_perpetual: NoPerpetual) -> Self {
        Self {
            histories: assets.iter().cloned().map(History::new).collect(),
            no_perpetual,
            specs: Specs::embedded(),
            perpetuals: BTreeMap::new(),
            seen: BTreeSet::new(),
            issues: Issues::default(),
        }
    }

    /// Prices of perpetuals, to be known before the chain of their instant.
    ///
    /// # Errors
    /// When a price of this instant is known already.
    pub fn perpetuals(&mut self, snapshot: RawSnapshot) -> Result<(), HistoryError> {
        self.issues.extend(snapshot.issues);
        let of_time = self.perpetuals.entry(snapshot.asof).or_default();
        for row in snapshot.rows {
            let (number, symbol) = (row.row, row.instrument_name.clone());
            if of_time.insert(symbol.clone(), row).is_some() {
                let (file, row, time) = (snapshot.file, number, snapshot.asof);
                return Err(HistoryError::TwoPrices { file, row, symbol, time });
            }
        }
        Ok(())
    }

    /// One snapshot of the chains; one at an instant that is known already is not used, and counted.
    ///
    /// # Errors
    /// When it is earlier than the one before.
    pub fn chain(&mut self, snapshot: RawSnapshot) -> Result<(), HistoryError> {
        let time = snapshot.asof;
        if self.seen.contains(&time) {
            if let Some(first) = self.histories.first_mut() {
                first.count("snapshots at the instant of another", 1);
            }
            return Ok(());
        }
        if let Some(before) = self.seen.last().copied().filter(|before| *before > time) {
            return Err(HistoryError::Unsorted { file: snapshot.file, time, before });
        }
        self.seen.insert(time);
        let perpetuals = RawSnapshot {
            file: "perpetual prices".into(),
            layout: Layout::PerpetualPrices,
            asof: time,
            snapshots_in_file: 1,
            rows: self.perpetuals.remove(&time).unwrap_or_default().into_values().collect(),
            issues: Issues::default(),
        };
        // There are two files, so there is a snapshot.
        let Ok((checked, issues)) = Snapshot::admit(&[snapshot, perpetuals], &self.specs) else {
            return Ok(());
        };
        self.issues.extend(issues);
        let market = Market::build(&checked, &BTreeMap::new());
        for history in &mut self.histories {
            history.take(&checked, &market, self.no_perpetual);
        }
        if let Some(first) = self.histories.first_mut() {
            checked.not_used.iter().for_each(|(reason, rows)| first.count(reason, *rows));
        }
        Ok(())
    }

    /// Rows that break rules.
    #[must_use]
    pub const fn issues(&self) -> &Issues {
        &self.issues
    }

    /// The histories, and every row that breaks a rule. Prices of perpetuals at instants without a chain are counted.
    #[must_use]
    pub fn finish(mut self) -> (Vec<History>, Issues) {
        let left: u64 = self.perpetuals.values().map(|rows| rows.len() as u64).sum();
        if let Some(first) = self.histories.first_mut() {
            first.count("prices of perpetuals at instants without a chain", left);
        }
        self.histories.iter_mut().for_each(History::learn);
        (self.histories, self.issues)
    }
}
