//! Scenarios, the cube, exposure, ladders, stress, reconciliation.
