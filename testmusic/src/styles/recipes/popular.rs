//! Bands with drums.

use super::Drum::{Clap, Hat, Kick, OpenHat, Ride, Rim, Shaker, Snare, Tom};
use super::{BAND, Feel, Groove, Recipe, Voice};
use crate::Meter;

pub(in crate::styles) const ROCK: Recipe = Recipe {
    bpm: (96.0, 172.0),
    other_meter: Some(Meter::new(2, 4)),
    grooves: &[
        Groove {
            div: 2,
            drums: &[(Kick, "X...x..."), (Snare, "..X...X."), (Hat, "xoxoxoxo")],
            bass: "11111111",
            comp: "x-..x-x-",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "X..xx..."), (Snare, "..X...X."), (Ride, "x.x.x.x.")],
            bass: "1-.11-5.",
            comp: "x--x--x-",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "X.x.xx.x"), (Snare, "..X...X."), (OpenHat, "x.x.x.x.")],
            bass: "1.1.1158",
            comp: "xxxxxxxx",
        },
    ],
    ..BAND
};

pub(in crate::styles) const METAL: Recipe = Recipe {
    bpm: (120.0, 196.0),
    other_meter: Some(Meter::new(3, 4)),
    minor: 0.9,
    comp: Voice::Distorted,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "xxxxxxxxxxxxxxxx"), (Snare, "....X.......X..."), (Ride, "x...x...x...x...")],
            bass: "1111111111111111",
            comp: "x-xxx-xxx-xxx-xx",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "X.x.X.xx"), (Snare, "..X...X."), (OpenHat, "x.x.x.x.")],
            bass: "1-1-1-11",
            comp: "x---x-xx",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "XxX.XxX."), (Snare, "....X..."), (Ride, "x.x.x.x.")],
            bass: "111.111.",
            comp: "xxx.xxx-",
        },
    ],
    ..BAND
};

pub(in crate::styles) const FUNK: Recipe = Recipe {
    bpm: (92.0, 118.0),
    swing: Some((1.0, 1.4, 2)),
    minor: 0.7,
    sevenths: true,
    lead: Voice::Brass,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "X.x.......x..x.."), (Snare, "....X..o.o..X..o"), (Hat, "xoxoxoxoxoxoxoxo")],
            bass: "1..1..8...1.5.7.",
            comp: "..x..x....x..x..",
        },
        Groove {
            div: 4,
            drums: &[
                (Kick, "X..x..x...x....."),
                (Snare, "....X.......X..."),
                (Hat, "x.xxx.xxx.xxx.xx"),
                (Clap, "....o.......o..."),
            ],
            bass: "1.1...81..5...7.",
            comp: "....x..x....x..x",
        },
    ],
    ..BAND
};

pub(in crate::styles) const REGGAE: Recipe = Recipe {
    bpm: (66.0, 86.0),
    swing: Some((1.0, 1.5, 2)),
    comp: Voice::Organ,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "....X.......X..."), (Rim, "....x.......x..."), (Hat, "x.o.x.o.x.o.x.o.")],
            bass: "1-..1.3.5---..3.",
            comp: "..x...x...x...x.",
        },
        Groove {
            div: 4,
            drums: &[(Kick, "X...X...X...X..."), (Snare, "....x.......x..."), (Hat, "x.oox.oox.oox.oo")],
            bass: "..1-1-..5-..3-1-",
            comp: "..xx..x...xx..x.",
        },
    ],
    ..BAND
};

pub(in crate::styles) const BALLAD: Recipe = Recipe {
    bpm: (58.0, 84.0),
    other_meter: Some(Meter::new(2, 4)),
    comp: Voice::Piano,
    lead: Voice::Flute,
    grooves: &[
        Groove {
            div: 2,
            drums: &[(Kick, "x...x..."), (Rim, "..x...x."), (Hat, "oooooooo")],
            bass: "1---5-1-",
            comp: "x-x-x-x-",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "x...xx.."), (Snare, "..x...x.")],
            bass: "1-------",
            comp: "15385835",
        },
        Groove { div: 2, drums: &[(Shaker, "xoxoxoxo")], bass: "1---1-5-", comp: "x---x---" },
    ],
    ..BAND
};

pub(in crate::styles) const SIX_EIGHT_BALLAD: Recipe = Recipe {
    bpm: (50.0, 76.0),
    meter: Meter::new(6, 8),
    comp: Voice::Piano,
    lead: Voice::Lead,
    grooves: &[
        Groove {
            div: 3,
            drums: &[(Kick, "X....o"), (Snare, "...x.."), (Hat, "xooxoo")],
            bass: "1----5",
            comp: "158358",
        },
        Groove {
            div: 3,
            drums: &[(Kick, "X.x..."), (Rim, "...x.."), (Ride, "xxxxxx")],
            bass: "1--5--",
            comp: "x-xx-x",
        },
    ],
    ..BAND
};

pub(in crate::styles) const FIVE_FOUR: Recipe = Recipe {
    bpm: (112.0, 176.0),
    meter: Meter::new(5, 4),
    other_meter: Some(Meter::new(4, 4)),
    swing: Some((1.0, 1.8, 1)),
    minor: 0.7,
    comp: Voice::Piano,
    grooves: &[
        Groove {
            div: 2,
            drums: &[(Kick, "X..x..x.x."), (Snare, "....x....."), (Ride, "x.x.xxx.x.")],
            bass: "1--1--5-5-",
            comp: "x--x--x-x-",
        },
        Groove {
            div: 2,
            drums: &[(Kick, "X.....X..."), (Snare, "..x.x...x."), (Hat, "xoxoxoxoxo")],
            bass: "1-5-1-1-5-",
            comp: "x-....x-x-",
        },
    ],
    ..BAND
};

pub(in crate::styles) const SEVEN_EIGHT: Recipe = Recipe {
    bpm: (176.0, 236.0),
    meter: Meter::new(7, 8),
    feel: Feel::Band,
    minor: 0.8,
    grooves: &[
        Groove {
            div: 1,
            drums: &[(Kick, "X...x.."), (Snare, "..x...x"), (Hat, "xxxxxxx")],
            bass: "1-1-1-5",
            comp: "x-x-x--",
        },
        Groove {
            div: 1,
            drums: &[(Kick, "X..x.x."), (Tom, "..o.o.o"), (Shaker, "xoxxoxo")],
            bass: "1--1-5-",
            comp: "x--x-x-",
        },
    ],
    ..BAND
};
