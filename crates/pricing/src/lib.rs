//! Pure kernels: Black-76, greeks, implied vol, vectorised revaluation; knows numbers, not contracts.
