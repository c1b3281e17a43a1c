#![allow(dead_code)]
use analysis_core::rhythm::*;
use realfft::RealFftPlanner;
fn field<'a>(m: &'a mut RhythmModel, k: &str) -> &'a mut f32 {
    match k {
        "wl" => &mut m.activation.weights[0], "wm" => &mut m.activation.weights[1], "wh" => &mut m.activation.weights[2], "wc" => &mut m.activation.weights[3],
        "cap" => &mut m.activation.cap, "thr" => &mut m.activation.threshold, "scale" => &mut m.activation.scale,
       
        "chg" => &mut m.beats.change_cost, "bpm" => &mut m.beats.prior_bpm,
        "oct" => &mut m.beats.prior_octaves, "pw" => &mut m.beats.prior_weight, "off" => &mut m.beats.offbeat_cost, "bc" => &mut m.beats.beat_cost,
        "mw" => &mut m.meter.weight, "mbpm" => &mut m.meter.prior_bpm, "moct" => &mut m.meter.prior_octaves, "mpw" => &mut m.meter.prior_weight,
        "b2" => &mut m.meter.bars[0], "b3" => &mut m.meter.bars[1], "b4" => &mut m.meter.bars[2], "b5" => &mut m.meter.bars[3], "b6" => &mut m.meter.bars[4], "b7" => &mut m.meter.bars[5],
        "bch" => &mut m.meter.bar_change, "lch" => &mut m.meter.level_change,
        _ => panic!("{k}"),
    }
}
pub fn set(m: &mut RhythmModel, k: &str, v: f32) { *field(m, k) = v; }
pub fn get(m: &RhythmModel, k: &str) -> f32 { *field(&mut m.clone(), k) }
pub fn read(f: &str) -> Vec<f32> { std::fs::read(f).unwrap().chunks_exact(4).map(|c| f32::from_le_bytes([c[0], c[1], c[2], c[3]])).collect() }
pub fn fmeasure(truth: &[f64], est: &[f64]) -> f64 {
    let t: Vec<f64> = truth.iter().copied().filter(|&x| x >= 5.0).collect();
    let e: Vec<f64> = est.iter().copied().filter(|&x| x >= 5.0).collect();
    let (mut i, mut j, mut hit) = (0, 0, 0.0);
    while i < t.len() && j < e.len() {
        let d = e[j] - t[i];
        if d.abs() <= 0.07 { hit += 1.0; i += 1; j += 1; } else if d < 0.0 { j += 1 } else { i += 1 }
    }
    if t.is_empty() || e.is_empty() { 0.0 } else { 2.0 * hit / (t.len() + e.len()) as f64 }
}
pub fn stft(x: &[f32], rate: u32) -> Vec<f32> {
    let n = 2048; let mut planner = RealFftPlanner::<f32>::new(); let fft = planner.plan_fft_forward(n);
    let win: Vec<f32> = (0..n).map(|i| 0.5 - 0.5 * (std::f32::consts::TAU * i as f32 / n as f32).cos()).collect();
    let norm = 2.0 / win.iter().sum::<f32>();
    let mut buf = fft.make_input_vec(); let mut spec = fft.make_output_vec(); let mut out = vec![];
    let count = analysis_core::units::frame_count(x.len() as u64, 10, rate);
    for i in 0..count {
        let c = analysis_core::units::frame_center_sample(i, 10, rate) as i64 - n as i64 / 2;
        for (k, b) in buf.iter_mut().enumerate() { let p = c + k as i64; *b = if p >= 0 && (p as usize) < x.len() { x[p as usize] * win[k] } else { 0.0 }; }
        fft.process(&mut buf, &mut spec).unwrap();
        out.extend(spec.iter().map(|z| z.norm_sqr() * norm * norm));
    }
    out
}

pub fn load_roles(m: &mut RhythmModel, path: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let mut it = text.split_whitespace().map(|x| x.parse::<f32>().unwrap());
    for r in &mut m.meter.roles { for v in r.iter_mut() { *v = it.next().unwrap(); } }
}
