//! How a hedge is sized, for a table and for JSON.

use hedge::policy::{Aim, Clock, FixedBand, Leland, Policy, Width};
use serde::Serialize;
use std::fmt;
use units::Fixed;

/// A policy of `hedge::policy` with its parameters; null where it has none.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(super) struct SizingJson {
    policy: &'static str,
    every_hours: Option<f64>,
    half_width_usd: Option<f64>,
    half_width_coins: Option<f64>,
    end: Option<&'static str>,
    risk_tolerance_usd: Option<f64>,
    target_daily_sd_usd: Option<f64>,
}

const HOURS_A_YEAR: f64 = 8760.0;

impl SizingJson {
    pub(super) fn of(policy: &Policy) -> Self {
        let named = Self { policy: policy.word(), ..Self::default() };
        match policy {
            Policy::Clock(Clock { interval_years }) | Policy::Leland(Leland { interval_years }) => {
                Self { every_hours: Some(interval_years * HOURS_A_YEAR), ..named }
            }
            Policy::Band(FixedBand { half_width, end }) => {
                let end = Some(if *end > 0.0 { "edge" } else { "middle" });
                match half_width {
                    Width::Usd(usd) => Self { half_width_usd: Some(*usd), end, ..named },
                    Width::Coins(coins) => Self { half_width_coins: Some(*coins), end, ..named },
                }
            }
            Policy::WhalleyWilmott(aim) | Policy::Zakamouline(aim) | Policy::TwoBands(aim) => match aim {
                Aim::Tolerance(tolerance) => Self { risk_tolerance_usd: Some(tolerance.usd()), ..named },
                Aim::DailySd(sd) => Self { target_daily_sd_usd: Some(sd.daily_sd_usd), ..named },
            },
        }
    }
}

impl fmt::Display for SizingJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = self.policy.replace('_', " ");
        let amount = |usd: f64| Fixed::quantise(usd).map_or_else(|_| usd.to_string(), super::table::amount);
        if let Some(hours) = self.every_hours {
            return write!(f, "{policy}, every {hours} h");
        }
        if let Some(usd) = self.half_width_usd {
            return write!(f, "±{} to {}", amount(usd), self.end.unwrap_or(""));
        }
        if let Some(coins) = self.half_width_coins {
            return write!(f, "±{coins} coins to {}", self.end.unwrap_or(""));
        }
        if let Some(usd) = self.target_daily_sd_usd {
            return write!(f, "{policy}, {} a day", amount(usd));
        }
        write!(f, "{policy}, tolerance {}", amount(self.risk_tolerance_usd.unwrap_or(0.0)))
    }
}
