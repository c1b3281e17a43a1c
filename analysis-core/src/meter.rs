//! Bars and time signatures.

use crate::activation::CUES;
use crate::lattice::Slot;
use crate::rhythm::Beat;
use crate::timing;

/// What a slot of the lattice is to the meter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
pub enum Role {
    /// First beat of a bar.
    Downbeat,
    /// Beat in the middle of an even bar.
    Middle,
    /// Any other beat.
    Beat,
    /// Half-way between beats.
    Half,
    /// Any other division.
    Division,
}

/// Number of roles.
pub const ROLES: usize = 5;
/// Features of a slot.
pub const FEATURES: usize = 4 * CUES + 1;
/// Lattice steps per beat that are considered: the tracked level is 2.
const STEPS_PER_BEAT: [usize; 5] = [1, 2, 3, 4, 6];
/// Beats per bar that are considered.
const BEATS_PER_BAR: [usize; 6] = [2, 3, 4, 5, 6, 7];
const KINDS: usize = STEPS_PER_BEAT.len() * BEATS_PER_BAR.len();
/// Slots of the longest bar.
const LONGEST: usize = 6 * 7;
const START: u8 = u8::MAX;

/// Log-odds of the roles: multinomial logistic regression on lattices of music with known bars.
#[rustfmt::skip]
const ROLE_WEIGHTS: [[f32; FEATURES]; ROLES] = [
    [0.186, 0.083, -0.033, 0.064, 0.077, -0.033, -0.231, 0.219, -0.027, 0.160, 0.073, -0.159, 1.358, 0.322, 0.937, 0.066, -1.925],
    [0.330, 0.015, -0.059, -0.179, 0.168, -0.411, -0.344, -0.281, 0.198, -0.022, 0.043, -0.186, 0.531, 0.987, 0.841, -1.148, -1.623],
    [-0.070, 0.136, -0.186, -0.446, -0.008, -0.005, 0.308, -0.101, 0.123, 0.144, 0.053, -0.175, 0.507, 0.009, -1.524, 0.157, -1.058],
    [0.540, -0.483, -0.004, -0.252, 0.017, 0.199, 0.342, -0.128, 0.062, -0.154, -0.532, 0.276, -0.717, -1.077, 0.138, 0.864, 0.598],
    [-0.534, -0.147, 0.282, 0.248, -0.194, 0.274, 0.138, -0.046, -0.159, -0.127, -0.198, 0.241, -1.622, -0.311, 0.397, 0.982, 3.579],
];

/// What the meter decoder believes, in nats.
#[derive(Debug, Clone, PartialEq)]
pub struct MeterModel {
    /// Log-odds of each role by feature; the last is the bias.
    pub roles: [[f32; FEATURES]; ROLES],
    /// Weight of the role evidence.
    pub weight: f32,
    /// Most likely tempo in BPM
    pub prior_bpm: f32,
    /// Its spread in octaves
    pub prior_octaves: f32,
    /// Weight per second
    pub prior_weight: f32,
    /// Log prior of 2..=7 beats per bar, per bar.
    pub bars: [f32; 6],
    /// Cost of changing the number of beats in a bar.
    pub bar_change: f32,
    /// Cost of changing beat level.
    pub level_change: f32,
}

impl Default for MeterModel {
    fn default() -> Self {
        Self {
            roles: ROLE_WEIGHTS,
            weight: 1.06,
            prior_bpm: 125.0,
            prior_octaves: 0.215,
            prior_weight: 0.326,
            bars: [-0.60, -0.32, 0.0, -1.48, -0.98, -0.81],
            bar_change: 20.5,
            level_change: 5.4,
        }
    }
}

/// A beat that the meter has chosen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MeterBeat {
    /// Index of its slot.
    pub slot: usize,
    /// Position in its bar, from 1.
    pub position: u8,
    /// Beats in its bar.
    pub beats_per_bar: u8,
}

/// Features of each slot: its cues, and how they stand out from neighbours.
#[must_use]
pub fn features(slots: &[Slot], i: usize) -> [f32; FEATURES] {
    let cue = |k: isize, c: usize| {
        let slot = i.checked_add_signed(k).and_then(|at| slots.get(at));
        slot.map_or(0.0, |s| f32::from(s.cues[c]) / 32.0)
    };
    let mut out = [0.0; FEATURES];
    for c in 0..CUES {
        let here = cue(0, c);
        out[4 * c] = here;
        out[4 * c + 1] = here - 0.5 * (cue(-1, c) + cue(1, c));
        out[4 * c + 2] = here - 0.5 * (cue(-2, c) + cue(2, c));
        out[4 * c + 3] = here - 0.5 * (cue(-4, c) + cue(4, c));
    }
    out[FEATURES - 1] = 1.0;
    out
}

/// Log-odds of each role.
fn emissions(slots: &[Slot], model: &MeterModel) -> Vec<[f32; ROLES]> {
    (0..slots.len())
        .map(|i| {
            let x = features(slots, i);
            model.roles.map(|w| model.weight * w.iter().zip(x).map(|(a, b)| a * b).sum::<f32>())
        })
        .collect()
}

fn role(step: usize, steps: usize, beats: usize) -> Role {
    let (beat, part) = (step / steps, step % steps);
    match (part, beat) {
        (0, 0) => Role::Downbeat,
        (0, b) if beats.is_multiple_of(2) && b == beats / 2 && beats > 2 => Role::Middle,
        (0, _) => Role::Beat,
        (p, _) if 2 * p == steps => Role::Half,
        _ => Role::Division,
    }
}

fn kind(k: usize) -> (usize, usize) {
    (STEPS_PER_BEAT[k / BEATS_PER_BAR.len()], BEATS_PER_BAR[k % BEATS_PER_BAR.len()])
}

/// Chooses beats and bars among the slots.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "there are 30 kinds of bars")]
pub fn decode(slots: &[Slot], model: &MeterModel) -> Vec<MeterBeat> {
    if slots.len() < 2 {
        return Vec::new();
    }
    let scores = emissions(slots, model);
    let total = slots.len() + LONGEST; // position p is slot p - LONGEST
    let mut open = vec![[f32::NEG_INFINITY; KINDS]; LONGEST + 1]; // arrivals ring
    let mut before = vec![[START; KINDS]; total];
    let mut ends = (f32::NEG_INFINITY, 0, 0);
    for p in 0..total {
        let row = std::mem::replace(&mut open[p % (LONGEST + 1)], [f32::NEG_INFINITY; KINDS]);
        for k in 0..KINDS {
            let (steps, beats) = kind(k);
            let len = steps * beats;
            // a bar may start before the first slot
            let first = p <= LONGEST && p + len > LONGEST;
            let mut best = if first { 0.0 } else { f32::NEG_INFINITY };
            let mut from = START;
            for (j, &score) in row.iter().enumerate() {
                let (s2, b2) = kind(j);
                let cost = if s2 != steps {
                    model.level_change
                } else if b2 != beats {
                    model.bar_change
                } else {
                    0.0
                };
                if score - cost > best {
                    best = score - cost;
                    from = j as u8;
                }
            }
            before[p][k] = from;
            if best == f32::NEG_INFINITY {
                continue;
            }
            let score = best + bar_score(slots, &scores, p, k, model);
            if p + len >= total {
                if score > ends.0 {
                    ends = (score, p, k);
                }
            } else {
                open[(p + len) % (LONGEST + 1)][k] = score;
            }
        }
    }
    trace(slots, &before, ends.1, ends.2)
}

#[expect(clippy::cast_possible_truncation, reason = "tempi and durations of a bar need no more than f32")]
fn bar_score(slots: &[Slot], scores: &[[f32; ROLES]], p: usize, k: usize, model: &MeterModel) -> f32 {
    let (steps, beats) = kind(k);
    let mut sum = 0.0;
    let mut inside = 0;
    for step in 0..steps * beats {
        let Some(i) = (p + step).checked_sub(LONGEST) else { continue };
        let Some(s) = scores.get(i) else { break };
        sum += s[role(step, steps, beats) as usize];
        inside += 1;
    }
    if inside == 0 {
        return 0.0;
    }
    let first = p.saturating_sub(LONGEST).min(slots.len() - 2);
    let last = (p + steps * beats).saturating_sub(LONGEST).clamp(first + 1, slots.len() - 1);
    let seconds = f64::from(slots[last].time - slots[first].time) * 1e-4;
    let bpm = 60.0 * (last - first) as f64 / steps as f64 / seconds.max(1e-3);
    if !(38.0..280.0).contains(&bpm) {
        return sum - 100.0;
    }
    let octaves = (bpm as f32 / model.prior_bpm).log2() / model.prior_octaves;
    let fraction = inside as f32 / (steps * beats) as f32;
    sum - 0.5 * octaves * octaves * model.prior_weight * seconds as f32 + model.bars[beats - 2] * fraction
}

#[expect(clippy::cast_possible_truncation, reason = "bars have at most 7 beats")]
fn trace(slots: &[Slot], before: &[[u8; KINDS]], p: usize, k: usize) -> Vec<MeterBeat> {
    let (mut p, mut k) = (p, k);
    let mut out = Vec::new();
    loop {
        let (steps, beats) = kind(k);
        for beat in (0..beats).rev() {
            let at = p + beat * steps;
            if at >= LONGEST && at - LONGEST < slots.len() {
                out.push(MeterBeat {
                    slot: at - LONGEST,
                    position: beat as u8 + 1,
                    beats_per_bar: beats as u8,
                });
            }
        }
        let from = before[p][k];
        if from == START {
            break;
        }
        k = usize::from(from);
        let (s, b) = kind(k);
        p -= s * b;
    }
    out.reverse();
    out
}

/// Times, bars and confidence of the chosen slots.
#[must_use]
pub fn beats(slots: &[Slot], chosen: &[MeterBeat]) -> Vec<(MeterBeat, Beat)> {
    let times = timing::steady(&chosen.iter().map(|m| slots[m.slot].seconds()).collect::<Vec<_>>());
    let mut bar = 1;
    let mut out = Vec::with_capacity(chosen.len());
    for (i, (m, time_s)) in chosen.iter().zip(times).enumerate() {
        bar += u32::from(m.position == 1 && i > 0);
        out.push((*m, Beat { time_s, bar, position: m.position, confidence: confidence(slots, chosen, i) }));
    }
    out
}

/// Logistic function of the evidence at a beat and, more, around it.
#[expect(clippy::cast_precision_loss, reason = "a handful of beats")]
fn confidence(slots: &[Slot], chosen: &[MeterBeat], i: usize) -> f32 {
    let nats = |b: &MeterBeat| f32::from(slots[b.slot].evidence) / 16.0;
    let near = &chosen[i.saturating_sub(4)..(i + 5).min(chosen.len())];
    let mean = near.iter().map(nats).sum::<f32>() / near.len() as f32;
    1.0 / (1.0 + (-(0.7 * mean + 0.3 * nats(&chosen[i]))).exp())
}

/// Beats in most bars; `None` where fewer than two bars were heard.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "bars have at most 7 beats")]
pub fn beats_per_bar(chosen: &[MeterBeat]) -> Option<u8> {
    let mut count = [0_usize; 8];
    for b in chosen.iter().filter(|b| b.position == 1) {
        count[usize::from(b.beats_per_bar)] += 1;
    }
    let best = (2..8).max_by_key(|&n| count[n] * n)?;
    (count[best] >= 2).then_some(best as u8)
}

/// Time signature of bars of so many beats: 2/4, 3/4, 4/4, 5/4, 6/8 or 7/8. Two beats of three parts each are
/// 6/8.
#[must_use]
pub fn time_signature(slots: &[Slot], chosen: &[MeterBeat], beats_per_bar: u8) -> Option<String> {
    let triple = (0..chosen.len()).filter(|&i| parts(slots, chosen, i) == 3).count();
    let compound = 2 * triple > chosen.len();
    match beats_per_bar {
        2 if compound => Some("6/8".into()),
        2..=5 => Some(format!("{beats_per_bar}/4")),
        6 | 7 => Some(format!("{beats_per_bar}/8")),
        _ => None,
    }
}

/// Times of the smallest regular pulse, in seconds: each beat, at `times`, divided evenly into as many parts
/// as are heard around it.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a beat has at most four parts")]
pub fn tatums(slots: &[Slot], chosen: &[MeterBeat], times: &[f64]) -> Vec<f64> {
    let mut out = Vec::new();
    for (i, pair) in times.windows(2).enumerate() {
        let count = parts(slots, chosen, i);
        out.extend((0..count).map(|part| pair[0] + (pair[1] - pair[0]) * part as f64 / count as f64));
    }
    out.extend(times.last());
    out
}

/// Beats to either side over which the division of a beat is judged.
const DIVISION_REACH: usize = 8;
/// Evidence that thirds must have over halves, in sixteenths of a nat.
const TRIPLE_LEAD: f32 = 4.0;
/// Mean evidence, in sixteenths of a nat, from which on a division is heard.
const HEARD: f32 = -8.0;

/// Parts that the beats around beat `i` divide into: 1 to 4, as far as evidence goes.
fn parts(slots: &[Slot], chosen: &[MeterBeat], i: usize) -> usize {
    let around = &chosen[i.saturating_sub(DIVISION_REACH)..(i + DIVISION_REACH + 1).min(chosen.len())];
    let mean = |places: &[(usize, usize)]| {
        let (mut sum, mut count) = (0.0, 0.0_f32);
        for pair in around.windows(2) {
            for &(numerator, denominator) in places {
                if let Some(e) = evidence_at(slots, pair[0].slot, pair[1].slot, numerator, denominator) {
                    sum += f32::from(e);
                    count += 1.0;
                }
            }
        }
        if count > 0.0 { sum / count } else { f32::NEG_INFINITY }
    };
    let (half, third, quarter) = (mean(&[(1, 2)]), mean(&[(1, 3), (2, 3)]), mean(&[(1, 4), (3, 4)]));
    if third > half + TRIPLE_LEAD && third > HEARD {
        3
    } else if quarter > HEARD.max(0.0) {
        4
    } else if half > HEARD {
        2
    } else {
        1
    }
}

/// Evidence `numerator/denominator` of the way from one beat to the next, where it was kept.
fn evidence_at(slots: &[Slot], from: usize, to: usize, numerator: usize, denominator: usize) -> Option<i8> {
    let scaled = (to - from) * numerator;
    let slot = slots.get(from + scaled / denominator)?;
    let sixths = 6 * (scaled % denominator);
    if !sixths.is_multiple_of(denominator) {
        return None;
    }
    match sixths / denominator {
        0 => Some(slot.evidence),
        2 => Some(slot.between[0]),
        3 => Some(slot.between[1]),
        4 => Some(slot.between[2]),
        _ => None,
    }
}
