//! Dances, jazz and marches.

use super::Drum::{Hat, Kick, Ride, Rim, Shaker, Snare, Tom};
use super::{BAND, Groove, Recipe, Voice};
use crate::Meter;

pub(in crate::styles) const JAZZ_SWING: Recipe = Recipe {
    bpm: (108.0, 208.0),
    swing: Some((1.5, 2.4, 1)),
    sevenths: true,
    comp: Voice::Piano,
    lead: Voice::Brass,
    busy: 0.5,
    grooves: &[
        Groove {
            div: 2,
            drums: &[(Ride, "x.xxx.xx"), (Hat, "..x...x.")],
            bass: "w-w-w-w-",
            comp: "..x....x",
        },
        Groove {
            div: 2,
            drums: &[(Ride, "x.xxx.xx"), (Hat, "..x...x."), (Snare, ".....o.o"), (Kick, "o...o...")],
            bass: "w-w-w-w-",
            comp: "x..x....",
        },
        Groove {
            div: 2,
            drums: &[(Ride, "x.x.x.xx"), (Rim, "......x.")],
            bass: "1---5---",
            comp: "...x..x.",
        },
    ],
    ..BAND
};

pub(in crate::styles) const BOSSA_NOVA: Recipe = Recipe {
    bpm: (112.0, 152.0),
    sevenths: true,
    lead: Voice::Flute,
    grooves: &[
        Groove {
            div: 2,
            drums: &[(Kick, "x..ox..o"), (Rim, "x..x..x."), (Shaker, "xoxoxoxo")],
            bass: "1--51--5",
            comp: "x..x.x..",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "x..ox..o"), (Rim, "..x..x.."), (Hat, "oooooooo")],
            bass: "1--55--1",
            comp: "x.x..x..",
        },
    ],
    ..BAND
};

pub(in crate::styles) const WALTZ: Recipe = Recipe {
    bpm: (84.0, 186.0),
    meter: Meter::new(3, 4),
    comp: Voice::Piano,
    lead: Voice::Fiddle,
    sings: true,
    grooves: &[
        Groove { div: 2, drums: &[(Kick, "x....."), (Hat, "..o.o.")], bass: "1-....", comp: "..x.x." },
        Groove { div: 2, drums: &[], bass: "1-----", comp: "..x.x." },
        Groove { div: 2, drums: &[(Ride, "x.x.xx"), (Snare, "..o.o.")], bass: "1---5-", comp: "x-x-x-" },
    ],
    ..BAND
};

pub(in crate::styles) const MARCH: Recipe = Recipe {
    bpm: (104.0, 126.0),
    meter: Meter::new(2, 4),
    minor: 0.2,
    comp: Voice::Brass,
    lead: Voice::Flute,
    sings: true,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "X...x..."), (Snare, "x.xxx.xx")],
            bass: "1-..5-..",
            comp: "..x...x.",
        },
        Groove {
            div: 4,
            drums: &[(Kick, "X...X..."), (Snare, "..x.x.xx")],
            bass: "1-..1-..",
            comp: "x.xxx...",
        },
    ],
    ..BAND
};

pub(in crate::styles) const JIG: Recipe = Recipe {
    bpm: (96.0, 128.0),
    meter: Meter::new(6, 8),
    minor: 0.3,
    busy: 0.85,
    sings: true,
    lead: Voice::Fiddle,
    grooves: &[
        Groove { div: 3, drums: &[(Tom, "x.ox.o")], bass: "1--5--", comp: "x-xx-x" },
        Groove { div: 3, drums: &[], bass: "1--1--", comp: "x..x.." },
        Groove { div: 3, drums: &[(Tom, "xooxoo"), (Shaker, "x..x..")], bass: "......", comp: "x--x-x" },
    ],
    ..BAND
};

pub(in crate::styles) const REEL: Recipe = Recipe {
    bpm: (92.0, 118.0),
    meter: Meter::new(2, 4),
    swing: Some((1.0, 1.3, 2)),
    minor: 0.3,
    busy: 0.85,
    sings: true,
    lead: Voice::Fiddle,
    grooves: &[
        Groove { div: 4, drums: &[(Tom, "x.o.xoxo")], bass: "1---5---", comp: "x.x.x.x." },
        Groove { div: 4, drums: &[], bass: "1---5---", comp: "..x...x." },
        Groove {
            div: 4,
            drums: &[(Tom, "X..ox..o"), (Shaker, "xoxoxoxo")],
            bass: "1---5---",
            comp: "x--xx--x",
        },
    ],
    ..BAND
};
