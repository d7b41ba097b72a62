//! What is held of each option of an underlying, net over the book.

use super::LiveViews;
use instrument::Terms;
use risk::Priced;
use units::{Asset, Fixed};

impl LiveViews {
    /// Net quantity, in the canonical unit, and price of each option of an underlying that is held and has a price, by contract.
    pub(crate) fn options(&self, underlying: &Asset) -> Vec<(f64, &Priced)> {
        let of = self.contracts.iter().filter(|(contract, _)| {
            contract.underlying == *underlying && matches!(contract.terms, Terms::Option { .. })
        });
        let legs = of.filter_map(|(_, id)| {
            let slot = self.slots.get(*id as usize)?;
            let priced = slot.price.as_ref().ok()?;
            // Summed exactly: the order of what is held at a contract depends on what came and went.
            let held = slot.held.iter().filter_map(|held| held.holding);
            let net: Fixed = held.filter_map(|holding| Fixed::quantise(holding.quantity).ok()).sum();
            (net != Fixed::ZERO).then(|| (net.to_f64(), priced))
        });
        legs.collect()
    }
}
