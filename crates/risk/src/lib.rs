//! Scenarios, the cube, exposure, ladders, stress, reconciliation.
//!
//! ```text
//! book + market -> PriceBoard (each contract once) -> Valuation (rows, unpriced) -> groups, totals
//!                                                 -> lines (netted) x shocks -> Cube -> ladder, curve, stress
//! ```
//!
//! Everything is a pure function of book, market and scenario data. Model values are f64 up to the row; a row's figure is
//! quantised once ([`units::Fixed`]) and from there on sums are exact, whatever the order of rows or threads.

mod accounts;
mod chi_square;
pub mod covariance;
mod cube;
mod drivers;
pub mod explain;
mod exposure;
mod hedge_line;
pub mod history;
mod ladder;
mod measure;
mod placed;
mod priced;
mod reconcile;
mod report;
pub mod reverse;
mod scenario;
mod sheet;
mod shock;
mod shocked;
mod smile;
mod stress;
mod unit;
pub mod var;

pub use accounts::{AccountRows, Worst};
pub use cube::{Cube, CubeError};
pub use drivers::{Drivers, HELD, Proxies, Undriven, VolProxy};
pub use exposure::{
    FutureFigure, FuturePrices, Group, GroupBy, GroupKey, HeldPrices, Holding, PositionRows, PriceBoard, Row,
    RowKind, Unpriced, Valuation, balance_place, balance_row, balance_row_at, group, kind as row_kind,
    kind_word, position_place, position_rows, position_rows_at, publishable,
};
pub use hedge_line::{Aim, HedgeLine, Side, hedge_lines, net_delta_usd};
pub use ladder::{Cell, Curve, Horizon, Ladder};
pub use measure::{Exposure, Measure};
pub use placed::Placed;
pub use priced::{Form, Priced, Provenance, QuotedIn, UsdRates};
pub use reconcile::{Agreement, Break, Figure, Reconciliation};
pub use report::{Inputs, Report};
pub use scenario::{CurveAxes, LadderAxes, Scenario, ScenarioFile};
pub use sheet::Sheet;
pub use shock::{Shock, ShockSet, TenorShift, VolPlace, VolShift, slid_vol};
pub use shocked::{Line, LinePnl, ShockError, lines};
pub use smile::{PlacedSmile, SmileColumn, SmileRow, smile_greeks};
pub use stress::{StressLine, StressRow, stress};
pub use unit::Unit;
