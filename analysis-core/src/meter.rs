//! Bars and time signatures of the tracked beats.

use crate::beats::BarPlace;
use crate::divisions;
use crate::rhythm::Beat;
use crate::summary::MeterPoint;
use crate::timing;
use crate::tracked::TrackedBeat;

/// Times, bars and confidence of the tracked beats.
pub(crate) fn beats(tracked: &[TrackedBeat], places: &[BarPlace]) -> Vec<Beat> {
    let times = timing::steady(&tracked.iter().map(|beat| beat.at.seconds()).collect::<Vec<_>>());
    let mut bar = 1;
    let mut out = Vec::with_capacity(tracked.len());
    for (i, ((beat, place), time_s)) in tracked.iter().zip(places).zip(times).enumerate() {
        bar += u32::from(place.position == 1 && i > 0);
        out.push(Beat { time_s, bar, position: place.position, confidence: confidence(beat) });
    }
    out
}

/// Log-odds that a beat is right where its belief is even, and what a nat of belief adds: logistic regression on
/// music with known beats, a beat being right within 70 ms.
const CALIBRATION: (f32, f32) = (1.75, 0.79);
/// Belief beyond this many nats says no more.
const SURE: f32 = 4.0;

/// Probability that a beat is right.
fn confidence(beat: &TrackedBeat) -> f32 {
    let nats = (f32::from(beat.at.belief) / 16.0).clamp(-SURE, SURE);
    1.0 / (1.0 + (-(CALIBRATION.0 + CALIBRATION.1 * nats)).exp())
}

/// Beats in most bars; `None` where fewer than two bars were heard.
#[expect(clippy::cast_possible_truncation, reason = "bars have at most 7 beats")]
pub(crate) fn beats_per_bar(places: &[BarPlace]) -> Option<u8> {
    let mut count = [0_usize; 8];
    for place in places.iter().filter(|place| place.position == 1) {
        count[usize::from(place.beats_per_bar)] += 1;
    }
    let best = (2..8).max_by_key(|&n| count[n] * n)?;
    (count[best] >= 2).then_some(best as u8)
}

/// Time signature of bars of so many beats: 2/4, 3/4, 4/4, 5/4, 6/8 or 7/8. Two beats of three parts each are
/// 6/8.
pub(crate) fn time_signature(tracked: &[TrackedBeat], beats_per_bar: u8) -> Option<String> {
    let triple = (0..tracked.len()).filter(|&i| divisions::parts(tracked, i) == 3).count();
    let compound = 2 * triple > tracked.len();
    match beats_per_bar {
        2 if compound => Some("6/8".into()),
        2..=5 => Some(format!("{beats_per_bar}/4")),
        6 | 7 => Some(format!("{beats_per_bar}/8")),
        _ => None,
    }
}

/// Time signatures in order, each from where it begins to hold; the beats' times are `times`.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "times are within 24 days of ms")]
pub(crate) fn curve(tracked: &[TrackedBeat], places: &[BarPlace], times: &[f64]) -> Vec<MeterPoint> {
    let mut from = 0;
    let runs = places.chunk_by(|a, b| a.beats_per_bar == b.beats_per_bar);
    let point = |run: &[BarPlace]| {
        let own = from..from + run.len();
        from = own.end;
        let time_ms = (times[own.start] * 1000.0).round() as u32;
        let time_signature = time_signature(&tracked[own], run[0].beats_per_bar)?;
        Some(MeterPoint { time_ms, time_signature })
    };
    let mut points: Vec<MeterPoint> = runs.filter_map(point).collect();
    points.dedup_by(|later, earlier| later.time_signature == earlier.time_signature);
    points
}
