//! Places in bars, numbered: a lane for each beat of each kind of bar.

/// Kinds of bars: 2 to 7 beats.
pub(super) const BARS: usize = 6;
/// Beats of the shortest bar.
const SHORTEST: usize = 2;
/// Lanes in use: 2 + 3 + … + 7.
pub(crate) const USED: usize = 27;
/// Lanes of a row: those in use, rounded up to whole vectors.
pub(super) const LANES: usize = 32;

/// A place in a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BarPlace {
    /// From 1, the downbeat.
    pub position: u8,
    /// Beats in the bar, 2 to 7.
    pub beats_per_bar: u8,
}

/// First lane of each kind of bar.
pub(crate) const STARTS: [usize; BARS] = {
    let (mut starts, mut bar) = ([0; BARS], 1);
    while bar < BARS {
        starts[bar] = starts[bar - 1] + SHORTEST + bar - 1;
        bar += 1;
    }
    starts
};

/// Last lane of each kind of bar.
pub(crate) const ENDS: [usize; BARS] = {
    let (mut ends, mut bar) = ([0; BARS], 0);
    while bar < BARS {
        ends[bar] = STARTS[bar] + SHORTEST + bar - 1;
        bar += 1;
    }
    ends
};

/// The place that each lane stands for.
#[expect(clippy::cast_possible_truncation, reason = "bars have at most 7 beats")]
pub(crate) const PLACES: [BarPlace; USED] = {
    let (mut places, mut bar) = ([BarPlace { position: 1, beats_per_bar: 2 }; USED], 0);
    while bar < BARS {
        let mut lane = STARTS[bar];
        while lane <= ENDS[bar] {
            let position = (lane - STARTS[bar] + 1) as u8;
            places[lane] = BarPlace { position, beats_per_bar: (SHORTEST + bar) as u8 };
            lane += 1;
        }
        bar += 1;
    }
    places
};

/// The kind of bar that begins in this lane.
pub(crate) fn bar_starting(lane: usize) -> Option<usize> {
    STARTS.iter().position(|&start| start == lane)
}
