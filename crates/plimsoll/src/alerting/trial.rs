//! A channel tried out: one marked message, once.

use super::clock;
use super::message::Parcel;
use super::routes::{Channel, Routes};
use super::send::{Outcome, Sender};

/// Sends a test by a channel, and says why it did not arrive.
pub(crate) fn try_out(routes: &Routes, channel: &Channel) -> Result<(), String> {
    let sender = Sender::of(channel, &routes.hidden_variables)?;
    let parcel = Parcel::test(&channel.name, clock::time(), channel.format());
    match sender.send(&parcel, channel.timeout, &|| false) {
        Outcome::Arrived => Ok(()),
        Outcome::Again { why, .. } => Err(format!("{why}; a run would try again")),
        Outcome::Final { why } => Err(why),
    }
}
