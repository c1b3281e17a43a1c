use analysis_core::{activation::*, beats::*, harmony::*, onset::*, rhythm::RhythmModel};
mod common;
use common::*;
struct Piece { id: String, frames: Vec<(OnsetFrame, f32)>, truth: Vec<f64> }
fn load(f: &str) -> Option<Piece> {
    let truth: Vec<f64> = std::fs::read_to_string(f.replace(".f32", ".txt")).ok()?.lines().map(|l| l.split(' ').next().unwrap().parse().unwrap()).collect();
    let x = read(f);
    let specs = stft(&x, 44100);
    let mut o = OnsetStrength::new(44100, 2048);
    let mut h = HarmonicChange::new(o.centers_hz());
    let mut frames: Vec<OnsetFrame> = vec![]; let mut hc = vec![];
    for p in specs.chunks(1025) { frames.push(o.process(p)); hc.push(h.process(o.whitened())); }
    for _ in 0..HarmonicChange::delay() { hc.push(0.0); }
    let frames = frames.into_iter().enumerate().map(|(i, f)| (f, hc[i + HarmonicChange::delay()])).collect();
    Some(Piece { id: f.into(), frames, truth })
}
fn track(p: &Piece, m: &RhythmModel) -> Vec<f64> {
    let mut a = Activation::new(m.activation.clone()); let mut d = BeatDecoder::new(m.beats.clone()); let mut out = vec![];
    for f in &p.frames { if let Some(e) = a.push(&f.0, f.1) { d.push(e.beat, &mut |b| out.push(b as f64 * 0.01 + 0.01)); } }
    a.finish(&mut |e| d.push(e.beat, &mut |b| out.push(b as f64 * 0.01 + 0.01)));
    d.finish(&mut |b| out.push(b as f64 * 0.01 + 0.01));
    out
}
fn score(ps: &[Piece], m: &RhythmModel, verbose: bool) -> (f64, f64, f64) {
    let mut tot = [0.0; 4]; let mut n = [0.0; 4]; let mut orc = 0.0;
    for p in ps {
        let b = track(p, m);
        let f = fmeasure(&p.truth, &b);
        let mid: Vec<f64> = b.windows(2).map(|w| 0.5 * (w[0] + w[1])).collect();
        let mut dbl = b.clone(); dbl.extend(&mid); dbl.sort_by(f64::total_cmp);
        let step = |s: usize, k: usize| b.iter().skip(k).step_by(s).copied().collect::<Vec<_>>();
        let mut best = f;
        for v in [mid.clone(), dbl, step(2, 0), step(2, 1), step(3, 0), step(3, 1), step(3, 2)] { best = best.max(fmeasure(&p.truth, &v)); }
        let part = if p.id.contains("real__") { 0 } else if p.id.contains("lmms__") { 1 } else if p.id.contains("score__") { 2 } else { 3 };
        tot[part] += f; n[part] += 1.0; orc += best;
        if verbose { println!("{:.2} {:.2} {}", f, best, p.id); }
    }
    if verbose { println!("parts {:?}", (0..4).map(|i| (tot[i] / n[i] * 1000.0f64).round()).collect::<Vec<_>>()); }
    let all: f64 = tot.iter().sum::<f64>() / ps.len() as f64;
    let rl = (tot[0] + tot[1]) / (n[0] + n[1]).max(1.0);
    (all, orc / ps.len() as f64, rl)
}
fn main() {
    let mut model = RhythmModel::default(); let mut files = vec![]; let mut rounds = 0;
    for a in std::env::args().skip(1) {
        if let Some((k, v)) = a.split_once('=') { if k == "rounds" { rounds = v.parse().unwrap() } else { set(&mut model, k, v.parse().unwrap()); } } else { files.push(a); }
    }
    let ps: Vec<Piece> = files.iter().filter_map(|f| load(f)).collect();
    let t = std::time::Instant::now();
    let s = score(&ps, &model, rounds == 0);
    println!("F {:.4} oracle {:.4} reallmms {:.4}  {:.2}s", s.0, s.1, s.2, t.elapsed().as_secs_f64());
    let obj = |s: (f64, f64, f64)| s.0 + 0.3 * s.1 + 0.2 * s.2;
    let keys = ["wl", "wm", "wh", "wc", "cap", "thr", "scale", "chg", "bpm", "oct", "pw", "off"];
    let mut best = obj(s); let mut rng: u64 = 88172645463325252;
    for _ in 0..rounds {
        let mut m = model.clone(); let mut desc = String::new();
        rng ^= rng << 13; rng ^= rng >> 7; rng ^= rng << 17;
        let n = 1 + (rng >> 60) % 3;
        for _ in 0..n {
            rng ^= rng << 13; rng ^= rng >> 7; rng ^= rng << 17;
            let k = keys[(rng >> 20) as usize % keys.len()];
            let u = ((rng >> 40) as f64 / (1u64 << 24) as f64 * 2.0 - 1.0) * 0.5;
            let v = get(&m, k) * (u.exp() as f32); set(&mut m, k, v); desc += &format!(" {k}={v:.3}");
        }
        let s = score(&ps, &m, false);
        if obj(s) > best { best = obj(s); model = m; println!("{best:.4} F {:.4} oracle {:.4} rl {:.4} :{desc}", s.0, s.1, s.2); }
    }
    println!("{}", keys.iter().map(|k| format!("{k}={:.3}", get(&model, k))).collect::<Vec<_>>().join(" "));
}
