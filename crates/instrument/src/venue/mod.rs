//! Venue grammars and the small words they share.

mod binance;
mod bybit;
mod deribit;
mod derive;
mod dydx;
mod hyperliquid;
mod okx;
mod wallet;

use crate::contract::{Contract, Listing, MONTHS, Settlement, Terms};
use crate::resolve::{Leg, SymbolError};
use crate::specs::{Product, Specs};
use units::{Asset, Decimal, OptionKind, Price, Symbol, Timestamp, Venue};

/// One venue word with its two directions.
pub(crate) struct Grammar {
    venue: &'static str,
    pub(crate) resolve: fn(Ask<'_>) -> Result<Vec<Leg>, SymbolError>,
    pub(crate) spell: fn(&Contract) -> Option<String>,
}

const GRAMMARS: [Grammar; 10] = [
    Grammar { venue: "deribit", resolve: deribit::resolve, spell: deribit::spell },
    Grammar { venue: "okx", resolve: okx::resolve, spell: okx::spell },
    Grammar { venue: "bybit", resolve: bybit::resolve, spell: bybit::spell },
    Grammar { venue: "bybit-spot", resolve: bybit::resolve_spot, spell: joined_pair },
    Grammar { venue: "binance", resolve: binance::resolve, spell: binance::spell },
    Grammar { venue: "binance-spot", resolve: binance::resolve_spot, spell: joined_pair },
    Grammar { venue: "hyperliquid", resolve: hyperliquid::resolve, spell: hyperliquid::spell },
    Grammar { venue: "derive", resolve: derive::resolve, spell: derive::spell },
    Grammar { venue: "dydx", resolve: dydx::resolve, spell: dydx::spell },
    Grammar { venue: "wallet", resolve: wallet::resolve, spell: wallet::spell },
];

pub(crate) fn grammar(venue: &Venue) -> Option<&'static Grammar> {
    GRAMMARS.iter().find(|grammar| grammar.venue == venue.as_str())
}

pub(crate) fn known() -> Vec<&'static str> {
    GRAMMARS.iter().map(|grammar| grammar.venue).collect()
}

/// Coins that venues quote by the thousand or more. How many a listing bundles is the venue's choice, not the contract's,
/// so these have no spelling where bundles exist.
const BUNDLED: [&str; 14] = [
    "BABYDOGE", "BONK", "BTT", "CAT", "CHEEMS", "DOGS", "FLOKI", "LUNC", "NEIRO", "PEPE", "RATS", "SATS",
    "SHIB", "XEC",
];

/// Currencies that a joined spot name (`BTCUSDT`) can end in; the longest that fits wins.
const SPOT_QUOTES: [&str; 16] = [
    "FDUSD", "USDT", "USDC", "TUSD", "BUSD", "USDE", "USD1", "EUR", "GBP", "BRL", "TRY", "DAI", "USD", "BTC",
    "ETH", "BNB",
];

/// The hour at which every spelled contract settles; a test holds it against the specifications.
const SPELLED_HOUR_UTC: i8 = 8;

/// A symbol in the hands of a grammar: the question, and the words for every way it can be wrong.
#[derive(Clone, Copy)]
pub(crate) struct Ask<'a> {
    pub(crate) venue: &'a Venue,
    pub(crate) symbol: &'a Symbol,
    pub(crate) specs: &'a Specs,
}

impl<'a> Ask<'a> {
    fn text(self) -> &'a str {
        self.symbol.as_str()
    }

    fn wrong(self, expected: &'static str) -> SymbolError {
        SymbolError::Grammar { venue: self.venue.clone(), symbol: self.symbol.clone(), expected }
    }

    fn wrong_legs(self, rule: &'static str) -> SymbolError {
        SymbolError::ComboLegs { venue: self.venue.clone(), symbol: self.symbol.clone(), rule }
    }

    fn wrong_day(self, text: &str, rule: &'static str) -> SymbolError {
        SymbolError::Date {
            venue: self.venue.clone(),
            symbol: self.symbol.clone(),
            text: text.to_owned(),
            rule,
        }
    }

    fn lacks(self, missing: String, mend: String) -> SymbolError {
        SymbolError::UnknownSpec { venue: self.venue.clone(), symbol: self.symbol.clone(), missing, mend }
    }

    /// Capitals and digits, 1 to 20: how exchanges write coins.
    fn asset(self, text: &str, expected: &'static str) -> Result<Asset, SymbolError> {
        let fits = (1..=20).contains(&text.len());
        let plain = text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        if !(fits && plain) {
            return Err(self.wrong(expected));
        }
        Asset::new(text).map_err(|_| self.wrong(expected))
    }

    fn currency(self, word: &'static str) -> Result<Asset, SymbolError> {
        Asset::new(word).map_err(|_| self.wrong("a currency"))
    }

    /// `C` or `P`.
    fn kind(self, text: &str, expected: &'static str) -> Result<OptionKind, SymbolError> {
        match text {
            "C" => Ok(OptionKind::Call),
            "P" => Ok(OptionKind::Put),
            _ => Err(self.wrong(expected)),
        }
    }

    /// `27DEC24`, `7JAN22`.
    fn day_month_year(self, text: &str) -> Result<Timestamp, SymbolError> {
        const RULE: &str = "a day without leading zero, a month in capitals and two digits of a year of the calendar, such as 7JAN22";
        let wrong = || self.wrong_day(text, RULE);
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (day, rest) = text.split_at_checked(digits).ok_or_else(wrong)?;
        let (month, year) = rest.split_at_checked(3).ok_or_else(wrong)?;
        let month = (1..).zip(MONTHS).find(|(_, name)| *name == month).map(|(number, _)| number);
        if day.starts_with('0') || year.len() != 2 {
            return Err(wrong());
        }
        let date = Civil { year: number(year), month, day: number(day) };
        self.settlement(date).and_then(|instant| instant.ok_or_else(wrong))
    }

    /// `241227`, or `20241227` when `year_digits` is 4.
    fn year_month_day(self, text: &str, year_digits: usize) -> Result<Timestamp, SymbolError> {
        let rule = if year_digits == 4 {
            "four digits of a year, two of the month, two of the day of the calendar, such as 20241227"
        } else {
            "two digits each of year, month and day of the calendar, such as 241227"
        };
        let wrong = || self.wrong_day(text, rule);
        let (year, rest) = text.split_at_checked(year_digits).ok_or_else(wrong)?;
        let (month, day) = rest.split_at_checked(2).ok_or_else(wrong)?;
        let century = if year_digits == 4 { year.strip_prefix("20") } else { Some(year) };
        if day.len() != 2 {
            return Err(wrong());
        }
        let date = Civil { year: century.and_then(number), month: number(month), day: number(day) };
        self.settlement(date).and_then(|instant| instant.ok_or_else(wrong))
    }

    /// The venue's settlement instant on a day of this century; none when there is no such day.
    fn settlement(self, date: Civil) -> Result<Option<Timestamp>, SymbolError> {
        let Civil { year: Some(year), month: Some(month), day: Some(day) } = date else { return Ok(None) };
        let hour = self.specs.settlement_hour_utc(self.venue).ok_or_else(|| {
            let mend = format!(
                "add [[venue]] name = \"{}\" with settlement_hour_utc, source and checked",
                self.venue
            );
            self.lacks(format!("the settlement hour of {}", self.venue), mend)
        })?;
        Ok(Timestamp::from_utc_date(2000 + i16::from(year), month, day, hour).ok())
    }

    /// A positive decimal whose point is written as `point`.
    fn strike(self, text: &str, point: char) -> Result<Price, SymbolError> {
        let rule = match point {
            'd' => "a decimal above zero with 'd' for the point, such as 100000 or 0d625",
            '_' => "a decimal above zero with '_' for the point, such as 6000 or 0_5",
            _ => "a decimal above zero, such as 92000 or 0.06",
        };
        let (whole, fraction) = text.split_once(point).unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let strike = if digits(whole) && digits(fraction) {
            format!("{whole}.{fraction}").parse::<Price>().ok().filter(|strike| strike.get() > Decimal::ZERO)
        } else {
            None
        };
        strike.ok_or_else(|| SymbolError::Strike {
            venue: self.venue.clone(),
            symbol: self.symbol.clone(),
            text: text.to_owned(),
            rule,
        })
    }

    /// Size of one contract from the specifications.
    fn contract_size(self, product: Product, underlying: &Asset) -> Result<Decimal, SymbolError> {
        self.specs.contract_size(self.venue, product, underlying).ok_or_else(|| {
            let (venue, product) = (self.venue, product.word());
            self.lacks(
                format!("the contract size of {underlying} (product {product})"),
                format!(
                    "take it from the venue's instrument list and add [[contract_size]] venue = \"{venue}\", \
                     product = \"{product}\", size = \"...\", underlyings = [\"{underlying}\"] with source and checked"
                ),
            )
        })
    }

    /// A plain listing whose quantity counts `contract_size` canonical units.
    fn sized(self, contract: Contract, contract_size: Decimal) -> Vec<Leg> {
        vec![Leg { ratio: Decimal::ONE, listing: self.listing(self.symbol.clone(), contract, contract_size) }]
    }

    /// A plain listing in canonical units.
    fn plain(self, contract: Contract) -> Vec<Leg> {
        self.sized(contract, Decimal::ONE)
    }

    /// A listing of `bundle` coins, whose price is that of the bundle.
    fn bundled(self, contract: Contract, bundle: Decimal) -> Vec<Leg> {
        let mut listing = self.listing(self.symbol.clone(), contract, bundle);
        listing.price_units = bundle;
        vec![Leg { ratio: Decimal::ONE, listing }]
    }

    fn listing(self, symbol: Symbol, contract: Contract, contract_size: Decimal) -> Listing {
        Listing { venue: self.venue.clone(), symbol, contract, contract_size, price_units: Decimal::ONE }
    }

    /// A joined spot name, split at the quote currency.
    fn joined_spot(self, expected: &'static str) -> Result<Vec<Leg>, SymbolError> {
        let (base, quote) = split_joined(self.text()).ok_or_else(|| self.wrong(expected))?;
        Ok(self.plain(spot(self.asset(base, expected)?, self.currency(quote)?)))
    }
}

/// Base and quote of a joined spot name; the base is not empty.
fn split_joined(name: &str) -> Option<(&str, &'static str)> {
    let parts =
        SPOT_QUOTES.into_iter().filter_map(|quote| name.strip_suffix(quote).map(|base| (base, quote)));
    parts.filter(|(base, _)| !base.is_empty()).max_by_key(|(_, quote)| quote.len())
}

/// A day as read; `None` marks a part that is not a number.
#[derive(Clone, Copy)]
struct Civil {
    year: Option<i8>,
    month: Option<i8>,
    day: Option<i8>,
}

/// One or two digits.
fn number(text: &str) -> Option<i8> {
    let plain = (1..=2).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// Splits a bundle prefix off a coin: `1000SHIB` is 1000 SHIB. `1INCH` and `1000` alone are coins of their own.
fn unbundle(coin: &str) -> (&str, Decimal) {
    let digits = coin.bytes().take_while(u8::is_ascii_digit).count();
    match coin.split_at_checked(digits) {
        Some((bundle @ ("1000" | "10000" | "100000" | "1000000"), rest)) if !rest.is_empty() => {
            (rest, bundle.parse().unwrap_or(Decimal::ONE))
        }
        _ => (coin, Decimal::ONE),
    }
}

fn spot(base: Asset, quote: Asset) -> Contract {
    Contract { underlying: base, terms: Terms::Spot, settlement: Settlement::Linear { currency: quote } }
}

/// The currency of a linear contract, if it is one of those listed.
fn linear_currency<'a>(contract: &'a Contract, listed: &[&str]) -> Option<&'a str> {
    match &contract.settlement {
        Settlement::Linear { currency } if listed.contains(&currency.as_str()) => Some(currency.as_str()),
        _ => None,
    }
}

/// Quoted in USD, paid in a stablecoin one for one: an oracle of dollars, cash of tokens. When the token loses its peg, the
/// price does not move and the payment does.
fn dollars_paid_in(currency: Asset) -> Settlement {
    Settlement::Quanto { currency, multiplier: Decimal::ONE }
}

/// Whether a contract is quoted in USD and paid in the named currency.
fn is_dollars_paid_in(contract: &Contract, name: &str) -> bool {
    matches!(&contract.settlement, Settlement::Quanto { currency, multiplier }
        if currency.as_str() == name && *multiplier == Decimal::ONE)
}

/// Base and quote of spot.
fn spot_words(contract: &Contract) -> Option<(&str, &str)> {
    match (&contract.terms, &contract.settlement) {
        (Terms::Spot, Settlement::Linear { currency }) => {
            Some((contract.underlying.as_str(), currency.as_str()))
        }
        _ => None,
    }
}

/// `BTCUSDT`, when splitting the name again gives the same pair.
fn joined_pair(contract: &Contract) -> Option<String> {
    let (base, quote) = spot_words(contract)?;
    let name = format!("{base}{quote}");
    let same = is_plain(base) && split_joined(&name) == Some((base, quote));
    same.then_some(name)
}

/// True when a coin is written in capitals and digits only.
fn is_plain(coin: &str) -> bool {
    coin.len() <= 20 && coin.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// True when the venue's name for the coin is the coin's own name.
fn is_unbundled(coin: &str) -> bool {
    is_plain(coin) && !BUNDLED.contains(&coin) && unbundle(coin).1 == Decimal::ONE
}

/// Year, month and day of a settlement instant that venues list: 08:00 UTC in this century.
fn listed_day(expiry: Timestamp) -> Option<(i16, i8, i8)> {
    let (year, month, day) = expiry.utc_date();
    let listed =
        Timestamp::from_utc_date(year, month, day, SPELLED_HOUR_UTC).is_ok_and(|instant| instant == expiry);
    (listed && (2000..=2099).contains(&year)).then_some((year, month, day))
}

/// `27DEC24`.
fn spell_day_month_year(expiry: Timestamp) -> Option<String> {
    listed_day(expiry).map(|_| crate::contract::expiry_text(expiry))
}

/// `241227`.
fn spell_year_month_day(expiry: Timestamp) -> Option<String> {
    listed_day(expiry).map(|(year, month, day)| format!("{:02}{month:02}{day:02}", year - 2000))
}

/// A strike with the venue's decimal point; none for what is not above zero.
fn spell_strike(strike: Price, point: &str) -> Option<String> {
    let strike = strike.get().normalize();
    (strike > Decimal::ZERO).then(|| strike.to_string().replace('.', point))
}

fn letter(kind: OptionKind) -> char {
    match kind {
        OptionKind::Call => 'C',
        OptionKind::Put => 'P',
    }
}

#[cfg(test)]
mod tests;
