//! Listings by the names that venues give them: a symbol is read once, and all positions in it share one listing.

use instrument::{Listing, Specs, resolve};
use std::collections::BTreeMap;
use std::sync::Arc;
use units::{Symbol, Venue};

/// More names than all venues list at a time: then those of the past are forgotten.
const MOST: usize = 1 << 16;

/// What was read before; follows from the tables of venues and is no state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listings {
    /// Symbols first: they tell names apart sooner than venues.
    read: BTreeMap<(Symbol, Venue), Arc<Listing>>,
}

impl Listings {
    /// The listing of a symbol; combos have none of their own.
    pub(crate) fn find(
        &mut self,
        venue: &Venue,
        symbol: &Symbol,
        specs: &Specs,
    ) -> Result<Arc<Listing>, String> {
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
            if self.read.len() >= MOST {
                self.read.clear();
            }
            self.read.insert(key, listing.clone());
        }
        Ok(listing)
    }
}
