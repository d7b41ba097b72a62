//! What deltas that know the smile need: its slope at each quote, and how vols followed the underlying so far.

use super::history::{History, Quote};
use super::select::{black, days};
use hedge::delta::{
    Accounting, MinimumVarianceFit, MinimumVariancePlan, Observed, QuadraticMove, ValuedOption, VolDynamics,
};
use pricing::{OptionKind, kernel};
use std::collections::BTreeMap;
use units::Timestamp;

/// Deltas beyond are of options whose vol says nothing, and years below of options about to end.
const TAIL_DELTA: f64 = 0.05;
const LEAST_YEARS: f64 = 1.0 / 365.0;

impl History {
    /// Fills in the slopes of the smiles, dσ/dk with k = ln(K/F), from the two neighbouring strikes; the vol of a strike is that of its
    /// side out of the money. Zero where an expiry has one strike.
    pub(super) fn with_slopes(&self, quotes: &mut [Quote]) {
        let mut expiries: BTreeMap<Timestamp, BTreeMap<u64, (f64, f64)>> = BTreeMap::new();
        for quote in quotes.iter() {
            let Some(one) = self.instrument(quote.instrument) else { continue };
            let is_out = match one.kind {
                OptionKind::Call => one.strike >= quote.forward,
                OptionKind::Put => one.strike < quote.forward,
            };
            let point = (kernel::ln(one.strike / quote.forward), quote.vol);
            // Positive strikes are in the order of their bits.
            let strikes = expiries.entry(one.expiry).or_default();
            if is_out || !strikes.contains_key(&one.strike.to_bits()) {
                strikes.insert(one.strike.to_bits(), point);
            }
        }
        for quote in quotes {
            let Some(one) = self.instrument(quote.instrument) else { continue };
            let Some(strikes) = expiries.get(&one.expiry) else { continue };
            let bits = one.strike.to_bits();
            let own = strikes.get(&bits);
            let below = strikes.range(..bits).next_back().map(|(_, point)| point).or(own);
            let above = strikes.range(bits + 1..).next().map(|(_, point)| point).or(own);
            if let (Some(below), Some(above)) = (below, above)
                && above.0 > below.0
            {
                quote.slope = (above.1 - below.1) / (above.0 - below.0);
            }
        }
    }

    /// Learns at each moment how vols followed the underlying in the intervals up to it (`hedge::delta`), and notes it there.
    pub(super) fn learn(&mut self) {
        let Ok(mut fit) = MinimumVarianceFit::new(MinimumVariancePlan::default()) else { return };
        let mut known: Vec<Option<QuadraticMove>> = vec![None];
        for pair in self.moments.windows(2) {
            let [from, to] = pair else { continue };
            let observed = from.quotes.iter().filter_map(|quote| {
                let (before, after) = (from.perpetual?.0, to.perpetual?.0);
                let next = to.quote(quote.instrument)?;
                self.observed((from.time, quote), next.mark - quote.mark, 1.0 - before / after)
            });
            fit.learn(days(from.time, to.time), observed.collect::<Vec<_>>());
            known.push(fit.quadratic());
        }
        for (moment, quadratic) in self.moments.iter_mut().zip(known) {
            moment.vol_move = quadratic;
        }
    }

    fn observed(&self, (at, quote): (Timestamp, &Quote), gained: f64, log_move: f64) -> Option<Observed> {
        let option = black(at, self.instrument(quote.instrument)?, quote).ok()?;
        let valued = ValuedOption::at_coin_value(&option, quote.mark, 0.0);
        let is_told = (TAIL_DELTA..=1.0 - TAIL_DELTA).contains(&valued.call_delta());
        (is_told && option.expiry.get() >= LEAST_YEARS).then(|| {
            let net = valued.delta(Accounting::Coin, VolDynamics::STICKY_STRIKE);
            valued.observed(log_move, gained - net * log_move)
        })
    }
}
