//! Two bands: where a trade begins and where it ends, when each trade has a fixed cost as well (gas, a ticket).
//!
//! Close to a moment the distance x of the hedge from the delta moves as a Brownian motion of variance a = (Γ S σ)² a year, and x costs
//! σ² S² x² / (2 R) a year of certainty equivalent. Trading at |x| = H until |x| = h costs f + λ S (H - h); it takes (H² - h²)/a years to
//! come from h to H, and the integral of x² on the way is (H⁴ - h⁴)/(6 a). So a year costs
//!
//! ```text
//! J(h, H) = a (f + λ S (H - h) + q (H⁴ - h⁴)) / (H² - h²),      q = 1 / (12 R Γ²)
//! ```
//!
//! At its minimum h H (H + h) = λ S / (4 q), which gives h of H, and (λ S / H + 4 q H²)(H² - h²) = 2 (f + λ S (H - h) + q (H⁴ - h⁴)),
//! whose left side grows faster: one root. Without a fixed cost h = H is Whalley and Wilmott's band; without a proportional
//! one h = 0 and H = (12 f Γ² R)^(1/4). (Derived for this project; both limits are those of Whalley and Wilmott, IMA J. Appl. Math. 62
//! (1999); a test minimises J by brute force.)

use super::whalley_wilmott::cubed;
use super::{Band, DeltaPolicy, RiskTolerance, Sight};
use pricing::kernel;

/// The bands of a fixed and a proportional cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TwoBands {
    /// How much risk is worth a cost.
    pub risk_tolerance: RiskTolerance,
}

impl DeltaPolicy for TwoBands {
    fn band(&self, sight: &Sight) -> Band {
        let risk = self.risk_tolerance.usd() * sight.gamma * sight.gamma;
        // W³, of Whalley and Wilmott's band, and M⁴, of the band of a fixed cost alone.
        let w3 = cubed(sight, self.risk_tolerance);
        let m4 = 12.0 * sight.cost.fixed_usd * risk;
        let w = if w3 > 0.0 { kernel::pow(w3, 1.0 / 3.0) } else { 0.0 };
        if m4 <= 0.0 {
            return Band::to_edge(w);
        }
        // In units of q: λ S = 8 q W³ and f = q M⁴, so q drops out.
        let inner_of = |outer: f64| {
            let square = outer * outer;
            // The positive root of h² H + h H² = 2 W³, without cancellation.
            4.0 * w3 / (square + (square * square + 8.0 * w3 * outer).sqrt())
        };
        let excess = |outer: f64| {
            let inner = inner_of(outer);
            let (h2, i2) = (outer * outer, inner * inner);
            let cost = m4 + 8.0 * w3 * (outer - inner) + h2 * h2 - i2 * i2;
            (8.0 * w3 / outer + 4.0 * h2) * (h2 - i2) - 2.0 * cost
        };
        let of_fixed = m4.sqrt().sqrt();
        if w3 <= 0.0 {
            return Band::to_middle(of_fixed);
        }
        // At W the excess is -2 M⁴. Both costs together need no wider band than the two bands one after the other.
        let mut high = w + of_fixed;
        while excess(high) < 0.0 {
            high *= 2.0;
        }
        let outer = root((w, high), -2.0 * m4, &excess);
        Band::Within { outer, inner: inner_of(outer).min(outer) }
    }
}

/// Where a function that grows crosses zero in a bracket, by false position with the Illinois rule; `at_low` is its value at the lower end.
fn root((low, high): (f64, f64), at_low: f64, function: &dyn Fn(f64) -> f64) -> f64 {
    /// Of a few needed: the rule converges faster than halving does.
    const MOST: u32 = 100;
    /// Some units of the last place.
    const CLOSE: f64 = 1e-15;
    let (mut a, mut at_a, mut b) = (low, at_low, high);
    let mut at_b = function(b);
    for _ in 0..MOST {
        if at_b == 0.0 || (b - a).abs() <= CLOSE * b {
            break;
        }
        let next = (a * at_b - b * at_a) / (at_b - at_a);
        let at_next = function(next);
        if at_next * at_b < 0.0 {
            (a, at_a) = (b, at_b);
        } else {
            at_a *= 0.5;
        }
        (b, at_b) = (next, at_next);
    }
    b
}
