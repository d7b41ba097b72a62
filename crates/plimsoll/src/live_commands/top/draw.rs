//! The screen in a terminal. Colour only underlines what words and signs say.

use super::clock;
use super::state::{DistanceLine, ExposureLine, LimitLine, MarginLine, NewsLine, ProfitLine, Screen};
use crate::render::number::{MINUS, NONE, compact, compact_signed};
use engine::Level;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Cell, Paragraph, Row, Table};
use units::Fixed;

const BAR: usize = 10;

/// Draws one moment.
pub(super) fn draw(frame: &mut Frame<'_>, screen: &Screen) {
    let exposure = height(screen.exposure.len());
    let limits = height(screen.limits.len().min(8));
    let margins = height(screen.margins.len().min(8));
    let waiting =
        screen.orders.len() + screen.transfers.len() + screen.proposals.len() + screen.held_back.len();
    let acting = height(waiting.clamp(1, 6)).saturating_sub(1);
    let areas = Layout::vertical([
        Constraint::Length(3),
        Constraint::Length(exposure),
        Constraint::Length(if screen.profit.is_some() { 2 } else { 0 }),
        Constraint::Length(limits),
        Constraint::Length(margins),
        Constraint::Length(acting),
        Constraint::Min(4),
    ])
    .split(frame.area());
    let [head, first, earned, second, third, fourth, rest] = areas[..] else { return };
    frame.render_widget(header(screen), head);
    frame.render_widget(exposures(&screen.exposure), first);
    if let Some(line) = &screen.profit {
        frame.render_widget(profit(line), earned);
    }
    frame.render_widget(limit_table(&screen.limits), second);
    frame.render_widget(margin_table(screen), third);
    frame.render_widget(acting_lines(screen), fourth);
    frame.render_widget(news(&screen.news, rest), rest);
}

/// Title, header row, lines.
fn height(lines: usize) -> u16 {
    u16::try_from(lines.max(1)).unwrap_or(u16::MAX).saturating_add(2)
}

fn panel(title: &str) -> Block<'static> {
    let title = Span::styled(format!(" {title} "), Style::new().add_modifier(Modifier::BOLD));
    Block::new().borders(Borders::TOP).border_style(Style::new().fg(Color::DarkGray)).title(title)
}

fn header(screen: &Screen) -> Paragraph<'static> {
    let colour = match screen.state {
        "normal" => Color::Green,
        "warn" => Color::Yellow,
        _ => Color::Red,
    };
    let state = Span::styled(
        format!(" {} ", screen.state.to_uppercase()),
        Style::new().fg(Color::Black).bg(colour).add_modifier(Modifier::BOLD),
    );
    let armed = if screen.is_armed { "ARMED" } else { "disarmed" };
    let first = Line::from(vec![
        state,
        Span::raw(format!(
            "  {armed}   event {}   {}   valued at {}",
            screen.seq, screen.time, screen.valued_at
        )),
    ]);
    let links: Vec<String> = screen
        .links
        .iter()
        .map(|link| format!("{} {}", link.venue, if link.is_up { "up" } else { "DOWN" }))
        .collect();
    let list = |name: &str, of: &[String]| {
        if of.is_empty() { String::new() } else { format!("   {name}: {}", of.join(", ")) }
    };
    let links = if links.is_empty() { "no connections".to_owned() } else { links.join(", ") };
    let unvalued = if screen.unvalued.is_empty() {
        String::new()
    } else {
        format!(
            "   NO VALUE: {} ({})",
            screen.unvalued.len(),
            screen.unvalued.first().cloned().unwrap_or_default()
        )
    };
    let second = format!(
        "{links}{}{}{unvalued}",
        list("STALE", &screen.stale),
        list("NOT RECONCILED", &screen.unreconciled)
    );
    let turnover = if screen.turnover_usd.is_zero() {
        "no orders in the last hour".to_owned()
    } else {
        format!("orders of the last hour: {} USD", compact(screen.turnover_usd))
    };
    Paragraph::new(vec![
        first,
        Line::from(second),
        Line::from(Span::styled(
            format!("{}   {turnover}", screen.journal),
            Style::new().fg(Color::DarkGray),
        )),
    ])
}

fn exposures(lines: &[ExposureLine]) -> Table<'static> {
    let rows = lines.iter().map(|line| {
        let style = if line.is_stale { Style::new().fg(Color::DarkGray) } else { Style::new() };
        let name = if line.is_stale { format!("{} stale", line.underlying) } else { line.underlying.clone() };
        Row::new([
            Cell::from(name),
            figure(line.value_usd),
            figure(line.delta_cash_usd),
            figure(line.gamma_cash_1pct_usd),
            figure(line.vega_usd_per_point),
            figure(line.theta_usd_per_day),
        ])
        .style(style)
    });
    let widths = [18, 14, 14, 14, 14, 14].map(Constraint::Length);
    Table::new(rows, widths)
        .header(heads(&["", "value USD", "delta USD", "gamma 1% USD", "vega/pt USD", "theta/day USD"]))
        .block(panel("exposure"))
}

/// The change and its largest parts: what does not fit is on the page and in the JSON.
fn profit(line: &ProfitLine) -> Paragraph<'static> {
    let parts: Vec<String> =
        line.parts.iter().map(|part| format!("{} {}", part.part, compact_signed(part.usd))).collect();
    let until = line.until.map_or_else(String::new, |until| format!(" to {}", clock(until)));
    let text = format!("{} USD   {}", compact_signed(line.change_usd), parts.join("   "));
    Paragraph::new(Line::from(text)).block(panel(&format!("profit by cause, {}{until}", clock(line.since))))
}

fn limit_table(lines: &[LimitLine]) -> Table<'static> {
    let rows = lines.iter().map(|line| {
        let style = match line.level {
            Level::Inside => Style::new(),
            Level::Warn => Style::new().fg(Color::Yellow),
            Level::Hard => Style::new().fg(Color::Red),
        };
        let mut marks = line.level.word().to_owned();
        if line.is_stale {
            marks.push_str(", stale");
        }
        if line.unvalued > 0 {
            marks.push_str(&format!(", lacks {}", line.unvalued));
        }
        Row::new([
            Cell::from(line.limit.clone()),
            Cell::from(line.group.clone()),
            figure(line.value_usd),
            figure(line.hard_usd),
            Cell::from(bar(line.share_of_hard)),
            Cell::from(marks),
        ])
        .style(style)
    });
    let widths = [22, 20, 14, 14, 18, 20].map(Constraint::Length);
    Table::new(rows, widths)
        .header(heads(&["limit", "of", "figure USD", "hard USD", "used", "level"]))
        .block(panel("limits, nearest first"))
}

fn margin_table(screen: &Screen) -> Table<'static> {
    let title = match screen.margins_at {
        Some(at) => format!("margin at {at}"),
        None => "margin: not asked for by the policy".to_owned(),
    };
    let rows = screen.margins.iter().map(margin_row);
    let widths = [26, 20, 14, 14, 18, 26].map(Constraint::Length);
    Table::new(rows, widths)
        .header(heads(&["account", "rulebook", "equity USD", "maintenance", "used", "to liquidation"]))
        .block(panel(&title))
}

fn margin_row(line: &MarginLine) -> Row<'static> {
    let name = Cell::from(format!("{}@{}", line.account, line.venue));
    if let Some(why) = &line.why_not {
        return Row::new([name, Cell::from(format!("n/a: {why}"))]).style(Style::new().fg(Color::DarkGray));
    }
    let optional = |value: Option<Fixed>| value.map_or_else(|| Cell::from(NONE), figure);
    let used = line.maintenance_use.map_or_else(|| "over all".to_owned(), |used| bar(used.to_f64()));
    let distance = |sides: &DistanceLine| {
        let side = |side: Option<Fixed>, sign: char| {
            side.map_or_else(
                || NONE.to_owned(),
                |percent| format!("{sign}{}%", percent.abs().to_decimal_text(1)),
            )
        };
        format!("{} {} {}", sides.index, side(sides.down_percent, MINUS), side(sides.up_percent, '+'))
    };
    let distances: Vec<String> = line.liquidation.iter().map(distance).collect();
    let colour = match line.maintenance_use.map(Fixed::to_f64) {
        Some(used) if used < 0.5 => Style::new(),
        Some(used) if used < 0.8 => Style::new().fg(Color::Yellow),
        _ => Style::new().fg(Color::Red),
    };
    Row::new([
        name,
        Cell::from(line.rulebook.clone().unwrap_or_default()),
        optional(line.equity_usd),
        optional(line.maintenance_margin_usd),
        Cell::from(used),
        Cell::from(distances.join("  ")),
    ])
    .style(colour)
}

fn acting_lines(screen: &Screen) -> Paragraph<'static> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for open in &screen.orders {
        let phase = format!("{:?}", open.phase).to_lowercase();
        lines.push(Line::from(format!("order {phase}, filled {}: {}", open.filled, open.order)));
    }
    for open in &screen.transfers {
        let (late, colour) = if open.is_late { (", LATE", Color::Red) } else { ("", Color::Reset) };
        lines.push(Line::from(Span::styled(
            format!("transfer {}{late}, {} s: {}", open.phase.word(), open.age_seconds, open.transfer),
            Style::new().fg(colour),
        )));
    }
    for proposal in &screen.proposals {
        lines.push(Line::from(Span::styled(proposal.clone(), Style::new().fg(Color::Yellow))));
    }
    for held in &screen.held_back {
        lines.push(Line::from(Span::styled(
            format!("held back: {}: {}", held.rule, held.why),
            Style::new().fg(Color::DarkGray),
        )));
    }
    if lines.is_empty() {
        lines.push(Line::from(Span::styled(
            "nothing waits, nothing is on its way",
            Style::new().fg(Color::DarkGray),
        )));
    }
    Paragraph::new(lines).block(panel("orders, transfers, proposals, what is held back"))
}

/// The newest line is at the bottom.
fn news(lines: &[NewsLine], area: Rect) -> Paragraph<'static> {
    let room = usize::from(area.height.saturating_sub(1));
    let from = lines.len().saturating_sub(room);
    let shown = lines.iter().skip(from).map(|line| {
        Line::from(vec![
            Span::styled(format!("{} ", clock(line.time)), Style::new().fg(Color::DarkGray)),
            Span::raw(line.text.clone()),
        ])
    });
    Paragraph::new(shown.collect::<Vec<_>>()).block(panel("what was said"))
}

fn heads(words: &[&'static str]) -> Row<'static> {
    let right = |(at, word): (usize, &&'static str)| {
        let line = Line::from(*word);
        Cell::from(if at > 0 && word.contains("USD") || *word == "maintenance" {
            line.right_aligned()
        } else {
            line
        })
    };
    Row::new(words.iter().enumerate().map(right)).style(Style::new().fg(Color::DarkGray))
}

fn figure(value: Fixed) -> Cell<'static> {
    Cell::from(Line::from(compact_signed(value)).right_aligned())
}

/// Ten cells and the figure: `████······ 41 %`.
fn bar(share: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // clamped to a few cells
    let full = (share.clamp(0.0, 1.0) * BAR as f64).round() as usize;
    format!("{}{} {:.0}%", "█".repeat(full), "·".repeat(BAR - full), share * 100.0)
}
