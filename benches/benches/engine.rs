//! Each stage and the whole by the clock. Criterion's elements are seconds of audio: "600 elem/s" listens 600 times as
//! fast as the music plays. Everything listens to the same piece; compare figures of one run only.

use benches::{Material, SCENARIOS};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

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

criterion_group!(engine_benches, engine);
criterion_main!(engine_benches);
