//! Orders and transfers on a copy of the ledger, and other rules by account: exact, or refused with the reason.

use super::Question;
use crate::frame::{Frame, OtherRules};
use book::{Book, Fill, Ledger, Place};
use instrument::{Listing, Specs, resolve};
use margin::Rulebooks;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, LazyLock};
use units::{Account, Asset, Chain, FillId, Issues, Money, Price, Symbol, Venue};

static SPECS: LazyLock<Specs> = LazyLock::new(Specs::embedded);
static EMBEDDED: LazyLock<Result<Rulebooks, Issues>> = LazyLock::new(Rulebooks::embedded);

/// A trade that might be done.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    pub(crate) account: String,
    pub(crate) venue: String,
    /// `offchain` for an exchange; that is what it is without it.
    #[serde(default = "offchain")]
    pub(crate) chain: String,
    /// As the venue writes it.
    pub(crate) instrument: String,
    /// Signed, in the unit of the listing.
    pub(crate) quantity: String,
    /// In the quote unit of the listing; the mark without it.
    #[serde(default)]
    pub(crate) price: Option<String>,
}

/// Money that might be moved.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transfer {
    pub(crate) account: String,
    pub(crate) venue: String,
    #[serde(default = "offchain")]
    pub(crate) chain: String,
    pub(crate) to_account: String,
    pub(crate) to_venue: String,
    #[serde(default = "offchain")]
    pub(crate) to_chain: String,
    pub(crate) asset: String,
    pub(crate) amount: String,
}

fn offchain() -> String {
    "offchain".into()
}

/// A change that could not be applied.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Refused {
    what: String,
    why: String,
}

#[allow(clippy::needless_pass_by_value)] // used as a map_err function
fn text(error: impl ToString) -> String {
    error.to_string()
}

fn place(account: &str, venue: &str, chain: &str) -> Result<Place, String> {
    Ok(Place {
        account: Account::new(account).map_err(text)?,
        venue: Venue::new(venue).map_err(text)?,
        chain: Chain::new(chain).map_err(text)?,
    })
}

/// The book after orders and transfers, what could not be applied, and the rest in words.
pub(super) fn apply(frame: &Frame, question: &Question) -> (Book, Vec<Refused>, Vec<String>) {
    if question.orders.is_empty() && question.transfers.is_empty() {
        return (frame.book().clone(), Vec::new(), Vec::new());
    }
    let mut ledger = frame.engine().ledger().clone();
    let (mut refused, mut said) = (Vec::new(), Vec::new());
    for (number, order) in question.orders.iter().enumerate() {
        let what = format!("{} {} at {}@{}", order.quantity, order.instrument, order.account, order.venue);
        match trade(frame, &mut ledger, (number, order)) {
            Ok(()) => said.push(what),
            Err(why) => refused.push(Refused { what, why }),
        }
    }
    for transfer in &question.transfers {
        let Transfer { account, venue, to_account, to_venue, asset, amount, .. } = transfer;
        let what = format!("{amount} {asset} from {account}@{venue} to {to_account}@{to_venue}");
        match moved(&mut ledger, transfer) {
            Ok(()) => said.push(what),
            Err(why) => refused.push(Refused { what, why }),
        }
    }
    (ledger.book(), refused, said)
}

fn trade(frame: &Frame, ledger: &mut Ledger, (number, order): (usize, &Order)) -> Result<(), String> {
    let place = place(&order.account, &order.venue, &order.chain)?;
    let symbol = Symbol::new(&order.instrument).map_err(text)?;
    let resolved = resolve(&place.venue, &symbol, &SPECS).map_err(text)?;
    let [leg] = resolved.legs.as_slice() else {
        return Err("is a combo: ask for its legs".into());
    };
    let listing = Arc::new(leg.listing.clone());
    let price = match &order.price {
        Some(price) => price.parse().map_err(text)?,
        None => mark(frame, &listing)?,
    };
    let fill = Fill {
        id: FillId::new(&format!("what-if {number}")).map_err(text)?,
        place,
        listing,
        quantity: order.quantity.parse().map_err(text)?,
        price,
        fee: None,
        time: frame.engine().now(),
    };
    ledger.fill(&fill).map(drop).map_err(text)
}

/// The venue's mark.
fn mark(frame: &Frame, listing: &Listing) -> Result<Price, String> {
    let quotes = frame.engine().quotes();
    let key = (listing.venue.clone(), listing.symbol.clone());
    let option = quotes.options.get(&key).map(|quote| quote.mark_price);
    let found = option.or_else(|| quotes.futures.get(&key).map(|quote| quote.mark_price.get()));
    let found = found.or_else(|| quotes.spots.get(&key).map(|quote| quote.mark_price.get()));
    let mark = found.ok_or("has no quote, so no mark to trade at: give a price")?;
    mark.to_string().parse().map_err(text)
}

fn moved(ledger: &mut Ledger, transfer: &Transfer) -> Result<(), String> {
    let from = place(&transfer.account, &transfer.venue, &transfer.chain)?;
    let to = place(&transfer.to_account, &transfer.to_venue, &transfer.to_chain)?;
    let money = Money::parse(&transfer.amount, Asset::new(&transfer.asset).map_err(text)?).map_err(text)?;
    ledger.transfer((&from, &to), &money).map(drop).map_err(text)
}

/// Other rules, by account.
pub(super) fn rules(frame: &Frame, question: &Question, refused: &mut Vec<Refused>) -> OtherRules {
    let given = frame.engine().margins().rulebooks();
    let mut rules = OtherRules::new();
    for other in &question.rulebooks {
        let found = given.get(&other.rulebook).or_else(|| EMBEDDED.as_ref().ok()?.get(&other.rulebook));
        let place = place(&other.account, &other.venue, "offchain");
        match (found, place) {
            (Some(book), Ok(place)) => drop(rules.insert((place.account, place.venue), book.clone())),
            (None, _) => refused.push(Refused {
                what: format!("rulebook '{}'", other.rulebook),
                why: "is not there: `plimsoll rulebook list` names those that ship".into(),
            }),
            (_, Err(why)) => {
                refused.push(Refused { what: format!("{}@{}", other.account, other.venue), why });
            }
        }
    }
    rules
}
