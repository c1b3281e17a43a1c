//! Bars counted over the new beats.

use super::course::Marks;
use super::pulse::{Pulse, nearest};
use super::{GridBeat, Heard, Origin};
use crate::summary::MeterPoint;

/// Bars in a row that start where the machine's do, after which the machine is believed again.
const AGREED: u32 = 2;

/// Whole milliseconds within the track, strictly rising. Of two beats at one time a person's stays.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the track")]
fn settled(pulses: &[Pulse], duration_ms: u32) -> Vec<(u32, Pulse)> {
    let mut settled: Vec<(u32, Pulse)> = Vec::with_capacity(pulses.len());
    for pulse in pulses {
        if !pulse.is_pinned() && pulse.origin == Origin::Inferred && pulse.time_ms > f64::from(duration_ms) {
            continue;
        }
        let time_ms = pulse.time_ms.round().clamp(0.0, u32::MAX.into()) as u32;
        match settled.last() {
            Some((last, before)) if *last >= time_ms => {
                if pulse.is_pinned() && !before.is_pinned() {
                    settled.pop();
                    settled.push((time_ms, *pulse));
                }
            }
            _ => settled.push((time_ms, *pulse)),
        }
    }
    settled
}

/// What is said of each beat's bar.
#[derive(Debug, Clone, Copy, Default)]
struct Said {
    starts: Option<bool>,
    /// Beats in a bar from here, and until when.
    meter: Option<(u8, Option<u32>)>,
}

/// Counts beats and bars: by the machine's downbeats, and from each that a person names by the person's, until the next or
/// until the machine's agree.
pub(super) fn count(pulses: &[Pulse], marks: &Marks, duration_ms: u32) -> Vec<GridBeat> {
    let settled = settled(pulses, duration_ms);
    let said = assign(&settled, marks);
    let mut counter = Counter { bar: 1, position: 0, of: 4, by: By::Machine, until_ms: None };
    let mut beats = Vec::with_capacity(settled.len());
    for (i, ((time_ms, pulse), said)) in settled.iter().zip(said).enumerate() {
        let starts = counter.starts(*time_ms, pulse, said);
        if i == 0 {
            let first = pulse.place.map_or(1, |place| place.position);
            counter.position = if said.starts == Some(true) || said.meter.is_some() { 1 } else { first };
        } else if starts {
            counter.bar += 1;
            counter.position = 1;
        } else {
            counter.position = counter.position.saturating_add(1);
        }
        beats.push(GridBeat {
            time_ms: *time_ms,
            bar: counter.bar,
            position: counter.position,
            confidence: pulse.confidence,
            origin: pulse.origin,
        });
    }
    beats
}

/// Marks by beat: each goes to the nearest.
fn assign(settled: &[(u32, Pulse)], marks: &Marks) -> Vec<Said> {
    let pulses: Vec<Pulse> =
        settled.iter().map(|(at, pulse)| Pulse { time_ms: (*at).into(), ..*pulse }).collect();
    let mut said = vec![Said::default(); settled.len()];
    for (&at, &starts) in &marks.starts {
        if let Some(i) = nearest(&pulses, at.into()) {
            said[i].starts = Some(starts);
        }
    }
    for (&at, &meter) in &marks.meters {
        if let Some(i) = nearest(&pulses, at.into()) {
            said[i].meter = Some(meter);
        }
    }
    said
}

/// By whose word bars start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// The machine's downbeats.
    Machine,
    /// Counting on from what a person said; so many bars have started with the machine's since.
    Person(u32),
    /// The machine's next downbeat, however far: a person said that the last one is none.
    Next,
}

#[derive(Debug)]
struct Counter {
    bar: u32,
    position: u8,
    of: u8,
    by: By,
    /// A person's meter holds until here: before that the machine is not asked.
    until_ms: Option<u32>,
}

impl Counter {
    fn starts(&mut self, time_ms: u32, pulse: &Pulse, said: Said) -> bool {
        if self.until_ms.is_some_and(|until| time_ms >= until) {
            (self.until_ms, self.by) = (None, By::Machine);
        }
        let machine = pulse.place.map(|place| place.position == 1);
        let full = self.position >= self.of;
        if let Some((of, until_ms)) = said.meter {
            // Without an end it holds until the next word on bars: the machine never agrees with another meter.
            (self.of, self.by, self.until_ms) = (of, By::Person(0), Some(until_ms.unwrap_or(u32::MAX)));
            return true;
        }
        match said.starts {
            Some(true) => {
                // A meter of the person's goes on.
                if self.until_ms.is_none() {
                    self.of = pulse.place.map_or(self.of, |place| place.of);
                }
                self.by = By::Person(0);
                return true;
            }
            Some(false) => {
                self.by = By::Next;
                return false;
            }
            None => {}
        }
        match self.by {
            By::Machine => {
                self.of = pulse.place.map_or(self.of, |place| place.of);
                machine.unwrap_or(full)
            }
            By::Next => {
                let starts = machine == Some(true);
                if starts {
                    self.by = if self.until_ms.is_some() { By::Person(0) } else { By::Machine };
                }
                starts
            }
            By::Person(agreed) => {
                let same = pulse.place.is_some_and(|place| place.of == self.of);
                let agreed = match (full, machine) {
                    (true, Some(true)) if same => agreed + 1,
                    (true, _) | (false, Some(true)) => 0,
                    _ => agreed,
                };
                let believed = agreed >= AGREED && self.until_ms.is_none();
                self.by = if believed { By::Machine } else { By::Person(agreed) };
                full
            }
        }
    }
}

/// The time signature of most bars, and all in order. Bars cut off by the ends count as their neighbours.
pub(super) fn signatures(beats: &[GridBeat], heard: &Heard<'_>) -> (Option<String>, Vec<MeterPoint>) {
    let mut bars: Vec<(u32, usize)> =
        beats.chunk_by(|a, b| a.bar == b.bar).map(|bar| (bar[0].time_ms, bar.len())).collect();
    let count = bars.len();
    if count >= 2 {
        if beats[0].position != 1 {
            bars[0].1 = bars[1].1;
        }
        bars[count - 1].1 = bars[count - 1].1.max(bars[count - 2].1);
    }
    let compound = is_compound(heard);
    let mut points: Vec<MeterPoint> = bars
        .iter()
        .map(|&(time_ms, of)| MeterPoint { time_ms, time_signature: name(of, compound) })
        .collect();
    points.dedup_by(|later, earlier| later.time_signature == earlier.time_signature);
    let most = (1..=usize::from(u8::MAX)).filter(|n| bars.iter().filter(|bar| bar.1 == *n).count() >= 2);
    let most = most.max_by_key(|n| bars.iter().filter(|bar| bar.1 == *n).count() * n);
    let Some(most) = most else { return (None, Vec::new()) };
    (Some(name(most, compound)), points)
}

/// Whether the machine heard two beats of three parts in a bar.
fn is_compound(heard: &Heard<'_>) -> bool {
    heard.summary.time_signature.as_deref() == Some("6/8")
        && heard.beats.iter().filter(|beat| beat.position > 2).count() * 2 < heard.beats.len()
}

/// What bars of so many beats are called.
fn name(of: usize, compound: bool) -> String {
    match of {
        2 if compound => "6/8".into(),
        6 | 7 => format!("{of}/8"),
        _ => format!("{of}/4"),
    }
}
