//! Market state as data: snapshot, index, forward curve, quoted vols; prices from several sources, and the quality of feeds.
//!
//! Files are read by `lake` into [`RawSnapshot`]s; [`Snapshot::admit`] checks every row; [`Market::build`] makes one
//! coherent market of them, from which every contract is priced; [`Follower`] brings one up to date quote by quote. All of it is a pure
//! function of the rows.
//!
//! [`oracle`] makes one price of several sources and guards it; [`feed`] judges a feed by its own observations.

mod build;
mod bump;
pub mod feed;
mod forward;
pub mod oracle;
mod quoted;
mod raw;
mod runs;
mod snapshot;
mod state;
pub mod surface;
mod vols;

pub use build::{Changes, Follower};
pub use bump::{Bump, BumpAsked, BumpError};
pub use forward::{
    DISAGREEMENT_LIMIT_BP, ForwardCurve, ForwardPoint, ForwardSource, ParityPair, Synthetic, parity_pairs,
};
pub use quoted::Moves;
pub use raw::{Layout, RawQuote, RawSnapshot};
pub use snapshot::{
    FutureQuote, IndexWindow, Moved, NoMarket, OptionQuote, Published, Rows, Snapshot, SpotQuote, Taken,
};
pub use state::{Family, FutureState, Market, Missing, OptionState, Underlying, VolBasis, quote_currency};
pub use vols::{QuotedVols, VolPoint, VolSource};
