//! Music without drums.

use super::{BAND, Feel, Groove, Recipe, Voice};
use crate::Meter;

const ALONE: Recipe = Recipe { feel: Feel::Free, sings: true, busy: 0.3, ..BAND };

pub(in crate::styles) const PIANO: Recipe = Recipe {
    bpm: (62.0, 132.0),
    other_meter: Some(Meter::new(3, 4)),
    bass: Voice::Piano,
    comp: Voice::Piano,
    lead: Voice::Piano,
    grooves: &[
        Groove { div: 2, drums: &[], bass: "1-------", comp: "15851585" },
        Groove { div: 2, drums: &[], bass: "1---5---", comp: "..x-..x-" },
        Groove { div: 2, drums: &[], bass: "1-.1.-5-", comp: "x--x--x-" },
        Groove { div: 2, drums: &[], bass: "1---1---", comp: "x-x-x-x-" },
    ],
    ..ALONE
};

pub(in crate::styles) const GUITAR: Recipe = Recipe {
    bpm: (66.0, 128.0),
    other_meter: Some(Meter::new(3, 4)),
    bass: Voice::Guitar,
    lead: Voice::Guitar,
    grooves: &[
        Groove { div: 2, drums: &[], bass: "1---5---", comp: ".3.8.3.8" },
        Groove { div: 2, drums: &[], bass: "1-------", comp: ".5838583" },
        Groove { div: 2, drums: &[], bass: "1-5-1-5-", comp: "x--x-xx-" },
    ],
    ..ALONE
};

pub(in crate::styles) const STRING_QUARTET: Recipe = Recipe {
    bpm: (60.0, 124.0),
    other_meter: Some(Meter::new(3, 4)),
    bass: Voice::LowBowed,
    comp: Voice::Bowed,
    lead: Voice::Bowed,
    grooves: &[
        Groove { div: 2, drums: &[], bass: "1---5---", comp: "x---x---" },
        Groove { div: 2, drums: &[], bass: "1-1-5-5-", comp: "xxxxxxxx" },
        Groove { div: 2, drums: &[], bass: "1-------", comp: "x-------" },
        Groove { div: 2, drums: &[], bass: "1-3-5-3-", comp: "..x-..x-" },
    ],
    ..ALONE
};
