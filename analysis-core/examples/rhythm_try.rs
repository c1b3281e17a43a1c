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
        if a == "dump" { dump = true; continue }
        if let Some(p) = a.strip_prefix("roles=") { load_roles(&mut model, p); continue }
        if let Some((k, v)) = a.split_once('=') {
            let v: f32 = v.parse().unwrap();
            set(&mut model, k, v);
        } else { files.push(a.clone()); }
    }
    let mut frames = 0usize; let mut spent = 0.0;
    for f in &files {
        let x = read(f);
        let specs = stft(&x, 44100);
        let t0 = std::time::Instant::now();
        let mut r = RhythmTracker::new(44100, 2048, model.clone());
        for c in x.chunks(4096) { r.push_audio(c); }
        for p in specs.chunks(1025) { r.push_spectrum(p); }
        let y = r.finish();
        spent += t0.elapsed().as_secs_f64(); frames += specs.len() / 1025;
        if dump {
            let mut o = std::fs::File::create(f.replace(".f32", ".slots")).unwrap();
            for i in 0..y.slots.len() { let mut row = vec![y.slots[i].seconds() as f32]; row.extend(analysis_core::meter::features(&y.slots, i)); for v in row { o.write_all(&v.to_le_bytes()).unwrap(); } }
        }
        let id = std::path::Path::new(f).file_stem().unwrap().to_string_lossy().replace("__", "/");
        let path = format!("{out}/{id}.json");
        std::fs::create_dir_all(std::path::Path::new(&path).parent().unwrap()).unwrap();
        std::fs::File::create(path).unwrap().write_all(json(&y).as_bytes()).unwrap();
    }
    eprintln!("{:.2} us/frame, {} frames", spent * 1e6 / frames as f64, frames);
}
fn json(y: &Rhythm) -> String {
    serde_json::json!({"beats": y.beats, "downbeats": y.downbeats}).to_string()
}
