//! Policies as they stand in files.
//!
//! ```toml
//! policy = "whalley_wilmott"      # clock, band, leland, whalley_wilmott, zakamouline or two_bands
//! risk_tolerance_usd = 50000.0    # or target_daily_sd_usd: what the hedge may miss a day
//! ```
//!
//! A clock and Leland have `every_hours`; a band has `half_width_usd` or `half_width_coins`, and `end`: `edge` or `middle`.

use super::{
    Aim, Band, Clock, DeltaPolicy, FixedBand, Leland, RiskTolerance, Sight, TrackingError, TwoBands,
    WhalleyWilmott, Width, Zakamouline,
};
use super::{whalley_wilmott, zakamouline};

/// A policy as a file says it; [`PolicySpec::checked`] makes it a [`Policy`].
#[derive(Debug, Clone, PartialEq, serde::Deserialize)]
#[serde(tag = "policy", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs)] // the header says what the fields are
pub enum PolicySpec {
    Clock { every_hours: f64 },
    Band { half_width_usd: Option<f64>, half_width_coins: Option<f64>, end: End },
    Leland { every_hours: f64 },
    WhalleyWilmott { risk_tolerance_usd: Option<f64>, target_daily_sd_usd: Option<f64> },
    Zakamouline { risk_tolerance_usd: Option<f64>, target_daily_sd_usd: Option<f64> },
    TwoBands { risk_tolerance_usd: Option<f64>, target_daily_sd_usd: Option<f64> },
}

/// Where a trade of a band ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// At its edge: the least that is traded.
    Edge,
    /// In its middle: the least often.
    Middle,
}

/// A policy that is none: which field breaks which rule.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{field} {value}: {rule}")]
pub struct PolicyError {
    /// The field.
    pub field: &'static str,
    /// Its value.
    pub value: String,
    /// What it has to be.
    pub rule: &'static str,
}

/// Which fields of a sight a policy reads: each needs the ones before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reads {
    /// The age of the hedge at most.
    Nothing,
    /// Gamma and costs.
    Gamma,
    /// Vol and expiry as well.
    Vol,
}

const HOURS_A_YEAR: f64 = 8760.0;

/// Any of the policies.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)] // each is documented where it is made
pub enum Policy {
    Clock(Clock),
    Band(FixedBand),
    Leland(Leland),
    WhalleyWilmott(Aim),
    Zakamouline(Aim),
    TwoBands(Aim),
}

impl PolicySpec {
    /// The policy.
    ///
    /// # Errors
    /// [`PolicyError`] for a number out of its range, and for two answers to one question or none.
    pub fn checked(&self) -> Result<Policy, PolicyError> {
        Ok(match self {
            Self::Clock { every_hours } => Policy::Clock(Clock { interval_years: years(*every_hours)? }),
            Self::Leland { every_hours } => Policy::Leland(Leland { interval_years: years(*every_hours)? }),
            Self::Band { half_width_usd, half_width_coins, end } => Policy::Band(FixedBand {
                half_width: width(*half_width_usd, *half_width_coins)?,
                end: if *end == End::Edge { 1.0 } else { 0.0 },
            }),
            Self::WhalleyWilmott { risk_tolerance_usd, target_daily_sd_usd } => {
                Policy::WhalleyWilmott(aim(*risk_tolerance_usd, *target_daily_sd_usd)?)
            }
            Self::Zakamouline { risk_tolerance_usd, target_daily_sd_usd } => {
                Policy::Zakamouline(aim(*risk_tolerance_usd, *target_daily_sd_usd)?)
            }
            Self::TwoBands { risk_tolerance_usd, target_daily_sd_usd } => {
                Policy::TwoBands(aim(*risk_tolerance_usd, *target_daily_sd_usd)?)
            }
        })
    }
}

fn years(hours: f64) -> Result<f64, PolicyError> {
    if hours > 0.0 && hours <= HOURS_A_YEAR {
        return Ok(hours / HOURS_A_YEAR);
    }
    Err(PolicyError { field: "every_hours", value: hours.to_string(), rule: "above 0 and at most 8760" })
}

fn width(usd: Option<f64>, coins: Option<f64>) -> Result<Width, PolicyError> {
    const RULE: &str = "0 or more, in half_width_usd or in half_width_coins, one of the two";
    let is_right = |width: f64| (0.0..=1e15).contains(&width);
    match (usd, coins) {
        (Some(usd), None) if is_right(usd) => Ok(Width::Usd(usd)),
        (None, Some(coins)) if is_right(coins) => Ok(Width::Coins(coins)),
        _ => Err(PolicyError { field: "half_width", value: said(usd.or(coins)), rule: RULE }),
    }
}

fn aim(tolerance: Option<f64>, sd: Option<f64>) -> Result<Aim, PolicyError> {
    const RULE: &str =
        "above 0 and at most 1e15, in risk_tolerance_usd or in target_daily_sd_usd, one of the two";
    let wrong = |_| PolicyError { field: "risk_tolerance_usd", value: said(tolerance.or(sd)), rule: RULE };
    match (tolerance, sd) {
        (Some(usd), None) => RiskTolerance::from_usd(usd).map(Aim::Tolerance).map_err(wrong),
        (None, Some(usd)) => RiskTolerance::from_usd(usd)
            .map(|sd| Aim::DailySd(TrackingError { daily_sd_usd: sd.usd() }))
            .map_err(wrong),
        _ => Err(PolicyError { field: "risk_tolerance_usd", value: said(tolerance.and(sd)), rule: RULE }),
    }
}

fn said(value: Option<f64>) -> String {
    value.map_or_else(|| "(none, or two)".to_owned(), |value| value.to_string())
}

impl Policy {
    /// The word of the policy, as in files.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Clock(_) => "clock",
            Self::Band(_) => "band",
            Self::Leland(_) => "leland",
            Self::WhalleyWilmott(_) => "whalley_wilmott",
            Self::Zakamouline(_) => "zakamouline",
            Self::TwoBands(_) => "two_bands",
        }
    }

    /// Time between the trades of a clock, years; none for a band.
    #[must_use]
    pub const fn interval_years(&self) -> Option<f64> {
        match self {
            Self::Clock(Clock { interval_years }) | Self::Leland(Leland { interval_years }) => {
                Some(*interval_years)
            }
            Self::Band(_) | Self::WhalleyWilmott(_) | Self::Zakamouline(_) | Self::TwoBands(_) => None,
        }
    }

    /// Which fields of a [`Sight`] it reads, besides the spot.
    #[must_use]
    pub const fn reads(&self) -> Reads {
        match self {
            Self::Clock(_) | Self::Band(_) => Reads::Nothing,
            Self::WhalleyWilmott(Aim::Tolerance(_)) | Self::TwoBands(Aim::Tolerance(_)) => Reads::Gamma,
            Self::Leland(_) | Self::WhalleyWilmott(_) | Self::Zakamouline(_) | Self::TwoBands(_) => {
                Reads::Vol
            }
        }
    }

    /// The risk tolerance that the policy has at this moment; none for those without.
    #[must_use]
    pub fn risk_tolerance(&self, sight: &Sight) -> Option<RiskTolerance> {
        match self {
            Self::Clock(_) | Self::Band(_) | Self::Leland(_) => None,
            Self::WhalleyWilmott(aim) => Some(of_whalley_wilmott(aim, sight)),
            Self::Zakamouline(aim) => Some(of_zakamouline(aim, sight)),
            Self::TwoBands(aim) => Some(of_two_bands(aim, sight)),
        }
    }
}

const fn with_whalley_wilmott(risk_tolerance: RiskTolerance) -> WhalleyWilmott {
    WhalleyWilmott { risk_tolerance }
}

const fn with_zakamouline(risk_tolerance: RiskTolerance) -> Zakamouline {
    Zakamouline { risk_tolerance }
}

const fn two_bands(risk_tolerance: RiskTolerance) -> TwoBands {
    TwoBands { risk_tolerance }
}

fn of_whalley_wilmott(aim: &Aim, sight: &Sight) -> RiskTolerance {
    aim.tolerance(|wanted| whalley_wilmott::tolerance_of(wanted, sight))
}

fn of_zakamouline(aim: &Aim, sight: &Sight) -> RiskTolerance {
    aim.tolerance(|wanted| zakamouline::tolerance_of(wanted, sight))
}

fn of_two_bands(aim: &Aim, sight: &Sight) -> RiskTolerance {
    aim.tolerance(|wanted| RiskTolerance::searched(wanted, sight, two_bands))
}

impl DeltaPolicy for Policy {
    fn variance_factor(&self, sight: &Sight) -> f64 {
        match self {
            Self::Clock(_) | Self::Band(_) | Self::WhalleyWilmott(_) | Self::TwoBands(_) => 1.0,
            Self::Leland(policy) => policy.variance_factor(sight),
            Self::Zakamouline(aim) => with_zakamouline(of_zakamouline(aim, sight)).variance_factor(sight),
        }
    }

    fn band(&self, sight: &Sight) -> Band {
        match self {
            Self::Clock(policy) => policy.band(sight),
            Self::Band(policy) => policy.band(sight),
            Self::Leland(policy) => policy.band(sight),
            Self::WhalleyWilmott(aim) => with_whalley_wilmott(of_whalley_wilmott(aim, sight)).band(sight),
            Self::Zakamouline(aim) => with_zakamouline(of_zakamouline(aim, sight)).band(sight),
            Self::TwoBands(aim) => two_bands(of_two_bands(aim, sight)).band(sight),
        }
    }
}
