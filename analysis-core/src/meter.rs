//! Bars and time signatures of the tracked beats.

use crate::divisions;
use crate::rhythm::Beat;
use crate::summary::MeterPoint;
use crate::timing;
use crate::tracked::TrackedBeat;

/// Times, bars and confidence of the tracked beats.
pub(crate) fn beats(tracked: &[TrackedBeat]) -> Vec<Beat> {
    let times = timing::steady(&tracked.iter().map(|beat| beat.at.seconds()).collect::<Vec<_>>());
    let mut bar = 1;
    let mut out = Vec::with_capacity(tracked.len());
    for (i, (beat, time_s)) in tracked.iter().zip(times).enumerate() {
        bar += u32::from(beat.place.position == 1 && i > 0);
        out.push(Beat { time_s, bar, position: beat.place.position, confidence: confidence(tracked, i) });
    }
    out
}

/// Logistic function of the belief at a beat and, more, around it.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
fn confidence(tracked: &[TrackedBeat], i: usize) -> f32 {
    let nats = |beat: &TrackedBeat| f32::from(beat.at.belief) / 16.0;
    let near = &tracked[i.saturating_sub(4)..(i + 5).min(tracked.len())];
    let mean = near.iter().map(nats).sum::<f32>() / near.len() as f32;
    1.0 / (1.0 + (-(0.7 * mean + 0.3 * nats(&tracked[i]))).exp())
}

/// Beats in most bars; `None` where fewer than two bars were heard.
#[expect(clippy::cast_possible_truncation, reason = "bars have at most 7 beats")]
pub(crate) fn beats_per_bar(tracked: &[TrackedBeat]) -> Option<u8> {
    let mut count = [0_usize; 8];
    for beat in tracked.iter().filter(|beat| beat.place.position == 1) {
        count[usize::from(beat.place.beats_per_bar)] += 1;
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
pub(crate) fn curve(tracked: &[TrackedBeat], times: &[f64]) -> Vec<MeterPoint> {
    let mut from = 0;
    let runs = tracked.chunk_by(|a, b| a.place.beats_per_bar == b.place.beats_per_bar);
    let point = |run: &[TrackedBeat]| {
        let time_ms = (times[from] * 1000.0).round() as u32;
        from += run.len();
        let time_signature = time_signature(run, run[0].place.beats_per_bar)?;
        Some(MeterPoint { time_ms, time_signature })
    };
    let mut points: Vec<MeterPoint> = runs.filter_map(point).collect();
    points.dedup_by(|later, earlier| later.time_signature == earlier.time_signature);
    points
}
