//! What holds after any events.

use super::twin::{Ratio, payout_price, replay};
use super::*;
use crate::Counter;
use crate::ledger::exact::Fraction;
use num_bigint::BigInt;
use proptest::prelude::*;
use std::collections::BTreeMap;
use units::exact_product;

/// Every kind of contract, each with the places after the point that its prices have.
static LISTINGS: LazyLock<Vec<(Arc<Listing>, u32)>> = LazyLock::new(|| {
    vec![
        (listing("deribit", "BTC-PERPETUAL"), 1),
        (listing("deribit", "BTC_USDC-PERPETUAL"), 2),
        (listing("deribit", "BTC-27MAR26-100000-C"), 6),
        (listing("deribit", "BTC_USDC-27MAR26-100000-P"), 1),
        (listing("deribit", "BTC_USDC"), 2),
        (listing("okx", "BTC-USD-SWAP"), 1),
        (listing("okx", "BTC-USDT-SWAP"), 1),
        (listing("hyperliquid", "BTC"), 0),
        (listing("hyperliquid", "kPEPE"), 6),
        (quanto(), 2),
    ]
});

#[derive(Debug, Clone)]
pub(super) enum Event {
    Fill(Fill),
    Deposit(Place, Money),
    Withdraw(Place, Money),
    Transfer(Place, Place, Money),
    Funding(Place, Arc<Listing>, Money),
    Settle(Arc<Listing>, Price),
    SetBalance(Place, Money),
    SetPosition(Place, Arc<Listing>, Quantity, Option<Price>),
}

pub(super) fn apply(ledger: &mut Ledger, event: &Event) -> Result<Vec<Entry>, LedgerError> {
    match event {
        Event::Fill(fill) => ledger.fill(fill),
        Event::Deposit(place, money) => ledger.deposit(place, money),
        Event::Withdraw(place, money) => ledger.withdraw(place, money),
        Event::Transfer(from, to, money) => ledger.transfer((from, to), money),
        Event::Funding(place, listing, money) => ledger.funding(place, listing, money),
        Event::Settle(listing, price) => ledger.settle(listing, *price),
        Event::SetBalance(place, money) => ledger.set_balance(place, money),
        Event::SetPosition(place, listing, quantity, price) => {
            ledger.set_position(place, listing, (*quantity, *price))
        }
    }
}

fn any_quantity() -> impl Strategy<Value = Quantity> {
    // Few sizes, so that positions close in full and flip.
    (-8i64..=8, prop_oneof![Just((0, 1)), Just((1, 7)), Just((3, 333))])
        .prop_map(|(steps, (places, size))| Quantity::new(Decimal::new(steps * size, places).normalize()))
}

fn any_positive() -> impl Strategy<Value = Decimal> {
    (1i64..1_000_000_000_000, 1i64..1_000_000_000, 0u32..12)
        .prop_map(|(most, mantissa, places)| Decimal::new((mantissa % most).max(1), places).normalize())
}

fn any_money() -> impl Strategy<Value = Money> {
    let name = prop_oneof![Just("BTC"), Just("USDC"), Just("USDT")];
    (-1_000_000i64..5_000_000, 0u32..6, name).prop_map(|(mantissa, places, name)| Money {
        amount: Decimal::new(mantissa, places),
        asset: asset(name),
    })
}

/// Mostly sound; some ids repeat, some quantities are zero, some amounts negative, a few sizes beyond any digits.
fn any_event() -> impl Strategy<Value = Event> {
    let listing = (0..LISTINGS.len()).prop_map(|index| LISTINGS[index].clone());
    let shape = (listing, prop_oneof![Just("desk"), Just("fund"), Just("zulu")], 1i64..200_000);
    let rest = (any_quantity(), any_money(), 0u32..60, 0u32..12, 0u32..80, 0i64..30);
    (shape, rest).prop_map(|((shape, account, ticks), (quantity, money, kind, other, id, day))| {
        let (listing, places) = shape;
        let at = place(account, listing.venue.as_str());
        let price = Price::new(Decimal::new(ticks, places).normalize());
        match kind {
            0..35 => {
                let time = Timestamp::from_unix_nanos(day * 86_400_000_000_000 / 3);
                let fee = (other < 6).then(|| Money { amount: money.amount / d("1000"), ..money });
                let id = FillId::new(&id.to_string()).unwrap();
                let quantity = if other == 11 { Quantity::new(Decimal::MAX) } else { quantity };
                Event::Fill(Fill { id, place: at, listing, quantity, price, fee, time })
            }
            35..39 => Event::Deposit(at, money),
            39..42 => Event::Withdraw(at, money),
            42..46 => Event::Transfer(at, place("fund", "okx"), money),
            46..50 => Event::Funding(at, listing, money),
            50..53 => Event::Settle(listing, price),
            53..56 => Event::SetBalance(at, money),
            _ => Event::SetPosition(at, listing, quantity, (other < 8).then_some(price)),
        }
    })
}

pub(super) fn any_events(most: usize) -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(any_event(), 1..most)
}

/// As an integer over 10^28.
fn big(value: Decimal) -> BigInt {
    BigInt::from(value.mantissa()) * BigInt::from(10).pow(28 - value.scale())
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Party {
    Place(Place),
    Counter(Counter),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// The double entry, with the balances as the ledger has them against the counter accounts that the entries make.
    #[test]
    fn money_is_conserved_to_the_last_digit(events in any_events(60)) {
        let mut ledger = Ledger::new(2);
        let mut accounts: BTreeMap<(Asset, Party), BigInt> = BTreeMap::new();
        let mut quantities: BTreeMap<(Place, Symbol), BigInt> = BTreeMap::new();
        for event in &events {
            for entry in apply(&mut ledger, event).unwrap_or_default() {
                match entry.change {
                    Change::Balance(money) => {
                        let key = (money.asset, Party::Counter(entry.kind.counter()));
                        *accounts.entry(key).or_default() -= big(money.amount);
                    }
                    Change::Position { quantity, .. } => {
                        let symbol = entry.listing.unwrap().symbol.clone();
                        *quantities.entry((entry.place, symbol)).or_default() += big(quantity.get());
                    }
                    Change::Noted(_) => {}
                }
            }
            for ((asset, party), amount) in &accounts {
                prop_assert!(*party != Party::Counter(Counter::Transit) || *amount == BigInt::ZERO, "{}", asset);
            }
        }
        for (place, asset, amount) in ledger.balances() {
            accounts.insert((asset.clone(), Party::Place(place.clone())), big(amount));
        }
        let mut totals: BTreeMap<Asset, BigInt> = BTreeMap::new();
        for ((asset, _), amount) in &accounts {
            *totals.entry(asset.clone()).or_default() += amount;
        }
        prop_assert!(totals.values().all(|total| *total == BigInt::ZERO), "{:?}", totals);
        quantities.retain(|_, quantity| *quantity != BigInt::ZERO);
        let held = ledger.positions().map(|(place, held)| ((place.clone(), held.listing().symbol.clone()), big(held.quantity().get())));
        prop_assert_eq!(held.collect::<BTreeMap<_, _>>(), quantities);
    }

    /// Two sides of every trade: what both have realised less what both hold is exactly nothing, whatever was rounded.
    #[test]
    fn between_buyers_and_sellers_nothing_is_lost(
        trades in prop::collection::vec((0usize..4, 0usize..4, 1i64..30, 1i64..2_000_000, 0usize..3), 1..60),
    ) {
        let contracts = [listing("deribit", "BTC-PERPETUAL"), listing("deribit", "BTC_USDC-PERPETUAL"), quanto()];
        let mut ledger = Ledger::new(10);
        for (index, (buyer, seller, size, ticks, contract)) in trades.into_iter().enumerate() {
            for (side, (who, size)) in [(buyer, size), (seller, -size)].into_iter().enumerate() {
                ledger.fill(&Fill {
                    id: FillId::new(&format!("{index}-{side}")).unwrap(),
                    place: place(&who.to_string(), "deribit"),
                    listing: contracts[contract].clone(),
                    quantity: Quantity::new(Decimal::new(size, 1)),
                    price: Price::new(Decimal::new(ticks, 1)),
                    fee: None,
                    time: Timestamp::from_unix_nanos(0),
                }).unwrap();
            }
        }
        // The inverse contract and the quanto both pay BTC, with opposite signs of the entry value.
        let mut totals: BTreeMap<Asset, BigInt> = BTreeMap::new();
        for (_, asset, amount) in ledger.balances() {
            *totals.entry(asset.clone()).or_default() += big(amount);
        }
        for (_, held) in ledger.positions() {
            let entry = big(held.entry_value().unwrap());
            let total = totals.entry(held.value_asset().clone()).or_default();
            if held.listing().contract.settlement == Settlement::Inverse { *total += entry } else { *total -= entry }
        }
        prop_assert!(totals.values().all(|total| *total == BigInt::ZERO), "{:?}", totals);
    }

    /// One account, one listing, all fills again from the first after each: equal up to one unit of the eighteenth place for
    /// every rounding that the ledger names (two a fill: the value, the part; a flip has a second part).
    #[test]
    fn the_ledger_is_its_twin_up_to_the_named_roundings(
        which in 0usize..10,
        trades in prop::collection::vec((any_quantity(), 1i64..200_000), 1..25),
        settled in 50_000i64..150_000,
    ) {
        let (listing, places) = LISTINGS[which].clone();
        let mut desk = Desk::of(listing.clone());
        let mut replayed = Vec::new();
        let mut gains = Ratio::zero();
        let is_paid = matches!(listing.contract.terms, Terms::Option { .. } | Terms::Spot);
        let mut steps: Vec<(Quantity, Decimal, bool)> = trades
            .into_iter()
            .filter(|(quantity, _)| !quantity.is_zero())
            .map(|(quantity, ticks)| (quantity, Decimal::new(ticks, places), false))
            .collect();
        if listing.contract.terms != Terms::Spot {
            let last = steps.iter().map(|(quantity, ..)| quantity.get()).sum::<Decimal>();
            steps.push((Quantity::new(-last), Decimal::from(settled), true));
        }
        for (index, (quantity, price, is_settlement)) in steps.into_iter().enumerate() {
            let entries = if is_settlement {
                if quantity.is_zero() { break }
                let unit = payout_price(&listing, price);
                replayed.push((Ratio::from(quantity.get()), unit));
                desk.ledger.settle(&listing, Price::new(price)).unwrap()
            } else {
                replayed.push((Ratio::from(quantity.get()), Ratio::from(price)));
                let fill = Fill { quantity, price: Price::new(price), ..desk.next("1", "1") };
                desk.ledger.fill(&fill).unwrap()
            };
            // Price units make the price of a bundle the price of a canonical unit.
            let units = Ratio::from(listing.price_units);
            let trades: Vec<_> = replayed.iter().map(|(q, p)| (q.clone(), p.over(&units))).collect();
            let twin = replay(&listing, &trades);
            for gain in noted(&entries) {
                gains = gains.plus(&gain.into());
            }
            let roundings = 3 * (index + 1);
            let balance = Ratio::from(desk.balance(listing.contract.settlement_asset().as_str()));
            if is_paid {
                prop_assert!(balance.minus(&twin.cash).is_within(roundings));
                prop_assert!(gains.minus(&twin.realised).is_within(roundings));
            } else {
                prop_assert!(balance.minus(&twin.realised).is_within(roundings));
            }
            let held = desk.ledger.position(&desk.place, &listing.symbol);
            prop_assert_eq!(held.is_none(), twin.quantity.sign() == 0);
            let Some(held) = held else { continue };
            let entry = Ratio::from(held.entry_value().unwrap());
            let is_inverse = listing.contract.settlement == Settlement::Inverse && !is_paid;
            let expected = match &listing.contract.settlement {
                Settlement::Quanto { multiplier, .. } => twin.quantity.times(&twin.average).times(&(*multiplier).into()),
                _ if is_inverse => twin.quantity.over(&twin.average),
                _ => twin.quantity.times(&twin.average),
            };
            prop_assert!(entry.minus(&expected).is_within(roundings));
        }
    }

    /// Opening and closing in any parts realises, together, exactly the exit values less the entry value; sizes and prices of
    /// any magnitude, so that some fills need over 28 digits and are refused.
    #[test]
    fn parts_add_up_to_the_whole_exactly(
        fills in prop::collection::vec((any_positive(), any_positive(), 0u32..3), 1..30),
        is_inverse in any::<bool>(),
    ) {
        let name = if is_inverse { "BTC-PERPETUAL" } else { "BTC_USDC-PERPETUAL" };
        let mut desk = Desk::new("deribit", name);
        let mut value = BigInt::ZERO;
        for (size, price, direction) in fills {
            // Twice as often down as up, and no further than to nothing: most fills close a part.
            let held = desk.held().map_or(Decimal::ZERO, |(quantity, _)| quantity);
            let quantity = if direction == 0 || held.is_zero() { size } else { -size.min(held) };
            let fill = Fill { quantity: Quantity::new(quantity), price: Price::new(price), ..desk.next("1", "1") };
            if desk.ledger.fill(&fill).is_ok() {
                value += big(if is_inverse {
                    Fraction { of: quantity, part: Decimal::ONE, whole: price }.rounded(18).unwrap()
                } else {
                    exact_product(quantity, price).unwrap()
                });
            }
        }
        let balance = big(desk.balance(if is_inverse { "BTC" } else { "USDC" }));
        let entry = desk.held().map_or(BigInt::ZERO, |(_, entry)| big(entry));
        prop_assert_eq!(balance, if is_inverse { value - entry } else { entry - value });
    }

    /// Events of different accounts in any interleaving give one ledger with the same bytes.
    #[test]
    fn the_order_of_places_leaves_no_trace(events in any_events(40)) {
        let account = |event: &Event| match event {
            Event::Fill(fill) => Some(fill.place.clone()),
            Event::Deposit(place, _) | Event::Withdraw(place, _) | Event::Funding(place, ..)
            | Event::SetBalance(place, _) | Event::SetPosition(place, ..) => Some(place.clone()),
            Event::Transfer(..) | Event::Settle(..) => None,
        };
        let mut events: Vec<(Place, Event)> = events.into_iter().filter_map(|e| account(&e).map(|p| (p, e))).collect();
        let run = |events: &[(Place, Event)]| {
            let mut ledger = Ledger::new(2);
            for (_, event) in events {
                let _ = apply(&mut ledger, event);
            }
            let mut bytes = Vec::new();
            ledger.encode(&mut bytes);
            (ledger, bytes)
        };
        let one = run(&events);
        events.sort_by(|a, b| b.0.cmp(&a.0));
        prop_assert_eq!(one, run(&events));
    }

    #[test]
    fn an_error_changes_nothing(events in any_events(60)) {
        let mut ledger = Ledger::new(2);
        for event in &events {
            let before = ledger.clone();
            match apply(&mut ledger, event) {
                Err(error) => prop_assert_eq!(&ledger, &before, "{}", error),
                Ok(entries) => prop_assert!(entries.is_empty() || ledger != before),
            }
        }
    }

    /// The book has what the ledger has, in the order of books, and nothing twice.
    #[test]
    fn the_book_is_sorted_and_complete(events in any_events(60)) {
        let mut ledger = Ledger::new(2);
        for event in &events {
            let _ = apply(&mut ledger, event);
        }
        let book = ledger.book();
        let mut sorted = book.clone();
        sorted.sort();
        prop_assert_eq!(&book, &sorted);
        let spot = ledger.positions().filter(|(_, held)| held.listing().contract.terms == Terms::Spot).count();
        prop_assert_eq!(book.positions.len() + spot, ledger.positions().count());
        prop_assert_eq!(book.balances.len(), ledger.balances().count());
        for (place, held) in ledger.positions() {
            prop_assert_eq!(ledger.position(place, &held.listing().symbol), Some(held));
            prop_assert!(ledger.positions_of(&held.listing().contract).any(|found| found == (place, held)));
        }
    }
}
