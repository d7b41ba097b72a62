//! What venues do with orders.

use crate::trader::{after, calm, only, order, place_at, venue, world};
use engine::{Event, FillEvent, Order, OrderNews, Output};
use paper::{World, WorldConfig};
use units::{Decimal, OrderId, Quantity, Timestamp};

fn okx() -> WorldConfig {
    only(calm(), "okx")
}

const SWAP: &str = "BTC-USDT-SWAP";

/// News and fills of one order, in order of arrival.
fn told(events: &[(Timestamp, Event)], id: &OrderId) -> (Vec<OrderNews>, Vec<FillEvent>) {
    let news = events.iter().filter_map(|(_, event)| match event {
        Event::Order(order) if order.id == *id => Some(order.news.clone()),
        _ => None,
    });
    let fills = events.iter().filter_map(|(_, event)| match event {
        Event::Fill(fill) if fill.order.as_ref() == Some(id) => Some(fill.clone()),
        _ => None,
    });
    (news.collect(), fills.collect())
}

fn sum(fills: &[FillEvent]) -> Decimal {
    fills.iter().map(|fill| fill.quantity.get()).sum()
}

fn sent(world: &mut World, order: &Order, seconds: i64) -> (Vec<OrderNews>, Vec<FillEvent>) {
    world.take(world.now(), &Output::Order(order.clone()));
    let events = world.advance(world.now().plus_millis(seconds * 1000));
    told(&events, &order.id)
}

#[test]
fn an_order_takes_level_after_level_up_to_its_limit() {
    let mut world = world(&okx(), 1);
    let order = order(&world, ("a", "okx", SWAP), 500, 100);
    let (news, fills) = sent(&mut world, &order, 2);
    assert_eq!(news, [OrderNews::Accepted]);
    assert_eq!(sum(&fills), order.quantity.get());
    assert!(fills.len() > 2);
    for (one, next) in fills.iter().zip(fills.iter().skip(1)) {
        assert!(one.price < next.price);
    }
    assert!(fills.iter().all(|fill| fill.price <= order.limit_price && fill.place == order.place));
    // 40 lots at the touch, a spacing of 1 bp: 500 lots go √(500/40) spacings away.
    let (best, worst) = (fills[0].price.get(), fills[fills.len() - 1].price.get());
    let bp = units::border::to_model((worst - best) / best).unwrap() * 1e4;
    assert!((bp - 3.0).abs() < 0.2, "{bp}");
    // 5 bp of contracts x 0.01 x price, rounded up to 8 places.
    for fill in &fills {
        let fee = fill.fee.as_ref().unwrap();
        let exact = fill.quantity.get() * Decimal::new(1, 2) * fill.price.get() * Decimal::new(5, 4);
        assert_eq!(fee.asset.as_str(), "USDT");
        assert!(fee.amount >= exact && fee.amount - exact < Decimal::new(1, 8));
    }
}

#[test]
fn impact_recovers() {
    let mut world = world(&okx(), 1);
    let symbol = units::Symbol::new(SWAP).unwrap();
    let spread_bp = |world: &World| {
        let prices = world.prices(&venue("okx"), &symbol).unwrap();
        let (mark, ask) = (prices.mark.get(), prices.ask.unwrap().get());
        units::border::to_model((ask - mark) / mark).unwrap() * 1e4
    };
    let before = spread_bp(&world);
    let order = order(&world, ("a", "okx", SWAP), 640, 100);
    sent(&mut world, &order, 0);
    // Just after its arrival √(640/40) = 4 levels are gone, of which a part is back; after ten times of recovery where it was.
    world.advance(world.now().plus_millis(200));
    assert!(spread_bp(&world) > before + 2.5, "{}", spread_bp(&world));
    world.advance(world.now().plus_millis(80_000));
    assert!(spread_bp(&world) < before + 0.5, "{}", spread_bp(&world));
}

#[test]
fn what_is_not_marketable_stands_and_may_be_filled_later_in_parts() {
    let mut config = okx();
    config.venue[0].touch_trades_per_minute = 600.0;
    let mut world = world(&config, 3);
    let mut order = order(&world, ("a", "okx", SWAP), 400, 0);
    order.limit_price = world.prices(&venue("okx"), &order.symbol).unwrap().bid.unwrap();
    order.valid_until = after(600);
    let (news, fills) = sent(&mut world, &order, 300);
    assert_eq!(news, [OrderNews::Accepted]);
    assert!(fills.len() > 2 && sum(&fills) <= order.quantity.get(), "{}", fills.len());
    // A maker trades at his own price, and pays 2 bp.
    for fill in &fills {
        assert_eq!(fill.price, order.limit_price);
        let exact = fill.quantity.get() * Decimal::new(1, 2) * fill.price.get() * Decimal::new(2, 4);
        assert!((fill.fee.as_ref().unwrap().amount - exact).abs() < Decimal::new(1, 8));
    }
}

#[test]
fn the_same_id_twice_is_taken_once() {
    let mut world = world(&okx(), 1);
    let order = order(&world, ("a", "okx", SWAP), 10, 100);
    for _ in 0..3 {
        world.take(world.now(), &Output::Order(order.clone()));
    }
    let bigger = Order { quantity: "999".parse().unwrap(), ..order.clone() };
    world.take(world.now(), &Output::Order(bigger));
    let (news, fills) = told(&world.advance(after(3)), &order.id);
    // Each copy is answered with what became of the first: its fills again and that nothing is left.
    let ids: std::collections::BTreeSet<_> = fills.iter().map(|fill| fill.id.clone()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(world.order(&venue("okx"), &order.id).unwrap().filled.get().abs(), fills[0].quantity.get());
    assert_eq!(news.len(), 4);
    assert!(news[1..].iter().all(has_ended) && news[0] == OrderNews::Accepted);
}

#[test]
fn after_its_time_an_order_is_rejected_and_never_fills() {
    let mut config = okx();
    config.venue[0].touch_trades_per_minute = 6000.0;
    let mut world = world(&config, 1);
    let late = Order { valid_until: after(0), ..order(&world, ("late", "okx", SWAP), 10, 100) };
    let (news, fills) = sent(&mut world, &late, 5);
    assert!(
        matches!(&news[..], [OrderNews::Rejected(reason)] if reason.contains("after its time")),
        "{news:?}"
    );
    assert!(fills.is_empty());
    // One that stands ends by itself; the touch trades a hundred times a second, so it would be filled.
    let mut stands = order(&world, ("stands", "okx", SWAP), 1_000_000, -20);
    stands.valid_until = world.now().plus_millis(4_500);
    let (news, fills) = sent(&mut world, &stands, 60);
    assert!(matches!(&news[..], [OrderNews::Accepted, ended] if has_ended(ended)), "{news:?}");
    assert!(fills.iter().all(|fill| fill.time <= stands.valid_until));
    let mut at_touch = order(&world, ("touch", "okx", SWAP), 1_000_000, 0);
    at_touch.limit_price = world.prices(&venue("okx"), &at_touch.symbol).unwrap().bid.unwrap();
    at_touch.valid_until = world.now().plus_millis(4_500);
    let (news, fills) = sent(&mut world, &at_touch, 60);
    assert!(matches!(&news[..], [OrderNews::Accepted, ended] if has_ended(ended)), "{news:?}");
    assert!(!fills.is_empty() && fills.iter().all(|fill| fill.time <= at_touch.valid_until));
}

#[test]
fn cancels_and_questions_are_answered() {
    let mut world = world(&okx(), 1);
    let place = place_at(&world, "okx");
    let id = OrderId::new("never").unwrap();
    world.take(world.now(), &Output::Query { id: id.clone(), place: place.clone() });
    world.take(world.now(), &Output::Cancel { id: id.clone(), place: place.clone() });
    let (news, _) = told(&world.advance(after(1)), &id);
    assert_eq!(news, [OrderNews::NotKnown, OrderNews::NotKnown]);
    let order = order(&world, ("a", "okx", SWAP), 10, -500);
    assert_eq!(sent(&mut world, &order, 1).0, [OrderNews::Accepted]);
    world.take(world.now(), &Output::Query { id: order.id.clone(), place: place.clone() });
    assert_eq!(told(&world.advance(after(3)), &order.id).0, [OrderNews::Accepted]);
    world.take(world.now(), &Output::Cancel { id: order.id.clone(), place: place.clone() });
    assert!(matches!(&told(&world.advance(after(4)), &order.id).0[..], [ended] if has_ended(ended)));
    world.take(world.now(), &Output::Query { id: order.id.clone(), place });
    assert!(matches!(&told(&world.advance(after(5)), &order.id).0[..], [ended] if has_ended(ended)));
    assert_eq!(world.open_orders(&venue("okx")).count(), 0);
}

#[test]
fn what_breaks_a_rule_is_rejected_with_the_rule() {
    let mut world = world(&okx(), 1);
    let good = order(&world, ("a", "okx", SWAP), 10, 0);
    let mut other = good.place.clone();
    other.account = units::Account::new("other").unwrap();
    let cases = [
        (Order { quantity: "0.5".parse().unwrap(), ..good.clone() }, "a multiple of 1"),
        (Order { quantity: Quantity::ZERO, ..good.clone() }, "at least 1"),
        (Order { limit_price: "92000.05".parse().unwrap(), ..good.clone() }, "a multiple of 0.1"),
        (Order { limit_price: "-1".parse().unwrap(), ..good.clone() }, "above zero"),
        (Order { limit_price: "0".parse().unwrap(), ..good.clone() }, "above zero"),
        (Order { symbol: units::Symbol::new("XYZ").unwrap(), ..good.clone() }, "not listed"),
        (Order { place: other, ..good.clone() }, "no such account"),
    ];
    for (at, (order, rule)) in cases.into_iter().enumerate() {
        let order = Order { id: OrderId::new(&format!("bad{at}")).unwrap(), ..order };
        let (news, fills) = sent(&mut world, &order, 1);
        assert!(
            matches!(&news[..], [OrderNews::Rejected(reason)] if reason.contains(rule)),
            "{rule}: {news:?}"
        );
        assert!(fills.is_empty() && world.order(&venue("okx"), &order.id).is_none());
    }
}

/// Inverse futures pay in coin, options at most an eighth of their premium.
#[test]
fn fees_follow_the_kind_of_contract() {
    let mut world = world(&only(calm(), "deribit"), 1);
    let options: Vec<String> = world
        .traded(&venue("deribit"))
        .filter(|traded| traded.listing.contract.kind_word() == "option")
        .map(|traded| traded.listing.symbol.to_string())
        .filter(|symbol| symbol.starts_with("BTC"))
        .collect();
    let (mut capped, mut full) = (0, 0);
    for (at, symbol) in options.iter().enumerate() {
        // Half a coin: the price is moved by much more than 1 % of an option's, so the limit is far away.
        let mut order = order(&world, (&format!("o{at}"), "deribit", symbol), 5, 0);
        order.limit_price = "2".parse().unwrap();
        let (_, fills) = sent(&mut world, &order, 1);
        for fill in fills {
            let fee = fill.fee.as_ref().unwrap();
            let (of_coin, of_premium) = (
                fill.quantity.get() * Decimal::new(3, 4),
                fill.quantity.get() * fill.price.get() * Decimal::new(125, 3),
            );
            assert_eq!(fee.asset.as_str(), "BTC");
            assert!((fee.amount - of_coin.min(of_premium)).abs() <= Decimal::new(1, 8), "{symbol} {fill:?}");
            *(if of_premium < of_coin { &mut capped } else { &mut full }) += 1;
        }
    }
    assert!(capped > 2 && full > 20, "{capped} {full}");
    let order = order(&world, ("p", "deribit", "BTC-PERPETUAL"), 100, 100);
    for fill in sent(&mut world, &order, 1).1 {
        let exact = fill.quantity.get() / fill.price.get() * Decimal::new(5, 4);
        let fee = fill.fee.as_ref().unwrap();
        assert!(fee.asset.as_str() == "BTC" && (fee.amount - exact).abs() <= Decimal::new(1, 8));
    }
}

/// A buyer who may not pay more gets less, and never a worse price than his limit.
#[test]
fn a_limit_is_kept_on_both_sides() {
    let mut world = world(&okx(), 2);
    for (at, (lots, bp)) in [(2_000, 4), (-2_000, -4)].into_iter().enumerate() {
        let order = order(&world, (&format!("l{at}"), "okx", "ETH-USDT-SWAP"), lots, bp);
        let (news, fills) = sent(&mut world, &order, 0);
        assert!(news.is_empty() && fills.is_empty());
        let (_, fills) = told(&world.advance(world.now().plus_millis(500)), &order.id);
        assert!(!fills.is_empty() && sum(&fills).abs() < order.quantity.get().abs());
        for fill in fills {
            let distance = (order.limit_price.get() - fill.price.get()) * order.quantity.get();
            assert!(distance >= Decimal::ZERO);
        }
    }
}

const fn has_ended(news: &OrderNews) -> bool {
    matches!(news, OrderNews::Ended { filled: Some(_) })
}
