//! A trade that a rule asks for, with everything that a person needs to say yes or no.

use super::effect::Effect;
use super::margin_effect::MarginEffect;
use crate::event::ProposalId;
use book::Place;
use instrument::Listing;
use journal::Digest;
use risk::GroupKey;
use std::fmt;
use std::sync::Arc;
use units::{Fixed, Price, Quantity, Timestamp};

/// A trade that a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// Names it; the order that it becomes has the same name.
    pub id: ProposalId,
    /// The rule that asks.
    pub rule: String,
    /// The figure that made it ask.
    pub why: String,
    /// Where.
    pub place: Place,
    /// What.
    pub listing: Arc<Listing>,
    /// How much, signed.
    pub quantity: Quantity,
    /// The worst price.
    pub limit_price: Price,
    /// Its notional, USD.
    pub notional_usd: Fixed,
    /// Fees, USD.
    pub fee_usd: Fixed,
    /// What the limit price would cost against the mark at worst, USD.
    pub worst_slippage_usd: Fixed,
    /// Every limited figure that it moves.
    pub effects: Vec<Effect>,
    /// What it does to the margin of its account; empty without `[margin]`.
    pub margins: Vec<MarginEffect>,
    /// Hash of the figures above: what is approved is what was seen.
    pub inputs: Digest,
    /// When it was made.
    pub made: Timestamp,
    /// When it is dropped.
    pub expires: Timestamp,
}

/// Why a proposal is no longer open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Closed {
    /// The order is on its way: a person said yes.
    Approved {
        /// Who.
        who: String,
    },
    /// The order is on its way: its rule may act.
    Automatic,
    /// A person said no.
    Declined {
        /// Who.
        who: String,
    },
    /// Nobody said anything.
    Expired,
    /// It is no longer right.
    Withdrawn {
        /// Why.
        why: String,
    },
}

impl Proposal {
    /// Hash of everything but itself.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of_state(self.figures().as_bytes())
    }

    fn figures(&self) -> String {
        let Self { rule, why, place, listing, quantity, limit_price, notional_usd, .. } = self;
        let notional_usd = notional_usd.to_decimal_text(0);
        let mut text = format!(
            "{rule}: {place} {} {quantity} at {limit_price}, notional {notional_usd} USD, {why}",
            listing.symbol
        );
        for effect in &self.effects {
            text.push_str(&format!("; {effect}"));
        }
        for margin in &self.margins {
            text.push_str(&format!("; {margin}"));
        }
        format!(
            "{text}; fee {} USD, slippage at most {} USD",
            self.fee_usd.to_decimal_text(2),
            self.worst_slippage_usd.to_decimal_text(2)
        )
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<String> = self.group.iter().map(GroupKey::text).collect();
        let named = if keys.is_empty() { "book".to_owned() } else { keys.join(" ") };
        let Self { limit, before, after, worst, hard, .. } = self;
        let text = |figure: &Fixed| figure.to_decimal_text(0);
        write!(f, "{limit}, {named}: {} to {}", text(before), text(after))?;
        if worst != after {
            write!(f, " (at worst {})", text(worst))?;
        }
        write!(f, " of {}", text(hard))
    }
}

impl fmt::Display for Proposal {
    /// One line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inputs = self.inputs.to_string();
        write!(
            f,
            "{} by {}; inputs {}; until {}",
            self.id,
            self.figures(),
            inputs.get(..16).unwrap_or(&inputs),
            self.expires
        )
    }
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Approved { who } => write!(f, "approved by {who}"),
            Self::Automatic => f.write_str("sent by its rule"),
            Self::Declined { who } => write!(f, "declined by {who}"),
            Self::Expired => f.write_str("nobody answered in time"),
            Self::Withdrawn { why } => write!(f, "withdrawn: {why}"),
        }
    }
}
