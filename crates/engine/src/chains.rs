//! Blocks of chains, and the fills that a reorganisation may still undo.
//!
//! A fill in a block counts at once and is remembered until its block lies so deep that no reorganisation reaches it. When blocks are
//! replaced, the fills in them are undone, the last first: entries of the ledger are sums, so taking them back in the opposite order leaves
//! the ledger as if they had never been.

use crate::event::{BlockNumber, FillEvent};
use crate::orders::OpenOrder;
use book::Entry;
use std::collections::BTreeMap;
use units::Chain;

/// Blocks after which a fill is not undone any more: two epochs of Ethereum; chains with faster finality need less.
const FINAL_BLOCKS: u64 = 64;

/// A fill that may be undone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Provisional {
    pub(crate) block: BlockNumber,
    pub(crate) fill: FillEvent,
    /// What it booked.
    pub(crate) entries: Vec<Entry>,
    /// The order that it fills, as it was before.
    pub(crate) order: Option<OpenOrder>,
}

/// Heads of chains, and fills near them in the order of their arrival.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Chains {
    pub(crate) heads: BTreeMap<Chain, BlockNumber>,
    pub(crate) provisional: BTreeMap<Chain, Vec<Provisional>>,
}

impl Chains {
    /// A new block.
    ///
    /// # Errors
    /// One that does not come after the last.
    pub(crate) fn block(&mut self, chain: &Chain, number: BlockNumber) -> Result<(), String> {
        if let Some(head) = self.heads.get(chain)
            && number <= *head
        {
            return Err(format!(
                "block {number} of {chain} after block {head}: a reorganisation must be told first"
            ));
        }
        self.heads.insert(chain.clone(), number);
        if let Some(fills) = self.provisional.get_mut(chain) {
            fills.retain(|fill| fill.block.get() + FINAL_BLOCKS > number.get());
            if fills.is_empty() {
                self.provisional.remove(chain);
            }
        }
        Ok(())
    }

    /// A fill in a block.
    pub(crate) fn remember(&mut self, chain: &Chain, fill: Provisional) {
        self.provisional.entry(chain.clone()).or_default().push(fill);
    }

    /// Blocks from one on are gone: the fills in them, the last first, and whether blocks were replaced whose fills are no longer known.
    pub(crate) fn reorganise(&mut self, chain: &Chain, from: BlockNumber) -> (Vec<Provisional>, Depth) {
        let head = self.heads.get(chain).copied().unwrap_or(from);
        let before = BlockNumber::new(from.get().saturating_sub(1));
        self.heads.insert(chain.clone(), before.min(head));
        let fills = self.provisional.remove(chain).unwrap_or_default();
        let (gone, kept): (Vec<_>, Vec<_>) = fills.into_iter().partition(|fill| fill.block >= from);
        if !kept.is_empty() {
            self.provisional.insert(chain.clone(), kept);
        }
        let depth = if head.get() >= from.get() + FINAL_BLOCKS { Depth::BelowFinal } else { Depth::Known };
        (gone.into_iter().rev().collect(), depth)
    }
}

/// How deep a reorganisation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Every fill in the blocks is known.
    Known,
    /// It reaches blocks whose fills counted as final.
    BelowFinal,
}
