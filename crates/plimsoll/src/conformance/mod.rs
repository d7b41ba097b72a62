//! Suites of other people's numbers.
