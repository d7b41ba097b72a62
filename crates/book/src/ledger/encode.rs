//! The canonical bytes of a ledger, for snapshots and the state hash: equal ledgers have equal bytes, and no other bytes decode.
//!
//! Integers are little endian. Text is a length (u16) and UTF-8; a decimal is its mantissa (i128) and scale (u8), normalised;
//! a list is a count (u32) and its items in ascending order.
//!
//! ```text
//! "plimsoll-ledger", 0, version u16, fill memory u32 days
//! places:  account, venue, chain
//!          balances:  asset, amount
//!          positions: symbol, contract, contract size, price units, quantity, has entry value u8, entry value
//! seen:    venue, account
//!          fills: time i64 (nanoseconds since 1970), id
//! ```
//!
//! Terms are not in the bytes: the symbol is resolved again, and what it resolves to must have the name and sizes that the
//! bytes have, so that a changed specification table is noticed and not applied to quantities of the old one.

use super::memory::Seen;
use super::state::OpenPosition;
use super::{Ledger, Place, value};
use instrument::{Listing, Specs, SymbolError, resolve};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Account, Asset, Chain, Decimal, FillId, Quantity, Symbol, Timestamp, UnitError, Venue};

const MAGIC: &[u8] = b"plimsoll-ledger\0";
const VERSION: u16 = 1;

/// Why bytes are no ledger. Offsets count from the first byte.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Other bytes.
    #[error("not a ledger: it does not begin with 'plimsoll-ledger'")]
    NotALedger,
    /// Bytes of another version of the program.
    #[error("ledger of version {found}; this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u16,
    },
    /// The bytes end early.
    #[error("the ledger ends inside the item at byte {at}")]
    Truncated {
        /// Where the item begins.
        at: usize,
    },
    /// Something that no ledger writes.
    #[error("byte {at} of the ledger: {rule}")]
    NotCanonical {
        /// Where the item ends.
        at: usize,
        /// The rule.
        rule: &'static str,
    },
    /// A name that is none.
    #[error("byte {at} of the ledger: {source}")]
    Name {
        /// Where the item ends.
        at: usize,
        /// The rule.
        source: UnitError,
    },
    /// A symbol that no longer resolves.
    #[error(transparent)]
    Symbol(#[from] SymbolError),
    /// A symbol that stands for something else now.
    #[error(
        "{venue} {symbol} was '{was}' and is '{is}' by these specifications: restore with those of the snapshot"
    )]
    OtherTerms {
        /// Whose symbol.
        venue: Venue,
        /// The symbol.
        symbol: Symbol,
        /// Contract and sizes in the bytes.
        was: String,
        /// Contract and sizes by the specifications.
        is: String,
    },
}

impl Ledger {
    /// Appends the canonical bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&VERSION.to_le_bytes());
        out.extend_from_slice(&self.memory.days.to_le_bytes());
        count(out, self.state.places.len());
        for (place, held) in &self.state.places {
            text(out, place.account.as_str());
            text(out, place.venue.as_str());
            text(out, place.chain.as_str());
            count(out, held.balances.len());
            for (asset, amount) in &held.balances {
                text(out, asset.as_str());
                decimal(out, *amount);
            }
            count(out, held.positions.len());
            for (symbol, position) in &held.positions {
                text(out, symbol.as_str());
                text(out, &position.listing.contract.to_string());
                decimal(out, position.listing.contract_size);
                decimal(out, position.listing.price_units);
                decimal(out, position.quantity.get());
                out.push(u8::from(position.entry_value.is_some()));
                decimal(out, position.entry_value.unwrap_or_default());
            }
        }
        count(out, self.memory.seen.len());
        for ((venue, account), seen) in &self.memory.seen {
            text(out, venue.as_str());
            text(out, account.as_str());
            count(out, seen.by_time().len());
            for (time, id) in seen.by_time() {
                out.extend_from_slice(&time.unix_nanos().to_le_bytes());
                text(out, id.as_str());
            }
        }
    }

    /// Reads the bytes of [`Ledger::encode`] and resolves its symbols.
    ///
    /// # Errors
    /// [`DecodeError`] for any bytes that `encode` does not write, and for symbols that do not resolve to what they were.
    pub fn decode(bytes: &[u8], specs: &Specs) -> Result<Self, DecodeError> {
        let mut reader = Reader { bytes, at: 0, specs, listings: BTreeMap::new() };
        if reader.take(MAGIC.len()).ok() != Some(MAGIC) {
            return Err(DecodeError::NotALedger);
        }
        let found = u16::from_le_bytes(reader.array()?);
        if found != VERSION {
            return Err(DecodeError::Version { found });
        }
        let mut ledger = Self::new(u32::from_le_bytes(reader.array()?));
        let mut last = None;
        for _ in 0..reader.count()? {
            let place = reader.place()?;
            reader.ascending(&mut last, place.clone())?;
            reader.holdings(&mut ledger, &place)?;
        }
        let mut last = None;
        for _ in 0..reader.count()? {
            let key = (reader.name(Venue::new, Venue::as_str)?, reader.name(Account::new, Account::as_str)?);
            reader.ascending(&mut last, key.clone())?;
            let seen = reader.seen(ledger.memory.days)?;
            ledger.memory.seen.insert(key, Arc::new(seen));
        }
        if reader.at == bytes.len() { Ok(ledger) } else { Err(reader.fault("bytes follow the ledger")) }
    }
}

/// No map of a machine's memory has 2^32 entries of this size; more would be cut and refused when decoded.
fn count(out: &mut Vec<u8>, items: usize) {
    out.extend_from_slice(&u32::try_from(items).unwrap_or(u32::MAX).to_le_bytes());
}

/// Names have at most 80 characters, contracts are four names: both far below 2^16 bytes.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&u16::try_from(text.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn decimal(out: &mut Vec<u8>, value: Decimal) {
    let value = value.normalize();
    out.extend_from_slice(&value.mantissa().to_le_bytes());
    out.push(u8::try_from(value.scale()).unwrap_or(u8::MAX));
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    specs: &'a Specs,
    listings: BTreeMap<(Venue, Symbol), Arc<Listing>>,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], DecodeError> {
        let truncated = DecodeError::Truncated { at: self.at };
        let end = self.at.checked_add(length);
        let found = end.and_then(|end| self.bytes.get(self.at..end)).ok_or(truncated)?;
        self.at += length;
        Ok(found)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| DecodeError::Truncated { at })
    }

    fn count(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_le_bytes)
    }

    fn text(&mut self) -> Result<&'a str, DecodeError> {
        let length = usize::from(u16::from_le_bytes(self.array()?));
        let bytes = self.take(length)?;
        std::str::from_utf8(bytes).map_err(|_| self.fault("text is UTF-8"))
    }

    fn name<T>(
        &mut self,
        parse: fn(&str) -> Result<T, UnitError>,
        shown: fn(&T) -> &str,
    ) -> Result<T, DecodeError> {
        let text = self.text()?;
        let name = parse(text).map_err(|source| DecodeError::Name { at: self.at, source })?;
        if shown(&name) == text {
            Ok(name)
        } else {
            Err(self.fault("a name is trimmed and in its normal case"))
        }
    }

    fn decimal(&mut self) -> Result<Decimal, DecodeError> {
        let mantissa = i128::from_le_bytes(self.array()?);
        let [scale] = self.array()?;
        let value = Decimal::try_from_i128_with_scale(mantissa, u32::from(scale)).ok();
        let normal = value
            .map(|value| value.normalize())
            .filter(|normal| (normal.mantissa(), normal.scale()) == (mantissa, u32::from(scale)));
        normal.ok_or_else(|| self.fault("a decimal has at most 28 digits and no zeros at the end"))
    }

    fn place(&mut self) -> Result<Place, DecodeError> {
        let account = self.name(Account::new, Account::as_str)?;
        let venue = self.name(Venue::new, Venue::as_str)?;
        Ok(Place { account, venue, chain: self.name(Chain::new, Chain::as_str)? })
    }

    fn holdings(&mut self, ledger: &mut Ledger, place: &Place) -> Result<(), DecodeError> {
        let (balances, mut last) = (self.count()?, None);
        for _ in 0..balances {
            let asset = self.name(Asset::new, Asset::as_str)?;
            self.ascending(&mut last, asset.clone())?;
            let amount = self.decimal()?;
            if amount.is_zero() {
                return Err(self.fault("a balance of zero is not kept"));
            }
            ledger.state.put_balance(place, &asset, amount);
        }
        let (positions, mut last) = (self.count()?, None);
        for _ in 0..positions {
            let symbol = self.name(Symbol::new, Symbol::as_str)?;
            self.ascending(&mut last, symbol.clone())?;
            let position = self.position(place, symbol)?;
            let listing = position.listing.clone();
            ledger.state.put_position(place, &listing, Some(position));
        }
        if balances == 0 && positions == 0 {
            return Err(self.fault("a place with nothing is not kept"));
        }
        Ok(())
    }

    fn position(&mut self, place: &Place, symbol: Symbol) -> Result<OpenPosition, DecodeError> {
        let contract = self.text()?;
        let (size, units) = (self.decimal()?, self.decimal()?);
        let quantity = Quantity::new(self.decimal()?);
        let [is_known] = self.array()?;
        let entry = self.decimal()?;
        let entry_value = match is_known {
            1 => Some(entry),
            0 if entry.is_zero() => None,
            _ => return Err(self.fault("an unknown entry value is written as zero")),
        };
        let listing = self.listing(&place.venue, &symbol)?;
        let terms = |contract: &str, size: Decimal, units: Decimal| format!("{contract} x{size} @{units}");
        let was = terms(contract, size, units);
        let is = terms(&listing.contract.to_string(), listing.contract_size, listing.price_units);
        if was != is {
            return Err(DecodeError::OtherTerms { venue: place.venue.clone(), symbol, was, is });
        }
        let canonical = value::canonical(&listing, quantity).filter(|_| !quantity.is_zero());
        let canonical_quantity = canonical
            .ok_or_else(|| self.fault("a quantity is not zero, and has 28 digits times contract size"))?;
        Ok(OpenPosition { listing, quantity, canonical_quantity, entry_value })
    }

    fn listing(&mut self, venue: &Venue, symbol: &Symbol) -> Result<Arc<Listing>, DecodeError> {
        let key = (venue.clone(), symbol.clone());
        if let Some(known) = self.listings.get(&key) {
            return Ok(known.clone());
        }
        let mut legs = resolve(venue, symbol, self.specs)?.legs.into_iter();
        let (Some(leg), None) = (legs.next(), legs.next()) else {
            return Err(self.fault("a combo is held as its legs"));
        };
        let listing = Arc::new(leg.listing);
        self.listings.insert(key, listing.clone());
        Ok(listing)
    }

    fn seen(&mut self, days: u32) -> Result<Seen, DecodeError> {
        let (mut seen, mut last) = (Seen::default(), None);
        let mut first = None;
        for _ in 0..self.count()? {
            let time = Timestamp::from_unix_nanos(i64::from_le_bytes(self.array()?));
            let id = self.name(FillId::new, FillId::as_str)?;
            self.ascending(&mut last, (time, id.clone()))?;
            first = first.or(Some(time));
            if !seen.insert(time, id) {
                return Err(self.fault("an id of a venue and account counts once"));
            }
        }
        match (seen.oldest(days), first) {
            (Some(oldest), Some(first)) if first >= oldest => Ok(seen),
            _ => Err(self.fault("ids of the memory's days are kept, at least one")),
        }
    }

    fn ascending<T: PartialOrd>(&self, last: &mut Option<T>, next: T) -> Result<(), DecodeError> {
        if last.as_ref().is_some_and(|last| *last >= next) {
            return Err(self.fault("a list is in ascending order without repeats"));
        }
        *last = Some(next);
        Ok(())
    }

    const fn fault(&self, rule: &'static str) -> DecodeError {
        DecodeError::NotCanonical { at: self.at, rule }
    }
}
