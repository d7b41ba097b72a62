//! What a hedge's policy answers of the book as the views have it: `hedge::policy::sized` on exact sums and live prices.
//!
//! The cost is fee and half spread of the rule's row of `[[trading]]`, and the rule's fixed cost. Gamma is an exact sum that the views
//! keep; options come in the order of contracts, so that a restart gives the same bits.

use super::desk::Desk;
use crate::policy::Hedge;
use ::hedge::policy::{Cost, Looked, Reads, Sized};
use risk::{GroupBy, GroupKey, Measure};
use units::Timestamp;

const NANOS_A_YEAR: f64 = 365.0 * 86_400e9;

/// Asks the policy of a hedge that last traded then.
///
/// # Errors
/// What is missing, as text.
pub(crate) fn sized(desk: Desk<'_>, rule: &Hedge, acted: Option<Timestamp>) -> Result<Sized, String> {
    let spot_usd = desk.priced_asset(&rule.underlying).map_err(|missing| missing.to_string())?.spot_usd;
    let reads = rule.habits.reads(&rule.sizing);
    let mut gamma_1pct_usd = 0.0;
    if reads >= Reads::Gamma {
        let key = [GroupKey::Text(rule.underlying.to_string())];
        gamma_1pct_usd = desk.figure(&[GroupBy::Underlying], &key, Measure::Gamma).0.to_f64();
    }
    let options = if reads == Reads::Vol { desk.views.options(&rule.underlying) } else { Vec::new() };
    let looked = Looked {
        spot_usd,
        gamma_1pct_usd,
        options: &options,
        delta: rule.delta,
        cost: cost(desk, rule),
        // A clock that never traded has its time; the age of a hedge in a band counts from the first look.
        hedge_age_years: match acted {
            None if rule.sizing.interval_years().is_none() => 0.0,
            acted => age_years(desk.now, acted),
        },
    };
    Ok(::hedge::policy::sized(&rule.sizing, &rule.habits, &looked))
}

/// Years since a time; endless when there was none.
pub(crate) fn age_years(now: Timestamp, acted: Option<Timestamp>) -> f64 {
    acted.map_or(f64::INFINITY, |acted| {
        #[allow(clippy::cast_precision_loss)] // nanoseconds of years: an error of microseconds
        let nanos = now.unix_nanos().saturating_sub(acted.unix_nanos()) as f64;
        nanos / NANOS_A_YEAR
    })
}

fn cost(desk: Desk<'_>, rule: &Hedge) -> Cost {
    let proportional = desk.policy.trading_of(&rule.listing).map_or(0.0, |row| row.fee + row.half_spread);
    Cost { proportional: proportional.max(0.0), fixed_usd: rule.fixed_cost.to_f64() }
}
