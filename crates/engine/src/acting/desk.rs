//! What a decision looks at: the state of everything else, not to be changed by it.

use crate::event::{BlockNumber, ReportedEvent};
use crate::limits::{Limits, State};
use crate::margins::Margins;
use crate::policy::{Limit, Policy};
use crate::quotes::Quotes;
use crate::views::LiveViews;
use book::{Ledger, Place};
use instrument::{Contract, Listing, Terms};
use market::{Missing, Snapshot};
use risk::{GroupBy, GroupKey, Measure, Priced};
use std::collections::{BTreeMap, BTreeSet};
use units::{Asset, Chain, Decimal, Fixed, Timestamp, border};

/// Everything that a rule may look at.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) ledger: &'a Ledger,
    pub(crate) quotes: &'a Quotes,
    pub(crate) views: &'a LiveViews,
    pub(crate) heads: &'a BTreeMap<Chain, BlockNumber>,
    pub(crate) limits: &'a Limits,
    pub(crate) margins: &'a Margins,
    pub(crate) stale: &'a BTreeSet<Asset>,
    pub(crate) differing: &'a BTreeMap<Place, ReportedEvent>,
    pub(crate) state: State,
    /// Time of the event.
    pub(crate) now: Timestamp,
}

impl Desk<'_> {
    /// The figure of a group, and how many things in it have no value; zero for a group of nothing.
    pub(crate) fn figure(&self, by: &[GroupBy], key: &[GroupKey], measure: Measure) -> (Fixed, usize) {
        debug_assert!(
            self.views.watch().is_watched(by, measure),
            "nobody keeps {measure:?} by {by:?}: it would read as zero"
        );
        let figures = self.views.watch().of(by, measure);
        figures.get(key).map_or((Fixed::ZERO, 0), |figure| (figure.sum, figure.unvalued))
    }

    /// Things held in a group that have no value.
    pub(crate) fn unvalued(&self, by: &[GroupBy], key: &[GroupKey]) -> usize {
        self.figure(by, key, Measure::Value).1
    }

    /// Stale underlyings that a group rests on.
    pub(crate) fn stale_in(&self, by: &[GroupBy], key: &[GroupKey]) -> Vec<Asset> {
        let figure = self.views.watch().of(by, Measure::Value).get(key);
        let underlyings = figure.into_iter().flat_map(|figure| figure.underlyings);
        underlyings.filter(|asset| self.stale.contains(asset)).collect()
    }

    /// Why a sum may not be true: it rests on stale quotes, or lacks something that has no value.
    pub(crate) fn doubt(&self, by: &[GroupBy], measure: Measure, key: &[GroupKey]) -> Option<String> {
        let figure = self.views.watch().of(by, measure).get(key)?;
        if figure.unvalued > 0 {
            return Some(format!("{} positions and balances have no value", figure.unvalued));
        }
        let stale = figure.underlyings.iter().find(|asset| self.stale.contains(*asset))?;
        Some(format!("the quotes of {stale} are stale"))
    }

    /// The figure that a limit looks at.
    pub(crate) fn limited(&self, limit: &Limit, key: &[GroupKey]) -> Fixed {
        self.figure(&limit.group_by, key, limit.measure).0
    }

    /// A contract at the market, or what is missing.
    pub(crate) fn priced(&self, contract: &Contract) -> Result<Priced, Missing> {
        Priced::new(contract, self.quotes.market())
    }

    /// An asset at the market, or what is missing.
    pub(crate) fn priced_asset(&self, asset: &Asset) -> Result<Priced, Missing> {
        Priced::asset(asset, self.quotes.market())
    }

    /// The venue's own mark, in the quote unit of the listing.
    pub(crate) fn mark(&self, listing: &Listing) -> Result<f64, String> {
        let Snapshot { options, futures, .. } = self.quotes.snapshot();
        let key = (listing.venue.clone(), listing.symbol.clone());
        let future = futures.get(&key).map(|quote| (quote.mark_price.get(), quote.source_time));
        let option = || options.get(&key).map(|quote| (quote.mark_price, quote.source_time));
        let Some((mark, time)) = future.or_else(option).filter(|(mark, _)| *mark > 0.0) else {
            return Err(format!("{} does not quote {}", listing.venue, listing.symbol));
        };
        // Others may quote the underlying; what is traded has to be quoted where it is traded.
        let age = self.quotes.snapshot().asof.unix_nanos().saturating_sub(time.unix_nanos());
        if self.policy.stale_after_seconds.is_some_and(|most| age > i64::from(most) * 1_000_000_000) {
            return Err(format!(
                "the quote of {} at {} is of {time}: too old",
                listing.symbol, listing.venue
            ));
        }
        Ok(mark)
    }

    /// Notional of a quantity in the unit of the listing, USD, without sign.
    pub(crate) fn notional(&self, listing: &Listing, quantity: Decimal) -> Result<Fixed, String> {
        let text = |error: units::UnitError| error.to_string();
        let canonical = canonical(listing, quantity)?;
        let size = border::to_model(canonical.abs()).map_err(text)?;
        let priced = self.priced(&listing.contract).map_err(|missing| missing.to_string())?;
        let per_unit = match listing.contract.terms {
            Terms::Option { .. } | Terms::Spot => priced.spot_usd,
            Terms::Perpetual | Terms::Future { .. } => unit(&priced, Measure::Delta).abs(),
        };
        Fixed::quantise(size * per_unit).map_err(text)
    }
}

/// A measure of one canonical unit, USD.
pub(crate) fn unit(priced: &Priced, measure: Measure) -> f64 {
    priced.unit_usd().get(measure.index()).copied().unwrap_or(0.0)
}

/// Canonical units of a quantity in the unit of the listing.
pub(crate) fn canonical(listing: &Listing, quantity: Decimal) -> Result<Decimal, String> {
    let size = quantity.checked_mul(listing.contract_size);
    size.ok_or_else(|| format!("{}: quantity x contract size needs over 28 digits", listing.symbol))
}
