use super::*;

/// -1 to 1.
fn random(state: &mut u32) -> f32 {
    *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
    (*state >> 8) as f32 / (1 << 23) as f32 - 1.0
}

fn bits<const N: usize>(rows: &[[f32; N]]) -> Vec<u32> {
    rows.as_flattened().iter().map(|value| value.to_bits()).collect()
}

/// `leaky(x·w + b)`, product by product in the order of the inputs.
fn plain<const OUT: usize>(x: &[f32], weights: &[[f32; OUT]], bias: &[f32; OUT]) -> [f32; OUT] {
    assert_eq!(x.len(), weights.len());
    let sum = |c: usize| x.iter().zip(weights).fold(bias[c], |sum, (x, w)| sum + x * w[c]);
    std::array::from_fn(|c| leaky(sum(c)))
}

/// The front's frames, written down plainly over the whole track.
fn plain_front(front: &Front, rows: &[[f32; BANDS]]) -> Vec<Row> {
    let row = |t: usize, tap: usize| (t + tap).checked_sub(2).and_then(|t| rows.get(t)).copied();
    let first: Vec<[f32; WINDOWS * FIRST]> = (0..rows.len().div_ceil(2))
        .map(|frame| {
            let near: Vec<_> = (0..TAPS).map(|tap| row(2 * frame, tap).unwrap_or([0.0; BANDS])).collect();
            let window = |place: usize| near.iter().map(move |row| &row[STRIDE * place..][..WINDOW]);
            let channels =
                |place| plain(&window(place).collect::<Vec<_>>().concat(), &front.bands, &front.bands_bias);
            let all: Vec<f32> = (0..WINDOWS).flat_map(channels).collect();
            all.try_into().unwrap()
        })
        .collect();
    (0..first.len())
        .map(|frame| {
            let near: Vec<_> = (0..3)
                .map(|tap| (frame + tap).checked_sub(1).and_then(|t| first.get(t)).copied())
                .map(|frame| frame.unwrap_or([0.0; WINDOWS * FIRST]))
                .collect();
            let len = GROUP * FIRST;
            let group = |g: usize| near.iter().map(move |frame| &frame[len * g..][..len]);
            let channels =
                |g| plain(&group(g).collect::<Vec<_>>().concat(), &front.groups, &front.groups_bias);
            let merged: Vec<f32> = (0..GROUPS).flat_map(channels).collect();
            plain(&merged, &front.merge.weights, &front.merge.bias)
        })
        .collect()
}

#[test]
fn places_side_by_side_give_the_bits_of_plain_sums() {
    let mut state = 3;
    for count in [0, 1, 2, 3, 4, 5, 6, 17, 40] {
        let rows: Vec<[f32; BANDS]> =
            (0..count).map(|_| std::array::from_fn(|_| random(&mut state))).collect();
        let (mut front, mut got) = (Front::new(&mut Weights::standard()), Vec::new());
        rows.iter().for_each(|row| front.push(row, &mut got));
        front.finish(&mut got);
        assert_eq!(bits(&got), bits(&plain_front(&front, &rows)), "{count} rows");
    }
}

#[test]
fn frames_side_by_side_give_the_bits_of_plain_sums() {
    let mut state = 4;
    for (count, dilation) in [(0, 1), (1, 1), (2, 4), (7, 2), (100, 8), (700, 64)] {
        let rows: Vec<Row> = (0..count).map(|_| std::array::from_fn(|_| random(&mut state))).collect();
        let (mut layer, mut got) = (Dilated::new(&mut Weights::standard(), dilation), Vec::new());
        let mut rest = &rows[..];
        for size in (1..20).cycle() {
            let (now, later) = rest.split_at(rest.len().min(size));
            layer.process(now, &mut got);
            rest = later;
            if rest.is_empty() {
                break;
            }
        }
        layer.finish(&mut got);
        let tap = |t: usize, tap: usize| (t + tap * dilation).checked_sub(2 * dilation);
        let want: Vec<Row> = (0..count)
            .map(|t| {
                let near: Vec<f32> = (0..TAPS)
                    .map(|k| tap(t, k).and_then(|t| rows.get(t)).copied().unwrap_or_default())
                    .collect::<Vec<Row>>()
                    .concat();
                let sum = plain(&near, &layer.taps, &layer.bias);
                let mut row = layer.mix.bias;
                accumulate(&sum, &layer.mix.weights, &mut row);
                std::array::from_fn(|c| row[c] + rows[t][c])
            })
            .collect();
        assert_eq!(bits(&got), bits(&want), "{count} frames, {dilation} apart");
    }
}
