//! The commands on margin: `plimsoll margin`, `plimsoll liquidation`, `plimsoll whatif`.
//!
//! All of them load a desk (book, market, rules), ask the `margin` crate, and publish what it says ([`AccountFigures`] and its kin); documents
//! are what renderings are made from. Nothing here computes a requirement.

mod cheapest;
mod desk;
mod document;
mod faults;
mod figures;
mod fragmentation;
mod liquidation;
mod margin;
mod whatif;

pub(crate) use cheapest::{CheapestFigures, NotCandidate, PlaceFigures};
pub(crate) use desk::{Basis, Desk, margined};
pub(crate) use document::{Detail, MarginDocument, RulebookLine, Totals, missing};
pub(crate) use faults::{FaultFigures, FaultSide, FaultsFigures};
pub(crate) use figures::{
    AccountFigures, ChargeFigures, CollateralFigures, Extrapolated, Haircut, LegFigures, MarginFigures,
    Missing, MissingKind, Published, ScenarioFigures, Status, UnitFigures, WalletFigures,
};
pub(crate) use fragmentation::FragmentationFigures;
pub(crate) use liquidation::{
    DriverVol, DriverVolSource, LiquidationDocument, LiquidationRow, MARKET_VOL_DAYS, Place, RANGE_PERCENT,
    SideFigures,
};
pub(crate) use whatif::{Counts, Pair, WhatifDocument};

pub(crate) use liquidation::run as run_liquidation;
pub(crate) use margin::run as run_margin;
pub(crate) use whatif::run as run_whatif;
