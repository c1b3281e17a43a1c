//! Key: of the whole and where it changes.

use crate::chroma::{ANCHOR_MS, ChromaAnchor, PitchClasses};
use crate::events::{Event, EventData, EventType};
use crate::key_path::{self, Run};
use crate::key_profiles::{self as profiles, KEYS, KeyScores, best_two};
use crate::summary::KeyEstimate;

/// Anchors summed into one segment: 2 s. A 10-hour track keeps 18,000 segments, 1.7 MB.
const SEGMENT_ANCHORS: u64 = 20;
/// Length of a segment, in ms.
const SEGMENT_MS: u64 = SEGMENT_ANCHORS * ANCHOR_MS as u64;
/// Segments in the window that votes for a key: 10 s.
const WINDOW_SEGMENTS: usize = 5;
/// Anchors with tonal sound needed before a key is named: 2 s.
const LEAST_ANCHORS: u64 = 20;
/// Correlation under which the profile is no key's: tone rows, single tones and tuned drums stay under it, music
/// was measured at 0.74 to 0.96.
const LEAST_FIT: f32 = 0.70;
/// Mean cosine between neighbouring anchors under which the sound is drums: their resonances come and go with each
/// hit (measured 0.23 to 0.57, cymbals excepted), notes last (0.62 to 0.98).
const LEAST_STEADINESS: f32 = 0.58;
/// Pitch classes that must share the profile; one tone and its harmonics make 1.6.
const LEAST_CLASSES: f32 = 3.5;
/// Length from which one stretch can name the key of music without a common one, in ms.
const LEAST_STRETCH_MS: u64 = 20_000;
/// Weights of the evidence beside the correlation of the whole.
const BASS_WEIGHT: f32 = 0.05;
const OPENING_WEIGHT: f32 = 0.2;
const VOTES_WEIGHT: f32 = 0.5;
const FIRST_CHORD_WEIGHT: f32 = 0.2;
/// Tonal anchors taken for the first chord: 1.5 s.
const FIRST_CHORD_ANCHORS: u64 = 15;

/// A stretch of music in one key.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct KeySpan {
    /// Where it begins, in ms.
    pub start_ms: u64,
    /// Where it ends, in ms.
    pub end_ms: u64,
    /// Correlation of its pitch-class profile with its key's, -1 to 1.
    pub fit: f32,
    /// Its key; the confidence is that of this stretch alone.
    pub key: KeyEstimate,
}

/// What is said about the key.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct KeyReport {
    /// Key of the whole; `None` for silence, noise, drums alone, single tones, and music without a key.
    pub key: Option<KeyEstimate>,
    /// The stretches in one key each, in order, without gaps; empty when there is no key.
    pub spans: Vec<KeySpan>,
}

impl KeyReport {
    /// The spans as events of type `key`.
    #[must_use]
    pub fn events(&self) -> Vec<Event> {
        let clamp = |ms: u64| u32::try_from(ms).unwrap_or(u32::MAX);
        let event = |span: &KeySpan| Event {
            time_ms: clamp(span.start_ms),
            duration_ms: Some(clamp(span.end_ms - span.start_ms)),
            event_type: EventType::Key,
            confidence: Some(span.key.confidence),
            event_data: Some(EventData::Name { name: span.key.name.clone() }),
        };
        self.spans.iter().map(event).collect()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Segment {
    chroma: PitchClasses,
    bass: PitchClasses,
}

impl Segment {
    fn add(&mut self, chroma: &PitchClasses, bass: &PitchClasses) {
        for class in 0..12 {
            self.chroma[class] += chroma[class];
            self.bass[class] += bass[class];
        }
    }

    fn sum(segments: &[Segment]) -> Segment {
        let mut whole = Segment::default();
        segments.iter().for_each(|segment| whole.add(&segment.chroma, &segment.bass));
        whole
    }

    fn scores(&self) -> KeyScores {
        let (fit, bass) = (profiles::correlate(&self.chroma), profiles::bass_support(&self.bass));
        std::array::from_fn(|key| fit[key] + BASS_WEIGHT * bass[key])
    }
}

/// Collects chroma anchors and finds the key; 48 bytes a second of audio.
///
/// ```text
/// score(key) = r(whole) + 0.05·bass(whole) + 0.2·r(first 10 s) + 0.2·triad(first 1.5 s) + 0.5·mean of r(10 s windows)
/// ```
///
/// with `r` the correlation with published key profiles, the mean of three. The bass, the opening and its first chord,
/// where music states its key, mend confusions of relatives and fifths: a loop in natural minor holds the very notes
/// of its relative major. The windows keep a few bars from outvoting the rest.
#[derive(Debug, Clone, Default)]
pub struct KeyTracker {
    segments: Vec<Segment>,
    anchors: u64,
    tonal_anchors: u64,
    /// Sum and number of the cosines between neighbouring anchors.
    steadiness: f64,
    neighbours: u64,
    previous: PitchClasses,
    first_chord: PitchClasses,
}

impl KeyTracker {
    /// Takes the next anchor.
    pub fn push(&mut self, anchor: &ChromaAnchor) {
        if self.anchors.is_multiple_of(SEGMENT_ANCHORS) {
            self.segments.push(Segment::default());
        }
        self.anchors += 1;
        if let Some(segment) = self.segments.last_mut() {
            segment.add(&anchor.chroma, &anchor.bass);
        }
        let tonal = anchor.chroma.iter().any(|&class| class > 0.0);
        if tonal && self.tonal_anchors < FIRST_CHORD_ANCHORS {
            self.first_chord.iter_mut().zip(&anchor.chroma).for_each(|(sum, class)| *sum += class);
        }
        self.tonal_anchors += u64::from(tonal);
        if let Some(cosine) = cosine(&self.previous, &anchor.chroma) {
            self.steadiness += f64::from(cosine);
            self.neighbours += 1;
        }
        self.previous = anchor.chroma;
    }

    /// The key of all that was heard.
    #[must_use]
    pub fn finish(self) -> KeyReport {
        if !self.is_harmonic() {
            return KeyReport::default();
        }
        let whole = Segment::sum(&self.segments);
        let windows = self.window_scores();
        let scores = self.combine(&whole, &windows);
        let mut spans = self.spans(&key_path::runs(&windows, best_two(&scores).0));
        let Some(key) = self.whole_key(&whole, &scores).or_else(|| longest_key(&spans)) else {
            return KeyReport::default();
        };
        // A single stretch is the whole, which has more evidence.
        if let [only] = spans.as_mut_slice() {
            only.key = key.clone();
        }
        KeyReport { key: Some(key), spans }
    }

    /// The key with the best score, where the whole fits it.
    fn whole_key(&self, whole: &Segment, scores: &KeyScores) -> Option<KeyEstimate> {
        let (best, runner_up) = best_two(scores);
        let fit = profiles::correlate(&whole.chroma)[best];
        (fit >= LEAST_FIT).then(|| estimate(best, runner_up, fit, scores[best] - scores[runner_up]))
    }

    /// Whether there were notes enough, and different ones, for harmony: not a drum or a single tone.
    #[must_use]
    pub(crate) fn is_harmonic(&self) -> bool {
        let sounds = || Segment::sum(&self.segments).chroma;
        self.tonal_anchors >= LEAST_ANCHORS && self.is_steady() && classes(&sounds()) >= LEAST_CLASSES
    }

    /// Whether what was heard are notes that last, not drums or noise.
    #[must_use]
    pub fn is_steady(&self) -> bool {
        self.neighbours > 0 && self.steadiness >= f64::from(LEAST_STEADINESS) * self.neighbours as f64
    }

    /// Scores of the window around each segment; zeros where there is nothing tonal.
    fn window_scores(&self) -> Vec<KeyScores> {
        let reach = WINDOW_SEGMENTS / 2;
        let window = |i: usize| {
            let to = (i + reach + 1).min(self.segments.len());
            Segment::sum(&self.segments[i.saturating_sub(reach)..to]).scores()
        };
        (0..self.segments.len()).map(window).collect()
    }

    fn combine(&self, whole: &Segment, windows: &[KeyScores]) -> KeyScores {
        let tonal = |segment: &&Segment| segment.chroma.iter().any(|&class| class > 0.0);
        let opening: Vec<Segment> =
            self.segments.iter().filter(tonal).take(WINDOW_SEGMENTS).copied().collect();
        let (all, opening) = (whole.scores(), profiles::correlate(&Segment::sum(&opening).chroma));
        let first_chord = profiles::triad_support(&self.first_chord);
        std::array::from_fn(|key| {
            let votes = windows.iter().map(|window| window[key]).sum::<f32>() / windows.len() as f32;
            let opening = OPENING_WEIGHT * opening[key] + FIRST_CHORD_WEIGHT * first_chord[key];
            (all[key] + opening + VOTES_WEIGHT * votes) / (1.0 + OPENING_WEIGHT + VOTES_WEIGHT)
        })
    }

    fn spans(&self, runs: &[Run]) -> Vec<KeySpan> {
        let end_ms = self.anchors * u64::from(ANCHOR_MS);
        let span = |run: &Run| {
            let here = Segment::sum(&self.segments[run.from..run.to]);
            let scores = here.scores();
            let others = (0..KEYS).filter(|&key| key != run.key);
            let runner_up = others.max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(run.key);
            let fit = profiles::correlate(&here.chroma)[run.key];
            KeySpan {
                start_ms: run.from as u64 * SEGMENT_MS,
                end_ms: (run.to as u64 * SEGMENT_MS).min(end_ms),
                fit,
                key: estimate(run.key, runner_up, fit, scores[run.key] - scores[runner_up]),
            }
        };
        runs.iter().map(span).collect()
    }
}

/// Music that spends its time in distant keys fits none as a whole: the longest stretch then names it.
fn longest_key(spans: &[KeySpan]) -> Option<KeyEstimate> {
    let length = |span: &KeySpan| span.end_ms - span.start_ms;
    let longest = spans.iter().rev().max_by_key(|span| length(span))?;
    (longest.fit >= LEAST_FIT && length(longest) >= LEAST_STRETCH_MS).then(|| longest.key.clone())
}

/// Confidence: how far the fit is above what atonal sound reaches, and how far ahead of the second best the key is.
fn estimate(key: usize, runner_up: usize, fit: f32, lead: f32) -> KeyEstimate {
    let clear = ((fit - 0.6) / 0.3).clamp(0.0, 1.0);
    let ahead = 1.0 - (-lead.max(0.0) / 0.1).exp();
    KeyEstimate {
        name: profiles::name(key),
        tonic: profiles::NAMES[key % 12].to_owned(),
        mode: profiles::mode(key),
        confidence: clear * (0.4 + 0.6 * ahead),
        runner_up: Some(profiles::name(runner_up)),
    }
}

/// Cosine between two profiles; `None` when either is empty.
fn cosine(a: &PitchClasses, b: &PitchClasses) -> Option<f32> {
    let dot = |x: &PitchClasses, y: &PitchClasses| x.iter().zip(y).map(|(x, y)| x * y).sum::<f32>();
    let lengths = (dot(a, a) * dot(b, b)).sqrt();
    (lengths > 0.0).then(|| dot(a, b) / lengths)
}

/// Number of classes that share a profile: `(Σc)² / Σc²`, 1 to 12.
fn classes(profile: &PitchClasses) -> f32 {
    let (sum, squares) = profile.iter().fold((0.0, 0.0), |(s, q), &c| (s + c, q + c * c));
    if squares > 0.0 { sum * sum / squares } else { 0.0 }
}
