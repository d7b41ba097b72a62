//! The same book-keeping by average price, in exact fractions, from all fills each time: nothing of the ledger's method (entry
//! values, parts, decimals) is in it.

use super::*;
use num_bigint::BigInt;
use units::OptionKind;

/// A fraction; the denominator is above zero.
#[derive(Debug, Clone)]
pub(super) struct Ratio {
    numerator: BigInt,
    denominator: BigInt,
}

impl From<Decimal> for Ratio {
    fn from(value: Decimal) -> Self {
        Self { numerator: value.mantissa().into(), denominator: BigInt::from(10).pow(value.scale()) }
    }
}

impl Ratio {
    fn new(numerator: BigInt, denominator: BigInt) -> Self {
        if denominator < BigInt::ZERO {
            return Self { numerator: -numerator, denominator: -denominator };
        }
        Self { numerator, denominator }
    }

    pub(super) fn zero() -> Self {
        Decimal::ZERO.into()
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        let numerator = &self.numerator * &other.denominator + &other.numerator * &self.denominator;
        Self::new(numerator, &self.denominator * &other.denominator)
    }

    pub(super) fn minus(&self, other: &Self) -> Self {
        self.plus(&Self { numerator: -&other.numerator, denominator: other.denominator.clone() })
    }

    pub(super) fn times(&self, other: &Self) -> Self {
        Self::new(&self.numerator * &other.numerator, &self.denominator * &other.denominator)
    }

    pub(super) fn over(&self, other: &Self) -> Self {
        Self::new(&self.numerator * &other.denominator, &self.denominator * &other.numerator)
    }

    pub(super) fn sign(&self) -> i32 {
        i32::from(self.numerator > BigInt::ZERO) - i32::from(self.numerator < BigInt::ZERO)
    }

    /// At most so many units of the eighteenth place.
    pub(super) fn is_within(&self, units: usize) -> bool {
        let scaled = self.numerator.magnitude() * BigInt::from(10).pow(18).magnitude();
        scaled <= BigInt::from(units).magnitude() * self.denominator.magnitude()
    }
}

/// Position, average price and realised gain of one listing.
pub(super) struct Replayed {
    pub(super) quantity: Ratio,
    pub(super) average: Ratio,
    pub(super) realised: Ratio,
    /// What paid contracts moved.
    pub(super) cash: Ratio,
}

/// Gain of a long canonical unit from one price to another.
fn gain(listing: &Listing, entry: &Ratio, exit: &Ratio) -> Ratio {
    let one = Ratio::from(Decimal::ONE);
    match (&listing.contract.settlement, &listing.contract.terms) {
        (Settlement::Inverse, Terms::Perpetual | Terms::Future { .. }) => {
            one.over(entry).minus(&one.over(exit))
        }
        (Settlement::Quanto { multiplier, .. }, _) => exit.minus(entry).times(&(*multiplier).into()),
        _ => exit.minus(entry),
    }
}

/// All trades so far: (quantity, price). An option that settles is a trade at its payout.
pub(super) fn replay(listing: &Listing, trades: &[(Ratio, Ratio)]) -> Replayed {
    let is_inverse = listing.contract.settlement == Settlement::Inverse
        && !matches!(listing.contract.terms, Terms::Option { .. });
    let size = Ratio::from(listing.contract_size);
    let mut now = Replayed {
        quantity: Ratio::zero(),
        average: Ratio::zero(),
        realised: Ratio::zero(),
        cash: Ratio::zero(),
    };
    for (quantity, price) in trades {
        let quantity = quantity.times(&size);
        let unit = gain(listing, &Ratio::zero(), price);
        now.cash = if is_inverse { now.cash } else { now.cash.minus(&quantity.times(&unit)) };
        let sum = now.quantity.plus(&quantity);
        if now.quantity.sign() * quantity.sign() >= 0 {
            now.average = if now.quantity.sign() == 0 {
                price.clone()
            } else if is_inverse {
                sum.over(&now.quantity.over(&now.average).plus(&quantity.over(price)))
            } else {
                now.quantity.times(&now.average).plus(&quantity.times(price)).over(&sum)
            };
        } else {
            let is_through = sum.sign() * now.quantity.sign() < 0;
            let closed = if is_through { now.quantity.clone() } else { now.quantity.minus(&sum) };
            now.realised = now.realised.plus(&closed.times(&gain(listing, &now.average, price)));
            if is_through {
                now.average = price.clone();
            }
        }
        now.quantity = sum;
    }
    now
}

/// Payout of one option as a price of its listing.
pub(super) fn payout_price(listing: &Listing, settled: Decimal) -> Ratio {
    let Terms::Option { strike, kind, .. } = &listing.contract.terms else { return settled.into() };
    let intrinsic = match kind {
        OptionKind::Call => settled - strike.get(),
        OptionKind::Put => strike.get() - settled,
    };
    let intrinsic = Ratio::from(intrinsic.max(Decimal::ZERO));
    let is_inverse = listing.contract.settlement == Settlement::Inverse;
    if is_inverse { intrinsic.over(&settled.into()) } else { intrinsic }
}
