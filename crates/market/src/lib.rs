//! Market state as data: snapshot, index, forward curve, quoted vols.
