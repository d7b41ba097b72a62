//! What is refused, by which rule; every refusal changes nothing.

use super::*;

#[test]
fn a_fill_id_counts_once_for_a_venue_and_account() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    let fill = desk.next("10", "60000");
    desk.ledger.fill(&fill).unwrap();
    // The id decides, not what the fill says; another chain is the same account.
    let chain = Chain::new("ethereum").unwrap();
    let again =
        Fill { place: Place { chain, ..desk.place.clone() }, quantity: quantity("20"), ..fill.clone() };
    let error = desk.refused(|ledger| ledger.fill(&again));
    assert!(error.to_string().contains("fill '1' is booked already"), "{error}");
    let other = Fill { place: place("fund", "deribit"), ..fill };
    desk.ledger.fill(&other).unwrap();
}

#[test]
fn ids_are_remembered_for_days_before_the_newest_fill_and_older_fills_refused() {
    let day = |days: i64, nanos: i64| Timestamp::from_unix_nanos(days * 86_400_000_000_000 + nanos);
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    desk.ledger = Ledger::new(2);
    let at = |desk: &mut Desk, time: Timestamp| Fill { time, ..desk.next("10", "60000") };
    let first = at(&mut desk, day(100, 0));
    desk.ledger.fill(&first).unwrap();
    let newest = at(&mut desk, day(102, 0));
    desk.ledger.fill(&newest).unwrap();
    // Two days to the nanosecond are still remembered.
    assert!(matches!(desk.refused(|ledger| ledger.fill(&first)), LedgerError::Duplicate { .. }));
    let late = at(&mut desk, day(100, 0));
    desk.ledger.fill(&late).unwrap();
    let next = at(&mut desk, day(102, 1));
    desk.ledger.fill(&next).unwrap();
    let error = desk.refused(|ledger| ledger.fill(&first));
    assert!(matches!(&error, LedgerError::TooOld { oldest, .. } if *oldest == day(100, 1)), "{error}");
    // One fill from long after forgets all others.
    let far = at(&mut desk, day(9000, 0));
    desk.ledger.fill(&far).unwrap();
    assert!(matches!(desk.refused(|ledger| ledger.fill(&next)), LedgerError::TooOld { .. }));
    assert_eq!(desk.ledger.memory.seen.values().map(|seen| seen.by_time().len()).sum::<usize>(), 1);
}

#[test]
fn a_fill_names_the_rule_that_it_breaks() {
    let cases: [(&str, &str, &str, &str, &str); 7] = [
        ("deribit", "BTC-PERPETUAL", "0", "60000", "quantity zero"),
        ("deribit", "BTC-PERPETUAL", "10", "0", "above zero"),
        ("deribit", "BTC-PERPETUAL", "10", "-5", "above zero"),
        ("deribit", "BTC_USDC-PERPETUAL", "10", "0", "above zero"),
        ("deribit", "BTC-27MAR26-100000-C", "10", "-0.1", "costs zero or more"),
        ("deribit", "BTC_USDC-PERPETUAL", "123456789012345.678", "0.1234567890123456", "28 digits"),
        ("okx", "BTC-USDT-SWAP", "0.000000000000000000000000001", "60000", "28 digits"),
    ];
    for (venue, symbol, size, at, rule) in cases {
        let mut desk = Desk::new(venue, symbol);
        let fill = desk.next(size, at);
        let error = desk.refused(|ledger| ledger.fill(&fill)).to_string();
        assert!(error.contains(rule) && error.contains(&format!("desk@{venue}/offchain")), "{error}");
    }
}

#[test]
fn a_fee_that_no_balance_holds_takes_the_whole_fill_back() {
    let mut desk = Desk::new("deribit", "BTC_USDC");
    let fill = Fill { fee: Some(money("1e-28", "USDC")), ..desk.next("2", "60000") };
    let error = desk.refused(|ledger| ledger.fill(&fill));
    assert!(matches!(error, LedgerError::TooManyDigits { what: "the balance", .. }), "{error}");
    // Its id is free for the corrected fill.
    desk.ledger.fill(&Fill { fee: None, ..fill }).unwrap();
}

#[test]
fn a_listing_is_held_at_its_venue_with_its_terms() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    let fill = Fill { place: place("desk", "okx"), ..desk.next("10", "60000") };
    let error = desk.refused(|ledger| ledger.fill(&fill));
    assert!(matches!(error, LedgerError::WrongVenue { .. }), "{error}");
    desk.fill("10", "60000");
    let changed = Arc::new(Listing { contract_size: d("10"), ..(*desk.listing).clone() });
    let fill = Fill { listing: changed.clone(), ..desk.next("10", "60000") };
    let error = desk.refused(|ledger| ledger.fill(&fill));
    assert!(matches!(error, LedgerError::ListingChanged { .. }), "{error}");
    // Reconciliation may bring in the new terms; their entry value is unknown without a price.
    desk.ledger.set_position(&desk.place, &changed, (quantity("1"), None)).unwrap();
    assert_eq!(desk.ledger.position(&desk.place, &changed.symbol).unwrap().entry_value(), None);
    desk.ledger.set_position(&desk.place, &changed, (quantity("1"), Some(price("60000")))).unwrap();
    desk.ledger.fill(&fill).unwrap();
}

#[test]
fn settlement_names_what_is_wrong() {
    let mut desk = Desk::new("deribit", "BTC-27MAR26-100000-C");
    let option = desk.listing.clone();
    let error = desk.refused(|ledger| ledger.settle(&option, price("1")));
    assert!(error.to_string().contains("nobody holds BTC-27MAR26-100000-C"), "{error}");
    desk.fill("1", "0.1");
    for wrong in ["0", "-1"] {
        let error = desk.refused(|ledger| ledger.settle(&option, price(wrong)));
        assert!(matches!(error, LedgerError::PriceRange { .. }), "{error}");
    }
    let mut spot = Desk::new("deribit", "BTC_USDC");
    spot.fill("1", "60000");
    let (here, listing) = (spot.place.clone(), spot.listing.clone());
    let error = spot.refused(|ledger| ledger.settle(&listing, price("1")));
    assert!(matches!(error, LedgerError::Spot { .. }), "{error}");
    let error = spot.refused(|ledger| ledger.set_position(&here, &listing, (quantity("1"), None)));
    assert!(error.to_string().contains("set the balances"), "{error}");
}

#[test]
fn a_settlement_that_fails_at_one_place_settles_none() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    desk.fill("1", "60000");
    let last = place("zulu", "deribit");
    let fill = Fill { place: last.clone(), ..desk.next("1", "60000") };
    desk.ledger.fill(&fill).unwrap();
    desk.ledger.deposit(&last, &money("1e-21", "USDC")).unwrap();
    let listing = desk.listing.clone();
    // A gain of 9 whole digits beside a balance of 21 places.
    let error = desk.refused(|ledger| ledger.settle(&listing, price("123456789")));
    assert!(matches!(&error, LedgerError::TooManyDigits { place, .. } if *place == last), "{error}");
}

#[test]
fn an_amount_moves_forward_between_two_places() {
    let mut desk = Desk::new("deribit", "BTC-PERPETUAL");
    let here = desk.place.clone();
    for bad in ["0", "-1"] {
        let amount = money(bad, "BTC");
        let error = desk.refused(|ledger| ledger.deposit(&here, &amount));
        assert!(matches!(error, LedgerError::AmountNotPositive { .. }), "{error}");
        desk.refused(|ledger| ledger.withdraw(&here, &amount));
        desk.refused(|ledger| ledger.transfer((&here, &place("desk", "okx")), &amount));
    }
    let error = desk.refused(|ledger| ledger.transfer((&here, &here), &money("1", "BTC")));
    assert!(matches!(error, LedgerError::SamePlace { .. }), "{error}");
}

#[test]
fn spot_is_paid_in_its_quote_currency() {
    let mut listing = (*listing("deribit", "BTC_USDC")).clone();
    listing.contract.settlement = Settlement::Inverse;
    let mut desk = Desk::of(Arc::new(listing));
    let fill = desk.next("1", "1");
    let error = desk.refused(|ledger| ledger.fill(&fill));
    assert!(matches!(error, LedgerError::SpotSettlement { .. }), "{error}");
}

#[test]
fn a_ledger_opens_from_a_book_and_gives_it_back() {
    let specs = Specs::embedded();
    let mut builder = crate::BookBuilder::new("b.csv", &specs);
    let rows = [
        ("BTC-PERPETUAL", "-120000", "61234.5"),
        ("BTC_USDC-PERPETUAL", "2.5", "60000.5"),
        ("BTC-27MAR26-100000-C", "10", ""),
        ("BTC_USDC", "3", "59000"),
    ];
    for (row, (instrument, quantity, average_price)) in (1..).zip(rows) {
        let [instrument, quantity, average_price] = [instrument, quantity, average_price].map(str::to_owned);
        let kind = crate::RowKind::Position { instrument, quantity, average_price };
        builder.add(&crate::RawRow {
            row,
            account: "a".into(),
            venue: "deribit".into(),
            chain: String::new(),
            kind,
        });
    }
    let kind = crate::RowKind::Balance { asset: "BTC".into(), amount: "-1".into() };
    builder.add(&crate::RawRow {
        row: 9,
        account: "a".into(),
        venue: "deribit".into(),
        chain: String::new(),
        kind,
    });
    let (book, issues) = builder.finish();
    assert!(issues.is_empty(), "{issues}");
    let (ledger, entries) = Ledger::from_book(&book, 10).unwrap();
    assert!(entries.iter().all(|entry| entry.kind == EntryKind::Opening));
    let opened = ledger.book();
    // Coins of the spot row are a balance now.
    assert_eq!(ledger.balance(&place("a", "deribit"), &asset("BTC")), d("3") - d("1"));
    let shown = |book: &crate::Book| -> Vec<(Symbol, Quantity, Option<Price>)> {
        let kept = book.positions.iter().filter(|p| p.listing.contract.terms != Terms::Spot);
        kept.map(|p| (p.listing.symbol.clone(), p.quantity, p.average_price)).collect()
    };
    assert_eq!(shown(&opened), shown(&book));
    let rows: Vec<u64> = opened
        .positions
        .iter()
        .map(|p| p.origin.row)
        .chain(opened.balances.iter().map(|b| b.origin.row))
        .collect();
    assert_eq!(rows, [1, 2, 3, 4]);
    // Two rows of one listing that cancel at different prices would lose their gain.
    let mut twice = book.clone();
    twice.positions.retain(|p| p.listing.symbol.as_str() == "BTC-PERPETUAL");
    let mut other = twice.positions[0].clone();
    (other.quantity, other.average_price) = (-other.quantity, Some(price("50000")));
    twice.positions.push(other);
    let error = Ledger::from_book(&twice, 10).unwrap_err();
    assert!(matches!(error, LedgerError::EntryLeft { .. }), "{error}");
}
