//! Canonical bytes: round trip, and hostile input.

use super::properties::{Event, any_events, apply};
use super::*;
use crate::DecodeError;
use proptest::prelude::*;

/// A ledger of listings that resolve, and its bytes.
fn encoded(events: &[Event]) -> (Ledger, Vec<u8>) {
    let mut ledger = Ledger::new(2);
    for event in events {
        let is_made_up = match event {
            Event::Fill(Fill { listing, .. }) | Event::SetPosition(_, listing, ..) => **listing == *quanto(),
            _ => false,
        };
        if !is_made_up {
            let _ = apply(&mut ledger, event);
        }
    }
    let mut bytes = Vec::new();
    ledger.encode(&mut bytes);
    (ledger, bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn a_ledger_survives_its_bytes(events in any_events(60)) {
        let (ledger, bytes) = encoded(&events);
        prop_assert_eq!(Ledger::decode(&bytes, &SPECS), Ok(ledger));
    }

    /// Any byte replaced is refused, or the bytes of another ledger: no two byte strings decode to one.
    #[test]
    fn only_canonical_bytes_decode(events in any_events(20), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let (_, mut bytes) = encoded(&events);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(ledger) = Ledger::decode(&bytes, &SPECS) {
            let mut again = Vec::new();
            ledger.encode(&mut again);
            prop_assert_eq!(bytes, again);
        }
    }

    #[test]
    fn a_ledger_cut_short_is_refused(events in any_events(20), at in any::<prop::sample::Index>()) {
        let (_, bytes) = encoded(&events);
        let cut = &bytes[..at.index(bytes.len())];
        let error = Ledger::decode(cut, &SPECS).unwrap_err();
        prop_assert!(matches!(error, DecodeError::NotALedger | DecodeError::Truncated { .. }), "{}", error);
    }

    #[test]
    fn noise_is_refused(noise in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = b"plimsoll-ledger\0\x01\0".to_vec();
        bytes.extend(noise);
        let _ = Ledger::decode(&bytes, &SPECS);
    }
}

#[test]
fn other_bytes_versions_and_terms_are_named() {
    let specs = &*SPECS;
    let mut desk = Desk::new("okx", "BTC-USD-SWAP");
    desk.fill("3", "60000");
    let mut bytes = Vec::new();
    desk.ledger.encode(&mut bytes);
    assert_eq!(Ledger::decode(b"{}", specs), Err(DecodeError::NotALedger));
    let mut newer = bytes.clone();
    newer[16] = 2;
    assert_eq!(Ledger::decode(&newer, specs), Err(DecodeError::Version { found: 2 }));
    let mut longer = bytes.clone();
    longer.push(0);
    assert!(matches!(Ledger::decode(&longer, specs), Err(DecodeError::NotCanonical { .. })));
    let error = Ledger::decode(&bytes, &Specs::default()).unwrap_err();
    assert!(matches!(error, DecodeError::Symbol(_)), "{error}");
    let other = Specs::parse(
        "[[contract_size]]\nvenue = 'okx'\nproduct = 'inverse-future'\nsize = '10'\nunderlyings = ['BTC']\n\
         source = 's'\nchecked = '2026-01-01'",
    );
    let error = Ledger::decode(&bytes, &other.unwrap()).unwrap_err().to_string();
    assert!(error.contains("was 'BTC-PERP/BTC x100 @1' and is 'BTC-PERP/BTC x10 @1'"), "{error}");
}

#[test]
fn bytes_that_no_ledger_writes_name_their_rule() {
    let mut desk = Desk::new("deribit", "BTC_USDC-PERPETUAL");
    desk.ledger.deposit(&desk.place, &money("7.25", "USDC")).unwrap();
    desk.fill("3", "60000");
    let mut bytes = Vec::new();
    desk.ledger.encode(&mut bytes);
    let decimal = |mantissa: i128, scale: u8| [&mantissa.to_le_bytes()[..], &[scale]].concat();
    let flagged = |flag: u8, entry: i128| [&[flag][..], &decimal(entry, 0)].concat();
    let cases = [
        (decimal(725, 2), decimal(0, 0), "a balance of zero is not kept"),
        (decimal(725, 2), decimal(7250, 3), "no zeros at the end"),
        (decimal(725, 2), decimal(i128::MAX, 2), "at most 28 digits"),
        (decimal(725, 2), decimal(725, 29), "at most 28 digits"),
        (decimal(3, 0), decimal(0, 0), "a quantity is not zero"),
        (flagged(1, 180_000), flagged(0, 180_000), "an unknown entry value is written as zero"),
        (flagged(1, 180_000), flagged(2, 180_000), "an unknown entry value is written as zero"),
        (b"USDC".to_vec(), b"usdc".to_vec(), "in its normal case"),
        (b"desk".to_vec(), b"de\"k".to_vec(), "printable"),
        (b"desk".to_vec(), b"de\xffk".to_vec(), "UTF-8"),
    ];
    for (was, is, rule) in cases {
        let at = bytes.windows(was.len()).position(|window| *window == was).unwrap();
        let mut other = bytes.clone();
        other[at..at + is.len()].copy_from_slice(&is);
        let error = Ledger::decode(&other, &SPECS).unwrap_err().to_string();
        assert!(error.contains(rule) && error.contains("byte "), "{rule}: {error}");
    }
}
