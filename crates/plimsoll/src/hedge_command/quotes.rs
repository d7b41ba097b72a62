//! What can be traded: an instrument with its quote, its lot and fee, and how much of it trades.

use super::costs::Costs;
use engine::{Hedge, Policy, Trading};
use hedge::impact::Liquidity;
use instrument::{Listing, Settlement, Terms};
use market::{FutureQuote, Market, Snapshot};
use risk::{Measure, Priced};
use units::{Asset, Decimal, Timestamp, border};

/// Snapshot, market and the rules of trading, all at one time.
#[derive(Clone, Copy)]
pub(super) struct Board<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) market: &'a Market,
    pub(super) policy: &'a Policy,
    pub(super) costs: &'a Costs,
    /// The time that ages of quotes are counted to.
    pub(super) now: Timestamp,
}

/// A linear instrument that can be traded now.
#[derive(Debug, Clone)]
pub(super) struct Tradable {
    pub(super) listing: Listing,
    pub(super) priced: Priced,
    /// In the unit of the quote.
    pub(super) mark: f64,
    pub(super) half_spread: f64,
    pub(super) fee: f64,
    pub(super) lot: Decimal,
    pub(super) liquidity: Liquidity,
    /// What the market files do not tell, so that the file of costs does.
    pub(super) assumed: Vec<&'static str>,
    /// Of 8 hours, as a fraction.
    pub(super) funding_8h: Option<f64>,
    /// The rule's delta of one unit of the listing, USD.
    pub(super) unit_delta_usd: f64,
}

impl Board<'_> {
    /// Every linear instrument that the market quotes on the underlying of a rule, or why it cannot be traded.
    pub(super) fn linear(&self, rule: &Hedge) -> Vec<(Listing, Result<Tradable, String>)> {
        let quotes = self.snapshot.futures.values();
        let ours = quotes.filter(|quote| quote.listing.contract.underlying == rule.underlying);
        ours.map(|quote| (quote.listing.clone(), self.tradable(quote, rule.delta))).collect()
    }

    /// The rule's own.
    pub(super) fn own(&self, rule: &Hedge) -> Result<Tradable, String> {
        let (venue, symbol) = (&rule.place.venue, &rule.listing.symbol);
        match self.snapshot.futures.get(&(venue.clone(), symbol.clone())) {
            Some(quote) => self.tradable(quote, rule.delta).map_err(|why| format!("{venue} {symbol}: {why}")),
            None => Err(format!("the market files do not quote {symbol} at {venue}")),
        }
    }

    /// Why a quote may not be traded on, if it is too old.
    pub(super) fn stale(&self, of: Timestamp) -> Option<String> {
        let age = self.now.unix_nanos().saturating_sub(of.unix_nanos()) / 1_000_000_000;
        let most = self.policy.stale_after_seconds?;
        (age > i64::from(most))
            .then(|| format!("the quote is {age} s old, of {of}; the policy allows {most} s"))
    }

    /// How a listing is traded, by the first row of the policy that fits.
    pub(super) fn trading(&self, listing: &Listing) -> Result<&Trading, String> {
        self.policy.trading.iter().find(|row| row.fits(listing)).ok_or_else(|| {
            format!(
                "tick and lot are not known: add [[trading]] with venue = \"{}\", kind = \"{}\"",
                listing.venue,
                listing.contract.kind_word()
            )
        })
    }

    /// Standard deviation of a day's return of a coin: of 30 days at the money, or what is assumed without options.
    pub(super) fn daily_vol(&self, underlying: &Asset) -> f64 {
        let annual = self.quoted_vol(underlying).unwrap_or(self.costs.vol_without_options);
        annual / 365f64.sqrt()
    }

    /// Annual vol of 30 days at the money; none without options.
    pub(super) fn quoted_vol(&self, underlying: &Asset) -> Option<f64> {
        self.market.at_the_money_vol(underlying, 30).ok().map(|(vol, _)| vol.get())
    }

    /// Coins a day that are assumed of a kind of instrument.
    pub(super) fn assumed_volume(&self, kind: &str, spot_usd: f64) -> Option<f64> {
        self.costs.unquoted.get(kind).map(|assumed| assumed.daily_volume_usd / spot_usd)
    }

    fn tradable(&self, quote: &FutureQuote, delta: Measure) -> Result<Tradable, String> {
        let listing = quote.listing.clone();
        let trading = self.trading(&listing)?;
        if let Some(stale) = self.stale(quote.source_time) {
            return Err(stale);
        }
        let (bid, ask) = match (quote.bid_price, quote.ask_price) {
            (Some(bid), Some(ask)) if bid <= ask => (bid, ask),
            (Some(bid), Some(ask)) => return Err(format!("bid {bid} is above ask {ask}")),
            (None, None) => return Err("no liquidity: neither bid nor ask".into()),
            (None, Some(_)) => return Err("no liquidity: no bid".into()),
            (Some(_), None) => return Err("no liquidity: no ask".into()),
        };
        let priced = Priced::new(&listing.contract, self.market).map_err(|missing| missing.to_string())?;
        let size = border::to_model(listing.contract_size).map_err(|error| error.to_string())?;
        let kind = listing.contract.kind_word();
        if quote.volume.is_some_and(|volume| volume <= 0.0) {
            return Err("no liquidity: nothing traded in 24 hours".into());
        }
        let traded = quote.volume;
        let Some(daily_volume) = traded.or_else(|| self.assumed_volume(kind, priced.spot_usd)) else {
            return Err(format!(
                "its volume is not known: the market files do not tell it, and the costs have no [[unquoted]] of kind \"{kind}\""
            ));
        };
        let underlying = &listing.contract.underlying;
        let daily_vol = self.daily_vol(underlying);
        let is_perpetual = listing.contract.terms == Terms::Perpetual;
        let absent = [
            ("volume", traded.is_none()),
            ("vol", self.quoted_vol(underlying).is_none()),
            ("funding", is_perpetual && quote.funding_rate_8h.is_none()),
        ];
        Ok(Tradable {
            mark: quote.mark_price.get(),
            half_spread: (ask - bid) / (ask + bid),
            fee: trading.fee,
            lot: trading.lot,
            liquidity: Liquidity { daily_vol, daily_volume },
            assumed: absent.into_iter().filter(|(_, is)| *is).map(|(what, _)| what).collect(),
            funding_8h: quote.funding_rate_8h,
            unit_delta_usd: measure(&priced, delta) * size,
            priced,
            listing,
        })
    }
}

impl Tradable {
    /// True for a future with an expiry.
    pub(super) const fn is_dated(&self) -> bool {
        matches!(self.listing.contract.terms, Terms::Future { .. })
    }

    /// What the quantity is counted in: `USD`, `BTC`, `contracts`.
    pub(super) fn unit(&self) -> String {
        let contract = &self.listing.contract;
        if self.listing.contract_size != Decimal::ONE {
            return "contracts".into();
        }
        if contract.settlement == Settlement::Inverse {
            "USD".into()
        } else {
            contract.underlying.to_string()
        }
    }

    /// One lot, USD of delta.
    pub(super) fn lot_usd(&self) -> f64 {
        border::to_model(self.lot).unwrap_or(f64::NAN) * self.unit_delta_usd.abs()
    }

    /// Whole lots of so much delta, towards zero, in the unit of the listing.
    pub(super) fn lots(&self, delta_usd: f64) -> Result<Decimal, String> {
        lots(delta_usd / self.unit_delta_usd, self.lot)
    }
}

/// Whole lots, towards zero.
pub(super) fn lots(quantity: f64, lot: Decimal) -> Result<Decimal, String> {
    const MOST: f64 = 9e15;
    let step = border::to_model(lot).map_err(|error| error.to_string())?;
    let steps = (quantity / step).trunc();
    if steps.is_nan() || steps.abs() > MOST {
        return Err(format!("{quantity} is too large for lots of {lot}"));
    }
    #[allow(clippy::cast_possible_truncation)] // whole and at most 9e15
    let steps = Decimal::from(steps as i64);
    steps.checked_mul(lot).map(|size| size.normalize()).ok_or_else(|| "over 28 digits".into())
}

/// A measure of one canonical unit, USD.
pub(super) fn measure(priced: &Priced, measure: Measure) -> f64 {
    priced.unit().usd(measure)
}
