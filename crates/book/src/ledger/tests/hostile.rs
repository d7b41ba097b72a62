//! Nothing panics, and what is refused changes nothing, whatever the numbers are.

use super::properties::{Event, apply};
use super::*;
use proptest::prelude::*;
use units::OptionKind;

/// Any decimal: extremes, zeros of several scales, and all lengths between.
fn any_decimal() -> impl Strategy<Value = Decimal> {
    let any = (any::<i128>(), 32u32..128, 0u32..=28)
        .prop_map(|(mantissa, drop, scale)| Decimal::from_i128_with_scale(mantissa >> drop, scale));
    let tiny = Decimal::new(1, 28);
    prop_oneof![
        4 => any,
        1 => prop::sample::select(vec![Decimal::MAX, Decimal::MIN, tiny, -tiny, Decimal::ZERO, -Decimal::ZERO]),
        2 => (-50i64..50).prop_map(Decimal::from),
    ]
}

/// Terms that no venue lists, too: sizes of zero and below, any strike.
fn any_listing() -> impl Strategy<Value = Arc<Listing>> {
    let sizes = (any_decimal(), any_decimal(), any_decimal(), any_decimal(), any::<bool>());
    (0usize..4, 0usize..3, sizes).prop_map(
        |(terms, settlement, (contract_size, price_units, third, strike, plain))| {
            let expiry = Timestamp::from_unix_nanos(0);
            let terms = [
                Terms::Spot,
                Terms::Perpetual,
                Terms::Future { expiry },
                Terms::Option { expiry, strike: Price::new(strike), kind: OptionKind::Put },
            ][terms]
                .clone();
            let currency = asset("USDC");
            let settlement = [
                Settlement::Inverse,
                Settlement::Linear { currency: currency.clone() },
                Settlement::Quanto { currency, multiplier: third },
            ][settlement]
                .clone();
            let contract = Contract { underlying: asset("BTC"), terms, settlement };
            let (contract_size, price_units) =
                if plain { (Decimal::ONE, Decimal::ONE) } else { (contract_size, price_units) };
            let (venue, symbol) = (Venue::new("deribit").unwrap(), Symbol::new("ANY").unwrap());
            Arc::new(Listing { venue, symbol, contract, contract_size, price_units })
        },
    )
}

fn any_event(listing: &Arc<Listing>) -> impl Strategy<Value = Event> + use<> {
    let listing = listing.clone();
    let numbers = (any_decimal(), any_decimal(), any_decimal(), any::<i64>(), any::<u8>());
    (0u32..14, numbers).prop_map(move |(kind, (size, at, other, time, id))| {
        let here = place("desk", "deribit");
        let money = Money { amount: other, asset: asset("USDC") };
        let (listing, quantity, price) = (listing.clone(), Quantity::new(size), Price::new(at));
        match kind {
            0..8 => Event::Fill(Fill {
                id: FillId::new(&id.to_string()).unwrap(),
                place: here,
                listing,
                quantity,
                price,
                fee: (kind == 0).then_some(money),
                time: Timestamp::from_unix_nanos(time),
            }),
            8 => Event::Deposit(here, money),
            9 => Event::SetBalance(here, money),
            10 => Event::Settle(listing, price),
            11 => Event::Transfer(here, place("fund", "deribit"), money),
            _ => Event::SetPosition(here, listing, quantity, (kind == 12).then_some(price)),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_number_panics(
        (days, events) in (any::<u32>(), any_listing().prop_flat_map(|l| prop::collection::vec(any_event(&l), 1..25)))
    ) {
        let mut ledger = Ledger::new(days);
        for event in &events {
            let before = ledger.clone();
            if let Err(error) = apply(&mut ledger, event) {
                prop_assert_eq!(&ledger, &before, "{}", error);
            }
            for (place, held) in ledger.positions() {
                let _ = held.gain_at(Price::new(held.quantity().get()), place);
            }
            let book = ledger.book();
            let _ = Ledger::from_book(&book, days);
        }
        let mut bytes = Vec::new();
        ledger.encode(&mut bytes);
    }
}
