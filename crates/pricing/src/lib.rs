//! Pure kernels: Black-76, greeks, implied vol, vectorised revaluation; knows numbers, not contracts.
//!
//! | module | what |
//! |---|---|
//! | [`black76`] | one option: value, all sensitivities, the coin view of inverse options |
//! | [`black_scholes`] | the same with the spot held |
//! | [`venue`] | venues' published greeks as views |
//! | [`settlement`] | options that settle on an average, before and inside the window |
//! | [`implied_vol`] | from price to vol |
//! | [`batch`] | many options at once |
//! | [`revalue`] | many options under many scenarios |
//! | [`accumulate`] | weighted sums of scenario rows |
//! | [`kernel`] | exp, ln, pow and the normal distribution |
//!
//! All results have the same bits on every machine and at every vector width; [`implied_vol::Reference`] is the one exception.
//! The model card, with measured accuracy and speed, is `docs/models/black76.md`.
//!
//! ```
//! use pricing::{Black76, OptionKind};
//! use units::{Discount, Forward, Strike, Vol, YearFraction};
//! // py_vollib's documented example: 5.5811067246048118.
//! let call = Black76 {
//!     forward: Forward::new(100.0)?,
//!     strike: Strike::new(100.0)?,
//!     vol: Vol::new(0.2)?,
//!     expiry: YearFraction::new(0.5)?,
//!     discount: Discount::new(pricing::kernel::exp(-0.02 * 0.5))?,
//!     kind: OptionKind::Call,
//! };
//! assert!((call.price() - 5.581_106_724_604_812).abs() < 2e-14 * 100.0);
//! # Ok::<(), units::UnitError>(())
//! ```

pub mod accumulate;
pub mod batch;
pub mod black76;
pub mod black_scholes;
mod dispatch;
pub mod implied_vol;
pub mod kernel;
mod lane;
pub mod revalue;
pub mod settlement;
pub mod venue;

pub use black_scholes::{BlackScholes, SpotGreeks};
pub use black76::{Black76, Greeks, InverseGreeks};
pub use dispatch::has_hardware_fma;
pub use units::OptionKind;
