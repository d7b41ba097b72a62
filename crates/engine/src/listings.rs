//! Listings by the names that venues give them: a symbol is read once, and all positions in it share one listing.

use instrument::{Listing, Specs, resolve};
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use units::{Symbol, Venue};

/// More names than all venues list at a time: then those of the past are forgotten.
const MOST: usize = 1 << 16;
/// Names found last, one a remainder: a power of two, some of what is traded on a day.
const RECENT: usize = 1 << 12;

/// What was read before; follows from the tables of venues and is no state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listings {
    /// Symbols first: they tell names apart sooner than venues. Copies of the engine share them until one reads another name.
    read: Arc<BTreeMap<(Symbol, Venue), Arc<Listing>>>,
    /// Some of those, by the remainder of a digest of the symbol: one look instead of a search, for the few names that most fills are of.
    recent: Arc<Vec<Option<Arc<Listing>>>>,
}

impl Listings {
    /// The listing of a symbol; combos have none of their own.
    pub(crate) fn find(
        &mut self,
        venue: &Venue,
        symbol: &Symbol,
        specs: &Specs,
    ) -> Result<Arc<Listing>, String> {
        let place = place_of(symbol);
        if let Some(Some(listing)) = self.recent.get(place)
            && listing.symbol == *symbol
            && listing.venue == *venue
        {
            return Ok(listing.clone());
        }
        let listing = self.search(venue, symbol, specs)?;
        // Found by another way to write its name, it would be looked for here in vain.
        if listing.symbol == *symbol {
            let recent = Arc::make_mut(&mut self.recent);
            recent.resize(RECENT, None);
            if let Some(recent) = recent.get_mut(place) {
                *recent = Some(listing.clone());
            }
        }
        Ok(listing)
    }

    fn search(&mut self, venue: &Venue, symbol: &Symbol, specs: &Specs) -> Result<Arc<Listing>, String> {
        let key = (symbol.clone(), venue.clone());
        if let Some(listing) = self.read.get(&key) {
            return Ok(listing.clone());
        }
        let resolved = resolve(venue, symbol, specs).map_err(|e| e.to_string())?;
        let [leg] = resolved.legs.as_slice() else {
            return Err(format!("{symbol} is a combo: its venue reports the fills of its legs, book those"));
        };
        let listing = Arc::new(leg.listing.clone());
        // A venue may write one name in several ways: only what is the name itself is found again.
        if listing.symbol == *symbol && listing.venue == *venue {
            let read = Arc::make_mut(&mut self.read);
            if read.len() >= MOST {
                read.clear();
            }
            read.insert(key, listing.clone());
        }
        Ok(listing)
    }
}

/// Where a symbol is among the recent ones.
fn place_of(symbol: &Symbol) -> usize {
    let mut digest = Digest(0);
    symbol.hash(&mut digest);
    usize::try_from(digest.finish() >> 32).unwrap_or_default() % RECENT
}

/// A digest of few bytes, the same on every machine: products with an odd number (Knuth's multiplicative hashing), a word at a time. Whose
/// digests are the same take each other's place, and no answer depends on it.
struct Digest(u64);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word.iter_mut().zip(chunk).for_each(|(own, byte)| *own = *byte);
            self.0 = (self.0.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More names than places: whatever took whose place, each finds its own, and always the same one.
    #[test]
    fn a_name_finds_its_listing_whatever_is_in_its_place() {
        let (specs, mut listings) = (Specs::embedded(), Listings::default());
        let deribit = Venue::new("deribit").unwrap();
        let name = |strike: usize| Symbol::new(&format!("BTC-27MAR26-{strike}-C")).unwrap();
        let found: Vec<_> =
            (1..6_000).map(|strike| listings.find(&deribit, &name(strike), &specs).unwrap()).collect();
        let places: std::collections::BTreeSet<usize> =
            (1..6_000).map(|strike| place_of(&name(strike))).collect();
        assert!(places.len() > RECENT / 2, "digests are spread: {}", places.len());
        for (strike, before) in (1..6_000).zip(&found) {
            let again = listings.find(&deribit, &name(strike), &specs).unwrap();
            assert_eq!(again.symbol, name(strike));
            assert!(Arc::ptr_eq(&again, before), "positions share one listing");
        }
    }

    #[test]
    fn a_name_of_two_venues_has_two_listings() {
        let (specs, mut listings) = (Specs::embedded(), Listings::default());
        let name = Symbol::new("BTC-25DEC26-91000-C").unwrap();
        for venue in ["deribit", "bybit", "deribit"].map(|venue| Venue::new(venue).unwrap()) {
            assert_eq!(listings.find(&venue, &name, &specs).unwrap().venue, venue);
        }
    }
}
