//! Suites of the margin models: protocols' own tests, exchanges' answers and documented examples.
