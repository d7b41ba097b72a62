//! Positions and balances of accounts over venues and chains.
