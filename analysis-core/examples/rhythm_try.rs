use analysis_core::rhythm::*;
mod common;
use common::*;
use std::io::Write;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let out = &args[1];
    let mut model = RhythmModel::default();
    let mut files = vec![];
    let mut dump = false;
    for a in &args[2..] {
        if a == "dump" {
            dump = true;
            continue;
        }
        if let Some(p) = a.strip_prefix("roles=") {
            load_roles(&mut model, p);
            continue;
        }
        if let Some((k, v)) = a.split_once('=') {
            let v: f32 = v.parse().unwrap();
            set(&mut model, k, v);
        } else {
            files.push(a.clone());
        }
    }
    let mut frames = 0usize;
    let mut spent = 0.0;
    for f in &files {
        let x = read(f);

        let t0 = std::time::Instant::now();
        let mut r = RhythmTracker::with_model(44100, model.clone());
        let mut stft = analysis_core::stft::Stft::new(44100, 10);
        let mut inside = 0.0;
        let mut nframes = 0;
        for c in x.chunks(4096) {
            let t1 = std::time::Instant::now();
            r.push_audio(c);
            inside += t1.elapsed().as_secs_f64();
            stft.push(c, &mut |p| {
                let t1 = std::time::Instant::now();
                r.push_spectrum(p);
                inside += t1.elapsed().as_secs_f64();
                nframes += 1;
            });
        }
        stft.finish(&mut |p| {
            r.push_spectrum(p);
            nframes += 1;
        });
        let t1 = std::time::Instant::now();
        if dump {
            let slots = r.finish_lattice();
            let mut o = std::io::BufWriter::new(std::fs::File::create(f.replace(".f32", ".slots")).unwrap());
            for i in 0..slots.len() {
                let mut row = vec![slots[i].seconds() as f32];
                row.extend(analysis_core::meter::features(&slots, i));
                for v in row {
                    o.write_all(&v.to_le_bytes()).unwrap();
                }
            }
            continue;
        }
        let y = r.finish();
        inside += t1.elapsed().as_secs_f64();
        let _ = t0;
        spent += inside;
        frames += nframes;
        let id = std::path::Path::new(f).file_stem().unwrap().to_string_lossy().replace("__", "/");
        let path = format!("{out}/{id}.json");
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(json(&y).as_bytes()).unwrap();
    }
    eprintln!("{:.2} us/frame, {} frames", spent * 1e6 / frames as f64, frames);
}
fn json(y: &Rhythm) -> String {
    serde_json::json!({"beats": y.beats.iter().map(|b| b.time_s).collect::<Vec<_>>(), "downbeats": y.beats.iter().filter(|b| b.position == 1).map(|b| b.time_s).collect::<Vec<_>>(), "tempo_bpm": y.tempo_bpm, "sig": y.time_signature, "curve": y.curve.len(), "cand": y.candidates.iter().map(|c| (c.bpm, c.score)).collect::<Vec<_>>(), "onsets": y.onsets.len(), "conf": y.tempo_confidence, "clarity": y.pulse_clarity}).to_string()
}
