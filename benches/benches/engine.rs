//! Each stage and the whole by the clock. Criterion's elements are seconds of audio: "600 elem/s" listens 600 times as
//! fast as the music plays. Everything listens to the same piece; compare figures of one run only.

use analysis_core::regrid::{Correction, Factor, Heard, MachineBeat, regrid};
use analysis_core::summary::Summary;
use benches::{Material, SCENARIOS};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few whole seconds")]
fn engine(c: &mut Criterion) {
    let material = Material::new(1);
    let mut group = c.benchmark_group("engine");
    group.sample_size(20).throughput(Throughput::Elements(material.seconds().round() as u64));
    for scenario in SCENARIOS {
        let mut run = (scenario.prepare)(&material);
        group.bench_function(scenario.name, |b| b.iter(&mut run));
    }
}

/// Beats decoded again through corrections, of five minutes and of ten hours. What is stored is made up: its cost does not
/// depend on what it says.
fn regridding(c: &mut Criterion) {
    let mut group = c.benchmark_group("regrid");
    for (name, seconds) in [("5min", 300_u32), ("10h", 36_000)] {
        let strength =
            |i: u32| if i.is_multiple_of(50) { 0.6 } else { 0.01 * (i % 1_000 * 7_919 % 13) as f32 };
        let onset: Vec<f32> = (0..seconds * 100).map(strength).collect();
        let beat = |i: u32| MachineBeat {
            time_ms: i * 500,
            bar: i / 4 + 1,
            position: (i % 4) as u8 + 1,
            confidence: None,
        };
        let beats: Vec<MachineBeat> = (0..seconds * 2).map(beat).collect();
        let summary = Summary::default();
        let heard = Heard {
            beats: &beats,
            onset: &onset,
            hop_ms: 10,
            duration_ms: seconds * 1000,
            summary: &summary,
        };
        // Taps at a tempo that no level of the machine's explains: all of it is decoded again.
        let taps: Vec<Correction> = (0..16).map(|i| Correction::Tap { time_ms: 60_000 + i * 333 }).collect();
        let cases = [
            ("beat", vec![Correction::Beat { time_ms: 60_080, moved_from_ms: Some(60_000) }]),
            ("double", vec![Correction::Tempo { time_ms: 0, end_ms: None, factor: Factor::Double }]),
            ("taps", taps),
        ];
        group.sample_size(10).throughput(Throughput::Elements(seconds.into()));
        for (case, said) in cases {
            group.bench_function(format!("{name}-{case}"), |b| b.iter(|| regrid(black_box(&heard), &said)));
        }
    }
}

criterion_group!(engine_benches, engine, regridding);
criterion_main!(engine_benches);
