//! Music of machines.

use super::Drum::{Clap, Hat, Kick, OpenHat, Ride, Rim, Shaker, Snare, Tom};
use super::{BAND, Feel, Groove, Recipe, Voice};

const MACHINE: Recipe =
    Recipe { feel: Feel::Machine, minor: 0.7, bass: Voice::SynthBass, comp: Voice::Organ, ..BAND };

pub(in crate::styles) const HOUSE: Recipe = Recipe {
    bpm: (116.0, 132.0),
    swing: Some((1.0, 1.35, 2)),
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "X...X...X...X..."), (Clap, "....x.......x..."), (OpenHat, "..x...x...x...x.")],
            bass: "..1...1...1...5.",
            comp: "..x..x....x..x..",
        },
        Groove {
            div: 4,
            drums: &[(Kick, "X...X...X...X..x"), (Hat, "o.x.o.x.o.x.o.x."), (Shaker, "oxoxoxoxoxoxoxox")],
            bass: "..11..8...11..8.",
            comp: "x..x..x.....x...",
        },
        Groove {
            div: 4,
            drums: &[
                (Kick, "X...X...X...X..."),
                (Snare, "....x..o....x..."),
                (OpenHat, "..x...x...x...x."),
                (Rim, "...o..o...o.o..."),
            ],
            bass: "1..1..1.1..1..5.",
            comp: "..x-..x-..x-..x-",
        },
    ],
    ..MACHINE
};

pub(in crate::styles) const TECHNO: Recipe = Recipe {
    bpm: (124.0, 146.0),
    minor: 1.0,
    comp: Voice::Pad,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "X...X...X...X..."), (Hat, "..x...x...x...x."), (Rim, "...x..x.....x..x")],
            bass: ".111.111.111.111",
            comp: "x---------------",
        },
        Groove {
            div: 4,
            drums: &[
                (Kick, "X...X...X...X..."),
                (Ride, "..x...x...x...x."),
                (Tom, "...o..o....o..o."),
                (Clap, "....x.......x..."),
            ],
            bass: "..1...1...1..11.",
            comp: "...x..x....x..x.",
        },
    ],
    ..MACHINE
};

pub(in crate::styles) const DRUM_AND_BASS: Recipe = Recipe {
    bpm: (160.0, 180.0),
    comp: Voice::Pad,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "X.........x....."), (Snare, "....X.......X..."), (Hat, "x.x.x.x.x.x.x.x.")],
            bass: "1-----..1---5-..",
            comp: "x---------------",
        },
        Groove {
            div: 4,
            drums: &[(Kick, "X.x.......x....."), (Snare, "....X..o.o..X..o"), (Ride, "x.x.x.x.x.x.x.x.")],
            bass: "1--1--8---1-5-7-",
            comp: "x-------x-------",
        },
    ],
    ..MACHINE
};

pub(in crate::styles) const HIP_HOP: Recipe = Recipe {
    bpm: (76.0, 102.0),
    swing: Some((1.1, 1.7, 2)),
    sevenths: true,
    comp: Voice::Piano,
    grooves: &[
        Groove {
            div: 4,
            drums: &[(Kick, "X..x......x....."), (Snare, "....X.......X..."), (Hat, "x.x.x.x.x.x.x.xx")],
            bass: "1--1......1-..5.",
            comp: "x-------..x-....",
        },
        Groove {
            div: 4,
            drums: &[
                (Kick, "X.....x.x.....x."),
                (Snare, "....X.......X..o"),
                (Hat, "xxxoxoxoxoxxxoxo"),
                (Clap, "....o.......o..."),
            ],
            bass: "1-----..1-----5-",
            comp: "..x-....x-......",
        },
    ],
    ..MACHINE
};
