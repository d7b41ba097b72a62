//! A book valued for its sums alone: the figures of [`crate::Valuation`] without its rows.
//!
//! A row carries a dozen names; where only sums are wanted, ten times a second, copying them would cost more than the figures. Lines
//! refer to the book instead, and are grouped by [`crate::group`] as rows are: the sums are the same to the last digit.
//!
//! ```
//! # fn example(book: book::Book, market: &market::Market) {
//! let sheet = risk::Sheet::new(std::sync::Arc::new(book), market);
//! for group in risk::group(sheet.lines(), &[risk::GroupBy::Underlying]) {
//!     println!("{:?}: {} USD", group.key, group.exposure.in_usd(risk::Measure::Value));
//! }
//! # }
//! ```

use crate::exposure::{
    Common, NOT_LOOKED_UP, Unpriced, balance_row, contracts_of, figures_of, kind, unpriced,
};
use crate::exposure::{PriceBoard, RowKind};
use crate::measure::Exposure;
use crate::placed::Placed;
use crate::priced::Priced;
use book::{Book, Position};
use market::{Market, Missing};
use rayon::prelude::*;
use std::sync::Arc;

/// Positions that one task values.
const BLOCK: usize = 512;

/// A book valued.
#[derive(Debug)]
pub struct Sheet {
    book: Arc<Book>,
    lines: Vec<Line>,
    /// Positions and balances that are in no sum.
    pub unpriced: Vec<Unpriced>,
}

#[derive(Debug)]
struct Line {
    of: Of,
    exposure: Exposure,
}

/// Which thing held, by its place in the book.
#[derive(Debug, Clone, Copy)]
enum Of {
    Position(usize),
    /// The gain of a position that is paid in another coin.
    Gain(usize),
    Balance(usize),
}

impl Sheet {
    /// Values every position and balance, on all threads of the current pool.
    #[must_use]
    pub fn new(book: Arc<Book>, market: &Market) -> Self {
        let (places, contracts) = contracts_of(&book);
        let mut assets = PriceBoard::default();
        for contract in &contracts {
            assets.add_asset(contract.settlement_asset(), market);
        }
        for balance in &book.balances {
            assets.add_asset(&balance.money.asset, market);
        }
        let priced: Vec<Result<Priced, Missing>> =
            contracts.par_iter().map(|contract| Priced::new(contract, market)).collect();
        let mut common: Vec<Common<'_>> = Vec::with_capacity(contracts.len());
        for (contract, priced) in contracts.iter().zip(&priced) {
            let settlement = assets.asset(contract.settlement_asset());
            common.push(Common::new(priced.as_ref().map_err(Clone::clone), settlement));
        }
        let held: Vec<(usize, (&Position, usize))> = book.positions.iter().zip(places).enumerate().collect();
        let block = |held: &[(usize, (&Position, usize))]| {
            let (mut lines, mut without) = (Vec::with_capacity(held.len()), Vec::new());
            for (place, (position, contract)) in held {
                let common = common.get(*contract).ok_or_else(|| NOT_LOOKED_UP.to_owned());
                match common.and_then(|common| figures_of(position, common, market)) {
                    Ok(figures) => {
                        lines.push(Line { of: Of::Position(*place), exposure: figures.own });
                        lines.extend(figures.gain.map(|gain| Line { of: Of::Gain(*place), exposure: *gain }));
                    }
                    Err(reason) => without.push(unpriced(position, reason)),
                }
            }
            (lines, without)
        };
        let parts: Vec<(Vec<Line>, Vec<Unpriced>)> = held.par_chunks(BLOCK).map(block).collect();
        let mut lines = Vec::with_capacity(held.len() + book.balances.len());
        let mut without = Vec::new();
        for (some, lacking) in parts {
            lines.extend(some);
            without.extend(lacking);
        }
        for (place, balance) in book.balances.iter().enumerate() {
            match balance_row(balance, &assets) {
                Ok(row) => lines.push(Line { of: Of::Balance(place), exposure: row.exposure }),
                Err(unpriced) => without.push(*unpriced),
            }
        }
        Self { lines, unpriced: without, book }
    }

    /// Figures and where they belong, in the order of the rows of [`crate::Valuation`].
    pub fn lines(&self) -> impl Iterator<Item = Placed<'_>> {
        self.lines.iter().filter_map(|line| self.placed(line))
    }

    /// True when something is missing from every sum.
    #[must_use]
    pub fn is_partial(&self) -> bool {
        !self.unpriced.is_empty()
    }

    fn placed<'a>(&'a self, Line { of, exposure }: &'a Line) -> Option<Placed<'a>> {
        let (Of::Position(place) | Of::Gain(place)) = of else {
            let Of::Balance(place) = of else { return None };
            let held = self.book.balances.get(*place)?;
            return Some(Placed {
                account: &held.account,
                venue: &held.venue,
                chain: &held.chain,
                underlying: &held.money.asset,
                expiry: None,
                kind: RowKind::Balance,
                exposure,
            });
        };
        let held = self.book.positions.get(*place)?;
        let contract = &held.listing.contract;
        let (underlying, kind) = match of {
            Of::Gain(_) => (contract.settlement_asset(), RowKind::Gain),
            _ => (&contract.underlying, kind(contract)),
        };
        Some(Placed {
            account: &held.account,
            venue: &held.venue,
            chain: &held.chain,
            underlying,
            expiry: contract.expiry(),
            kind,
            exposure,
        })
    }
}
