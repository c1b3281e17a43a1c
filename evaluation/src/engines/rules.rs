//! The rhythm rooms with evidence by rule, as they are for those who cannot wait for the network.

use super::{Audio, Engine, seconds_of};
use analysis_core::decode::Decoder;
use analysis_core::rhythm::{Rhythm, RhythmModel, RhythmTracker};
use analysis_core::stft::Stft;
use analysis_core::{Limits, Result};
use evaluation::track::{Prediction, Track};
use std::fs::File;

/// Hop of the rhythm rooms, in ms.
const HOP_MS: u32 = 10;

/// This engine's beats by rule.
pub(crate) struct Rules;

impl Engine for Rules {
    fn name(&self) -> &'static str {
        "by rule"
    }

    fn listen(&self, _: &Track, audio: &Audio<'_>) -> Option<Prediction> {
        let (rhythm, cpu_s) = seconds_of(|| listen(audio));
        Some(match rhythm {
            Ok(rhythm) => Prediction { cpu_s, ..prediction(&rhythm) },
            Err(error) => Prediction { error: Some(error.to_string()), ..Prediction::default() },
        })
    }
}

fn listen(audio: &Audio<'_>) -> Result<Rhythm> {
    match audio {
        Audio::File(path) => {
            let hint = path.extension().and_then(|extension| extension.to_str());
            let mut decoder = Decoder::open(File::open(path)?, hint, &Limits::default())?;
            let mut ear = Ear::new(decoder.format().sample_rate_hz);
            while let Some(planes) = decoder.next_block()? {
                let scale = 1.0 / planes.len() as f32;
                ear.hear(
                    (0..planes[0].len()).map(|i| scale * planes.iter().map(|plane| plane[i]).sum::<f32>()),
                );
            }
            Ok(ear.finish())
        }
        Audio::Stereo { interleaved, sample_rate_hz } => {
            let mut ear = Ear::new(*sample_rate_hz);
            for block in interleaved.chunks(2 * 8192) {
                ear.hear(block.chunks_exact(2).map(|pair| 0.5 * (pair[0] + pair[1])));
            }
            Ok(ear.finish())
        }
    }
}

/// Mono samples in, rhythm out.
struct Ear {
    stft: Stft,
    tracker: RhythmTracker,
    mono: Vec<f32>,
}

impl Ear {
    fn new(sample_rate_hz: u32) -> Self {
        let tracker = RhythmTracker::with_model(sample_rate_hz, RhythmModel::rules());
        Self { stft: Stft::new(sample_rate_hz, HOP_MS), tracker, mono: Vec::new() }
    }

    fn hear(&mut self, samples: impl Iterator<Item = f32>) {
        let Self { stft, tracker, mono } = self;
        mono.clear();
        mono.extend(samples);
        tracker.push_audio(mono);
        stft.push(mono, &mut |power| {
            tracker.push_spectrum(power);
        });
    }

    fn finish(mut self) -> Rhythm {
        let Self { stft, tracker, .. } = &mut self;
        stft.finish(&mut |power| {
            tracker.push_spectrum(power);
        });
        self.tracker.finish()
    }
}

fn prediction(rhythm: &Rhythm) -> Prediction {
    let downbeats = rhythm.beats.iter().filter(|beat| beat.position == 1);
    Prediction {
        beats: rhythm.beats.iter().map(|beat| beat.time_s).collect(),
        downbeats: downbeats.map(|beat| beat.time_s).collect(),
        confidences: rhythm.beats.iter().map(|beat| f64::from(beat.confidence)).collect(),
        tempo_bpm: rhythm.tempo_bpm.map(f64::from),
        ..Prediction::default()
    }
}
