//! Looks for a ramp at one end of a track. Levels come from that end inwards, so time runs backwards in a fade-out.

/// Levels a second.
const PER_SECOND: usize = 10;
/// Shortest and longest fade, and how much of the music beside it is compared with, in levels.
const SHORTEST: usize = 2 * PER_SECOND;
const LONGEST: usize = 60 * PER_SECOND;
const BESIDE: usize = 10 * PER_SECOND;
/// Levels to either side over which power is averaged: 1.5 s, a bar or most of one.
const REACH: usize = 7;
/// Nothing is told apart further below the music than this, in dB.
const DEPTH_DB: f32 = 40.0;
/// How far under the music a fade ends, in dB.
const FALL_DB: f32 = 15.0;
/// How much better than the best step a ramp must fit.
const BETTER: f32 = 0.7;
/// Share of the music's rises that a fade must have.
const RISES: f32 = 1.0 / 3.0;

/// Course of the gain over a fade.
#[derive(Debug, Clone, Copy)]
enum Shape {
    /// Amplitude as a power of time.
    Power(f32),
    /// Straight in dB, down to this many.
    Straight(f32),
}

const SHAPES: [Shape; 9] = [
    Shape::Power(0.5),
    Shape::Power(1.0),
    Shape::Power(1.5),
    Shape::Power(2.0),
    Shape::Power(3.0),
    Shape::Straight(15.0),
    Shape::Straight(20.0),
    Shape::Straight(30.0),
    Shape::Straight(45.0),
];

impl Shape {
    /// Gain in dB at a place from 0 (the edge of the track) to 1 (the music's own level).
    fn gain_db(self, place: f32) -> f32 {
        match self {
            Self::Power(power) => 20.0 * power * place.log10(),
            Self::Straight(depth_db) => -depth_db * (1.0 - place),
        }
    }
}

/// Length of the fade, in levels; `None` without one. `from_edge` are the `count` levels that sound, in dB.
pub(super) fn length(from_edge: impl Iterator<Item = f32>, count: usize) -> Option<usize> {
    let raw: Vec<f32> = from_edge.take(LONGEST + BESIDE + REACH).collect();
    let longest = LONGEST.min(count / 2);
    if longest < SHORTEST {
        return None;
    }
    let smooth = smoothed(&raw);
    let edge_db = mean(&raw[..REACH]);
    let coarse = (SHORTEST..=longest).step_by(REACH).filter_map(|n| fit(&smooth, n));
    let (_, near) = coarse.min_by(|a, b| a.0.total_cmp(&b.0))?;
    let fine = near.saturating_sub(REACH).max(SHORTEST)..=(near + REACH).min(longest);
    let (distance, length) = fine.filter_map(|n| fit(&smooth, n)).min_by(|a, b| a.0.total_cmp(&b.0))?;
    let level_db = level_beside(&smooth, length)?;
    let clear = edge_db <= level_db - FALL_DB && distance < BETTER * step_distance(&smooth, length, level_db);
    (clear && goes_on(&raw, length)).then_some(length)
}

/// The least mean distance of any shape of this length, with the length.
fn fit(smooth: &[f32], length: usize) -> Option<(f32, usize)> {
    let level_db = level_beside(smooth, length)?;
    let (fade, beside) = compared(smooth, length);
    let still: f32 = beside.iter().map(|db| apart(*db, level_db, level_db)).sum();
    let distance = |shape: Shape| {
        let ramp = fade.iter().enumerate().map(|(i, db)| {
            let place = (i as f32 + 0.5) / length as f32;
            apart(*db, level_db + shape.gain_db(place), level_db)
        });
        (ramp.sum::<f32>() + still) / (fade.len() + beside.len()) as f32
    };
    SHAPES.into_iter().map(distance).min_by(f32::total_cmp).map(|distance| (distance, length))
}

/// The fade and the music beside it.
fn compared(levels: &[f32], length: usize) -> (&[f32], &[f32]) {
    let (fade, rest) = levels.split_at(length.min(levels.len()));
    (fade, &rest[..BESIDE.min(rest.len())])
}

/// Median of the levels beside a fade of this length.
fn level_beside(smooth: &[f32], length: usize) -> Option<f32> {
    let mut beside = compared(smooth, length).1.to_vec();
    beside.sort_unstable_by(f32::total_cmp);
    beside.get(beside.len() / 2).copied()
}

/// Distance of two levels, both cut off [`DEPTH_DB`] below the music.
fn apart(a_db: f32, b_db: f32, music_db: f32) -> f32 {
    let floor = music_db - DEPTH_DB;
    (a_db.max(floor) - b_db.max(floor)).abs()
}

/// Mean distance from the best step between two levels.
fn step_distance(smooth: &[f32], length: usize, music_db: f32) -> f32 {
    let (fade, beside) = compared(smooth, length);
    let whole = &smooth[..fade.len() + beside.len()];
    let around_mean = |part: &[f32]| {
        let mean = mean(part);
        part.iter().map(|db| apart(*db, mean, music_db)).sum::<f32>()
    };
    let of_step = |at: usize| around_mean(&whole[..at]) + around_mean(&whole[at..]);
    let least = (0..whole.len()).step_by(REACH).map(of_step).fold(f32::INFINITY, f32::min);
    least / whole.len() as f32
}

/// Whether the music goes on in the fade: levels that rise against its course, seen in the order of time or against it.
fn goes_on(raw: &[f32], length: usize) -> bool {
    let (fade, beside) = compared(raw, length);
    let against = |levels: &[f32]| {
        let falls = levels.windows(2).map(|pair| (pair[0] - pair[1]).clamp(0.0, 3.0));
        falls.sum::<f32>() / levels.len() as f32
    };
    against(fade) >= RISES * against(beside)
}

/// Levels of the mean power over [`REACH`] to either side.
fn smoothed(raw: &[f32]) -> Vec<f32> {
    let powers: Vec<f32> = raw.iter().map(|db| 10.0_f32.powf(db / 10.0)).collect();
    let around = |i: usize| &powers[i.saturating_sub(REACH)..(i + REACH + 1).min(powers.len())];
    (0..powers.len()).map(|i| crate::units::power_to_db(mean(around(i)))).collect()
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}
