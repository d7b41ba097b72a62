//! Events in words, for whoever looks at a record.

use engine::{CashKind, Command, Event, Link, OrderNews, TransferNews};

/// Kind of an event, and the event in one line.
pub(crate) fn event(event: &Event) -> (String, String) {
    let (kind, text) = match event {
        Event::Clock => ("clock", "time has passed".to_owned()),
        Event::Quotes { feed, rows } => ("quotes", format!("{} rows of {feed}", rows.len())),
        Event::Snapshot { feed, rows } => ("snapshot", format!("{} rows of {feed}", rows.len())),
        Event::Rate { asset, usd: Some(usd) } => ("rate", format!("{asset} is {} USD", usd.get())),
        Event::Rate { asset, usd: None } => ("rate", format!("the rate of {asset} is taken back")),
        Event::Fill(fill) => {
            let of = fill.order.as_ref().map_or_else(String::new, |order| format!(", of order {order}"));
            ("fill", format!("{} {} {} at {}{of}", fill.place, fill.symbol, fill.quantity, fill.price))
        }
        Event::Cash(cash) => {
            let kind = match &cash.kind {
                CashKind::Deposit => "deposit".to_owned(),
                CashKind::Funding { symbol } => format!("funding of {symbol}"),
                CashKind::Transfer { to } => format!("transfer to {to}"),
            };
            ("cash", format!("{}: {kind} of {} {}", cash.place, cash.money.amount, cash.money.asset))
        }
        Event::Settle { venue, symbol, price, .. } => ("settlement", format!("{venue} {symbol} at {price}")),
        Event::Reported(report) => {
            let (positions, balances) = (report.positions.len(), report.balances.len());
            ("report", format!("{}: {positions} positions, {balances} balances", report.place))
        }
        Event::Order(order) => {
            let news = match &order.news {
                OrderNews::Accepted => "accepted".to_owned(),
                OrderNews::Rejected(why) => format!("rejected: {why}"),
                OrderNews::Ended { .. } => "ended".to_owned(),
                OrderNews::NotKnown => "not known to its venue".to_owned(),
            };
            ("order", format!("{}: {news}", order.id))
        }
        Event::Transfer(transfer) => {
            let news = match &transfer.news {
                TransferNews::Accepted => "accepted".to_owned(),
                TransferNews::Rejected(why) => format!("rejected: {why}"),
                TransferNews::Left { .. } => "left".to_owned(),
                TransferNews::Arrived => "arrived".to_owned(),
                TransferNews::NotKnown => "not known there".to_owned(),
            };
            ("transfer", format!("{} at {}: {news}", transfer.id, transfer.place))
        }
        Event::Link { venue, link } => {
            ("link", format!("{venue} is {}", if *link == Link::Up { "connected" } else { "not connected" }))
        }
        Event::Block { chain, number } => ("block", format!("{chain} {number}")),
        Event::Reorg { chain, from } => ("reorganisation", format!("{chain} replaced blocks from {from}")),
        Event::Started => ("start", "the process started".to_owned()),
        Event::Policy { text } => ("policy", format!("a policy of {} bytes", text.len())),
        Event::Rulebook { file, .. } => ("rulebook", file.clone()),
        Event::Operator { who, command } => ("operator", format!("{who}: {}", said(command))),
    };
    // Reasons and names are text of others.
    (kind.to_owned(), text.replace(char::is_control, "?"))
}

fn said(command: &Command) -> String {
    match command {
        Command::Adopt { place } => format!("adopt what {place} reports"),
        Command::State(Some(state)) => format!("state {}", state.word()),
        Command::State(None) => "state as limits say".into(),
        Command::Arming(engine::Arming::Armed) => "arm".into(),
        Command::Arming(engine::Arming::Disarmed) => "disarm".into(),
        Command::Approve(id) => format!("approve {id}"),
        Command::Decline(id) => format!("decline {id}"),
        Command::Propose(ticket) => {
            let engine::Ticket { place, symbol, quantity, limit_price } = ticket;
            let limit = limit_price.map_or("the collar".into(), |price| price.to_string());
            format!("propose {place} {symbol} {quantity} at {limit} or better")
        }
        Command::Cancel(id) => format!("cancel {id}"),
    }
}
