//! What holding a hedge costs: perpetuals that pay funding against dated futures with a locked basis, ranked.
//!
//! ```text
//! perpetual  = s Q E[int f] + 1/2 a Q² Var(int f) + 2 (hs + fee) Q
//! future     = s Q b0 H / T + 2 (hs + fee) Q x (1 + rolls) + roll Q x rolls          b0 = F/S - 1, rolls = ceil(H/T) - 1
//! both      += m Q H (rate of the money + charge of the venue)                        m = initial margin a unit of notional
//! ```
//!
//! `s` is +1 for a long hedge and -1 for a short one: longs pay positive funding and the basis of a future above spot, shorts receive
//! them. `Q` is the notional in USD, `H` the time it is held and `T` the future's in years, `a` the price of variance, 1/USD. A positive figure
//! is a cost, a negative one a gain.
//!
//! **Funding** is an AR(1) seen as a process in continuous time that returns to its mean at the speed `theta`, from today's rate:
//!
//! ```text
//! E[int f]   = mean H + (now - mean) (1 - e^(-theta H)) / theta
//! Var(int f) = (sd² / theta²) (H - 2 (1 - e^(-theta H)) / theta + (1 - e^(-2 theta H)) / (2 theta))
//! ```
//!
//! Today's rate and the mean are clamped to what the venue caps funding at. The variance is not: it is then too high rather than too low.
//!
//! Left out: the basis at which a roll is done, which nobody knows today; funding that a venue pays in another coin.
//!
//! ```
//! use hedge::carry::{Candidate, Cost, Funding, Need, Running, Side, rank};
//! // 10 % a year now and for ever.
//! let steady = Funding { now: 0.1, mean: 0.1, speed: 50.0, sd: 0.0, cap: 8.0 };
//! let perpetual = Candidate { running: Running::Perpetual(steady), half_spread: 1e-4, fee: 5e-4, margin_share: 0.0, venue_charge: 0.0 };
//! let need = Need { side: Side::Short, notional_usd: 1e6, years: 0.1, risk_aversion: 0.0, money_rate: 0.0 };
//! // A short receives positive funding and pays both ways of the spread and the fee.
//! let cost = Cost::of(&perpetual, &need);
//! assert!((cost.carry_usd + 1e6 * 0.1 * 0.1).abs() < 1e-6);
//! assert!((cost.spread_usd + cost.fee_usd - 2.0 * 1e6 * 6e-4).abs() < 1e-6);
//! assert_eq!(rank(&[perpetual], &need)[0].0, 0);
//! ```

use pricing::kernel::{exp, ln};

/// Periods of funding in a year: one every eight hours.
pub const FUNDING_PERIODS: f64 = 1_095.0;

/// Which way the hedge is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Bought: pays positive funding.
    Long,
    /// Sold: receives it.
    Short,
}

/// How the funding of a perpetual is expected to go. Rates per year, as fractions.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Funding {
    /// Today's.
    pub now: f64,
    /// Where it returns to.
    pub mean: f64,
    /// How fast, per year.
    pub speed: f64,
    /// How much it is shaken, per root of a year.
    pub sd: f64,
    /// The most that the venue lets it be, either way.
    pub cap: f64,
}

/// An autoregression of funding rates, one period on the one before.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Autoregression {
    /// Where it returns to, a period.
    pub mean: f64,
    /// What is left of a distance from it after a period.
    pub persistence: f64,
    /// Standard deviation of what it does not foresee, a period.
    pub residual_sd: f64,
}

/// Funding accumulated over a time, as a fraction of the notional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accumulated {
    /// Expected.
    pub mean: f64,
    /// Its variance.
    pub variance: f64,
}

/// What an instrument pays while it is held.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Running {
    /// Funding.
    Perpetual(Funding),
    /// A basis that is known until the expiry.
    Dated {
        /// F/S - 1 today.
        basis: f64,
        /// Years to the expiry.
        expiry_years: f64,
        /// What going over to the next future costs beyond spread and fee, as a fraction.
        roll: f64,
    },
}

/// An instrument that could be held. Fractions of the notional.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// What it pays.
    pub running: Running,
    /// Half the spread.
    pub half_spread: f64,
    /// Of a trade.
    pub fee: f64,
    /// Initial margin that it asks.
    pub margin_share: f64,
    /// What the risk of the venue is charged at, a year on the margin that is there.
    pub venue_charge: f64,
}

/// The hedge that is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Need {
    /// Which way.
    pub side: Side,
    /// Size, USD.
    pub notional_usd: f64,
    /// For how long, years.
    pub years: f64,
    /// The price of variance, 1/USD.
    pub risk_aversion: f64,
    /// What money costs, a year.
    pub money_rate: f64,
}

/// The cost of an instrument by cause, USD; negative is a gain.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cost {
    /// Expected funding, or the basis.
    pub carry_usd: f64,
    /// What the uncertainty of funding is priced at.
    pub risk_usd: f64,
    /// Half the spread, in and out and at each roll.
    pub spread_usd: f64,
    /// Fees of the same trades.
    pub fee_usd: f64,
    /// Rolls beyond spread and fee.
    pub roll_usd: f64,
    /// Money that stands as margin.
    pub margin_usd: f64,
    /// The risk that the venue fails.
    pub venue_usd: f64,
}

impl Side {
    /// +1 for a long hedge, -1 for a short one.
    #[must_use]
    pub const fn sign(self) -> f64 {
        match self {
            Self::Long => 1.0,
            Self::Short => -1.0,
        }
    }
}

impl Autoregression {
    /// Of a series of rates, one a period; none of fewer than thirty or of one that does not return to a mean.
    #[must_use]
    pub fn fit(rates: &[f64]) -> Option<Self> {
        if rates.len() < 30 || rates.iter().any(|rate| !rate.is_finite()) {
            return None;
        }
        let (before, after) = (rates.get(..rates.len() - 1)?, rates.get(1..)?);
        #[allow(clippy::cast_precision_loss)] // periods of years
        let count = before.len() as f64;
        let mean_of = |values: &[f64]| values.iter().sum::<f64>() / count;
        let (mean_before, mean_after) = (mean_of(before), mean_of(after));
        let pairs = || before.iter().zip(after).map(|(b, a)| (b - mean_before, a - mean_after));
        let across: f64 = pairs().map(|(b, a)| b * a).sum();
        let own: f64 = pairs().map(|(b, _)| b * b).sum();
        let persistence = across / own;
        if !(persistence > 0.0 && persistence < 1.0) {
            return None;
        }
        let missed: f64 = pairs().map(|(b, a)| persistence.mul_add(-b, a)).map(|miss| miss * miss).sum();
        Some(Self {
            mean: persistence.mul_add(-mean_before, mean_after) / (1.0 - persistence),
            persistence,
            residual_sd: (missed / (count - 2.0)).sqrt(),
        })
    }

    /// The process that has these rates at the ends of its periods.
    #[must_use]
    pub fn funding(&self, now: f64, cap: f64) -> Funding {
        let speed = -ln(self.persistence) * FUNDING_PERIODS;
        let left = self.persistence * self.persistence;
        let sd = self.residual_sd * FUNDING_PERIODS * (2.0 * speed / (1.0 - left)).sqrt();
        Funding {
            now: now * FUNDING_PERIODS,
            mean: self.mean * FUNDING_PERIODS,
            speed,
            sd,
            cap: cap * FUNDING_PERIODS,
        }
    }
}

impl Funding {
    /// What a holder of one unit of notional is expected to pay over a time, and how sure that is.
    #[must_use]
    pub fn over(&self, years: f64) -> Accumulated {
        let cap = self.cap.abs();
        let (now, mean) = (self.now.clamp(-cap, cap), self.mean.clamp(-cap, cap));
        let reach = self.speed * years;
        let weight = years * mean_decay(reach);
        let variance = if reach < 1e-3 {
            // sd² H³ / 3 (1 - 3/4 theta H): the three terms of the formula cancel to nothing here.
            self.sd * self.sd * years * years * years / 3.0 * (-0.75f64).mul_add(reach, 1.0)
        } else {
            let bent = mean_decay(reach).mul_add(-2.0, 1.0) + mean_decay(2.0 * reach);
            self.sd * self.sd / (self.speed * self.speed) * years * bent
        };
        Accumulated { mean: mean.mul_add(years, (now - mean) * weight), variance }
    }
}

/// (1 - e^-x) / x.
fn mean_decay(x: f64) -> f64 {
    if x < 1e-5 { x.mul_add(-0.5, 1.0) } else { (1.0 - exp(-x)) / x }
}

impl Cost {
    /// What an instrument costs over the time.
    #[must_use]
    pub fn of(candidate: &Candidate, need: &Need) -> Self {
        let size = need.notional_usd.abs();
        let (carry, variance, rolls, roll) = match candidate.running {
            Running::Perpetual(funding) => {
                let paid = funding.over(need.years);
                (paid.mean, paid.variance, 0.0, 0.0)
            }
            Running::Dated { basis, expiry_years, roll } => {
                let rolls = ((need.years / expiry_years).ceil() - 1.0).max(0.0);
                (basis * need.years / expiry_years, 0.0, rolls, roll)
            }
        };
        let trades = 2.0 * (1.0 + rolls);
        let margin = candidate.margin_share * size * need.years;
        Self {
            carry_usd: need.side.sign() * size * carry,
            risk_usd: 0.5 * need.risk_aversion * size * size * variance,
            spread_usd: trades * candidate.half_spread * size,
            fee_usd: trades * candidate.fee * size,
            roll_usd: rolls * roll * size,
            margin_usd: margin * need.money_rate,
            venue_usd: margin * candidate.venue_charge,
        }
    }

    /// The sum, USD.
    #[must_use]
    pub fn total_usd(&self) -> f64 {
        let Self { carry_usd, risk_usd, spread_usd, fee_usd, roll_usd, margin_usd, venue_usd } = self;
        carry_usd + risk_usd + spread_usd + fee_usd + roll_usd + margin_usd + venue_usd
    }
}

/// Every candidate by its place, the cheapest first; of equal ones the first given.
#[must_use]
pub fn rank(candidates: &[Candidate], need: &Need) -> Vec<(usize, Cost)> {
    let costs = candidates.iter().map(|candidate| Cost::of(candidate, need));
    let mut ranked: Vec<(usize, Cost)> = costs.enumerate().collect();
    ranked.sort_by(|a, b| a.1.total_usd().total_cmp(&b.1.total_usd()));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    const FUNDING: Funding = Funding { now: 0.3, mean: 0.1, speed: 40.0, sd: 2.0, cap: 8.0 };
    const NEED: Need = Need {
        side: Side::Short,
        notional_usd: 1e6,
        years: 30.0 / 365.0,
        risk_aversion: 1e-6,
        money_rate: 0.05,
    };

    fn perpetual(funding: Funding) -> Candidate {
        Candidate {
            running: Running::Perpetual(funding),
            half_spread: 1e-4,
            fee: 5e-4,
            margin_share: 0.1,
            venue_charge: 0.02,
        }
    }

    /// Exact sums over a fine autoregression: the rate held over each of many short periods.
    #[test]
    fn mean_and_variance_are_those_of_a_sum_over_fine_periods() {
        for (speed, years) in [(40.0, 30.0 / 365.0), (300.0, 0.5), (0.01, 0.1), (5.0, 0.02)] {
            let funding = Funding { speed, ..FUNDING };
            let count = 20_000;
            let step = years / f64::from(count);
            let kept = exp(-speed * step);
            let shock = funding.sd * funding.sd * (1.0 - kept * kept) / (2.0 * speed);
            // A shock after period k is in all later rates: kept^0 + ... + kept^(count - k - 1).
            let (mut mean, mut variance, mut off) = (0.0, 0.0, funding.now - funding.mean);
            let mut weight = 0.0;
            for _ in 0..count {
                mean += (funding.mean + off) * step;
                off *= kept;
                variance += shock * weight * weight * step * step;
                weight = kept * weight + 1.0;
            }
            let found = funding.over(years);
            // Left ends of periods: speed x step / 2, at most 4e-3 of the part that decays; three times it in the variance.
            let tolerance = 2.0 * speed * step + 1e-4;
            assert!((found.mean / mean - 1.0).abs() < tolerance, "{speed} {years}: {found:?} {mean}");
            assert!(
                (found.variance / variance - 1.0).abs() < tolerance,
                "{speed} {years}: {found:?} {variance}"
            );
        }
    }

    #[test]
    fn both_forms_of_the_variance_meet_where_they_change() {
        let years = 0.1;
        let of = |reach: f64| Funding { speed: reach / years, ..FUNDING }.over(years).variance;
        // Left out of the short form: 7/20 of the square of 1e-3; of the long one, 1e-16 over 1e-6.
        assert!((of(0.999_999e-3) / of(1.000_001e-3) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_short_receives_positive_funding_and_a_long_pays_it() {
        let steady = Funding { now: 0.1, mean: 0.1, sd: 0.0, ..FUNDING };
        let paid = |side| Cost::of(&perpetual(steady), &Need { side, ..NEED }).carry_usd;
        let expected = 1e6 * 0.1 * 30.0 / 365.0;
        assert!((paid(Side::Long) - expected).abs() < 1e-6 && (paid(Side::Short) + expected).abs() < 1e-6);
        let below = Funding { now: -0.1, mean: -0.1, ..steady };
        assert!(Cost::of(&perpetual(below), &NEED).carry_usd > 0.0, "a short pays negative funding");
        // What is over the cap is not paid.
        let wild = Funding { now: 100.0, mean: 100.0, cap: 1.0, ..steady };
        assert!((wild.over(1.0).mean - 1.0).abs() < 1e-12);
    }

    #[test]
    fn every_cause_is_in_the_total_and_has_its_sign() {
        let cost = Cost::of(&perpetual(FUNDING), &NEED);
        assert!(cost.carry_usd < 0.0 && cost.risk_usd > 0.0);
        assert!(
            (cost.spread_usd - 2.0 * 1e-4 * 1e6).abs() < 1e-9
                && (cost.fee_usd - 2.0 * 5e-4 * 1e6).abs() < 1e-9
        );
        assert!((cost.margin_usd - 0.1 * 1e6 * 30.0 / 365.0 * 0.05).abs() < 1e-9);
        assert!((cost.venue_usd / cost.margin_usd - 0.02 / 0.05).abs() < 1e-12);
        let parts =
            [cost.carry_usd, cost.risk_usd, cost.spread_usd, cost.fee_usd, cost.margin_usd, cost.venue_usd];
        assert!((cost.total_usd() - parts.iter().sum::<f64>()).abs() < 1e-9 && cost.roll_usd.abs() < 1e-300);
    }

    #[test]
    fn a_future_locks_its_basis_and_rolls_when_it_ends() {
        let dated = |expiry_years| Candidate {
            running: Running::Dated { basis: 0.02, expiry_years, roll: 1e-4 },
            ..perpetual(FUNDING)
        };
        let held = Cost::of(&dated(0.25), &Need { years: 0.25, ..NEED });
        assert!((held.carry_usd + 0.02 * 1e6).abs() < 1e-6 && held.roll_usd.abs() < 1e-12);
        let rolled = Cost::of(&dated(0.1), &Need { years: 0.25, ..NEED });
        // Three futures: two rolls, six trades.
        assert!((rolled.roll_usd - 2.0 * 1e-4 * 1e6).abs() < 1e-9);
        assert!((rolled.fee_usd - 6.0 * 5e-4 * 1e6).abs() < 1e-6);
    }

    #[test]
    fn the_rank_turns_with_the_side() {
        let rich = perpetual(Funding { now: 0.4, mean: 0.4, sd: 0.0, ..FUNDING });
        let dated =
            Candidate { running: Running::Dated { basis: 0.02, expiry_years: 0.25, roll: 0.0 }, ..rich };
        let first = |side| rank(&[dated, rich], &Need { side, ..NEED })[0].0;
        assert_eq!((first(Side::Short), first(Side::Long)), (1, 0));
        // Enough uncertainty turns it back.
        let wild = perpetual(Funding { sd: 200.0, ..FUNDING });
        assert_eq!(rank(&[dated, wild], &NEED)[0].0, 0);
    }

    #[test]
    fn an_autoregression_is_found_again() {
        // Residuals by a fixed multiplicative generator: uniform within one.
        let mut state = 12_345u64;
        let mut rate = 1e-4;
        let rates: Vec<f64> = (0..20_000)
            .map(|_| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let uniform = (state >> 11) as f64 / (1u64 << 53) as f64 * 2.0 - 1.0;
                rate = 1e-4 + 0.9 * (rate - 1e-4) + 3e-5 * uniform;
                rate
            })
            .collect();
        let found = Autoregression::fit(&rates).unwrap();
        // Standard errors: sqrt((1 - 0.81)/20000) = 0.003 of the persistence, 3e-5/sqrt3/0.1/sqrt(20000) = 1.2e-6 of the mean.
        assert!((found.persistence - 0.9).abs() < 0.012 && (found.mean - 1e-4).abs() < 5e-6, "{found:?}");
        assert!((found.residual_sd / (3e-5 / 3f64.sqrt()) - 1.0).abs() < 0.02);
        let funding = found.funding(5e-4, 3e-3);
        assert!((exp(-funding.speed / FUNDING_PERIODS) / found.persistence - 1.0).abs() < 1e-12);
        assert!((funding.now - 0.5475).abs() < 1e-12);
        assert_eq!(Autoregression::fit(&rates[..20]), None);
        assert_eq!(Autoregression::fit(&vec![1e-4; 100]), None);
    }
}
