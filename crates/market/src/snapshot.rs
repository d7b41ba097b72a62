//! The market as published at one instant: rows checked, typed and sorted, before any model touches them.
//!
//! Prices are in the unit the venue quotes: coin for inverse options, quote currency otherwise. Each rejected row is an
//! [`Issue`] with file, row, field and rule; rows that are sound but not usable as quotes (combos, expired contracts,
//! superseded refreshes) are counted by reason. Left out: staleness limits (issue of the live feeds).

use crate::raw::{Layout, RawQuote, RawSnapshot};
use instrument::{Contract, Listing, OptionKind, Specs, Terms, resolve};
use std::collections::BTreeMap;
use units::{Forward, Issue, Issues, Spot, Strike, Symbol, Timestamp, Venue, Vol, border};

/// Greeks as the venue published them, in the venue's own units.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Published {
    /// Black delta per coin of forward.
    pub delta: Option<f64>,
    /// Per USD.
    pub gamma: Option<f64>,
    /// USD per vol point.
    pub vega_per_point: Option<f64>,
    /// USD per day.
    pub theta_per_day: Option<f64>,
    /// USD per 1 % of rate.
    pub rho_per_1pct: Option<f64>,
}

/// One option quote.
#[derive(Debug, Clone, PartialEq)]
pub struct OptionQuote {
    /// What is quoted, by whom.
    pub listing: Listing,
    /// Settlement instant.
    pub expiry: Timestamp,
    /// Strike as a model number.
    pub strike: Strike,
    /// Call or put.
    pub kind: OptionKind,
    /// Best bid, if any.
    pub bid_price: Option<f64>,
    /// Best ask, if any.
    pub ask_price: Option<f64>,
    /// Mark, in coin for inverse contracts.
    pub mark_price: f64,
    /// Mark vol, if the venue gave one above zero.
    pub mark_vol: Option<Vol>,
    /// Published greeks.
    pub published: Published,
    /// Contracts open, if the feed says so.
    pub open_interest: Option<f64>,
    /// Coins traded in the last 24 hours, if the feed says so.
    pub volume: Option<f64>,
    /// The forward that the venue printed beside this row.
    pub underlying_price: Option<Forward>,
    /// Index printed beside this row.
    pub index_price: Option<Spot>,
    /// Row's own time, or the snapshot's.
    pub source_time: Timestamp,
    /// Row in its file.
    pub row: u64,
}

/// One quote of a future or perpetual.
#[derive(Debug, Clone, PartialEq)]
pub struct FutureQuote {
    /// What is quoted, by whom.
    pub listing: Listing,
    /// Mark price in quote currency.
    pub mark_price: Forward,
    /// Best bid in the unit of the mark, if any.
    pub bid_price: Option<f64>,
    /// Best ask, if any.
    pub ask_price: Option<f64>,
    /// Coins traded in the last 24 hours, if the feed says so.
    pub volume: Option<f64>,
    /// Index printed beside this row.
    pub index_price: Option<Spot>,
    /// Funding of the last 8 hours, as a fraction.
    pub funding_rate_8h: Option<f64>,
    /// Row's own time, or the snapshot's.
    pub source_time: Timestamp,
    /// Row in its file.
    pub row: u64,
}

/// One quote of a spot pair: it tells the USD rate of its quote currency.
#[derive(Debug, Clone, PartialEq)]
pub struct SpotQuote {
    /// What is quoted, by whom.
    pub listing: Listing,
    /// Price of one unit of the base in the quote currency.
    pub mark_price: Spot,
    /// Row's own time, or the snapshot's.
    pub source_time: Timestamp,
}

/// Checked rows of one or more market files.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The latest time of any file: the valuation time.
    pub asof: Timestamp,
    /// Rows that print an index speak for it while they are no older than this against the newest that does.
    pub index_window: IndexWindow,
    /// Files in the order given, with the number of rows read from each.
    pub files: Vec<(String, u64)>,
    /// Option quotes, by venue and symbol.
    pub options: BTreeMap<(Venue, Symbol), OptionQuote>,
    /// Futures and perpetuals, by venue and symbol.
    pub futures: BTreeMap<(Venue, Symbol), FutureQuote>,
    /// Spot pairs, by venue and symbol.
    pub spots: BTreeMap<(Venue, Symbol), SpotQuote>,
    /// Sound rows that are not used as quotes, counted by reason.
    pub not_used: BTreeMap<&'static str, u64>,
}

/// How old a printed index may be beside the newest one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IndexWindow {
    /// Ten minutes: rows of files are some seconds apart, and an older file must not outvote a newer one by its number of rows.
    #[default]
    Files,
    /// Two seconds: of live quotes only the newest know where the index is.
    Live,
}

impl IndexWindow {
    /// In seconds.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Files => 600,
            Self::Live => 2,
        }
    }

    pub(crate) const fn nanos(self) -> i64 {
        self.seconds() * 1_000_000_000
    }
}

/// Quotes that moved or are gone, by what they are of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moved {
    /// Venue and symbol of each, and its contract.
    pub quotes: Vec<((Venue, Symbol), Contract)>,
}

impl Moved {
    /// Everything that is quoted.
    #[must_use]
    pub fn all(snapshot: &Snapshot) -> Self {
        let mut all = Self::default();
        snapshot.options.values().for_each(|quote| all.add(&quote.listing));
        snapshot.futures.values().for_each(|quote| all.add(&quote.listing));
        snapshot.spots.values().for_each(|quote| all.add(&quote.listing));
        all
    }

    fn add(&mut self, listing: &Listing) {
        let key = (listing.venue.clone(), listing.symbol.clone());
        self.quotes.push((key, listing.contract.clone()));
    }
}

/// Rows of one file or of one message of a feed.
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a> {
    /// File or feed, for messages.
    pub file: &'a str,
    /// What kind of file it is.
    pub layout: Layout,
    /// Time of rows without one of their own.
    pub asof: Timestamp,
    /// The rows.
    pub rows: &'a [RawQuote],
}

/// Quotes that were taken over.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// What moved.
    pub moved: Moved,
    /// The row of each, by its index, and its time.
    pub rows: Vec<(usize, Timestamp)>,
}

/// A file of quotes was empty: nothing can be valued from it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no market file given: pass --market FILE at least once")]
pub struct NoMarket;

impl Snapshot {
    /// Checks every row of the files.
    ///
    /// # Errors
    /// [`NoMarket`] when there is no file at all. Bad rows are not errors but issues, returned beside the snapshot.
    pub fn admit(files: &[RawSnapshot], specs: &Specs) -> Result<(Self, Issues), NoMarket> {
        let asof = files.iter().map(|f| f.asof).max().ok_or(NoMarket)?;
        let mut snapshot = Self::empty(asof);
        let mut issues = Issues::default();
        let mut candidates = Vec::new();
        for file in files {
            snapshot.files.push((file.file.clone(), file.rows.len() as u64));
            issues.extend(file.issues.clone());
            let RawSnapshot { file, layout, asof, rows, .. } = file;
            let rows = Rows { file, layout: *layout, asof: *asof, rows };
            snapshot.check(&rows, specs, (&mut candidates, &mut issues));
        }
        let mut taken = Taken::default();
        for Candidate { index, quote, .. } in snapshot.newest(candidates, &mut issues) {
            snapshot.put(quote, index, &mut taken);
        }
        Ok((snapshot, issues))
    }

    /// Checks rows of a feed and takes over those that are not older than its own; says what moved. Its time stays; older quotes are
    /// counted as not used.
    pub fn take(&mut self, rows: &Rows<'_>, specs: &Specs) -> (Taken, Issues) {
        let mut issues = Issues::default();
        let mut candidates = Vec::new();
        self.check(rows, specs, (&mut candidates, &mut issues));
        let mut taken = Taken::default();
        let mut late = 0;
        for Candidate { index, quote, .. } in self.newest(candidates, &mut issues) {
            let is_late = self.source_time(quote.listing()).is_some_and(|own| own > quote.source_time());
            if is_late {
                late += 1;
            } else {
                self.put(quote, index, &mut taken);
            }
        }
        self.count("older than the quote at hand", late);
        (taken, issues)
    }

    /// Sound quotes among rows.
    fn check<'a>(
        &mut self,
        rows: &Rows<'a>,
        specs: &Specs,
        (candidates, issues): (&mut Vec<Candidate<'a>>, &mut Issues),
    ) {
        let (file, asof) = (*rows, self.asof);
        for (index, raw) in rows.rows.iter().enumerate() {
            match (Desk { file, raw, issues: &mut *issues }).check(specs) {
                None => {}
                Some(Checked::NotUsed(reason)) => self.count(reason, 1),
                Some(Checked::Quote(Quote::Option(quote))) if quote.expiry <= asof => {
                    self.count("option expired before the snapshot", 1);
                }
                Some(Checked::Quote(quote)) => candidates.push(Candidate { file, raw, index, quote }),
            }
        }
    }

    fn source_time(&self, listing: &Listing) -> Option<Timestamp> {
        let key = (listing.venue.clone(), listing.symbol.clone());
        let option = self.options.get(&key).map(|quote| quote.source_time);
        let future = || self.futures.get(&key).map(|quote| quote.source_time);
        option.or_else(future).or_else(|| self.spots.get(&key).map(|quote| quote.source_time))
    }

    fn put(&mut self, quote: Quote, row: usize, taken: &mut Taken) {
        let Listing { venue, symbol, contract, .. } = quote.listing();
        let key = (venue.clone(), symbol.clone());
        taken.moved.quotes.push((key.clone(), contract.clone()));
        taken.rows.push((row, quote.source_time()));
        match quote {
            Quote::Option(quote) => drop(self.options.insert(key, *quote)),
            Quote::Future(quote) => drop(self.futures.insert(key, *quote)),
            Quote::Spot(quote) => drop(self.spots.insert(key, *quote)),
        }
    }

    /// A snapshot without quotes at a time.
    #[must_use]
    pub const fn empty(asof: Timestamp) -> Self {
        Self {
            asof,
            index_window: IndexWindow::Files,
            files: Vec::new(),
            options: BTreeMap::new(),
            futures: BTreeMap::new(),
            spots: BTreeMap::new(),
            not_used: BTreeMap::new(),
        }
    }

    /// Moves on to a later time and drops what has expired by then; says whose quotes it dropped.
    pub fn advance(&mut self, asof: Timestamp) -> Moved {
        self.asof = asof;
        let mut touched = Moved::default();
        let mut drop_expired = |listing: &Listing| {
            let expired = listing.contract.expiry().is_some_and(|expiry| expiry <= asof);
            if expired {
                touched.add(listing);
            }
            !expired
        };
        self.options.retain(|_, quote| drop_expired(&quote.listing));
        self.futures.retain(|_, quote| drop_expired(&quote.listing));
        touched
    }

    /// A refresh of the same instrument replaces older ones. Of several rows of one time none is used: which of them is
    /// meant would depend on their order. In the order of venue and symbol.
    fn newest<'a>(&mut self, mut candidates: Vec<Candidate<'a>>, issues: &mut Issues) -> Vec<Candidate<'a>> {
        candidates.sort_by(|a, b| a.name().cmp(&b.name()));
        let mut newest: Vec<Candidate<'a>> = Vec::with_capacity(candidates.len());
        let mut rest = candidates.into_iter().peekable();
        while let Some(first) = rest.next() {
            let mut same = vec![first];
            while let Some(next) =
                rest.next_if(|next| same.first().is_some_and(|one| one.name() == next.name()))
            {
                same.push(next);
            }
            let time = same.iter().map(|c| c.quote.source_time()).max();
            let all = same.len();
            same.retain(|c| Some(c.quote.source_time()) == time);
            self.count("superseded by a later row of the same instrument", all - same.len());
            if same.len() == 1 {
                newest.append(&mut same);
            }
            for Candidate { file, raw, .. } in same {
                let rule = "this instrument has several rows of one time, none of which is used: keep one";
                Desk { file, raw, issues }.issue("instrument_name", &raw.instrument_name, rule);
            }
        }
        newest
    }

    fn count(&mut self, reason: &'static str, rows: usize) {
        if rows > 0 {
            *self.not_used.entry(reason).or_default() += rows as u64;
        }
    }
}

enum Checked {
    Quote(Quote),
    NotUsed(&'static str),
}

/// A sound quote of any kind.
enum Quote {
    Option(Box<OptionQuote>),
    Future(Box<FutureQuote>),
    Spot(Box<SpotQuote>),
}

impl Quote {
    const fn listing(&self) -> &Listing {
        match self {
            Self::Option(quote) => &quote.listing,
            Self::Future(quote) => &quote.listing,
            Self::Spot(quote) => &quote.listing,
        }
    }

    const fn source_time(&self) -> Timestamp {
        match self {
            Self::Option(quote) => quote.source_time,
            Self::Future(quote) => quote.source_time,
            Self::Spot(quote) => quote.source_time,
        }
    }
}

/// A sound quote and its row, before it is known whether a later one replaces it.
struct Candidate<'a> {
    file: Rows<'a>,
    raw: &'a RawQuote,
    /// Of the row among its rows.
    index: usize,
    quote: Quote,
}

impl Candidate<'_> {
    const fn name(&self) -> (&Venue, &Symbol) {
        let listing = self.quote.listing();
        (&listing.venue, &listing.symbol)
    }
}

/// One row under inspection: collects every fault of the row, not just the first.
struct Desk<'a> {
    file: Rows<'a>,
    raw: &'a RawQuote,
    issues: &'a mut Issues,
}

impl Desk<'_> {
    fn issue(&mut self, field: &str, value: &str, rule: &str) {
        self.issues.push(Issue {
            file: self.file.file.to_owned(),
            row: self.raw.row,
            field: field.into(),
            value: value.into(),
            rule: rule.into(),
        });
    }

    /// Unwraps a checked unit or records the rule that it broke.
    fn unit<T>(&mut self, field: &str, value: f64, made: Result<T, units::UnitError>) -> Option<T> {
        made.map_err(|e| self.issue(field, &value.to_string(), &e.to_string())).ok()
    }

    /// An optional cell: absent is fine, present must satisfy the rule.
    fn optional<T>(
        &mut self,
        field: &str,
        cell: Option<f64>,
        make: impl Fn(f64) -> Result<T, units::UnitError>,
    ) -> Result<Option<T>, ()> {
        match cell {
            None => Ok(None),
            Some(value) => self.unit(field, value, make(value)).map(Some).ok_or(()),
        }
    }

    fn check(&mut self, specs: &Specs) -> Option<Checked> {
        let venue = self.raw.venue.as_deref().unwrap_or("deribit");
        let venue = Venue::new(venue).map_err(|e| self.issue("venue", venue, &e.to_string())).ok()?;
        let name = self.raw.instrument_name.clone();
        let symbol =
            Symbol::new(&name).map_err(|e| self.issue("instrument_name", &name, &e.to_string())).ok()?;
        let resolved = resolve(&venue, &symbol, specs)
            .map_err(|e| self.issue("instrument_name", &name, &e.to_string()))
            .ok()?;
        let [leg] = resolved.legs.as_slice() else {
            return Some(Checked::NotUsed("combos are quoted by their legs"));
        };
        let listing = leg.listing.clone();
        match listing.contract.terms {
            Terms::Option { .. } => self.option(listing),
            Terms::Perpetual | Terms::Future { .. } => self.future(listing),
            Terms::Spot => self.spot(listing),
        }
    }

    fn option(&mut self, listing: Listing) -> Option<Checked> {
        let raw = self.raw;
        let Terms::Option { expiry, strike, kind } = listing.contract.terms.clone() else { return None };
        let strike_number = border::to_model(strike.get()).unwrap_or(f64::NAN);
        let strike = self.unit("strike", strike_number, Strike::new(strike_number));
        let agrees = self.columns_agree(&listing.contract, strike_number);
        let mark_price = self.price("mark_price", raw.mark_price, Need::Required);
        let bid_price = self.price("bid_price", raw.bid_price, Need::Optional);
        let ask_price = self.price("ask_price", raw.ask_price, Need::Optional);
        let mark_vol = self.optional("mark_iv", raw.mark_vol, Vol::new);
        let underlying_price = self.optional("underlying_price", raw.underlying_price, Forward::new);
        let index_price = self.optional("index_price", raw.index_price, Spot::new);
        let published = self.published();
        // Every check above has run, so that all faults of the row are on record before any of them ends it.
        let (strike, mark_price) = (strike?, mark_price.ok()??);
        if !agrees {
            return None;
        }
        Some(Checked::Quote(Quote::Option(Box::new(OptionQuote {
            listing,
            expiry,
            strike,
            kind,
            bid_price: bid_price.ok()?,
            ask_price: ask_price.ok()?,
            mark_price,
            mark_vol: mark_vol.ok()?.filter(|v| v.get() > 0.0),
            published: published?,
            // No price rests on it: a cell that is no number is an absent one, not a fault of the row.
            open_interest: raw.open_interest.filter(|open| open.is_finite()),
            volume: raw.volume.filter(|volume| volume.is_finite()),
            underlying_price: underlying_price.ok()?,
            index_price: index_price.ok()?,
            source_time: raw.timestamp.unwrap_or(self.file.asof),
            row: raw.row,
        }))))
    }

    fn future(&mut self, listing: Listing) -> Option<Checked> {
        let raw = self.raw;
        let field =
            if self.file.layout == Layout::PerpetualPrices { "perpetual_price" } else { "mark_price" };
        // A bundle (1000 coins) is quoted per bundle; the canonical price is per coin.
        let mark = self.optional(field, raw.mark_price, |price| {
            Forward::new(price / border::to_model(listing.price_units)?)
        });
        if raw.mark_price.is_none() {
            self.issue(field, "", "a future needs its mark price");
        }
        let index_price = self.optional("index_price", raw.index_price, Spot::new);
        let funding = self.finite("funding_8h", raw.funding_rate_8h);
        // Nothing is valued at them: a side that is zero or no number is a side without an offer, not a fault of the row.
        let bundle = border::to_model(listing.price_units).ok()?;
        let offer = |cell: Option<f64>| {
            cell.filter(|price| price.is_finite() && *price > 0.0).map(|price| price / bundle)
        };
        Some(Checked::Quote(Quote::Future(Box::new(FutureQuote {
            listing,
            mark_price: mark.ok()??,
            bid_price: offer(raw.bid_price),
            ask_price: offer(raw.ask_price),
            volume: raw.volume.filter(|volume| volume.is_finite()),
            index_price: index_price.ok()?,
            funding_rate_8h: funding.ok()?,
            source_time: raw.timestamp.unwrap_or(self.file.asof),
            row: raw.row,
        }))))
    }

    fn spot(&mut self, listing: Listing) -> Option<Checked> {
        let mark = self.optional("mark_price", self.raw.mark_price, Spot::new).ok()?;
        let Some(mark_price) = mark else {
            return Some(Checked::NotUsed("spot pair without a mark price"));
        };
        let source_time = self.raw.timestamp.unwrap_or(self.file.asof);
        Some(Checked::Quote(Quote::Spot(Box::new(SpotQuote { listing, mark_price, source_time }))))
    }

    /// Columns that repeat what the symbol says must say the same.
    fn columns_agree(&mut self, contract: &Contract, strike: f64) -> bool {
        let Terms::Option { expiry, kind, .. } = contract.terms else { return true };
        let mut agrees = true;
        if let Some(column) = self.raw.strike
            && column.to_bits() != strike.to_bits()
        {
            self.issue(
                "strike",
                &column.to_string(),
                "the strike column must equal the strike in instrument_name",
            );
            agrees = false;
        }
        if let Some(column) = self.raw.expiry
            && column != expiry
        {
            self.issue(
                "expiry",
                &column.to_string(),
                "the expiry column must equal the expiry in instrument_name at 08:00 UTC",
            );
            agrees = false;
        }
        if let Some(column) = self.raw.option_type.as_deref() {
            let same = match kind {
                OptionKind::Call => column.eq_ignore_ascii_case("call") || column.eq_ignore_ascii_case("c"),
                OptionKind::Put => column.eq_ignore_ascii_case("put") || column.eq_ignore_ascii_case("p"),
            };
            if !same {
                self.issue("option_type", column, "call or put, as in instrument_name");
                agrees = false;
            }
        }
        agrees
    }

    fn price(&mut self, field: &str, cell: Option<f64>, need: Need) -> Result<Option<f64>, ()> {
        match (cell, need) {
            (None, Need::Optional) => Ok(None),
            (None, Need::Required) => {
                self.issue(field, "", "an option needs its mark price");
                Err(())
            }
            (Some(value), _) if value.is_finite() && value >= 0.0 => Ok(Some(value)),
            (Some(value), _) => {
                self.issue(field, &value.to_string(), "a price is a finite number of at least zero");
                Err(())
            }
        }
    }

    fn finite(&mut self, field: &str, cell: Option<f64>) -> Result<Option<f64>, ()> {
        match cell {
            Some(value) if !value.is_finite() => {
                self.issue(field, &value.to_string(), "a finite number, or an empty cell");
                Err(())
            }
            other => Ok(other),
        }
    }

    fn published(&mut self) -> Option<Published> {
        let raw = self.raw;
        let delta = self.finite("delta", raw.delta);
        let gamma = self.finite("gamma", raw.gamma);
        let vega = self.finite("vega", raw.vega_per_point);
        let theta = self.finite("theta", raw.theta_per_day);
        let rho = self.finite("rho", raw.rho_per_1pct);
        Some(Published {
            delta: delta.ok()?,
            gamma: gamma.ok()?,
            vega_per_point: vega.ok()?,
            theta_per_day: theta.ok()?,
            rho_per_1pct: rho.ok()?,
        })
    }
}

#[derive(Clone, Copy)]
enum Need {
    Required,
    Optional,
}
