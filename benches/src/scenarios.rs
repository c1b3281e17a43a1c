//! The stages and the whole, each as something that can be run again and again.

use crate::material::{FLAC, M4A, MP3, Material, OGG, analyse};
use analysis_core::attack::Attacks;
use analysis_core::bands::{Bands, powers_to_db};
use analysis_core::beat_net::BeatNet;
use analysis_core::beats::{BeatDecoder, BeatModel};
use analysis_core::chroma::ChromaExtractor;
use analysis_core::chunk::ChunkDecoder;
use analysis_core::danceability::DanceTracker;
use analysis_core::decode::Decoder;
use analysis_core::envelope::Envelope;
use analysis_core::fades::FadeTracker;
use analysis_core::features::{FramePeaks, SpectralFeatures};
use analysis_core::loudness::Loudness;
use analysis_core::onset::OnsetStrength;
use analysis_core::rhythm::RhythmTracker;
use analysis_core::segments::SegmentTracker;
use analysis_core::stft::Stft;
use analysis_core::structure::StructureTracker;
use analysis_core::tonal::TonalAnalyzer;
use analysis_core::zoom::ZoomPyramid;
use analysis_core::{AnalysisType, Config, Limits};
use std::hint::black_box;
use std::io::Cursor;

/// Samples that a stage takes at a time, as the analyser hands them on.
const BLOCK: usize = 8_192;

/// One pass of a scenario.
pub type Run<'a> = Box<dyn FnMut() + 'a>;

/// Something whose cost is measured.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// What it is called in tables and on the command line.
    pub name: &'static str,
    /// Makes what one pass needs, outside of what is measured.
    pub prepare: fn(&Material) -> Run<'_>,
}

/// All of them: stages in the order of the audio's way through them, then the whole.
pub const SCENARIOS: [Scenario; 25] = [
    Scenario { name: "decode-mp3", prepare: |m| decode(m, MP3, "mp3") },
    Scenario { name: "decode-flac", prepare: |m| decode(m, FLAC, "flac") },
    Scenario { name: "decode-ogg", prepare: |m| decode(m, OGG, "ogg") },
    Scenario { name: "decode-m4a", prepare: |m| decode(m, M4A, "m4a") },
    Scenario { name: "stft", prepare: stft },
    Scenario { name: "bands", prepare: bands },
    Scenario { name: "features", prepare: features },
    Scenario { name: "onset-strength", prepare: onset_strength },
    Scenario { name: "attacks", prepare: attacks },
    Scenario { name: "beat-network", prepare: beat_network },
    Scenario { name: "beat-decoder", prepare: beat_decoder },
    Scenario { name: "rhythm", prepare: rhythm },
    Scenario { name: "chroma", prepare: chroma },
    Scenario { name: "tonal", prepare: tonal },
    Scenario { name: "loudness", prepare: loudness },
    Scenario { name: "envelope", prepare: envelope },
    Scenario { name: "segments", prepare: segments },
    Scenario { name: "structure", prepare: structure },
    Scenario { name: "pack", prepare: pack },
    Scenario { name: "unpack", prepare: unpack },
    Scenario { name: "all-spectral", prepare: |m| whole(m, AnalysisType::Spectral) },
    Scenario { name: "all-rhythm", prepare: |m| whole(m, AnalysisType::Rhythm) },
    Scenario { name: "all-tonal", prepare: |m| whole(m, AnalysisType::Tonal) },
    Scenario { name: "all-structure", prepare: |m| whole(m, AnalysisType::Structure) },
    Scenario { name: "all-full", prepare: |m| whole(m, AnalysisType::Full) },
];

fn decode<'a>(m: &'a Material, fixture: &'static [u8], hint: &'static str) -> Run<'a> {
    Box::new(move || {
        for _ in 0..m.times {
            let mut decoder = Decoder::open(Cursor::new(fixture), Some(hint), &Limits::default()).unwrap();
            while let Some(block) = decoder.next_block().unwrap() {
                keep(block);
            }
        }
    })
}

fn stft(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut stft = Stft::new(m.rate_hz, 10);
        let mut sink = |power: &[f32]| keep(power);
        m.mono.chunks(BLOCK).for_each(|block| stft.push(block, &mut sink));
        stft.finish(&mut sink);
    })
}

fn bands(m: &Material) -> Run<'_> {
    let count = Config::default().bands;
    let bands = Bands::new(count, m.rate_hz, m.fft_len);
    let (mut powers, mut levels) = (vec![0.0; count], vec![0.0; count]);
    Box::new(move || {
        for power in m.few_spectra() {
            bands.process(power, &mut powers);
            powers_to_db(&powers, &mut levels);
            keep(&levels);
        }
    })
}

fn features(m: &Material) -> Run<'_> {
    let features = SpectralFeatures::new(m.rate_hz, m.fft_len, 2);
    Box::new(move || {
        m.few_spectra().for_each(|power| keep(features.process(power)));
        let mut peaks = FramePeaks::new(m.rate_hz, 10);
        let mut sink = keep;
        for (left, right) in m.planes[0].chunks(BLOCK).zip(m.planes[1].chunks(BLOCK)) {
            peaks.push(&[left, right], &mut sink);
        }
        peaks.finish(&mut sink);
    })
}

fn onset_strength(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut onsets = OnsetStrength::new(m.rate_hz, m.fft_len);
        m.few_spectra().for_each(|power| keep(onsets.process(power)));
    })
}

fn attacks(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut attacks = Attacks::new(m.rate_hz);
        let mut sink = keep;
        m.mono.chunks(BLOCK).for_each(|block| attacks.push(block, &mut sink));
        attacks.finish(&mut sink);
    })
}

fn beat_network(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut net = BeatNet::new();
        let mut sink = keep;
        m.amplitudes().for_each(|row| net.push(row, &mut sink));
        net.finish(&mut sink);
    })
}

fn beat_decoder(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut decoder = BeatDecoder::new(BeatModel::default());
        let mut sink = keep;
        m.evidence.iter().for_each(|&evidence| decoder.push(evidence, &mut sink));
        decoder.finish(&mut sink);
    })
}

fn rhythm(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut tracker = RhythmTracker::new(m.rate_hz);
        let mut spectra = m.spectra();
        let spectra_per_block = m.frames.len() * BLOCK / m.mono.len();
        for block in m.mono.chunks(BLOCK) {
            tracker.push_audio(block);
            for power in spectra.by_ref().take(spectra_per_block) {
                keep(tracker.push_spectrum(power));
            }
        }
        spectra.for_each(|power| keep(tracker.push_spectrum(power)));
        keep(tracker.finish());
    })
}

fn chroma(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut chroma = ChromaExtractor::new(m.rate_hz);
        let mut sink = |anchor: &_| keep(anchor);
        m.mono.chunks(BLOCK).for_each(|block| chroma.push(block, &mut sink));
        chroma.finish(&mut sink);
    })
}

fn tonal(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut tonal = TonalAnalyzer::new(m.rate_hz);
        let mut sink = |anchor: &_| keep(anchor);
        m.mono.chunks(BLOCK).for_each(|block| tonal.push(block, &mut sink));
        keep(tonal.finish(&mut sink));
    })
}

fn loudness(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut loudness = Loudness::new(2, m.rate_hz).unwrap();
        for (left, right) in m.planes[0].chunks(BLOCK).zip(m.planes[1].chunks(BLOCK)) {
            loudness.push(&[left, right]).unwrap();
        }
        keep(loudness.finish());
    })
}

fn envelope(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut envelope = Envelope::new(m.rate_hz);
        let (mut fades, mut dance) = (FadeTracker::default(), DanceTracker::default());
        for block in m.mono.chunks(BLOCK) {
            envelope.push(block, &mut |deviation| {
                fades.push(deviation);
                dance.push(deviation);
            });
        }
        keep((fades.finish(duration_ms(m)), dance.finish()));
    })
}

fn segments(m: &Material) -> Run<'_> {
    Box::new(|| {
        let mut segments = SegmentTracker::new(Config::default().bands);
        for frame in &m.frames {
            segments.push_frame(frame.time_ms, &frame.values());
            segments.settle(&m.onsets, frame.time_ms.saturating_sub(4_300));
        }
        keep(segments.finish(&m.onsets, duration_ms(m)));
    })
}

fn structure(m: &Material) -> Run<'_> {
    let bin_hz = Stft::new(m.rate_hz, 10).bin_hz();
    Box::new(move || {
        let mut structure = StructureTracker::new(m.bins(), bin_hz);
        m.few_spectra().for_each(|power| structure.push_spectrum(power));
        m.anchors.iter().for_each(|anchor| structure.push_anchor(anchor));
        keep(structure.finish(&m.downbeats_s, m.seconds()));
    })
}

fn pack(m: &Material) -> Run<'_> {
    let Config { zoom_levels, chunk_frames, .. } = Config::default();
    Box::new(move || {
        let mut zoom = ZoomPyramid::new(&m.layout, zoom_levels, chunk_frames).unwrap();
        let mut bytes = Vec::new();
        let mut sink = |chunk| {
            keep(chunk);
            Ok(())
        };
        for frame in &m.frames {
            bytes.clear();
            m.layout.encode(&frame.values(), &mut bytes);
            zoom.push(&bytes, &mut sink).unwrap();
        }
        zoom.finish(&mut sink).unwrap();
    })
}

fn unpack(m: &Material) -> Run<'_> {
    let mut decoder = ChunkDecoder::new().unwrap();
    Box::new(move || {
        for chunk in &m.chunks {
            keep(decoder.decode(&chunk.bytes, &m.layout, 1 << 24).unwrap());
        }
    })
}

fn whole(m: &Material, kind: AnalysisType) -> Run<'_> {
    Box::new(move || keep(analyse(&m.interleaved, m.rate_hz, kind, &mut ())))
}

/// Takes what a stage made, and lets no compiler think that nobody wants it.
fn keep<T>(made: T) {
    black_box(made);
}

fn duration_ms(m: &Material) -> u64 {
    m.frames.len() as u64 * 10
}
