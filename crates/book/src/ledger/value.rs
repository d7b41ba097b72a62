//! What a quantity is worth at a price, in the asset in which the contract is entered and paid.
//!
//! | contract | value of Q canonical units at price p | gain of closing at value X what was entered at E |
//! |---|---|---|
//! | linear future, perpetual | Q p | X - E |
//! | quanto | multiplier Q p | X - E |
//! | inverse future, perpetual | Q / p, in coin | E - X |
//! | linear option, spot | Q p | X - E, paid as premium already |
//! | inverse option (p in coin) | Q p, in coin | X - E, paid as premium already |
//!
//! p is the listed price over the listing's price units. All figures have the sign of Q. Products are exact; a value that
//! needs a division is rounded half to even to [`VALUE_PLACES`].

use super::exact::{Fraction, VALUE_PLACES};
use instrument::{Contract, Listing, OptionKind, Settlement, Terms};
use rust_decimal::RoundingStrategy;
use units::{Asset, Decimal, Price, Quantity, exact_product, exact_sum};

/// Places of the average price of what is not inverse, half to even.
const AVERAGE_PRICE_PLACES: u32 = 18;
/// Digits of the average price of an inverse future, half to even. Its entry value has 18 places, which is 13 digits of one
/// USD of bitcoin: more digits would show the rounding of the entry value, not the price.
const INVERSE_AVERAGE_PRICE_DIGITS: u32 = 12;

/// How a contract is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Gains move money when they are realised.
    Margined,
    /// As margined; the value falls as the price rises.
    Inverse,
    /// The premium moves at the fill.
    Paid,
    /// Coin and quote currency move at the fill.
    Exchanged,
}

impl Style {
    /// None for spot that is not paid in its quote currency, which does not exist.
    pub(super) const fn of(contract: &Contract) -> Option<Self> {
        Some(match (&contract.terms, &contract.settlement) {
            (Terms::Spot, Settlement::Linear { .. }) => Self::Exchanged,
            (Terms::Spot, _) => return None,
            (Terms::Option { .. }, _) => Self::Paid,
            (_, Settlement::Inverse) => Self::Inverse,
            _ => Self::Margined,
        })
    }

    pub(super) const fn is_margined(self) -> bool {
        matches!(self, Self::Margined | Self::Inverse)
    }

    /// Rule that a trade's price breaks.
    pub(super) fn price_fault(self, price: Price) -> Option<&'static str> {
        let price = price.get();
        match self {
            Self::Margined | Self::Inverse if price <= Decimal::ZERO => {
                Some("a future trades above zero: its whole value would be a gain")
            }
            Self::Paid | Self::Exchanged if price < Decimal::ZERO => {
                Some("what is paid for costs zero or more")
            }
            _ => None,
        }
    }

    /// Gain of closing a part entered at `entry` by a trade of value `exit`, which has the other sign.
    pub(super) fn gain(self, entry: Decimal, exit: Decimal) -> Option<Decimal> {
        let spent = exact_sum(entry, exit)?;
        Some(if self == Self::Inverse { spent } else { -spent })
    }
}

/// Canonical size: quantity x contract size.
pub(super) fn canonical(listing: &Listing, quantity: Quantity) -> Option<Decimal> {
    exact_product(quantity.get(), listing.contract_size).map(|size| size.normalize())
}

/// Value of a quantity at a price; the price of an inverse future is not zero.
pub(super) fn value(listing: &Listing, quantity: Quantity, price: Price) -> Option<Decimal> {
    let (size, units) = (canonical(listing, quantity)?, listing.price_units);
    if Style::of(&listing.contract) == Some(Style::Inverse) {
        return Fraction { of: size, part: units, whole: price.get() }.rounded(VALUE_PLACES);
    }
    let value = scaled(&listing.contract, exact_product(size, price.get())?)?;
    if units == Decimal::ONE {
        return Some(value);
    }
    Fraction { of: value, part: Decimal::ONE, whole: units }.rounded(VALUE_PLACES)
}

/// Average listed price of a position; none where it would be zero or below for a future, or has no decimal.
pub(super) fn average_price(listing: &Listing, canonical: Decimal, entry: Decimal) -> Option<Price> {
    let style = Style::of(&listing.contract)?;
    let units = listing.price_units;
    let price = if style == Style::Inverse {
        let price = Fraction { of: canonical, part: units, whole: entry }.rounded(VALUE_PLACES)?;
        price.round_sf_with_strategy(INVERSE_AVERAGE_PRICE_DIGITS, RoundingStrategy::MidpointNearestEven)?
    } else {
        let whole = scaled(&listing.contract, canonical)?;
        Fraction { of: entry, part: units, whole }.rounded(AVERAGE_PRICE_PLACES)?
    };
    let price = Price::new(price.normalize());
    style.price_fault(price).is_none().then_some(price)
}

/// What an option pays at a settlement price of its underlying, for a canonical size:
/// linear max(S - K, 0), inverse that over S in coin (rounded half to even to [`VALUE_PLACES`]), quanto times the multiplier.
pub(super) fn payout(listing: &Listing, canonical: Decimal, settled: Price) -> Option<Decimal> {
    let Terms::Option { strike, kind, .. } = &listing.contract.terms else { return None };
    let spot = Fraction { of: settled.get(), part: Decimal::ONE, whole: listing.price_units }
        .rounded(VALUE_PLACES)?;
    let (up, down) = match kind {
        OptionKind::Call => (spot, strike.get()),
        OptionKind::Put => (strike.get(), spot),
    };
    let intrinsic = exact_sum(up, -down)?.max(Decimal::ZERO);
    if listing.contract.settlement == Settlement::Inverse {
        return Fraction { of: canonical, part: intrinsic, whole: spot }.rounded(VALUE_PLACES);
    }
    scaled(&listing.contract, exact_product(canonical, intrinsic)?)
}

/// Rule that a settlement price breaks.
pub(super) fn settlement_fault(listing: &Listing, settled: Price) -> Option<&'static str> {
    let is_inverse = listing.contract.settlement == Settlement::Inverse;
    if settled.get() < Decimal::ZERO {
        return Some("a settlement price is zero or more");
    }
    (is_inverse && settled.get().is_zero()).then_some("what is paid in coin settles above zero")
}

/// The asset of values and gains.
pub(super) const fn value_asset(contract: &Contract) -> &Asset {
    contract.settlement_asset()
}

/// An amount per unit of price in the settlement asset.
fn scaled(contract: &Contract, amount: Decimal) -> Option<Decimal> {
    match &contract.settlement {
        Settlement::Quanto { multiplier, .. } => exact_product(amount, *multiplier),
        Settlement::Linear { .. } | Settlement::Inverse => Some(amount),
    }
}
