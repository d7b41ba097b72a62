//! What the engine said last. Older entries, and those of some kinds only, are asked for by `GET /v1/alerts`.

use super::{Param, Params, View, ViewError, shape, value};
use crate::frame::Frame;
use crate::said::Said;
use serde::Serialize;
use serde_json::Value;

pub(super) const VIEW: View = View {
    name: "alerts",
    says: "What the engine said last, newest first",
    params: &[
        Param { name: "limit", says: "At most so many, up to 200", example: "50" },
        Param { name: "kind", says: "Kinds, with commas", example: "level,proposed" },
    ],
    every_millis: 100,
    compute,
    schema: shape::<Newest>,
};

#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Newest {
    entries: Vec<Said>,
    more: bool,
}

fn compute(frame: &Frame, params: &Params) -> Result<Value, ViewError> {
    let most = params.parsed::<usize>("limit")?.unwrap_or(usize::MAX);
    let kinds: Vec<&str> = params.text("kind").map(|text| text.split(',').collect()).unwrap_or_default();
    let is_wanted = |said: &&Said| kinds.is_empty() || kinds.contains(&said.kind);
    value(&Newest {
        entries: frame.recent.iter().filter(is_wanted).take(most).cloned().collect(),
        more: true,
    })
}
