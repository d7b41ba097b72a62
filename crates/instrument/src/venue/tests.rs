use super::*;
use crate::{Resolved, SymbolError, resolve, spell};
use proptest::prelude::*;

fn ask(venue: &str, symbol: &str) -> Result<Resolved, SymbolError> {
    resolve(&Venue::new(venue).unwrap(), &Symbol::new(symbol).unwrap(), &Specs::embedded())
}

/// `contract x size @price_units` for each leg with its ratio, or the error.
fn show(venue: &str, symbol: &str) -> String {
    let legs = match ask(venue, symbol) {
        Ok(resolved) => resolved.legs,
        Err(error) => return error.to_string(),
    };
    let texts = legs.iter().map(|leg| {
        let listing = &leg.listing;
        let bundle = if listing.price_units == Decimal::ONE {
            String::new()
        } else {
            format!(" @{}", listing.price_units)
        };
        format!("{:+} {} x{}{bundle}", leg.ratio, listing.contract, listing.contract_size)
    });
    texts.collect::<Vec<_>>().join(", ")
}

#[test]
fn plain_symbols_resolve_to_contracts_and_sizes() {
    let cases = [
        ("deribit", "BTC-PERPETUAL", "+1 BTC-PERP/BTC x1"),
        ("deribit", "BTC-27DEC24", "+1 BTC-27DEC24/BTC x1"),
        ("deribit", "BTC-7JAN22-100000-C", "+1 BTC-7JAN22-100000-C/BTC x1"),
        ("deribit", "BTC_USDC-PERPETUAL", "+1 BTC-PERP/USDC x1"),
        ("deribit", "BTC_USDT-PERPETUAL", "+1 BTC-PERP/USDT x1"),
        ("deribit", "SOL_USDC-27DEC24-200-P", "+1 SOL-27DEC24-200-P/USDC x1"),
        ("deribit", "XRP_USDC-30JUN23-0d625-C", "+1 XRP-30JUN23-0.625-C/USDC x1"),
        ("deribit", "BTC_USDC", "+1 BTC-SPOT/USDC x1"),
        ("okx", "BTC-USDT", "+1 BTC-SPOT/USDT x1"),
        ("okx", "BTC-USDT-SWAP", "+1 BTC-PERP/USDT x0.01"),
        ("okx", "BTC-USD-SWAP", "+1 BTC-PERP/BTC x100"),
        ("okx", "ETH-USD-241227", "+1 ETH-27DEC24/ETH x10"),
        ("okx", "ETH-USDT-241227", "+1 ETH-27DEC24/USDT x0.1"),
        ("okx", "BTC-USD-250328-92000-C", "+1 BTC-28MAR25-92000-C/BTC x0.01"),
        ("okx", "ETH-USD-250328-9200-P", "+1 ETH-28MAR25-9200-P/ETH x0.1"),
        ("bybit", "BTCUSDT", "+1 BTC-PERP/USDT x1"),
        ("bybit", "BTCPERP", "+1 BTC-PERP/USDC x1"),
        ("bybit", "BTCUSD", "+1 BTC-PERP/BTC x1"),
        ("bybit", "BTCUSDU23", "+1 BTC-29SEP23/BTC x1"),
        ("bybit", "BTCUSDH25", "+1 BTC-28MAR25/BTC x1"),
        ("bybit", "BTC-27DEC24", "+1 BTC-27DEC24/USDC x1"),
        ("bybit", "BTC-6JAN23-17500-C", "+1 BTC-6JAN23-17500-C/USDC x1"),
        ("bybit", "BTC-6JAN23-17500-P-USDT", "+1 BTC-6JAN23-17500-P/USDT x1"),
        ("bybit", "1000PEPEUSDT", "+1 PEPE-PERP/USDT x1000 @1000"),
        ("bybit", "SHIB1000USDT", "+1 SHIB-PERP/USDT x1000 @1000"),
        ("bybit", "1INCHUSDT", "+1 1INCH-PERP/USDT x1"),
        ("bybit-spot", "BTCUSDT", "+1 BTC-SPOT/USDT x1"),
        ("binance", "BTCUSDT", "+1 BTC-PERP/USDT x1"),
        ("binance", "1000SHIBUSDT", "+1 SHIB-PERP/USDT x1000 @1000"),
        ("binance", "BTCUSDT_251226", "+1 BTC-26DEC25/USDT x1"),
        ("binance", "BTCUSD_PERP", "+1 BTC-PERP/BTC x100"),
        ("binance", "BNBUSD_251226", "+1 BNB-26DEC25/BNB x10"),
        ("binance", "BTC-251219-89000-C", "+1 BTC-19DEC25-89000-C/USDT x1"),
        ("binance-spot", "ETHBTC", "+1 ETH-SPOT/BTC x1"),
        ("binance-spot", "USDTTRY", "+1 USDT-SPOT/TRY x1"),
        ("hyperliquid", "BTC", "+1 BTC-PERP/USD>USDC x1"),
        ("hyperliquid", "BTC-PERP", "+1 BTC-PERP/USD>USDC x1"),
        ("hyperliquid", "kPEPE", "+1 PEPE-PERP/USD>USDC x1000 @1000"),
        ("hyperliquid", "PURR/USDC", "+1 PURR-SPOT/USDC x1"),
        ("derive", "ETH-PERP", "+1 ETH-PERP/USD>USDC x1"),
        ("derive", "ETH-20270625-6000-C", "+1 ETH-25JUN27-6000-C/USD>USDC x1"),
        ("derive", "XRP-20270625-0_5-P", "+1 XRP-25JUN27-0.5-P/USD>USDC x1"),
        ("derive", "ETH-USDC", "+1 ETH-SPOT/USDC x1"),
        ("derive", "USDC", "+1 USDC-SPOT/USDC x1"),
        ("dydx", "BTC-USD", "+1 BTC-PERP/USD>USDC x1"),
        ("wallet", "stETH/USDC", "+1 STETH-SPOT/USDC x1"),
        ("wallet", "ETH-SPOT", "+1 ETH-SPOT/USD x1"),
    ];
    for (venue, symbol, expected) in cases {
        assert_eq!(show(venue, symbol), expected, "{venue} {symbol}");
    }
}

#[test]
fn combinations_resolve_to_their_legs() {
    let cases = [
        // Recorded trade 244343053: selling the spread sold BTC-25DEC26 and bought BTC-PERPETUAL.
        ("BTC-FS-25DEC26_PERP", "+1 BTC-25DEC26/BTC x1, -1 BTC-PERP/BTC x1"),
        ("BTC-FS-28MAR25_27DEC24", "+1 BTC-28MAR25/BTC x1, -1 BTC-27DEC24/BTC x1"),
        ("ETH_USDC-FS-25DEC26_PERP", "+1 ETH-25DEC26/USDC x1, -1 ETH-PERP/USDC x1"),
        // Recorded trade 244365193: selling it sold the 70000 call and bought the 75000 call.
        ("BTC-CS-19MAY26-70000_75000", "+1 BTC-19MAY26-70000-C/BTC x1, -1 BTC-19MAY26-75000-C/BTC x1"),
        ("BTC-CSR12-16SEP22-21000_23000", "+1 BTC-16SEP22-21000-C/BTC x1, -2 BTC-16SEP22-23000-C/BTC x1"),
        ("BTC-STRD-30SEP22-20000", "+1 BTC-30SEP22-20000-C/BTC x1, +1 BTC-30SEP22-20000-P/BTC x1"),
        ("BTC_USDC-PS-18SEP26-77000_70000", "+1 BTC-18SEP26-77000-P/USDC x1, -1 BTC-18SEP26-70000-P/USDC x1"),
        ("BTC-CCAL-17JUL26_10JUL26-63000", "+1 BTC-17JUL26-63000-C/BTC x1, -1 BTC-10JUL26-63000-C/BTC x1"),
        (
            "BTC-CBUT-28MAR25-90000_95000_100000",
            "+1 BTC-28MAR25-90000-C/BTC x1, -2 BTC-28MAR25-95000-C/BTC x1, +1 BTC-28MAR25-100000-C/BTC x1",
        ),
        (
            "BTC-ICOND-31JAN25-82000_84000_98000_100000",
            "+1 BTC-31JAN25-82000-P/BTC x1, -1 BTC-31JAN25-84000-P/BTC x1, \
             -1 BTC-31JAN25-98000-C/BTC x1, +1 BTC-31JAN25-100000-C/BTC x1",
        ),
        ("BTC-REV-31JAN25-60000", "+1 BTC-31JAN25-60000-C/BTC x1, -1 BTC-31JAN25-60000-P/BTC x1"),
    ];
    for (symbol, expected) in cases {
        assert_eq!(show("deribit", symbol), expected, "{symbol}");
    }
}

#[test]
fn the_legs_of_a_combination_are_listings_of_their_own() {
    let legs = ask("deribit", "XRP_USDC-CS-30JUN23-0d50_0d625").unwrap().legs;
    for leg in &legs {
        let alone = ask("deribit", leg.listing.symbol.as_str()).unwrap();
        assert_eq!(alone.legs[0].listing, leg.listing);
    }
    assert_eq!(legs[1].listing.symbol.as_str(), "XRP_USDC-30JUN23-0d625-C");
}

#[test]
fn broken_symbols_name_the_rule() {
    let cases = [
        ("kraken", "BTC", "'kraken' is not known; known are deribit, okx"),
        ("deribit", "BTC", "expected BTC-PERPETUAL"),
        ("deribit", "btc-PERPETUAL", "expected a coin (BTC, inverse)"),
        ("deribit", "BTC_EUR-PERPETUAL", "expected a coin (BTC, inverse)"),
        ("deribit", "BTC-27DEC24-100000-X", "expected BTC-PERPETUAL"),
        ("deribit", "BTC-31FEB26", "'31FEB26' is not a settlement day"),
        ("deribit", "BTC-07JAN22", "without leading zero"),
        ("deribit", "BTC-7jan22", "month in capitals"),
        ("deribit", "BTC-27DEC2024", "'27DEC2024' is not a settlement day"),
        ("deribit", "BTC-27DEC24-0-C", "'0' is not a strike"),
        ("deribit", "BTC-27DEC24-1e5-C", "'1e5' is not a strike"),
        ("deribit", "BTC-27DEC24--5-C", "expected BTC-PERPETUAL"),
        ("deribit", "XRP_USDC-30JUN23-0.625-C", "'d' for the point"),
        ("deribit", "BTC-RR-27DEC24-90000_110000", "the legs of kind 'RR' are not established"),
        ("deribit", "BTC-COMBO-1", "known kinds are FS, CS, CSR12"),
        ("deribit", "BTC-CS-19MAY26-75000_70000", "strikes rise"),
        ("deribit", "BTC-PS-19MAY26-70000_75000", "they fall"),
        ("deribit", "BTC-CS-19MAY26-75000", "another number"),
        ("deribit", "BTC-CCAL-10JUL26_17JUL26-63000", "the later expiry comes first"),
        ("deribit", "BTC-FS-19MAY26_22MAY26", "the later expiry comes first"),
        ("okx", "BTC-EUR-SWAP", "expected USD (inverse), USDT or USDC"),
        ("okx", "BTC-USDC-SWAP", "add [[contract_size]] venue = \"okx\", product = \"usdc-future\""),
        ("okx", "BTC-USD-241327", "'241327' is not a settlement day"),
        ("okx", "BTC-USDT-250328-92000-C", "expected BTC-USDT,"),
        ("okx", "WIF-USDT-SWAP", "lack the contract size of WIF"),
        ("bybit", "BTCUSDC", "spot is venue bybit-spot"),
        ("bybit", "BTCUSDX25", "expected BTCUSDT"),
        ("bybit", "BTCUSDU2", "H, M, U or Z"),
        ("bybit-spot", "USDT", "such as BTCUSDT"),
        ("binance", "DOGE-231006-0.06-C", "lack the contract size of DOGE (product option)"),
        ("binance", "BTCUSD", "BTCUSD_PERP"),
        ("hyperliquid", "@107", "lack the pair behind @107; take it from spotMeta"),
        ("hyperliquid", "km:US500", "expected a perpetual by its coin"),
        ("hyperliquid", "USDC", "expected a perpetual by its coin"),
        ("derive", "ETH-270625-6000-C", "four digits of a year"),
        ("dydx", "BTC-USDT", "expected a coin and USD"),
        ("wallet", "ETH", "such as ETH-SPOT"),
    ];
    for (venue, symbol, rule) in cases {
        let error = show(venue, symbol);
        assert!(error.contains(rule), "{venue} {symbol}: '{error}' lacks '{rule}'");
        assert!(
            venue == "kraken" || error.contains(symbol),
            "{venue} {symbol}: '{error}' does not say which"
        );
    }
}

#[test]
fn a_numbered_pair_resolves_once_the_specifications_name_it() {
    let specs = Specs::parse(
        "[[spot_pair]]\nvenue = 'hyperliquid'\nsymbol = '@107'\nbase = 'HYPE'\nquote = 'USDC'\n\
         source = 'test'\nchecked = '2026-01-01'",
    );
    let (venue, symbol) = (Venue::new("hyperliquid").unwrap(), Symbol::new("@107").unwrap());
    let resolved = resolve(&venue, &symbol, &specs.unwrap()).unwrap();
    assert_eq!(resolved.legs[0].listing.contract.to_string(), "HYPE-SPOT/USDC");
}

#[test]
fn without_a_settlement_hour_a_dated_symbol_says_what_to_add() {
    for (venue, symbol) in
        [("deribit", "BTC-27DEC24"), ("bybit", "BTCUSDU23"), ("derive", "ETH-20270625-1-C")]
    {
        let (name, symbol) = (Venue::new(venue).unwrap(), Symbol::new(symbol).unwrap());
        let error = resolve(&name, &symbol, &Specs::default()).unwrap_err();
        assert!(error.to_string().contains("add [[venue]]"), "{error}");
    }
}

#[test]
fn the_same_right_is_one_contract_at_every_venue() {
    let groups: [&[(&str, &str)]; 5] = [
        &[
            ("deribit", "BTC-27MAR26-100000-C"),
            ("okx", "BTC-USD-260327-100000-C"),
            ("deribit", "BTC-27MAR26-100000d0-C"),
        ],
        &[
            ("deribit", "BTC-PERPETUAL"),
            ("okx", "BTC-USD-SWAP"),
            ("bybit", "BTCUSD"),
            ("binance", "BTCUSD_PERP"),
        ],
        &[("bybit", "BTC-27MAR26-100000-C"), ("deribit", "BTC_USDC-27MAR26-100000-C")],
        &[("hyperliquid", "ETH"), ("dydx", "ETH-USD"), ("derive", "ETH-PERP")],
        &[("bybit", "ETHPERP"), ("deribit", "ETH_USDC-PERPETUAL")],
    ];
    let contract =
        |(venue, symbol): &(&str, &str)| ask(venue, symbol).unwrap().legs[0].listing.contract.clone();
    for group in groups {
        for other in group {
            assert_eq!(contract(&group[0]), contract(other), "{other:?}");
        }
    }
    assert_ne!(
        contract(&("okx", "BTC-USDT-SWAP")),
        contract(&("bybit", "BTCPERP")),
        "settlement currencies stay apart"
    );
    assert_ne!(
        contract(&("hyperliquid", "ETH")),
        contract(&("bybit", "ETHPERP")),
        "a price in USD paid in USDC is not a price in USDC"
    );
}

#[test]
fn the_price_of_a_bundle_is_brought_to_one_coin() {
    let listing = ask("hyperliquid", "kPEPE").unwrap().legs.remove(0).listing;
    let price = listing.canonical_price("0.0125".parse().unwrap()).unwrap();
    assert_eq!(price.to_string(), "0.0000125");
}

#[test]
fn spelling_assumes_the_hour_of_the_specifications() {
    let specs = Specs::embedded();
    for venue in ["deribit", "okx", "bybit", "binance", "derive"] {
        assert_eq!(specs.settlement_hour_utc(&Venue::new(venue).unwrap()), Some(SPELLED_HOUR_UTC), "{venue}");
    }
}

fn any_contract() -> impl Strategy<Value = Contract> {
    let asset = |word: &str| Asset::new(word).unwrap();
    let underlying =
        prop::sample::select(vec!["BTC", "ETH", "XRP", "BNB", "1INCH", "PEPE", "STETH"]).prop_map(asset);
    let currency = prop::sample::select(vec!["USDT", "USDC", "USD", "BTC"]).prop_map(asset);
    let settlement = prop_oneof![
        currency.prop_map(|currency| Settlement::Linear { currency }),
        Just(Settlement::Inverse),
        Just(Settlement::Quanto { currency: Asset::new("BTC").unwrap(), multiplier: Decimal::ONE }),
        Just(Settlement::Quanto { currency: Asset::new("USDC").unwrap(), multiplier: Decimal::ONE }),
    ];
    // Mostly the listed hour, sometimes another, which has no spelling.
    let hour = prop_oneof![9 => Just(8i8), 1 => Just(9i8)];
    let expiry = (2000i16..2100, 1i8..=12, 1i8..=28, hour)
        .prop_map(|(year, month, day, hour)| Timestamp::from_utc_date(year, month, day, hour).unwrap());
    // The last week as well, where quarterly futures settle.
    let expiry = (expiry, 0i64..=3).prop_map(|(day, later)| day.plus_millis(later * 86_400_000));
    let strike = (1i64..10_000_000, 0u32..6)
        .prop_map(|(mantissa, scale)| Price::new(Decimal::new(mantissa, scale).normalize()));
    let kind = prop_oneof![Just(OptionKind::Call), Just(OptionKind::Put)];
    let terms = prop_oneof![
        1 => Just(Terms::Spot),
        1 => Just(Terms::Perpetual),
        3 => expiry.clone().prop_map(|expiry| Terms::Future { expiry }),
        5 => (expiry, strike, kind).prop_map(|(expiry, strike, kind)| Terms::Option { expiry, strike, kind }),
    ];
    (underlying, terms, settlement).prop_map(|(underlying, terms, settlement)| Contract {
        underlying,
        terms,
        settlement,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_spelled_contract_resolves_to_itself(contract in any_contract()) {
        let specs = Specs::embedded();
        for grammar in &GRAMMARS {
            let venue = Venue::new(grammar.venue).unwrap();
            let Some(symbol) = spell(&venue, &contract) else { continue };
            match resolve(&venue, &symbol, &specs) {
                Ok(resolved) => {
                    prop_assert_eq!(resolved.legs.len(), 1);
                    prop_assert_eq!(&resolved.legs[0].listing.contract, &contract, "{} {}", venue, symbol);
                }
                // A venue that counts contracts may lack the size of one coin; the name itself must be right.
                Err(SymbolError::UnknownSpec { .. }) => {}
                Err(error) => prop_assert!(false, "{}", error),
            }
        }
    }

    #[test]
    fn no_text_makes_a_grammar_panic(text in "\\PC{1,40}") {
        never_panics(&text)?;
    }

    #[test]
    fn no_near_miss_makes_a_grammar_panic(
        parts in prop::collection::vec(
            prop::sample::select(vec![
                "BTC", "-", "_", "USD", "USDT", "27DEC24", "241227", "20241227", "100000", "C", "P", "0d5", ".", "FS", "CS",
                "CCAL", "ICOND", "PERP", "SWAP", "@", "k", "1000", "H25", "é", "99", "/", "SPOT",
            ]),
            1..9,
        )
    ) {
        never_panics(&parts.concat())?;
    }
}

/// Whatever resolves gives legs under names that resolve alone to the same listing.
fn never_panics(text: &str) -> Result<(), TestCaseError> {
    let Ok(symbol) = Symbol::new(text) else { return Ok(()) };
    let specs = Specs::embedded();
    for grammar in &GRAMMARS {
        let venue = Venue::new(grammar.venue).unwrap();
        for leg in resolve(&venue, &symbol, &specs).map_or_else(|_| vec![], |resolved| resolved.legs) {
            let alone = resolve(&venue, &leg.listing.symbol, &specs).map(|resolved| resolved.legs);
            prop_assert_eq!(alone.unwrap()[0].listing.clone(), leg.listing);
        }
    }
    Ok(())
}
