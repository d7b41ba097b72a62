//! Accounting rules, one case each.

use super::*;

#[test]
fn a_linear_perpetual_opens_adds_reduces_and_closes() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    assert_eq!(paid(&desk.fill("2", "60000")), [], "no cash moves when a future opens");
    assert_eq!(desk.held(), Some((d("2"), d("2") * d("60000"))));
    desk.fill("1", "63000");
    let entry = d("2") * d("60000") + d("63000");
    assert_eq!(desk.held(), Some((d("3"), entry)));
    // Average cost: a third of the position takes a third of the entry value.
    let entries = desk.fill("-1", "64000");
    assert_eq!(paid(&entries), [(EntryKind::Realised, d("64000") - entry / d("3"))]);
    assert_eq!(desk.held(), Some((d("2"), entry * d("2") / d("3"))));
    desk.fill("-2", "60500");
    assert_eq!(desk.held(), None);
    // All that was sold for less all that was bought for.
    assert_eq!(desk.balance("USDC"), d("64000") + d("2") * d("60500") - entry);
}

#[test]
fn a_third_of_an_entry_value_is_rounded_once_and_the_rest_stays() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    desk.fill("3", "100");
    desk.fill("4", "50.1");
    let entry = d("3") * d("100") + d("4") * d("50.1");
    desk.fill("-1", "100");
    // 500.4 / 7 to 18 places.
    let part = d("71.485714285714285714");
    assert_eq!(desk.held(), Some((d("6"), entry - part)));
    assert_eq!(desk.balance("USDC"), d("100") - part);
    desk.fill("-6", "10");
    assert_eq!((desk.held(), desk.balance("USDC")), (None, d("100") + d("6") * d("10") - entry));
}

#[test]
fn beside_a_large_balance_a_part_has_fewer_places_and_nothing_is_refused() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    // Twelve digits leave sixteen places.
    desk.ledger.deposit(&desk.place, &money("500000000000", "USDC")).unwrap();
    desk.fill("3", "100");
    desk.fill("4", "50.1");
    desk.fill("-1", "100");
    let (entry, part) = (d("3") * d("100") + d("4") * d("50.1"), d("71.4857142857142857"));
    assert_eq!(desk.held(), Some((d("6"), entry - part)));
    assert_eq!(desk.balance("USDC"), d("500000000000") + d("100") - part);
}

#[test]
fn closing_in_full_takes_every_digit_beyond_the_rounding() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    desk.fill("0.0000000003", "0.0000000007");
    assert_eq!(desk.held(), Some((d("3e-10"), d("21e-20"))));
    desk.fill("-0.0000000003", "0.0000000009");
    assert_eq!((desk.held(), desk.balance("USDC")), (None, d("27e-20") - d("21e-20")));
}

#[test]
fn a_fill_through_zero_closes_and_opens() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    desk.fill("-2", "60000");
    let entries = desk.fill("5", "59000");
    assert_eq!(paid(&entries), [(EntryKind::Realised, d("2") * (d("60000") - d("59000")))]);
    assert_eq!(desk.held(), Some((d("3"), d("3") * d("59000"))));
    let quantities: Vec<Decimal> = entries
        .iter()
        .filter_map(|entry| match entry.change {
            Change::Position { quantity, .. } => Some(quantity.get()),
            _ => None,
        })
        .collect();
    assert_eq!(quantities, [d("2"), d("3")], "what is closed and what is opened are two entries");
}

#[test]
fn an_inverse_perpetual_is_entered_and_paid_in_coin() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    desk.fill("120000", "60000");
    assert_eq!(desk.held(), Some((d("120000"), d("120000") / d("60000"))));
    desk.fill("40000", "80000");
    let entry = d("2") + d("0.5");
    assert_eq!(desk.held(), Some((d("160000"), entry)));
    // Long gains coin when the price rises: 1/entry - 1/exit per USD.
    desk.fill("-80000", "100000");
    assert_eq!(desk.balance("BTC"), entry / d("2") - d("80000") / d("100000"));
    // Through zero: 80,000 USD close, 20,000 open.
    desk.fill("-100000", "50000");
    assert_eq!(desk.balance("BTC"), d("0.45") + (entry / d("2") - d("80000") / d("50000")));
    assert_eq!(desk.held(), Some((d("-20000"), -d("20000") / d("50000"))));
    // Short gains coin when the price falls.
    let before = desk.balance("BTC");
    desk.fill("20000", "40000");
    assert_eq!(desk.balance("BTC") - before, d("20000") / d("40000") - d("20000") / d("50000"));
    assert_eq!(desk.held(), None);
}

#[test]
fn an_inverse_value_is_rounded_half_even_to_18_places_once() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    desk.fill("10", "60000");
    assert_eq!(desk.held(), Some((d("10"), d("0.000166666666666667"))));
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    // 1 / (2e18) is half of the last place, and goes to the even neighbour: nothing.
    desk.fill("1", "2e18");
    assert_eq!(desk.held(), Some((d("1"), d("0"))));
    // 3 / (2e18) goes up to the even neighbour.
    desk.fill("3", "2e18");
    assert_eq!(desk.held(), Some((d("4"), d("2e-18"))));
}

#[test]
fn contract_size_makes_quantities_canonical() {
    // 0.01 BTC a contract; 100 USD a contract.
    let mut linear = Desk::new("okx", "BTC-USDT-SWAP");
    linear.fill("150", "60000");
    assert_eq!(linear.held(), Some((d("150"), d("150") * d("0.01") * d("60000"))));
    let mut inverse = Desk::new("okx", "BTC-USD-SWAP");
    inverse.fill("30", "60000");
    assert_eq!(inverse.held(), Some((d("30"), d("30") * d("100") / d("60000"))));
    let book = inverse.ledger.book();
    assert_eq!(
        (book.positions[0].canonical_quantity, book.positions[0].average_price),
        (d("3000"), Some(price("60000")))
    );
}

#[test]
fn a_price_of_a_bundle_is_that_of_a_thousand_coins() {
    // One kPEPE is 1000 PEPE at the price of 1000 PEPE.
    let mut desk = Desk::new("hyperliquid", "kPEPE");
    desk.fill("500", "0.0123");
    assert_eq!(desk.held(), Some((d("500"), d("500") * d("0.0123"))));
    let position = &desk.ledger.book().positions[0];
    assert_eq!((position.canonical_quantity, position.average_price), (d("500000"), Some(price("0.0123"))));
}

#[test]
fn a_quanto_pays_its_multiplier_in_a_third_currency() {
    let mut desk = Desk::of(quanto());
    desk.fill("10", "3000");
    desk.fill("-4", "3500");
    assert_eq!(desk.balance("BTC"), d("4") * d("0.0001") * (d("3500") - d("3000")));
    assert_eq!(desk.held(), Some((d("6"), d("6") * d("0.0001") * d("3000"))));
    assert_eq!(desk.ledger.book().positions[0].average_price, Some(price("3000")));
}

#[test]
fn an_inverse_option_costs_coin_at_the_fill_and_its_gain_is_information() {
    let mut desk = Desk::new("deribit", "BTC-27MAR26-100000-C");
    let entries = desk.fill("10", "0.05");
    assert_eq!(paid(&entries), [(EntryKind::Premium, -d("10") * d("0.05"))]);
    let entries = desk.fill("-4", "0.08");
    assert_eq!(paid(&entries), [(EntryKind::Premium, d("4") * d("0.08"))]);
    assert_eq!(noted(&entries), [d("4") * (d("0.08") - d("0.05"))]);
    assert_eq!(desk.balance("BTC"), d("4") * d("0.08") - d("10") * d("0.05"));
    assert_eq!(desk.held(), Some((d("6"), d("6") * d("0.05"))));
}

#[test]
fn a_linear_option_costs_its_currency() {
    // Contracts of 0.01 BTC would be OKX; Bybit counts coins.
    let mut desk = Desk::new("bybit", "BTC-6JAN23-17500-C");
    desk.fill("-3", "420");
    assert_eq!(desk.balance("USDC"), d("3") * d("420"));
    let entries = desk.fill("3", "20");
    assert_eq!(
        (desk.balance("USDC"), noted(&entries)),
        (d("3") * (d("420") - d("20")), vec![d("3") * d("400")])
    );
}

#[test]
fn spot_exchanges_coin_for_currency_and_is_no_position_of_the_book() {
    let mut desk = Desk::new("deribit", "BTC_USDC");
    desk.fill("2", "60000");
    assert_eq!((desk.balance("BTC"), desk.balance("USDC")), (d("2"), -d("2") * d("60000")));
    let entries = desk.fill("-0.5", "64000");
    assert_eq!(noted(&entries), [d("0.5") * (d("64000") - d("60000"))]);
    assert_eq!((desk.balance("BTC"), desk.balance("USDC")), (d("1.5"), d("32000") - d("120000")));
    assert_eq!(desk.held(), Some((d("1.5"), d("1.5") * d("60000"))), "its average price is kept");
    let book = desk.ledger.book();
    assert_eq!((book.positions.len(), book.balances.len()), (0, 2), "coins count once");
}

#[test]
fn a_fee_is_paid_from_its_own_asset_and_a_rebate_received() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    let fill = Fill { fee: Some(money("12.5", "USDC")), ..desk.next("1", "60000") };
    assert_eq!(paid(&desk.ledger.fill(&fill).unwrap()), [(EntryKind::Fee, d("-12.5"))]);
    let fill = Fill { fee: Some(money("-0.001", "BTC")), ..desk.next("-1", "60100") };
    desk.ledger.fill(&fill).unwrap();
    assert_eq!((desk.balance("USDC"), desk.balance("BTC")), (d("100") - d("12.5"), d("0.001")));
    desk.ledger.fee(&desk.place, &money("7.5", "USDC")).unwrap();
    assert_eq!(desk.balance("USDC"), d("100") - d("12.5") - d("7.5"));
}

#[test]
fn funding_deposits_withdrawals_and_transfers_move_balances() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    let (here, there) = (desk.place.clone(), place("desk", "okx"));
    desk.ledger.deposit(&here, &money("5", "BTC")).unwrap();
    desk.ledger.withdraw(&here, &money("1.5", "BTC")).unwrap();
    desk.ledger.funding(&here, &desk.listing, &money("-0.01", "BTC")).unwrap();
    let entries = desk.ledger.transfer((&here, &there), &money("2", "BTC")).unwrap();
    assert_eq!(paid(&entries), [(EntryKind::Transfer, d("-2")), (EntryKind::Transfer, d("2"))]);
    assert_eq!(desk.balance("BTC"), d("5") - d("1.5") - d("0.01") - d("2"));
    assert_eq!(desk.ledger.balance(&there, &asset("BTC")), d("2"));
    desk.ledger.withdraw(&there, &money("2", "BTC")).unwrap();
    assert!(desk.ledger.balances().all(|(place, ..)| *place == here), "what is empty is gone");
}

#[test]
fn options_pay_out_at_settlement() {
    // Symbol, settlement price, payout of one unit.
    let cases = [
        ("deribit", "BTC-27MAR26-100000-C", "125000", (d("125000") - d("100000")) / d("125000"), "BTC"),
        ("deribit", "BTC-27MAR26-100000-C", "100000", d("0"), "BTC"),
        ("deribit", "BTC-27MAR26-100000-C", "80000", d("0"), "BTC"),
        ("deribit", "BTC-27MAR26-100000-P", "80000", (d("100000") - d("80000")) / d("80000"), "BTC"),
        ("deribit", "BTC-27MAR26-100000-P", "125000", d("0"), "BTC"),
        ("bybit", "BTC-27MAR26-100000-C", "125000", d("125000") - d("100000"), "USDC"),
        ("bybit", "BTC-27MAR26-100000-P", "0", d("100000"), "USDC"),
        ("derive", "ETH-20270625-6000-C", "6500", d("6500") - d("6000"), "USDC"),
    ];
    for (venue, symbol, settled, payout, name) in cases {
        for size in ["4", "-4"] {
            let mut desk = Desk::new(venue, symbol);
            desk.fill(size, "0.01");
            let premium = -d(size) * d("0.01");
            let entries = desk.ledger.settle(&desk.listing.clone(), price(settled)).unwrap();
            assert_eq!(desk.balance(name), premium + d(size) * payout, "{venue} {symbol} at {settled}");
            assert_eq!(noted(&entries), [premium + d(size) * payout], "{venue} {symbol} at {settled}");
            assert_eq!(desk.held(), None);
        }
    }
}

#[test]
fn futures_realise_at_settlement_for_every_place_and_listing_of_the_venue_alone() {
    let mut desk = Desk::new("deribit", "BTC-27DEC24");
    let other = listing("binance", "BTCUSD_241227");
    assert_eq!(other.contract, desk.listing.contract);
    desk.fill("100000", "50000");
    let short = Fill { place: place("fund", "deribit"), ..desk.next("-100000", "50000") };
    desk.ledger.fill(&short).unwrap();
    let elsewhere = Fill { place: place("desk", "binance"), listing: other, ..desk.next("7", "50000") };
    desk.ledger.fill(&elsewhere).unwrap();
    assert_eq!(desk.ledger.positions_of(&desk.listing.contract).count(), 3);
    let entries = desk.ledger.settle(&desk.listing.clone(), price("40000")).unwrap();
    assert!(entries.iter().all(|entry| entry.kind == EntryKind::Settlement));
    let gain = d("100000") / d("50000") - d("100000") / d("40000");
    assert_eq!(desk.balance("BTC"), gain);
    assert_eq!(desk.ledger.balance(&short.place, &asset("BTC")), -gain);
    let left: Vec<&Place> = desk.ledger.positions().map(|(place, _)| place).collect();
    assert_eq!(left, [&elsewhere.place], "another venue settles by itself");
}

#[test]
fn what_reconciliation_changes_is_an_adjustment() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    let (here, listing) = (desk.place.clone(), desk.listing.clone());
    desk.fill("75", "100");
    let entries = desk.ledger.set_position(&here, &listing, (quantity("-65"), Some(price("110")))).unwrap();
    let change = Change::Position {
        quantity: quantity("-140"),
        entry_value: Some(-d("65") * d("110") - d("75") * d("100")),
    };
    assert_eq!(
        entries,
        [Entry { place: here.clone(), listing: Some(listing.clone()), kind: EntryKind::Adjustment, change }]
    );
    assert_eq!((desk.held(), desk.balance("USDC")), (Some((d("-65"), -d("65") * d("110"))), d("0")));
    let entries = desk.ledger.set_balance(&here, &money("31", "USDC")).unwrap();
    assert_eq!(paid(&entries), [(EntryKind::Adjustment, d("31"))]);
    // The same again is no difference, and a position of zero that nobody holds is legal.
    assert_eq!(desk.ledger.set_balance(&here, &money("31", "USDC")).unwrap(), []);
    assert_eq!(desk.ledger.set_position(&here, &listing, (quantity("-65"), None)).unwrap(), []);
    assert_eq!(desk.ledger.set_position(&here, &listing, (quantity("0"), None)).unwrap().len(), 1);
    assert_eq!(desk.ledger.set_position(&here, &listing, (quantity("0"), None)).unwrap(), []);
    assert_eq!(desk.held(), None);
}

#[test]
fn without_a_price_a_set_position_shrinks_in_proportion_and_grows_into_the_unknown() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    let (here, listing) = (desk.place.clone(), desk.listing.clone());
    desk.fill("4", "100");
    desk.ledger.set_position(&here, &listing, (quantity("1"), None)).unwrap();
    assert_eq!(desk.held(), Some((d("1"), d("4") * d("100") / d("4"))));
    desk.ledger.set_position(&here, &listing, (quantity("2"), None)).unwrap();
    let entry = |desk: &Desk| desk.ledger.position(&here, &listing.symbol).unwrap().entry_value();
    assert_eq!(entry(&desk), None);
    desk.fill("1", "100");
    assert_eq!(entry(&desk), None, "a sum with an unknown part is unknown");
    let fill = desk.next("-1", "100");
    let error = desk.refused(|ledger| ledger.fill(&fill));
    assert!(matches!(error, LedgerError::EntryUnknown { .. }), "{error}");
    desk.ledger.set_position(&here, &listing, (quantity("3"), Some(price("90")))).unwrap();
    desk.ledger.fill(&fill).unwrap();
    assert_eq!(desk.balance("USDC"), d("100") - d("90"));
}

#[test]
fn the_gain_so_far_is_what_closing_would_realise() {
    for (venue, symbol, name) in [("deribit", "BTC-PERPETUAL", "BTC"), ("okx", "BTC-USDT-SWAP", "USDT")] {
        let mut desk = Desk::new(venue, symbol);
        desk.fill("300", "61234.5");
        let held = desk.ledger.position(&desk.place, &desk.listing.symbol).unwrap();
        let gain = held.gain_at(price("59999.5"), &desk.place).unwrap().unwrap();
        desk.fill("-300", "59999.5");
        assert_eq!((gain.amount, gain.asset.as_str()), (desk.balance(name), name));
    }
}

/// A part is what is held there and takes fills of its own; what it remembers of fills is nothing.
#[test]
fn a_part_is_what_some_places_hold() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    let other = place("other", "okx");
    desk.fill("30", "90000");
    desk.ledger.deposit(&other, &money("2", "BTC")).unwrap();
    let none = desk.ledger.part(|_| false);
    assert_eq!(none, Ledger::new(Ledger::FILL_MEMORY_DAYS));
    let mut part = desk.ledger.part(|at| *at != other);
    assert_eq!(part.positions().count(), 1);
    assert_eq!(part.balances().count(), 0);
    // Who holds what goes with it: it settles.
    let listing = part.positions().next().unwrap().1.listing().clone();
    part.settle(&listing, price("91000")).unwrap();
    assert_eq!(part.positions().count(), 0);
    assert_eq!(desk.ledger.positions().count(), 1, "a copy");
    // An id that the ledger knows is new to the part.
    let mut again = desk.next("1", "90000");
    again.id = FillId::new("1").unwrap();
    assert!(desk.ledger.part(|_| true).fill(&again).is_ok());
    assert_eq!(desk.ledger.part(|_| true), desk.ledger.holdings());
    assert!(matches!(desk.refused(|ledger| ledger.fill(&again)), LedgerError::Duplicate { .. }));
}

#[test]
fn a_copy_is_known_to_be_the_same_until_something_is_held_otherwise() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    desk.fill("2", "60000");
    let copy = desk.ledger.clone();
    assert!(copy.is_shared_with(&desk.ledger) && desk.ledger.is_shared_with(&copy));
    desk.fill("-2", "60500");
    desk.fill("2", "60000");
    assert!(!copy.is_shared_with(&desk.ledger), "the position is the same and the balance is not");
    assert_eq!(
        copy.balance(&desk.place, &money("0", "USDC").asset),
        d("0"),
        "what happens later is not in a copy"
    );
    let again = desk.ledger.clone();
    let elsewhere = Place { account: Account::new("other").unwrap(), ..desk.place.clone() };
    desk.ledger.deposit(&elsewhere, &money("1", "USDC")).unwrap();
    assert!(!again.is_shared_with(&desk.ledger) && !desk.ledger.is_shared_with(&again), "a place has come");
}
