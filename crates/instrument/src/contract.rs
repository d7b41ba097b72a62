//! The canonical contract: what a position is worth at expiry, free of any venue's spelling.
//!
//! | terms | settlement | one canonical unit | value of one unit |
//! |---|---|---|---|
//! | spot | linear | 1 coin | S |
//! | future, perpetual | linear | 1 coin | F - entry, in the settlement currency |
//! | future, perpetual | inverse | 1 USD of notional | 1/entry - 1/F, in coin |
//! | future, perpetual | quanto | 1 contract | multiplier x (F - entry), in the settlement currency |
//! | option | linear | 1 coin | V(F), in the settlement currency |
//! | option | inverse | 1 coin | V(F)/F, in coin |
//! | option | quanto | 1 contract | multiplier x V(F), in the settlement currency |

use std::fmt;
use units::{Asset, Decimal, OptionKind, Price, Symbol, Timestamp, Venue};

/// Month names as venues write them, January first.
pub(crate) const MONTHS: [&str; 12] =
    ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];

/// What kind of right, and when it ends.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Terms {
    /// The asset itself.
    Spot,
    /// A future without expiry, kept near the index by funding.
    Perpetual,
    /// A dated future.
    Future {
        /// Settlement instant.
        expiry: Timestamp,
    },
    /// A European option.
    Option {
        /// Settlement instant.
        expiry: Timestamp,
        /// In the quote currency.
        strike: Price,
        /// Call or put.
        kind: OptionKind,
    },
}

/// In what the gain is paid.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Settlement {
    /// Paid in the quote currency (USD or a stablecoin).
    Linear {
        /// The currency of price, strike and payment.
        currency: Asset,
    },
    /// Paid in the underlying coin; price and strike are in USD.
    Inverse,
    /// Paid in a third currency at a fixed rate.
    Quanto {
        /// The currency of payment.
        currency: Asset,
        /// Units of that currency per unit of price, for one contract.
        multiplier: Decimal,
    },
}

/// The economic right, the same object wherever it is listed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Contract {
    /// The asset whose price drives it.
    pub underlying: Asset,
    /// What kind of right, and when it ends.
    pub terms: Terms,
    /// In what the gain is paid.
    pub settlement: Settlement,
}

/// A contract as one venue lists it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listing {
    /// Who lists it.
    pub venue: Venue,
    /// Under what name.
    pub symbol: Symbol,
    /// The economic right.
    pub contract: Contract,
    /// Canonical units of [`Contract`] in one unit of position quantity: 0.01 for an OKX BTC option, 1 for Deribit.
    pub contract_size: Decimal,
    /// Canonical units that one venue price stands for: 1000 for `kPEPE`, whose price is that of 1000 PEPE; 1 elsewhere.
    pub price_units: Decimal,
}

impl Listing {
    /// The venue's price brought to one canonical unit, exact to 28 digits.
    #[must_use]
    pub fn canonical_price(&self, listed: Price) -> Option<Price> {
        listed.get().checked_div(self.price_units).map(|price| Price::new(price.normalize()))
    }
}

impl Contract {
    /// Settlement instant; none for spot and perpetuals.
    #[must_use]
    pub const fn expiry(&self) -> Option<Timestamp> {
        match &self.terms {
            Terms::Spot | Terms::Perpetual => None,
            Terms::Future { expiry } | Terms::Option { expiry, .. } => Some(*expiry),
        }
    }

    /// The asset in which gains are paid.
    #[must_use]
    pub const fn settlement_asset(&self) -> &Asset {
        match &self.settlement {
            Settlement::Inverse => &self.underlying,
            Settlement::Linear { currency } | Settlement::Quanto { currency, .. } => currency,
        }
    }

    /// Word for tables: `spot`, `perpetual`, `future`, `option`.
    #[must_use]
    pub const fn kind_word(&self) -> &'static str {
        match &self.terms {
            Terms::Spot => "spot",
            Terms::Perpetual => "perpetual",
            Terms::Future { .. } => "future",
            Terms::Option { .. } => "option",
        }
    }
}

/// A settlement day as venues write it: `27MAR26`.
#[must_use]
pub fn expiry_text(expiry: Timestamp) -> String {
    let (year, month, day) = expiry.utc_date();
    let name = usize::try_from(month - 1).ok().and_then(|m| MONTHS.get(m)).copied().unwrap_or("???");
    format!("{day}{name}{:02}", year.rem_euclid(100))
}

impl fmt::Display for Contract {
    /// `BTC-27MAR26-100000-C/BTC`: underlying, terms, and after the slash the settlement asset; `ETH-PERP/USD>USDC` when the
    /// price is in USD and the payment is not.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let underlying = &self.underlying;
        let settle = match &self.settlement {
            Settlement::Quanto { currency, .. } => format!("USD>{currency}"),
            Settlement::Inverse | Settlement::Linear { .. } => self.settlement_asset().to_string(),
        };
        let text = match &self.terms {
            Terms::Spot => format!("{underlying}-SPOT/{settle}"),
            Terms::Perpetual => format!("{underlying}-PERP/{settle}"),
            Terms::Future { expiry } => format!("{underlying}-{}/{settle}", expiry_text(*expiry)),
            Terms::Option { expiry, strike, kind } => {
                let letter = match kind {
                    OptionKind::Call => 'C',
                    OptionKind::Put => 'P',
                };
                format!("{underlying}-{}-{strike}-{letter}/{settle}", expiry_text(*expiry))
            }
        };
        f.pad(&text)
    }
}
