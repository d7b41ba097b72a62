//! Names: accounts, venues, chains, assets, symbols. Cheap to clone, ordered, checked once at the edge.

use crate::UnitError;
use crate::name::Name;
use std::borrow::Cow;
use std::fmt;

const RULE: &str = "1 to 80 printable characters without quotes, commas or control characters";

/// Names come by the million, and nearly all are in the normal case already.
fn as_is(text: &str) -> Cow<'_, str> {
    Cow::Borrowed(text)
}

fn lower(text: &str) -> Cow<'_, str> {
    let is_lower = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_uppercase());
    if is_lower { Cow::Borrowed(text) } else { Cow::Owned(text.to_lowercase()) }
}

fn upper(text: &str) -> Cow<'_, str> {
    let is_upper = text.bytes().all(|b| b.is_ascii() && !b.is_ascii_lowercase());
    if is_upper { Cow::Borrowed(text) } else { Cow::Owned(text.to_uppercase()) }
}

/// True for a text that needs neither trimming nor a closer look, as nearly all are: one look at each byte.
fn is_plain(text: &str) -> bool {
    let is_plain = |b: u8| matches!(b, b'!'..=b'~') && !matches!(b, b'"' | b',');
    (1..=80).contains(&text.len()) && text.bytes().all(is_plain)
}

fn check(quantity: &'static str, text: &str) -> Result<(), UnitError> {
    let fits = !text.is_empty() && text.chars().count() <= 80;
    let printable = text.chars().all(|c| !c.is_control() && !matches!(c, '"' | ','));
    if fits && printable { Ok(()) } else { Err(UnitError::text(quantity, text, RULE)) }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $quantity:literal, $normal:expr, $in_place:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Name<$in_place, { $in_place - 7 }>);

        impl $name {
            /// Trims, brings to the normal case and checks.
            ///
            /// # Errors
            /// When the text is empty, too long or not printable.
            pub fn new(text: &str) -> Result<Self, UnitError> {
                let normal: fn(&str) -> Cow<'_, str> = $normal;
                if is_plain(text) {
                    return Ok(Self(Name::new(&normal(text))));
                }
                let text = normal(text.trim());
                check($quantity, &text)?;
                Ok(Self(Name::new(&text)))
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Reader;
                impl serde::de::Visitor<'_> for Reader {
                    type Value = $name;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("a string")
                    }
                    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<$name, E> {
                        $name::new(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Reader)
            }
        }
    };
}

id!(
    /// An account: one netting set at one venue, as its owner names it.
    Account, "account", as_is, 22
);
id!(
    /// An exchange or protocol, lower case: `deribit`, `okx`, `hyperliquid`.
    Venue, "venue", lower, 14
);
id!(
    /// The ledger a balance or contract lives on, lower case: `ethereum`, `arbitrum`; `offchain` for custodial venues.
    Chain, "chain", lower, 14
);
id!(
    /// A currency or token, upper case: `BTC`, `USDC`, `USD`.
    Asset, "asset", upper, 14
);
id!(
    /// An instrument as its venue writes it: `BTC-27MAR26-100000-C`.
    Symbol, "instrument", as_is, 30
);
id!(
    /// What a venue calls one fill; unique for a venue and account.
    FillId, "fill id", as_is, 22
);
id!(
    /// What we call one order of ours: sent with it, so that a venue takes it once.
    OrderId, "order id", as_is, 22
);

impl From<&Asset> for Symbol {
    /// The asset's name, for lists that hold positions and balances alike: what names an asset names an instrument.
    fn from(asset: &Asset) -> Self {
        Self(Name::new(asset.as_str()))
    }
}

impl Chain {
    /// What venues that keep balances on their own books are on.
    pub const OFF_CHAIN: &'static str = "offchain";

    /// The chain of venues that keep balances on their own books.
    #[must_use]
    pub fn off_chain() -> Self {
        Self(Name::new(Self::OFF_CHAIN))
    }

    /// True for venues that keep balances on their own books: there are no blocks.
    #[must_use]
    pub fn is_off_chain(&self) -> bool {
        self.as_str() == Self::OFF_CHAIN
    }
}

impl Asset {
    /// The currency in which everything is totalled.
    #[must_use]
    pub fn usd() -> Self {
        Self(Name::new("USD"))
    }

    /// True for money and tokens pegged to it: their USD value moves with a rate (a depeg), not with a spot price, so they
    /// carry no delta. Names with `USD` in them, and a short list of others; everything else is a coin.
    #[must_use]
    pub fn is_currency(&self) -> bool {
        // State currencies that venues quote spot in or take as collateral, then tokens pegged to one.
        const OTHERS: [&str; 17] = [
            "EUR", "GBP", "BRL", "TRY", "JPY", "CHF", "AUD", "CAD", "SGD", "DAI", "SDAI", "EURR", "EURC",
            "GHO", "FRAX", "USYC", "BUIDL",
        ];
        let text = self.as_str();
        text.contains("USD") || OTHERS.contains(&text)
    }
}

/// Call or put: the one word about options that both contracts and pricing kernels need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OptionKind {
    /// Right to buy.
    Call,
    /// Right to sell.
    Put,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_told_from_coins() {
        for currency in ["USD", "USDT", "usdc", "sUSDe", "FDUSD", "DAI", "EURC", "GBP", "TRY", "BRL"] {
            assert!(Asset::new(currency).unwrap().is_currency(), "{currency}");
        }
        for coin in ["BTC", "ETH", "SOL", "STETH", "XAUT"] {
            assert!(!Asset::new(coin).unwrap().is_currency(), "{coin}");
        }
    }

    #[test]
    fn ids_are_normalised_and_checked() {
        assert_eq!(Asset::new(" btc ").unwrap().as_str(), "BTC");
        assert_eq!(Venue::new("Deribit").unwrap().as_str(), "deribit");
        for bad in ["", "  ", "a,b", "a\nb", &"x".repeat(81)] {
            assert!(Account::new(bad).is_err(), "{bad:?}");
        }
    }
}
