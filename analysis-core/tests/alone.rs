//! What callers of the stages rely on: any block is taken, no rate makes frames without end, threads may share them, and
//! everything can be printed.

use analysis_core::activation::Activation;
use analysis_core::attack::Attacks;
use analysis_core::bands::Bands;
use analysis_core::beat_net::BeatNet;
use analysis_core::beats::BeatDecoder;
use analysis_core::chroma::ChromaExtractor;
use analysis_core::chunk::{Chunk, ChunkDecoder, ChunkWriter};
use analysis_core::danceability::DanceTracker;
use analysis_core::decode::Decoder;
use analysis_core::envelope::Envelope;
use analysis_core::fades::FadeTracker;
use analysis_core::features::{FramePeaks, SpectralFeatures};
use analysis_core::loudness::Loudness;
use analysis_core::manifest::{Manifest, ManifestBuilder};
use analysis_core::onset::OnsetStrength;
use analysis_core::reader::FrameReader;
use analysis_core::regrid::Grid;
use analysis_core::rhythm::RhythmTracker;
use analysis_core::segments::SegmentTracker;
use analysis_core::stft::Stft;
use analysis_core::structure::StructureTracker;
use analysis_core::tonal::TonalAnalyzer;
use analysis_core::zoom::ZoomPyramid;
use analysis_core::{Analysis, Analyzer, Config, Error, Fault, Limits, Result};
use std::error::Error as _;
use std::fmt::Debug;
use std::io;

type Source = fn(u32, u32) -> Result<Vec<u8>>;

#[test]
fn everything_goes_to_another_thread_and_can_be_printed() {
    fn shared<T: Send + Sync + Debug>() {}
    fn sent<T: Send + Debug>() {}
    shared::<(Config, Limits, Error, Fault, Analysis, Manifest, Chunk, Grid)>();
    shared::<(Stft, Bands, SpectralFeatures, FramePeaks, OnsetStrength, ChromaExtractor, TonalAnalyzer)>();
    shared::<(Activation, Attacks, BeatNet, BeatDecoder, RhythmTracker, Loudness, Envelope, FadeTracker)>();
    shared::<(DanceTracker, SegmentTracker, StructureTracker, ManifestBuilder, FrameReader<Source>)>();
    shared::<(ChunkWriter, ChunkDecoder, ZoomPyramid)>();
    sent::<Analyzer>();
    sent::<Decoder>();
}

#[test]
fn what_is_printed_of_a_stage_is_what_was_asked_for_and_short() {
    let analyzer = Analyzer::new(Config::default(), 44_100, 2).unwrap();
    let printed = format!("{analyzer:?}");
    assert!(printed.contains("hop_ms: 10") && printed.contains("sample_rate: 44100"), "{printed}");
    assert!(printed.len() < 2_000, "{printed}");
    assert_eq!(
        format!("{:?}", Loudness::new(2, 48_000).unwrap()),
        "Loudness { sample_rate_hz: 48000, channels: 2, .. }"
    );
}

/// Every stage that takes samples, with some of them; gives how often each answered.
fn answers(rate_hz: u32, mono: &[f32]) -> [usize; 5] {
    let mut counts = [0; 5];
    let [spectra, peaks, attacks, deviations, anchors] = &mut counts;
    let mut stft = Stft::new(rate_hz, 10);
    stft.push(mono, &mut |_| *spectra += 1);
    stft.finish(&mut |_| *spectra += 1);
    let mut frame_peaks = FramePeaks::new(rate_hz, 10);
    frame_peaks.push(&[mono], &mut |_| *peaks += 1);
    frame_peaks.finish(&mut |_| *peaks += 1);
    let mut attack = Attacks::new(rate_hz);
    attack.push(mono, &mut |_| *attacks += 1);
    Envelope::new(rate_hz).push(mono, &mut |_| *deviations += 1);
    let mut chroma = ChromaExtractor::new(rate_hz);
    chroma.push(mono, &mut |_| *anchors += 1);
    chroma.finish(&mut |_| *anchors += 1);
    counts
}

#[test]
fn no_samples_give_nothing() {
    for rate_hz in [8_000, 44_100, 192_000] {
        assert_eq!(answers(rate_hz, &[]), [0; 5], "{rate_hz} Hz");
    }
}

#[test]
fn no_rate_makes_frames_without_end() {
    assert_eq!(answers(8_000, &[0.5; 8_000]), [100, 100, 99, 100, 10]);
    for rate_hz in [0, 1, 99] {
        let (mut spectra, mut peaks) = (0, 0);
        let mut stft = Stft::new(rate_hz, 10);
        stft.push(&[0.5; 8], &mut |_| spectra += 1);
        stft.finish(&mut |_| spectra += 1);
        let mut frame_peaks = FramePeaks::new(rate_hz, 10);
        frame_peaks.push(&[[0.5; 8]], &mut |_| peaks += 1);
        frame_peaks.finish(&mut |_| peaks += 1);
        // Frames lie 10 ms apart: a hundred for each of these samples at most.
        assert!((1..=800).contains(&spectra) && peaks == spectra, "{rate_hz} Hz: {spectra}, {peaks}");
    }
}

#[test]
fn errors_of_the_world_name_their_cause_and_others_have_none() {
    let disk = || io::Error::other("the disk is gone");
    for error in [Error::Io(disk()), Error::Write(disk()), Error::Zstd(disk())] {
        assert_eq!(error.fault(), Fault::World);
        assert_eq!(error.source().unwrap().to_string(), "the disk is gone");
        assert!(!error.to_string().contains("disk"), "the cause would be said twice: {error}");
    }
    assert!(Error::Cancelled.source().is_none());
    assert_eq!(Error::Cancelled.fault(), Fault::Cancelled);
}
