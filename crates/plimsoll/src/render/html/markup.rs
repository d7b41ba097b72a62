//! Building HTML in which text cannot become markup.
//!
//! [`Markup::raw`] takes only text of this program (`&'static str`); everything that comes from a file, a number or a name
//! goes through [`Markup::text`], which escapes the five characters that end a text or an attribute. So an account named
//! `<script>` is shown and never run, without any caller having to remember it.

use crate::render::number::{NONE, compact, compact_coin, grouped};
use std::fmt::{self, Write};
use units::Fixed;

/// A piece of HTML under construction.
#[derive(Debug, Default)]
pub(super) struct Markup(String);

/// Writes text with the special characters replaced.
struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            match character {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                // Marks that reorder what follows could make one name read as another.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => self.0.push('\u{fffd}'),
                other => self.0.push(other),
            }
        }
        Ok(())
    }
}

/// What a cell of the table stands for beside its figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Paint {
    /// Coloured text: blue for positive, orange for negative.
    Sign,
    /// Neutral text on a tint against the largest magnitude of its table: coloured text on colour would lose contrast.
    Tint {
        /// The magnitude of the deepest tint.
        largest: Fixed,
    },
}

/// Classes of the diverging scale, palest first.
const POSITIVE: [&str; 7] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6"];
const NEGATIVE: [&str; 7] = ["n0", "n1", "n2", "n3", "n4", "n5", "n6"];

impl Paint {
    /// Class of a figure.
    pub(super) fn class(self, value: Fixed) -> &'static str {
        match self {
            Self::Sign if value > Fixed::ZERO => "pos",
            Self::Sign if value < Fixed::ZERO => "neg",
            Self::Sign => "none",
            Self::Tint { .. } if value.is_zero() => "none",
            Self::Tint { largest } => {
                let steps = if value > Fixed::ZERO { POSITIVE } else { NEGATIVE };
                // The square root keeps small cells visible beside one large one.
                let share =
                    (value.abs().to_f64() / largest.to_f64().max(Fixed::QUANTUM)).clamp(0.0, 1.0).sqrt();
                #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 6
                let step = (share * 6.0).round() as usize;
                steps.get(step).copied().unwrap_or("none")
            }
        }
    }
}

impl Markup {
    /// Markup of this program, as written.
    pub(super) fn raw(&mut self, html: &'static str) -> &mut Self {
        self.0.push_str(html);
        self
    }

    /// Text of any origin, escaped; fit for element content and for quoted attributes.
    pub(super) fn text(&mut self, text: impl fmt::Display) -> &mut Self {
        // Writing into a String cannot fail.
        let _ = write!(Escaping(&mut self.0), "{text}");
        self
    }

    /// A coordinate of a drawing.
    pub(super) fn at(&mut self, coordinate: f64) -> &mut Self {
        self.text(format_args!("{coordinate:.1}"))
    }

    /// A finished piece.
    pub(super) fn part(&mut self, part: &Self) -> &mut Self {
        self.0.push_str(&part.0);
        self
    }

    /// The text of the document.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// `<tag>text</tag>` for a cell of text.
    pub(super) fn cell(&mut self, text: impl fmt::Display) -> &mut Self {
        self.raw("<td>").text(text).raw("</td>")
    }

    /// A right-aligned cell of plain digits.
    pub(super) fn digits(&mut self, text: impl fmt::Display) -> &mut Self {
        self.raw("<td class=\"num\">").text(text).raw("</td>")
    }

    /// A cell that has no figure, with the reason in words.
    pub(super) fn not_available(&mut self, reason: &'static str) -> &mut Self {
        self.raw("<td class=\"num none\"><abbr title=\"").raw(reason).raw("\">n/a</abbr></td>")
    }

    /// A row's name.
    pub(super) fn row_head(&mut self, text: impl fmt::Display) -> &mut Self {
        self.raw("<th scope=\"row\">").text(text).raw("</th>")
    }

    /// A column's name with its unit beneath.
    pub(super) fn column(&mut self, name: impl fmt::Display, unit: impl fmt::Display) -> &mut Self {
        self.raw("<th scope=\"col\" class=\"num\">")
            .text(name)
            .raw("<span class=\"unit\">")
            .text(unit)
            .raw("</span></th>")
    }

    /// A column of text.
    pub(super) fn text_column(&mut self, name: impl fmt::Display) -> &mut Self {
        self.raw("<th scope=\"col\">").text(name).raw("</th>")
    }

    /// A USD figure: short in the cell, to the cent on hover.
    pub(super) fn usd(&mut self, value: Fixed, unit: &str, paint: Paint) -> &mut Self {
        self.amount(&compact(value), &full(value, 2, unit), paint.class(value))
    }

    /// A requirement in USD: neither gain nor loss.
    pub(super) fn asked(&mut self, value: Fixed) -> &mut Self {
        self.amount(&compact(value), &full(value, 2, "USD"), "")
    }

    /// A coin figure: short in the cell, to 8 decimals on hover.
    pub(super) fn coin(&mut self, value: Fixed, unit: &str, paint: Paint) -> &mut Self {
        self.amount(&compact_coin(value), &full(value, 8, unit), paint.class(value))
    }

    fn amount(&mut self, short: &str, long: &str, class: &'static str) -> &mut Self {
        self.raw("<td class=\"num ")
            .raw(class)
            .raw("\" title=\"")
            .text(long)
            .raw("\">")
            .text(short)
            .raw("</td>")
    }

    /// A table that scrolls by itself where the screen is narrower, and is whole on paper.
    pub(super) fn table(
        &mut self,
        class: &'static str,
        caption: &str,
        rows: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.raw("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"").text(caption);
        self.raw("\"><table class=\"")
            .raw(class)
            .raw("\"><caption><span>")
            .text(caption)
            .raw("</span></caption>");
        rows(self);
        self.raw("</table></div>")
    }

    /// A section with an anchor and a heading.
    pub(super) fn section(
        &mut self,
        id: &'static str,
        heading: &str,
        body: impl FnOnce(&mut Self),
    ) -> &mut Self {
        self.raw("<section id=\"").raw(id).raw("\"><h2>").text(heading).raw("</h2>");
        body(self);
        self.raw("</section>\n")
    }

    /// A paragraph of explanation.
    pub(super) fn note(&mut self, text: impl fmt::Display) -> &mut Self {
        self.raw("<p class=\"note\">").text(text).raw("</p>")
    }
}

/// Every digit of a figure with its unit, for hovering.
pub(super) fn full(value: Fixed, places: u32, unit: &str) -> String {
    let digits = grouped(value, places);
    if digits == NONE { "exactly none".into() } else { format!("{digits} {unit}") }
}
