//! Channels in, their mean out.

use crate::vectors;

/// Mean of the channels over the samples `start .. end`, into all of `mono`.
pub(super) fn mix_down(planes: &[Vec<f32>], start: usize, end: usize, mono: &mut Vec<f32>) {
    mono.resize(end - start, 0.0);
    match planes {
        [only] => mono.copy_from_slice(&only[start..end]),
        [left, right] => vectors::widest(
            #[inline(always)]
            || mean_of_two(&left[start..end], &right[start..end], mono),
        ),
        _ => mean_of_many(planes, start, end, mono),
    }
}

#[inline(always)]
fn mean_of_two(left: &[f32], right: &[f32], mean: &mut [f32]) {
    for ((mean, left), right) in mean.iter_mut().zip(left).zip(right) {
        *mean = 0.5 * (left + right);
    }
}

fn mean_of_many(planes: &[Vec<f32>], start: usize, end: usize, mean: &mut [f32]) {
    mean.fill(0.0);
    for plane in planes {
        mean.iter_mut().zip(&plane[start..end]).for_each(|(sum, sample)| *sum += sample);
    }
    let scale = 1.0 / planes.len() as f32;
    mean.iter_mut().for_each(|sum| *sum *= scale);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_averaged_and_the_last_block_forgotten() {
        let planes = [vec![9.0, 0.5, -0.25], vec![9.0, 0.25, 0.75], vec![9.0, 0.0, 1.0]];
        let mut mono = vec![7.0; 5];
        for (channels, want) in [(1, [0.5, -0.25]), (2, [0.375, 0.25]), (3, [0.25, 0.5])] {
            mix_down(&planes[..channels], 1, 3, &mut mono);
            assert_eq!(mono, want);
        }
    }
}
