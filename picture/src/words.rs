//! How wide words are, and words that fit.

/// Advance widths of Roboto Regular from space to tilde, in thousandths of its size.
const ADVANCES: [u16; 95] = [
    248, 258, 320, 616, 562, 732, 622, 175, 342, 348, 431, 567, 197, 276, 264, 413, 562, 562, 562, 562, 562,
    562, 562, 562, 562, 562, 242, 211, 508, 549, 523, 473, 898, 652, 623, 651, 656, 568, 553, 681, 713, 272,
    552, 627, 539, 873, 713, 688, 631, 688, 616, 594, 597, 648, 637, 887, 627, 601, 599, 265, 411, 265, 418,
    451, 309, 544, 562, 523, 564, 530, 348, 562, 551, 243, 239, 507, 243, 877, 552, 570, 562, 568, 339, 516,
    327, 551, 484, 751, 496, 473, 496, 338, 244, 338, 680,
];

/// Width of a text at a size, a little too wide rather than too narrow for letters that are not in the table. Readers
/// without Roboto take another font of about this width.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    size * text.chars().map(advance).sum::<f64>() / 1000.0
}

fn advance(letter: char) -> f64 {
    let listed = u32::from(letter).checked_sub(32).and_then(|at| ADVANCES.get(usize::try_from(at).ok()?));
    match (listed, u32::from(letter)) {
        (Some(advance), _) => f64::from(*advance),
        // Han, kana, Hangul, symbols and emoji are square.
        (None, 0x1100..) => 1000.0,
        (None, _) => 640.0,
    }
}

/// The text if it fits, else its beginning and its end with dots between them: names differ at either.
pub(crate) fn shortened(text: &str, size: f64, room: f64) -> String {
    if width(text, size) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    let (mut left, mut right, mut used) = (0, letters.len(), width("…", size));
    while left < right {
        // Two thirds of the beginning.
        let from_left = left <= 2 * (letters.len() - right);
        let next = if from_left { letters[left] } else { letters[right - 1] };
        used += size * advance(next) / 1000.0;
        if used > room {
            break;
        }
        if from_left { left += 1 } else { right -= 1 }
    }
    let part = |range: &[char]| range.iter().collect::<String>();
    format!("{}…{}", part(&letters[..left]).trim_end(), part(&letters[right..]).trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_keeps_both_ends() {
        let name = "a very long name of a file that goes on and on, take 17.flac";
        let short = shortened(name, 10.0, 150.0);
        assert!(
            width(&short, 10.0) <= 150.0 && short.starts_with("a very long") && short.ends_with("17.flac"),
            "{short}"
        );
        assert_eq!(shortened(name, 10.0, 1000.0), name);
        assert_eq!(shortened("音楽の長い名前です", 10.0, 45.0), "音楽…す");
        assert_eq!(shortened("abc", 10.0, 0.0), "…");
    }
}
