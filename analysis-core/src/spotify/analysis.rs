//! The audio analysis: track, bars, beats, tatums, sections, segments.

use super::spans::{Span, between, end_of, in_order, overlap, rounded};
use super::{beats_in, key_of, mode_number, pitch_class, seconds};
use crate::events::{Event, EventData, EventType};
use crate::summary::{AudioInfo, Summary};
use serde::{Deserialize, Serialize};

/// What the retired `audio-analysis` endpoint gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AudioAnalysis {
    /// Who made it.
    pub meta: Meta,
    /// The whole track.
    pub track: Track,
    /// From each downbeat to the next.
    pub bars: Vec<Span>,
    /// From each beat to the next.
    pub beats: Vec<Span>,
    /// The smallest regular pulse; without confidence.
    pub tatums: Vec<Span>,
    /// Stretches of music with one character.
    pub sections: Vec<Section>,
    /// Stretches of sound between onsets.
    pub segments: Vec<Segment>,
}

/// Who made an analysis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Meta {
    /// Version of the engine.
    pub analyzer_version: String,
}

/// A track as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Track {
    /// Length, in seconds.
    pub duration: f64,
    /// Sample rate of the audio, in Hz; nothing was resampled.
    pub analysis_sample_rate: u32,
    /// Number of channels.
    pub analysis_channels: u16,
    /// Where the fade-in ends, in seconds; where sound begins without one.
    pub end_of_fade_in: Option<f64>,
    /// Where the fade-out starts, in seconds; the length of the track without one.
    pub start_of_fade_out: Option<f64>,
    /// Integrated loudness, in LUFS.
    pub loudness: Option<f32>,
    /// Beats per minute.
    pub tempo: Option<f32>,
    /// 0 to 1.
    pub tempo_confidence: Option<f32>,
    /// Beats in most bars.
    pub time_signature: Option<u8>,
    /// Pitch class of the tonic, C = 0.
    pub key: Option<u8>,
    /// 0 to 1.
    pub key_confidence: Option<f32>,
    /// 1 major, 0 minor.
    pub mode: Option<u8>,
    /// 0 to 1: tonic and mode are found together and share a confidence.
    pub mode_confidence: Option<f32>,
}

/// A section.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Section {
    /// Where it begins, in seconds.
    pub start: f64,
    /// How long it lasts, in seconds.
    pub duration: f64,
    /// How marked its boundaries are, 0 to 1.
    pub confidence: Option<f32>,
    /// Mean loudness of its segments, in LUFS: the mean power of levels that run straight from a segment's start to its
    /// maximum and on to its end. It compares sections of a track, and is not the integrated loudness of each: sounds
    /// that die away quickly read some 2 to 4 dB more, and wide stereo up to 3 dB less, as segments are measured on the
    /// mean of the channels. `None` without segments.
    pub loudness: Option<f32>,
    /// Beats per minute: of the beats inside, 60 over the mean of those distances that are within a fifth of their
    /// median. `None` with fewer than three beats.
    pub tempo: Option<f32>,
    /// Mean confidence of those beats.
    pub tempo_confidence: Option<f32>,
    /// The key that most of it is in: pitch class of the tonic, C = 0.
    pub key: Option<u8>,
    /// 0 to 1.
    pub key_confidence: Option<f32>,
    /// 1 major, 0 minor.
    pub mode: Option<u8>,
    /// That of the key.
    pub mode_confidence: Option<f32>,
    /// Beats in most of the bars that begin and end inside; `None` without one.
    pub time_signature: Option<u8>,
}

/// A segment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Segment {
    /// Where it begins, in seconds.
    pub start: f64,
    /// How long it lasts, in seconds.
    pub duration: f64,
    /// How sure its onset is, 0 to 1.
    pub confidence: Option<f32>,
    /// Loudness at its start, in LUFS.
    pub loudness_start: f32,
    /// Its greatest loudness, in LUFS.
    pub loudness_max: f32,
    /// When it is loudest, in seconds after its start.
    pub loudness_max_time: f64,
    /// Loudness at its end, in LUFS.
    pub loudness_end: f32,
    /// Share of each pitch class, C to B, 0 to 1.
    pub pitches: [f32; 12],
    /// Shape of its spectrum, in dB; ours, not on Spotify's basis.
    pub timbre: [f32; 12],
}

/// The analysis of a track in the retired shape, from what is stored of it.
///
/// Events may come in any order; of those of one type at one time the first counts. Types that an analysis did not
/// ask for leave their lists empty.
#[must_use]
pub fn audio_analysis(
    audio: &AudioInfo,
    analyzer_version: &str,
    summary: &Summary,
    events: impl IntoIterator<Item = Event>,
) -> AudioAnalysis {
    let lanes = Lanes::of(events);
    let end_s = seconds(audio.duration_ms);
    let (bars, beats) = (between(&lanes.downbeats, end_s), between(&lanes.beats, end_s));
    let segments = segments(&lanes.segments, end_s);
    let sections =
        (0..lanes.sections.len()).map(|i| section(&lanes, i, end_s, &bars, &beats, &segments)).collect();
    AudioAnalysis {
        meta: Meta { analyzer_version: analyzer_version.to_owned() },
        track: track(audio, summary),
        tatums: between(&lanes.tatums, end_s),
        bars,
        beats,
        sections,
        segments,
    }
}

/// Events by type, each in order of time.
#[derive(Default)]
struct Lanes {
    downbeats: Vec<Event>,
    beats: Vec<Event>,
    tatums: Vec<Event>,
    sections: Vec<Event>,
    segments: Vec<Event>,
    keys: Vec<Event>,
}

impl Lanes {
    fn of(events: impl IntoIterator<Item = Event>) -> Self {
        let mut lanes = Self::default();
        for event in events {
            match event.event_type {
                EventType::Downbeat => lanes.downbeats.push(event),
                EventType::Beat => lanes.beats.push(event),
                EventType::Tatum => lanes.tatums.push(event),
                EventType::Section => lanes.sections.push(event),
                EventType::Segment => lanes.segments.push(event),
                EventType::Key => lanes.keys.push(event),
                EventType::Onset | EventType::Chord => {}
            }
        }
        let Self { downbeats, beats, tatums, sections, segments, keys } = &mut lanes;
        [downbeats, beats, tatums, sections, segments, keys].into_iter().for_each(in_order);
        lanes
    }
}

fn track(audio: &AudioInfo, summary: &Summary) -> Track {
    let key = summary.key.as_ref();
    let confidence = key.map(|key| key.confidence);
    Track {
        duration: seconds(audio.duration_ms),
        analysis_sample_rate: audio.sample_rate,
        analysis_channels: audio.channels,
        end_of_fade_in: summary.fade_in_end_ms.map(seconds),
        start_of_fade_out: summary.fade_out_start_ms.map(seconds),
        loudness: summary.loudness.and_then(|loudness| loudness.integrated_lufs),
        tempo: summary.tempo_bpm,
        tempo_confidence: summary.tempo_confidence,
        time_signature: summary.time_signature.as_deref().and_then(beats_in),
        key: key.and_then(|key| pitch_class(&key.tonic)),
        key_confidence: confidence,
        mode: key.map(|key| mode_number(key.mode)),
        mode_confidence: confidence,
    }
}

fn segments(events: &[Event], end_s: f64) -> Vec<Segment> {
    let segment = |(i, event): (usize, &Event)| {
        let Some(EventData::Segment(data)) = &event.event_data else { return None };
        let start = seconds(event.time_ms);
        Some(Segment {
            start,
            duration: rounded(end_of(events, i, end_s) - start),
            confidence: event.confidence,
            loudness_start: data.loudness_start,
            loudness_max: data.loudness_max,
            loudness_max_time: seconds(data.loudness_max_ms),
            loudness_end: data.loudness_end,
            pitches: data.pitches,
            timbre: data.timbre,
        })
    };
    events.iter().enumerate().filter_map(segment).collect()
}

fn section(
    lanes: &Lanes,
    i: usize,
    end_s: f64,
    bars: &[Span],
    beats: &[Span],
    segments: &[Segment],
) -> Section {
    let event = &lanes.sections[i];
    let bounds = (seconds(event.time_ms), end_of(&lanes.sections, i, end_s));
    let inside = within(beats, bounds);
    let tempo = tempo(inside);
    let (key, key_confidence) = key_within(&lanes.keys, bounds, end_s).unzip();
    Section {
        start: bounds.0,
        duration: rounded(bounds.1 - bounds.0),
        confidence: event.confidence,
        loudness: loudness(segments, bounds),
        tempo,
        tempo_confidence: tempo.and_then(|_| mean_confidence(inside)),
        key: key.map(|key| key.0),
        key_confidence: key_confidence.flatten(),
        mode: key.map(|key| key.1),
        mode_confidence: key_confidence.flatten(),
        time_signature: time_signature(within(bars, bounds), beats, bounds.1),
    }
}

/// Those spans that begin inside.
fn within(spans: &[Span], (from, to): (f64, f64)) -> &[Span] {
    let first = spans.partition_point(|span| span.start < from);
    let last = spans.partition_point(|span| span.start < to);
    &spans[first..last.max(first)]
}

#[expect(clippy::cast_possible_truncation, reason = "a tempo needs no more than f32")]
fn tempo(beats: &[Span]) -> Option<f32> {
    let mut lengths: Vec<f64> = beats.windows(2).map(|pair| pair[1].start - pair[0].start).collect();
    if lengths.len() < 2 {
        return None;
    }
    lengths.sort_unstable_by(f64::total_cmp);
    let median = lengths[lengths.len() / 2];
    lengths.retain(|length| (length - median).abs() <= 0.2 * median);
    Some((60.0 * lengths.len() as f64 / lengths.iter().sum::<f64>()) as f32)
}

fn mean_confidence(spans: &[Span]) -> Option<f32> {
    let known: Vec<f32> = spans.iter().filter_map(|span| span.confidence).collect();
    (!known.is_empty()).then(|| known.iter().sum::<f32>() / known.len() as f32)
}

/// Beats in most of the bars that end before `to`, the larger of two that are as common.
fn time_signature(bars: &[Span], beats: &[Span], to: f64) -> Option<u8> {
    let mut counts = [0_usize; 256];
    for bar in bars.iter().filter(|bar| bar.end() <= to + 1e-9) {
        let held = within(beats, (bar.start, bar.end() - 1e-9)).len();
        if let Some(count) = counts.get_mut(held).filter(|_| held > 0) {
            *count += 1;
        }
    }
    let (beats, _) =
        counts.iter().enumerate().filter(|(_, count)| **count > 0).max_by_key(|(_, count)| **count)?;
    u8::try_from(beats).ok()
}

/// Key and its confidence that shares most time with a stretch.
fn key_within(keys: &[Event], bounds: (f64, f64), end_s: f64) -> Option<((u8, u8), Option<f32>)> {
    let shared = |(i, event): (usize, &Event)| {
        let Some(EventData::Name { name }) = &event.event_data else { return None };
        let time = overlap(bounds, (seconds(event.time_ms), end_of(keys, i, end_s)));
        (time > 0.0).then_some((time, key_of(name)?, event.confidence))
    };
    let most = keys.iter().enumerate().filter_map(shared).max_by(|a, b| a.0.total_cmp(&b.0))?;
    Some((most.1, most.2))
}

/// Mean power of the segments in a stretch, in LUFS.
#[expect(clippy::cast_possible_truncation, reason = "a level in dB")]
fn loudness(segments: &[Segment], bounds: (f64, f64)) -> Option<f32> {
    let (mut power, mut time) = (0.0, 0.0);
    let first = segments.partition_point(|segment| segment.start < bounds.0).saturating_sub(1);
    for segment in segments[first..].iter().take_while(|segment| segment.start < bounds.1) {
        let shared = overlap(bounds, (segment.start, segment.start + segment.duration));
        power += shared * mean_power(segment);
        time += shared;
    }
    (time > 0.0 && power > 0.0)
        .then(|| (10.0 * (power / time).log10()) as f32)
        .filter(|lufs| lufs.is_finite())
}

/// Mean power of levels on the straight lines from a segment's start to its maximum and on to its end.
fn mean_power(segment: &Segment) -> f64 {
    let levels = [segment.loudness_start, segment.loudness_max, segment.loudness_end];
    let [start, most, end] = levels.map(|lufs| 10_f64.powf(f64::from(lufs) / 10.0));
    let share = if segment.duration > 0.0 { segment.loudness_max_time / segment.duration } else { 0.0 };
    let share = share.clamp(0.0, 1.0);
    share * mean_power_of_line(start, most) + (1.0 - share) * mean_power_of_line(most, end)
}

/// Mean power of a level that runs straight, in dB, from one power to another: their logarithmic mean.
fn mean_power_of_line(a: f64, b: f64) -> f64 {
    if (b - a).abs() <= 1e-6 * a { a } else { (b - a) / (b / a).ln() }
}
