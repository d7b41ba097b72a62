//! What a trade does to the margin of its account: the requirement of the account as it is, and with the order filled.
//!
//! ```text
//! before = rulebook(positions and balances of the account at the venue now)                             USD
//! after  = rulebook(the same with a fill of the whole order at the worse of its limit and the mark, premium and fee paid)   USD
//! ```
//!
//! Both on the market of now and under one rulebook: the one that the account has with the fill. The fee is that of the row of `[[trading]]`,
//! paid in the settlement asset. Other orders on their way are not in it: a venue asks for each when it is sent.
//!
//! A figure that cannot be known says why: no rulebook, something that it does not cover, a stale quote, a fill that the ledger would not book.

use super::desk::Desk;
use super::effect::Trade;
use super::gate::Refusal;
use crate::margins::{MarginLevels, MarginRules};
use book::{Fill, Ledger};
use margin::{AccountMargin, AccountState, account_states};
use std::fmt;
use units::{Account, Decimal, FillId, Fixed, Money, Price, Venue};

/// What a trade does to the margin of an account at a venue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarginEffect {
    /// Whose.
    pub account: Account,
    /// Where.
    pub venue: Venue,
    /// The figures, or why they cannot be told.
    pub figures: Result<MarginChange, String>,
}

/// Margin of an account before and after a trade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarginChange {
    /// Id of the rulebook.
    pub rulebook: String,
    /// Hash of its parameters.
    pub parameter_hash: String,
    /// Now.
    pub before: MarginLevels,
    /// With the order filled at the worse of its limit and the mark.
    pub after: MarginLevels,
}

impl MarginEffect {
    /// Why a trade that does this is not made: it would leave the account below its initial requirement, which it meets now, and asks
    /// for no less than before.
    fn breach(&self) -> Option<String> {
        let MarginChange { before, after, .. } = self.figures.as_ref().ok()?;
        let falls_short =
            after.initial_surplus_usd < Fixed::ZERO && before.initial_surplus_usd >= Fixed::ZERO;
        let asks_for_less = after.maintenance_margin_usd < before.maintenance_margin_usd;
        (falls_short && !asks_for_less).then(|| {
            format!(
                "it would leave {}@{} below its initial margin: {} USD asked, {} USD short",
                self.account,
                self.venue,
                after.initial_margin_usd.to_decimal_text(0),
                after.initial_surplus_usd.abs().to_decimal_text(0)
            )
        })
    }
}

/// What a trade does to the margin of its account; nothing when the policy asks for no margins.
///
/// # Errors
/// [`Refusal::Margin`] when it may not be made.
pub(crate) fn margins(
    desk: Desk<'_>,
    trade: Trade<'_>,
    fee_usd: Fixed,
) -> Result<Vec<MarginEffect>, Refusal> {
    let Some(rules) = &desk.policy.margin else { return Ok(Vec::new()) };
    let (account, venue) = (trade.place.account.clone(), trade.place.venue.clone());
    let effect = MarginEffect { account, venue, figures: change(desk, rules, (trade, fee_usd)) };
    effect.breach().map_or(Ok(vec![effect]), |why| Err(Refusal::Margin(why)))
}

fn change(
    desk: Desk<'_>,
    rules: &MarginRules,
    (trade, fee_usd): (Trade<'_>, Fixed),
) -> Result<MarginChange, String> {
    let place = trade.place;
    let now = desk.ledger.part(|at| at.account == place.account && at.venue == place.venue);
    let mut filled = now.clone();
    let id = FillId::new("order").map_err(|error| error.to_string())?;
    // A person's limit may be better than the mark: the gain that a fill there would be is not counted on.
    let mark = Price::new(Decimal::try_from(desk.mark(trade.listing)?).map_err(|error| error.to_string())?);
    let is_sale = trade.quantity.get() < Decimal::ZERO;
    let price = if is_sale { trade.price.min(mark) } else { trade.price.max(mark) };
    let fill = Fill {
        id,
        place: place.clone(),
        listing: trade.listing.clone(),
        quantity: trade.quantity,
        price,
        fee: fee(desk, trade, fee_usd)?,
        time: desk.now,
    };
    filled.fill(&fill).map_err(|error| error.to_string())?;
    let (before, after) = (state(desk, trade, &now), state(desk, trade, &filled));
    let rulebook = rules.rulebook_of(desk.margins.rulebooks(), &after)?;
    let levels = |state: &AccountState| {
        if let Some(asset) = state.underlyings().into_iter().find(|asset| desk.stale.contains(asset)) {
            return Err(format!("the quotes of {asset} are stale"));
        }
        let AccountMargin { rulebook, parameter_hash, outcome, .. } = rulebook.margin(state);
        if let Some(first) = outcome.unmargined.first() {
            let lacking = outcome.unmargined.len();
            return Err(format!("{rulebook} lacks {lacking} things: {}: {}", first.symbol, first.reason));
        }
        Ok((rulebook, parameter_hash, MarginLevels::of(&outcome)?))
    };
    let (rulebook, parameter_hash, before) = levels(&before)?;
    let (_, _, after) = levels(&after)?;
    Ok(MarginChange { rulebook, parameter_hash, before, after })
}

/// The fee in what the contract settles in.
fn fee(desk: Desk<'_>, trade: Trade<'_>, fee_usd: Fixed) -> Result<Option<Money>, String> {
    if fee_usd.is_zero() {
        return Ok(None);
    }
    let asset = trade.listing.contract.settlement_asset();
    let usd = desk.priced_asset(asset).map_err(|missing| missing.to_string())?.usd_per_value;
    let amount = Decimal::try_from(fee_usd.to_f64() / usd).map_err(|error| format!("fee: {error}"))?;
    Ok(Some(Money { amount, asset: asset.clone() }))
}

/// The account as the rulebook sees it; one that holds nothing is empty.
fn state(desk: Desk<'_>, trade: Trade<'_>, ledger: &Ledger) -> AccountState {
    let market = desk.quotes.market();
    account_states(&ledger.book(), market).pop().unwrap_or_else(|| AccountState {
        account: trade.place.account.clone(),
        venue: trade.place.venue.clone(),
        asof: market.asof,
        legs: Vec::new(),
        balances: Vec::new(),
        unmargined: Vec::new(),
    })
}

impl fmt::Display for MarginEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "margin {}@{}: ", self.account, self.venue)?;
        match &self.figures {
            Ok(MarginChange { before, after, .. }) => {
                let percent = |levels: &MarginLevels| match levels.maintenance_use {
                    Some(share) => {
                        format!("{}%", Fixed::from_raw(share.raw().saturating_mul(100)).to_decimal_text(1))
                    }
                    None => "more than all".to_owned(),
                };
                write!(f, "maintenance {} to {} of what counts", percent(before), percent(after))
            }
            Err(why) => write!(f, "not known: {}", why.trim_end().replace('\n', "; ")),
        }
    }
}
