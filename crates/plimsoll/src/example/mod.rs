//! A sample book and market, generated from a named seed.
