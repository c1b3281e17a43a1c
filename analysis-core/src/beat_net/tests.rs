use super::*;

/// The network written down plainly, over the whole track at once, in f64.
mod naive {
    use super::super::weights::Weights;
    use super::super::{BANDS, DILATIONS};

    type Rows = Vec<Vec<f64>>;

    struct Layer {
        weights: Rows,
        bias: Vec<f64>,
    }

    impl Layer {
        fn read<const COLUMNS: usize>(weights: &mut Weights, rows: usize) -> Self {
            let rows = weights.rows::<COLUMNS>(rows);
            let wide = |row: [f32; COLUMNS]| row.iter().map(|&v| f64::from(v)).collect();
            Self { weights: rows.into_iter().map(wide).collect(), bias: wide(weights.row::<COLUMNS>()) }
        }

        fn apply(&self, x: &[f64]) -> Vec<f64> {
            assert_eq!(x.len(), self.weights.len());
            let column =
                |c: usize| self.bias[c] + x.iter().zip(&self.weights).map(|(x, w)| x * w[c]).sum::<f64>();
            (0..self.bias.len()).map(column).collect()
        }
    }

    fn leaky(row: &[f64]) -> Vec<f64> {
        row.iter().map(|&v| v.max(0.1 * v)).collect()
    }

    /// `taps` neighbours around row `t`, side by side; `outside` where there is no row.
    fn around(rows: &Rows, t: isize, distance: isize, taps: isize, outside: f64) -> Vec<f64> {
        let width = rows.first().map_or(0, Vec::len);
        let near = (-(taps / 2)..=taps / 2)
            .map(|tap| usize::try_from(t + tap * distance).ok().and_then(|t| rows.get(t)));
        near.flat_map(|row| row.cloned().unwrap_or_else(|| vec![outside; width])).collect()
    }

    pub(super) fn beliefs(heard: &[[f32; BANDS]]) -> Vec<[f64; 2]> {
        let mut weights = Weights::standard();
        let bands = Layer::read::<12>(&mut weights, 40);
        let groups = Layer::read::<24>(&mut weights, 108);
        let merge = Layer::read::<24>(&mut weights, 144);
        let spread = |v: f64| (v - 0.35) * 4.0;
        let rows: Rows =
            heard.iter().map(|row| row.iter().map(|&v| spread(f64::from(v))).collect()).collect();
        let frames = heard.len().div_ceil(2).cast_signed();
        let first: Rows = (0..frames)
            .map(|j| {
                let five = around(&rows, 2 * j, 1, 5, spread(0.0));
                let window = |p: usize| {
                    (0..5).flat_map(|tap| five[tap * BANDS + 4 * p..][..8].to_vec()).collect::<Vec<_>>()
                };
                (0..18).flat_map(|p| leaky(&bands.apply(&window(p)))).collect()
            })
            .collect();
        let mut h: Rows = (0..frames)
            .map(|j| {
                let three = around(&first, j, 1, 3, 0.0);
                let group = |g: usize| {
                    (0..3).flat_map(|tap| three[tap * 216 + 36 * g..][..36].to_vec()).collect::<Vec<_>>()
                };
                leaky(&merge.apply(&(0..6).flat_map(|g| leaky(&groups.apply(&group(g)))).collect::<Vec<_>>()))
            })
            .collect();
        for dilation in DILATIONS {
            let taps = Layer::read::<24>(&mut weights, 120);
            let mix = Layer::read::<24>(&mut weights, 24);
            h = (0..frames)
                .map(|j| {
                    let added =
                        mix.apply(&leaky(&taps.apply(&around(&h, j, dilation.cast_signed(), 5, 0.0))));
                    h[j.cast_unsigned()].iter().zip(added).map(|(a, b)| a + b).collect()
                })
                .collect();
        }
        let out = Layer::read::<2>(&mut weights, 24);
        assert_eq!(weights.left(), 0, "the file has the weights of these layers and no more");
        h.iter().map(|row| out.apply(&leaky(row)).try_into().unwrap()).collect()
    }
}

/// Amplitudes that no music has, but every weight sees.
fn amplitudes(count: usize) -> Vec<[f32; BANDS]> {
    let mut state = 7_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| std::array::from_fn(|_| 0.02 * next().powi(4))).collect()
}

fn beliefs(rows: &[[f32; BANDS]]) -> Vec<Belief> {
    let (mut net, mut out) = (BeatNet::new(), Vec::new());
    rows.iter().for_each(|row| net.push(row, &mut |belief| out.push(belief)));
    net.finish(&mut |belief| out.push(belief));
    out
}

#[test]
fn it_agrees_with_the_network_written_down_plainly() {
    for count in [1, 2, 3, 17, 1301] {
        let rows = amplitudes(count);
        let (mut input, mut heard) = (Input::new(), Vec::new());
        rows.iter().for_each(|row| heard.extend(input.push(row).copied()));
        input.finish(&mut |row| heard.push(*row));
        let want = naive::beliefs(&heard);
        let got = beliefs(&rows);
        assert_eq!(got.len(), count.div_ceil(2));
        assert_eq!(got.len(), want.len());
        for (i, (got, want)) in got.iter().zip(&want).enumerate() {
            // Sums of a few hundred products in f32.
            let away = (f64::from(got.beat) - want[0]).abs().max((f64::from(got.downbeat) - want[1]).abs());
            assert!(away < 1e-3, "frame {i} of {count}: {got:?}, want {want:?}");
        }
    }
}

#[test]
fn nothing_heard_is_nothing_believed() {
    assert!(beliefs(&[]).is_empty());
}

#[test]
fn values_that_are_no_music_give_numbers() {
    for value in [0.0, 1e-30, 1e6, f32::MAX, f32::INFINITY, f32::NAN] {
        assert!(
            beliefs(&[[value; BANDS]; 40]).iter().all(|b| b.beat.is_finite() && b.downbeat.is_finite()),
            "{value}"
        );
    }
}

#[test]
fn the_file_has_as_many_weights_as_the_layers() {
    assert_eq!(weights::Weights::standard().left(), 38_174);
}
