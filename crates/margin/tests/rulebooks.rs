//! The rulebooks that ship with the program are sound.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // helpers of tests fail as tests do

use margin::Rulebooks;

#[test]
fn every_embedded_rulebook_is_sound_and_says_where_it_comes_from() {
    let all = Rulebooks::embedded().unwrap_or_else(|issues| {
        let text: Vec<String> = issues.kept().iter().map(ToString::to_string).collect();
        panic!("{}", text.join("\n"))
    });
    for rulebook in all.iter() {
        assert!(!rulebook.header.sources.is_empty(), "{}", rulebook.header.id);
        assert_eq!(rulebook.parameter_hash.len(), 16, "{}", rulebook.header.id);
    }
}
