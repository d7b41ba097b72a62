//! The quotes of one underlying, kept as its curves and vols need them: by quote currency and expiry, so that a quote costs what depends
//! on it and no more.
//!
//! ```text
//! quote of an option ─► own vol; forward of its expiry ─► vols of its expiry
//! quote of a future  ─► own mark; forward of its expiry, if dated
//! any row            ─► index: median of the newest rows that print one
//! index              ─► forwards and vols of expiries without a forward of their own
//! time               ─► vols, and whatever has expired
//! ```

use crate::forward::{DISAGREEMENT_LIMIT_BP, ForwardPoint, median};
use crate::runs::Runs;
use crate::snapshot::{FutureQuote, IndexWindow, OptionQuote};
use crate::state::{Family, Market, Underlying, quote_currency};
use crate::vols::VolSource;
use instrument::{Contract, Listing, Settlement, Terms, expiry_text};
use pricing::implied_vol::{Deterministic, ImpliedVol, quantise_vol};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Discount, Forward, Spot, Symbol, Timestamp, Venue, Vol, border};

/// What is not as it was in one underlying.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moves {
    /// True when the index is another one, or there is none any more.
    pub index: bool,
    /// Expiries whose quotes give another forward, in any currency.
    pub forwards: BTreeSet<Timestamp>,
    /// Contracts whose own quotes moved or are gone.
    pub contracts: BTreeSet<Contract>,
    /// True when its notes were written again.
    pub(crate) notes: bool,
}

impl Moves {
    /// These and later ones.
    pub(crate) fn extend(&mut self, later: Self) {
        self.index |= later.index;
        self.notes |= later.notes;
        self.forwards.extend(later.forwards);
        self.contracts.extend(later.contracts);
    }
}

/// One underlying.
#[derive(Debug, Clone, Default)]
pub(crate) struct Quoted {
    families: BTreeMap<Asset, FamilyQuotes>,
    /// Contracts that moved since the market last followed.
    moved: BTreeSet<Contract>,
    is_stand_in: bool,
}

/// Quotes in one currency.
#[derive(Debug, Clone, Default)]
struct FamilyQuotes {
    expiries: BTreeMap<Timestamp, ExpiryQuotes>,
    /// In the order of venue and symbol.
    futures: Vec<FutureQuote>,
    futures_moved: bool,
    /// Newest mark of the dated future of each expiry.
    marks: BTreeMap<Timestamp, Forward>,
}

/// Options of one expiry, in the order of venue and symbol.
#[derive(Debug, Clone, Default)]
struct ExpiryQuotes {
    quotes: Vec<OptionQuote>,
    /// Time and index of the quotes that print one.
    indices: Vec<Option<(Timestamp, f64)>>,
    /// Time of the newest of them.
    newest: Option<Timestamp>,
    has_moved: bool,
}

fn name(listing: &Listing) -> (&Venue, &Symbol) {
    (&listing.venue, &listing.symbol)
}

impl Quoted {
    pub(crate) fn put_option(&mut self, quote: &OptionQuote) {
        let currency = quote_currency(&quote.listing.contract);
        let expiry = self.families.entry(currency).or_default().expiries.entry(quote.expiry).or_default();
        expiry.has_moved = true;
        let index = quote.index_price.map(|index| (quote.source_time, index.get()));
        match expiry.quotes.binary_search_by(|own| name(&own.listing).cmp(&name(&quote.listing))) {
            Ok(place) => {
                if let (Some(own), Some(at)) = (expiry.quotes.get_mut(place), expiry.indices.get_mut(place)) {
                    (*own, *at) = (quote.clone(), index);
                }
            }
            Err(place) => {
                expiry.quotes.insert(place, quote.clone());
                expiry.indices.insert(place, index);
            }
        }
        // A quote is never put in the place of a newer one; but one that prints no index may follow one that does.
        let time = index.map(|(time, _)| time);
        expiry.newest = match time {
            Some(_) => expiry.newest.max(time),
            None => expiry.indices.iter().flatten().map(|(time, _)| *time).max(),
        };
    }

    pub(crate) fn put_future(&mut self, quote: &FutureQuote) {
        let family = self.families.entry(quote_currency(&quote.listing.contract)).or_default();
        family.futures_moved = true;
        match family.futures.binary_search_by(|own| name(&own.listing).cmp(&name(&quote.listing))) {
            Ok(place) => {
                if let Some(own) = family.futures.get_mut(place) {
                    own.clone_from(quote);
                }
            }
            Err(place) => family.futures.insert(place, quote.clone()),
        }
    }

    pub(crate) fn note_moved(&mut self, contract: &Contract) {
        self.moved.insert(contract.clone());
    }

    /// Brings the market up to the quotes.
    pub(crate) fn follow(
        &mut self,
        asset: &Asset,
        market: &mut Market,
        (window, has_aged): (IndexWindow, bool),
    ) -> Moves {
        if has_aged {
            self.drop_expired(market.asof);
        }
        let mut moves = Moves { contracts: std::mem::take(&mut self.moved), ..Moves::default() };
        for contract in &moves.contracts {
            self.own(contract, market);
        }
        let before = market.underlyings.remove(asset);
        let Some((spot, is_stand_in)) = self.spot(window) else {
            // What a mark implies goes by a forward, which there is none of.
            market.option_vols.retain(|contract, (_, source)| {
                *source != VolSource::Implied || contract.underlying != *asset
            });
            moves.notes = market.notes_of.remove(asset).is_some();
            moves.index = before.is_some();
            return moves;
        };
        moves.index = before.as_ref().is_none_or(|before| before.spot != spot);
        let is_new = before.is_none();
        let mut underlying = before.unwrap_or_else(|| Underlying { spot, families: BTreeMap::new() });
        underlying.spot = spot;
        let count = underlying.families.len();
        underlying.families.retain(|currency, _| self.families.contains_key(currency));
        let mut is_retold =
            is_new || has_aged || is_stand_in != self.is_stand_in || count != self.families.len();
        for (currency, quotes) in &mut self.families {
            let family = underlying.families.entry(currency.clone()).or_default();
            let whole = Whole { spot, asof: market.asof, index: moves.index, is_new, has_aged };
            is_retold |= quotes.follow(family, whole, &mut market.option_vols, &mut moves.forwards);
        }
        self.is_stand_in = is_stand_in;
        if is_retold {
            moves.notes = true;
            let notes = self.notes(asset, &underlying);
            if notes.is_empty() {
                market.notes_of.remove(asset);
            } else {
                market.notes_of.insert(asset.clone(), notes);
            }
        }
        market.underlyings.insert(asset.clone(), underlying);
        moves
    }

    fn drop_expired(&mut self, asof: Timestamp) {
        for quotes in self.families.values_mut() {
            quotes.expiries.retain(|expiry, _| *expiry > asof);
            let count = quotes.futures.len();
            quotes.futures.retain(|quote| quote.listing.contract.expiry().is_none_or(|expiry| expiry > asof));
            quotes.futures_moved |= quotes.futures.len() != count;
        }
        self.families.retain(|_, quotes| !quotes.expiries.is_empty() || !quotes.futures.is_empty());
    }

    /// Puts the own vol or mark of a contract into the market: of several venues the newest, of equal times the first in alphabetical
    /// order.
    fn own(&self, contract: &Contract, market: &mut Market) {
        let quotes = self.families.get(&quote_currency(contract));
        if let Terms::Option { expiry, strike, kind } = &contract.terms {
            let options = quotes.and_then(|quotes| quotes.expiries.get(expiry));
            // Floats tell strikes apart sooner than decimals: equal decimals are one float.
            let strike = border::to_model(strike.get()).map(f64::to_bits);
            let own = options.into_iter().flat_map(|expiry| &expiry.quotes);
            let own = own.filter(|quote| Ok(quote.strike.get().to_bits()) == strike && quote.kind == *kind);
            let own = own.filter(|quote| quote.listing.contract == *contract);
            let vol = newest(own.filter_map(|quote| Some((quote.source_time, quote.mark_vol?))));
            put_or_remove(&mut market.option_vols, contract, vol.map(|vol| (vol, VolSource::Quoted)));
            return;
        }
        let own = quotes.into_iter().flat_map(|quotes| &quotes.futures);
        let own = own.filter(|quote| quote.listing.contract == *contract);
        let mark = newest(own.map(|quote| (quote.source_time, quote.mark_price)));
        put_or_remove(&mut market.future_marks, contract, mark);
    }

    /// The index, or the mark of the perpetual that stands in for it.
    fn spot(&self, window: IndexWindow) -> Option<(Spot, bool)> {
        let index = self.newest_index(window);
        let futures = self.families.values().flat_map(|quotes| &quotes.futures);
        let perpetuals = futures.filter(|quote| quote.listing.contract.terms == Terms::Perpetual);
        let stand_in = || median(&mut perpetuals.map(|quote| quote.mark_price.get()).collect::<Vec<_>>());
        Some((Spot::new(index.or_else(stand_in)?).ok()?, index.is_none()))
    }

    /// The median index of the newest rows: those within the window of the newest row that prints one.
    fn newest_index(&self, window: IndexWindow) -> Option<f64> {
        let futures = self.families.values().flat_map(|quotes| &quotes.futures);
        let futures = futures.filter_map(|quote| Some((quote.source_time, quote.index_price?.get())));
        let expiries = self.families.values().flat_map(|quotes| quotes.expiries.values());
        let newest = expiries.clone().filter_map(|expiry| expiry.newest);
        let newest = newest.chain(futures.clone().map(|(time, _)| time)).max()?.unix_nanos();
        let is_recent = |time: Timestamp| newest - time.unix_nanos() <= window.nanos();
        // An expiry whose newest row is old has no recent one.
        let expiries = expiries.filter(|expiry| expiry.newest.is_some_and(is_recent));
        let options = expiries.flat_map(|expiry| expiry.indices.iter().copied().flatten());
        let mut recent = Runs::default();
        options.chain(futures).filter(|(time, _)| is_recent(*time)).for_each(|(_, index)| recent.push(index));
        recent.median()
    }

    fn notes(&self, asset: &Asset, underlying: &Underlying) -> Vec<String> {
        let mut notes = Vec::new();
        if self.is_stand_in {
            notes.push(format!("{asset}: no index in the market files; the perpetual's mark stands in"));
        }
        let mut order: Vec<_> =
            self.families.iter().map(|(currency, quotes)| (quotes.first(), currency)).collect();
        order.sort();
        for family in order.into_iter().filter_map(|(_, currency)| underlying.families.get(currency)) {
            let apart = family.curve.points().filter(|point| is_apart(point));
            notes.extend(apart.map(|point| disagreement(asset, point)));
        }
        notes
    }
}

/// What all quotes of an underlying rest on, and what of it has changed.
#[derive(Clone, Copy)]
struct Whole {
    spot: Spot,
    asof: Timestamp,
    index: bool,
    is_new: bool,
    has_aged: bool,
}

fn put_or_remove<V>(map: &mut BTreeMap<Contract, V>, contract: &Contract, value: Option<V>) {
    match (map.get_mut(contract), value) {
        (Some(known), Some(value)) => *known = value,
        (None, Some(value)) => drop(map.insert(contract.clone(), value)),
        (Some(_), None) => drop(map.remove(contract)),
        (None, None) => {}
    }
}

type OptionVols = BTreeMap<Contract, (Vol, VolSource)>;

impl FamilyQuotes {
    /// Where its first quote stands among those of the underlying: options come before futures.
    fn first(&self) -> (bool, Option<(&Venue, &Symbol)>) {
        let options = self.expiries.values().filter_map(|expiry| expiry.quotes.first());
        let option = options.map(|quote| name(&quote.listing)).min();
        let future = || self.futures.first().map(|quote| name(&quote.listing));
        (option.is_none(), option.or_else(future))
    }

    /// Brings curve and vols up to the quotes; true when a note on it may be another one.
    fn follow(
        &mut self,
        family: &mut Family,
        whole: Whole,
        option_vols: &mut OptionVols,
        forwards: &mut BTreeSet<Timestamp>,
    ) -> bool {
        let expiries = self.moved_expiries(whole);
        let is_quoted = |expiry| self.expiries.contains_key(&expiry) || self.marks.contains_key(&expiry);
        if whole.has_aged {
            for gone in family.curve.points().filter(|point| !is_quoted(point.expiry)) {
                forwards.insert(gone.expiry);
            }
            family.curve.keep(is_quoted);
            family.vols.keep(|expiry| self.expiries.contains_key(&expiry));
        }
        let (mut is_other, mut is_noted) = (BTreeSet::new(), false);
        for expiry in &expiries {
            let quotes = self.expiries.get(expiry).map(ExpiryQuotes::by_time).unwrap_or_default();
            let before = family.curve.at(*expiry).copied();
            family.curve.put(*expiry, &quotes, self.marks.get(expiry).copied());
            let now = family.curve.at(*expiry).copied();
            let forward = |point: &Option<ForwardPoint>| point.map(|point| (point.forward, point.source));
            if forward(&before) != forward(&now) {
                is_other.insert(*expiry);
            }
            is_noted |= [before, now].into_iter().flatten().any(|point| is_apart(&point));
        }
        let all = whole.is_new || whole.has_aged;
        for (expiry, options) in &mut self.expiries {
            let moved = std::mem::take(&mut options.has_moved) || is_other.contains(expiry);
            // Without a forward of its own it is between others, or at the index.
            let between = || family.curve.at(*expiry).is_none() && (whole.index || !expiries.is_empty());
            if all || moved || between() {
                let forward = family.curve.forward(whole.spot, whole.asof, *expiry).0;
                let vols = options.vols((forward, whole.asof), option_vols);
                family.vols.put(*expiry, &vols, (forward, whole.asof));
            }
        }
        forwards.extend(is_other);
        is_noted
    }

    /// Expiries whose forward is to be found again; takes the marks of futures over.
    fn moved_expiries(&mut self, whole: Whole) -> BTreeSet<Timestamp> {
        let mut moved: BTreeSet<Timestamp> = BTreeSet::new();
        if std::mem::take(&mut self.futures_moved) || whole.is_new {
            let mut futures: Vec<&FutureQuote> = self.futures.iter().collect();
            // The newest counts, as everywhere: it is collected last.
            futures.sort_by_key(|quote| quote.source_time);
            let dated = futures.iter().filter_map(|q| Some((q.listing.contract.expiry()?, q.mark_price)));
            let marks: BTreeMap<Timestamp, Forward> =
                dated.filter(|(expiry, _)| *expiry > whole.asof).collect();
            let all = marks.keys().chain(self.marks.keys());
            moved.extend(all.filter(|expiry| marks.get(expiry) != self.marks.get(expiry)));
            self.marks = marks;
        }
        if whole.is_new {
            moved.extend(self.marks.keys());
        }
        let options = self.expiries.iter().filter(|(_, options)| options.has_moved || whole.is_new);
        moved.extend(options.map(|(expiry, _)| *expiry));
        moved
    }
}

impl ExpiryQuotes {
    /// Of several venues that quote one strike the newest counts, as everywhere: it is collected last.
    fn by_time(&self) -> Vec<&OptionQuote> {
        let mut quotes: Vec<&OptionQuote> = self.quotes.iter().collect();
        quotes.sort_by_key(|quote| quote.source_time);
        quotes
    }

    /// The vol of each quote: its own, or the one that its mark implies, which goes into the market too.
    fn vols(
        &self,
        (forward, asof): (Forward, Timestamp),
        option_vols: &mut OptionVols,
    ) -> Vec<(&OptionQuote, Vol)> {
        for quote in self.quotes.iter().filter(|quote| quote.mark_vol.is_none()) {
            let contract = &quote.listing.contract;
            if option_vols.get(contract).is_some_and(|(_, source)| *source == VolSource::Implied) {
                option_vols.remove(contract);
            }
        }
        let mut with_vol = Vec::with_capacity(self.quotes.len());
        for quote in self.by_time() {
            if let Some(vol) = quote.mark_vol {
                with_vol.push((quote, vol));
            } else if let Some(vol) = implied_vol(quote, forward, asof) {
                with_vol.push((quote, vol));
                let contract = quote.listing.contract.clone();
                option_vols.entry(contract).or_insert((vol, VolSource::Implied));
            }
        }
        with_vol
    }
}

fn newest<V>(quotes: impl Iterator<Item = (Timestamp, V)>) -> Option<V> {
    let newer = |best: Option<(Timestamp, V)>, quote: (Timestamp, V)| match best {
        Some(best) if quote.0 <= best.0 => Some(best),
        _ => Some(quote),
    };
    quotes.fold(None, newer).map(|(_, value)| value)
}

fn is_apart(point: &ForwardPoint) -> bool {
    point.disagreement_bp() > DISAGREEMENT_LIMIT_BP
}

fn disagreement(asset: &Asset, point: &ForwardPoint) -> String {
    format!(
        "{asset} {}: sources of the forward differ by {:.0} bp (parity {}, future {}, printed {})",
        expiry_text(point.expiry),
        point.disagreement_bp(),
        shown(point.parity),
        shown(point.future_mark),
        shown(point.printed),
    )
}

/// The vol that a quote without one implies by its mark price; `None` for a mark without time value.
fn implied_vol(quote: &OptionQuote, forward: Forward, asof: Timestamp) -> Option<Vol> {
    let in_quote_currency = match quote.listing.contract.settlement {
        Settlement::Inverse => quote.mark_price * forward.get(),
        Settlement::Linear { .. } | Settlement::Quanto { .. } => quote.mark_price,
    };
    let priced = pricing::implied_vol::OptionQuote {
        price: in_quote_currency,
        forward,
        strike: quote.strike,
        expiry: asof.years_until(quote.expiry).ok()?,
        discount: Discount::new(1.0).ok()?,
        kind: quote.kind,
    };
    // The deterministic solver: this vol enters results of record.
    Deterministic.implied_vol(&priced).ok().map(quantise_vol)
}

fn shown(source: Option<f64>) -> String {
    source.map_or_else(|| "none".into(), |v| format!("{v:.2}"))
}
