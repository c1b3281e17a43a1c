use super::*;

/// The model written down plainly: every start, length, place and predecessor, in f64.
fn naive(evidence: &[Evidence], model: &BeatModel) -> Vec<DecodedBeat> {
    let lengths = intervals();
    let (n, count) = (evidence.len(), lengths.len());
    let prior: Vec<f64> = lengths.iter().map(|length| f64::from(length.prior(model))).collect();
    let change = |a: usize, b: usize| {
        f64::from(model.change_cost) * (lengths[b].tau as f64 / lengths[a].tau as f64).ln().abs()
    };
    let pause = f64::from(model.silence_change);
    let mut score = vec![[f64::NEG_INFINITY; USED]; n * count];
    let mut from: Vec<[Option<Node>; USED]> = vec![[None; USED]; n * count];
    let (mut silent, mut before_silence) = (0.0, None);
    for t in 0..n {
        let mut ended: Vec<(Node, f64)> = (0..count)
            .flat_map(|i| lengths[i].lengths().map(move |length| (i, length)))
            .filter(|&(_, length)| length <= t)
            .flat_map(|(i, length)| (0..USED).map(move |lane| (i, t - length, lane)))
            .map(|(i, frame, lane)| {
                (Node { frame, length: i, lane }, score[frame * count + i][lane] + prior[i])
            })
            .collect();
        for &(node, s) in &ended {
            if s - pause > silent {
                (silent, before_silence) = (s - pause, Some(node));
            }
        }
        ended.retain(|&(_, s)| s > f64::NEG_INFINITY);
        let (beat, first, other) = model.weigh(evidence[t]);
        let enter = if t < MAX_INTERVAL { 0.0 } else { pause };
        for i in 0..count {
            let at = t * count + i;
            for (lane, (score, from)) in score[at].iter_mut().zip(&mut from[at]).enumerate() {
                let gain = match STARTS.iter().position(|&s| s == lane) {
                    Some(bar) => f64::from(beat) + f64::from(first) + f64::from(model.bars[bar]),
                    None => f64::from(beat) + f64::from(other),
                };
                let mut best = (silent - enter, before_silence);
                for &(node, s) in &ended {
                    let same = PLACES[node.lane].beats_per_bar == PLACES[lane].beats_per_bar;
                    let follows = if PLACES[lane].position == 1 {
                        PLACES[node.lane].position == PLACES[node.lane].beats_per_bar
                    } else {
                        node.lane + 1 == lane
                    };
                    let cost = change(node.length, i) + if same { 0.0 } else { f64::from(model.bar_change) };
                    if follows && s - cost > best.0 {
                        best = (s - cost, Some(node));
                    }
                }
                (*score, *from) = (best.0 + gain, best.1);
            }
        }
    }
    let mut best = (silent, before_silence);
    for t in n.saturating_sub(MAX_INTERVAL)..n {
        for i in (0..count).filter(|&i| t + lengths[i].tau >= n) {
            for lane in 0..USED {
                if score[t * count + i][lane] > best.0 {
                    best = (score[t * count + i][lane], Some(Node { frame: t, length: i, lane }));
                }
            }
        }
    }
    let mut beats = Vec::new();
    let mut at = best.1;
    while let Some(node) = at {
        beats.push(DecodedBeat { frame: node.frame, place: PLACES[node.lane] });
        at = from[node.frame * count + node.length][node.lane];
    }
    beats.reverse();
    beats
}

fn decode(evidence: &[Evidence]) -> Vec<DecodedBeat> {
    let (mut decoder, mut beats) = (BeatDecoder::new(BeatModel::default()), Vec::new());
    for &e in evidence {
        decoder.push(e, &mut |beat| beats.push(beat));
    }
    decoder.finish(&mut |beat| beats.push(beat));
    beats
}

/// A pulse every `period` frames, as wide as the network's, each `bar`-th of them a downbeat.
fn pulse(frames: usize, period: usize, bar: usize, strength: f32) -> Vec<Evidence> {
    let at = |t: usize| {
        let downbeat = if (t / period).is_multiple_of(bar) { 0.8 } else { 0.1 };
        let away = (t % period).abs_diff(7) as f32;
        Evidence { beat: (strength - 0.8 * away).max(-5.0), downbeat }
    };
    (0..frames).map(at).collect()
}

#[test]
fn the_running_maxima_find_the_path_that_plain_search_finds() {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    for (period, bar) in [(29, 3), (51, 2)] {
        let mut evidence = pulse(150, period, bar, 1.0);
        for e in &mut evidence {
            e.beat += 3.0 * random();
            e.downbeat = (e.downbeat + 0.3 * random()).min(1.0);
        }
        assert_eq!(decode(&evidence), naive(&evidence, &BeatModel::default()), "period {period}");
    }
}

#[test]
fn bars_of_two_to_seven_beats_are_told_apart() {
    for bar in 2..=7_u8 {
        let beats = decode(&pulse(4000, 47, bar.into(), 2.0));
        assert!(beats.iter().all(|b| b.place.beats_per_bar == bar), "{bar} beats: {:?}", &beats[..8]);
        assert!(beats.iter().all(|b| (b.place.position == 1) == ((b.frame / 47).is_multiple_of(bar.into()))));
        assert_eq!(beats.len(), 85);
    }
}

#[test]
fn a_long_track_is_committed_piece_by_piece_without_gaps() {
    let evidence = pulse(60_000, 47, 4, 2.0);
    let expected: Vec<usize> = (0..60_000).filter(|t| t % 47 == 7).collect();
    let found = decode(&evidence);
    assert_eq!(found.len(), expected.len());
    let astray = found.iter().zip(&expected).find(|(beat, t)| beat.frame.abs_diff(**t) > 1);
    assert!(astray.is_none(), "{astray:?}");
    let (mut decoder, mut early) = (BeatDecoder::new(BeatModel::default()), 0);
    for &e in &evidence {
        decoder.push(e, &mut |_| early += 1);
    }
    assert!(early > 1150, "only {early} beats before the end");
}

#[test]
fn where_nothing_speaks_for_beats_there_are_none() {
    let nothing = vec![Evidence { beat: -6.0, downbeat: 0.2 }; 20_000];
    assert!(decode(&nothing).is_empty());
    let mut evidence = nothing[..6000].to_vec();
    evidence.extend(pulse(4000, 50, 4, 3.0));
    evidence.extend_from_slice(&nothing);
    evidence.extend(pulse(4000, 60, 3, 3.0));
    let beats = decode(&evidence);
    let inside = |frame: usize| (6000..10_000).contains(&frame) || frame >= 30_000;
    assert!(beats.iter().all(|beat| inside(beat.frame)), "{:?}", beats.iter().find(|b| !inside(b.frame)));
    assert_eq!(beats.len(), 80 + 67);
}

#[test]
fn codes_of_beats_fit_into_a_byte() {
    let intervals = intervals();
    assert_eq!(intervals[0].tau, MIN_INTERVAL);
    assert!(Interval::code(intervals.len() - 1, PLAY - 1) < u32::from(history::START), "{}", intervals.len());
    assert!(intervals.iter().all(|i| i.play <= PLAY && i.tau + i.play <= MARGIN));
    for (i, interval) in intervals.iter().enumerate() {
        for (j, length) in interval.lengths().enumerate() {
            let code = u8::try_from(Interval::code(i, j)).unwrap();
            assert_eq!(Interval::decode(code, &intervals), (i, length));
        }
    }
}

/// The recursion lane by lane, in the same order of sums, with every predecessor written out.
struct Plain {
    intervals: Vec<Interval>,
    model: BeatModel,
    /// `[frame][tempo]`.
    departures: Vec<Vec<[f32; USED]>>,
    from: Vec<Vec<[Option<Node>; USED]>>,
    silent: f32,
    before_silence: Option<Node>,
}

/// A score, and the last beat of its path.
type End = (f32, Option<Node>);

impl Plain {
    fn new(model: BeatModel) -> Self {
        let (departures, from) = (Vec::new(), Vec::new());
        Self { intervals: intervals(), model, departures, from, silent: 0.0, before_silence: None }
    }

    /// Paths whose last beat has tempo `i` and ends at frame `t`.
    fn arrivals(&self, t: usize, i: usize) -> [End; USED] {
        std::array::from_fn(|lane| {
            let mut best = (IMPOSSIBLE, None);
            for length in self.intervals[i].lengths().filter(|&length| length <= t) {
                let score = self.departures[t - length][i][lane];
                if score > best.0 {
                    best = (score, Some(Node { frame: t - length, length: i, lane }));
                }
            }
            (best.0 + self.intervals[i].prior(&self.model), best.1)
        })
    }

    /// The best of them before a beat of each tempo.
    fn lengths(&self, arrivals: &[[End; USED]]) -> Vec<[End; USED]> {
        let mut best = arrivals.to_vec();
        let change = |i: usize| self.intervals[i].change(self.intervals[i + 1], &self.model);
        let better = |a: End, b: End| if b.0 > a.0 { b } else { a };
        for lane in 0..USED {
            let mut run = (IMPOSSIBLE, None);
            for i in 0..arrivals.len() {
                run.0 -= i.checked_sub(1).map_or(0.0, change);
                run = better(run, arrivals[i][lane]);
                best[i][lane] = run;
            }
            run = (IMPOSSIBLE, None);
            for i in (0..arrivals.len()).rev() {
                run.0 -= if i + 1 < arrivals.len() { change(i) } else { 0.0 };
                run = better(run, arrivals[i][lane]);
                best[i][lane] = better(best[i][lane], run);
            }
        }
        best
    }

    /// What comes before each place.
    fn before(&self, best: &[End; USED]) -> [End; USED] {
        let top = ENDS.map(|end| best[end]).into_iter().reduce(|a, b| if b.0 > a.0 { b } else { a }).unwrap();
        let changed = (top.0 - self.model.bar_change, top.1);
        std::array::from_fn(|lane| match STARTS.iter().position(|&start| start == lane) {
            Some(bar) if best[ENDS[bar]].0 >= changed.0 => best[ENDS[bar]],
            Some(_) => changed,
            None => best[lane - 1],
        })
    }

    fn push(&mut self, evidence: Evidence) {
        let t = self.departures.len();
        let arrivals: Vec<_> = (0..self.intervals.len()).map(|i| self.arrivals(t, i)).collect();
        let mut top = (self.silent + self.model.silence_change, self.before_silence);
        for &end in arrivals.iter().flatten() {
            top = if end.0 > top.0 { end } else { top };
        }
        (self.silent, self.before_silence) = (top.0 - self.model.silence_change, top.1);
        let fresh = self.silent - if t < MAX_INTERVAL { 0.0 } else { self.model.silence_change };
        let gain = self.model.gain(evidence);
        let (mut departures, mut from) = (Vec::new(), Vec::new());
        for best in &self.lengths(&arrivals) {
            let anew = |end: End| if fresh > end.0 { (fresh, self.before_silence) } else { end };
            let before = self.before(best).map(anew);
            departures.push(std::array::from_fn(|lane| before[lane].0 + gain[lane]));
            from.push(before.map(|end| end.1));
        }
        self.departures.push(departures);
        self.from.push(from);
        if (t + 1).is_multiple_of(RENORMALISE) {
            self.renormalise();
        }
    }

    fn renormalise(&mut self) {
        let first = self.departures.len().saturating_sub(160);
        let late = self.departures[first..].iter_mut().flatten().flatten();
        let top = late.fold(self.silent, |top, &mut x| top.max(x));
        for score in self.departures[first..].iter_mut().flatten().flatten() {
            *score = (*score - top).max(IMPOSSIBLE);
        }
        self.silent -= top;
    }
}

/// Evidence of every kind: none, a pulse that drifts, noise.
fn random_evidence(frames: usize, seed: u32) -> Vec<Evidence> {
    let mut state = seed;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let (mut next, mut period, mut loud) = (0.0, 40.0, 1.0);
    let at = |t: usize| {
        if t.is_multiple_of(300) {
            (period, loud) = (25.0 + 100.0 * random(), 6.0 * random() - 1.0);
        }
        let hit = t as f32 >= next;
        if hit {
            next = t as f32 + period * (0.97 + 0.06 * random());
        }
        let beat = if hit { loud + 2.0 * random() } else { 3.0 * random() - 6.0 };
        Evidence { beat, downbeat: random() }
    };
    (0..frames).map(at).collect()
}

#[test]
fn vectors_give_the_bits_of_the_plain_recursion() {
    let models = [BeatModel::default(), BeatModel::rules()];
    for (seed, frames, model) in [(1, 30, &models[0]), (2, 400, &models[1]), (3, 1300, &models[0])] {
        let mut plain = Plain::new(model.clone());
        let mut decoder = BeatDecoder::new(model.clone());
        for (t, evidence) in random_evidence(frames, seed).into_iter().enumerate() {
            plain.push(evidence);
            decoder.push(evidence, &mut |_| ());
            let scores = &decoder.scores;
            assert_eq!(scores.silent().to_bits(), plain.silent.to_bits(), "silence at {t}");
            for i in 0..plain.intervals.len() {
                let rows = (scores.departures(t, i), &plain.departures[t][i]);
                assert_eq!(rows.0.map(f32::to_bits), rows.1.map(f32::to_bits), "tempo {i} at {t}");
                for lane in 0..USED {
                    let node = Node { frame: t, length: i, lane };
                    let before = decoder.history.before(node, 0, &plain.intervals);
                    assert_eq!(before, plain.from[t][i][lane], "before {node:?}");
                }
            }
        }
    }
}

#[test]
fn evidence_that_is_no_number_is_none() {
    let model = BeatModel::default();
    let silent = |t: usize| t % 300 < 40;
    let beats = |odd: Evidence| {
        let at = |t: usize| if t.is_multiple_of(50) { 4.0 } else { -4.0 };
        let plain = |t| Evidence { beat: at(t), downbeat: if t % 200 == 0 { 0.9 } else { 0.1 } };
        let evidence: Vec<Evidence> = (0..3_000).map(|t| if silent(t) { odd } else { plain(t) }).collect();
        decode(&evidence)
    };
    let none = beats(Evidence { beat: model.beat_floor, downbeat: DOWNBEAT_SHARE });
    assert!(none.len() > 40, "{}", none.len());
    assert_eq!(beats(Evidence { beat: f32::NAN, downbeat: f32::NAN }), none);
    let endless = Evidence { beat: f32::INFINITY, downbeat: f32::INFINITY };
    assert!(model.gain(endless)[..USED].iter().all(|nats| nats.is_finite()));
}
