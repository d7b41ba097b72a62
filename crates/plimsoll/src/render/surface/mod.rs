//! Renderings of `plimsoll surface`.

pub(crate) mod json;
pub(crate) mod table;
pub(crate) mod tables;

use market::surface::Model;

/// Word of a model in tables and files.
pub(crate) const fn model_word(model: Model) -> &'static str {
    match model {
        Model::Svi => "svi",
        Model::Essvi => "essvi",
    }
}
