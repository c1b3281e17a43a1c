//! Names of keys and chords in the spellings of other programs.

/// A key as we name it: `A:minor`, `a minor`, `Am` → `A minor`; `None` for what is none.
pub(crate) fn key_name(text: &str) -> Option<String> {
    let spaced = text.trim().replace([':', '_'], " ");
    let (tonic, mode) = spaced.split_once(' ').unwrap_or(match spaced.strip_suffix('m') {
        Some(tonic) => (tonic, "minor"),
        None => (&spaced, "major"),
    });
    let mode = match mode.trim().to_lowercase().as_str() {
        "maj" | "major" => "major",
        "min" | "minor" => "minor",
        _ => "other",
    };
    let mut letters = tonic.chars();
    let tonic: String = letters.next()?.to_uppercase().chain(letters).collect();
    let name = format!("{tonic} {mode}");
    scores::key::Key::parse(&name).map(|_| name)
}

/// A chord as lead sheets name it, as far as its triad goes: `A:min7/b3` → `Am7`. What is none stays as it is, and is not
/// scored.
pub(crate) fn lead_sheet(text: &str) -> String {
    let text = text.trim();
    let chord = text.split('/').next().unwrap_or(text);
    let Some((root, kind)) = chord.split_once(':') else { return chord.to_owned() };
    let quality = match kind.split('(').next().unwrap_or(kind) {
        "maj" | "" => "",
        "min" => "m",
        "7" => "7",
        "maj7" => "maj7",
        "min7" => "m7",
        "maj6" => "6",
        "min6" => "m6",
        other => return format!("{root}:{other}"),
    };
    format!("{root}{quality}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_spellings_are_ours() {
        let read = ["A:minor", "a minor", "F#m", "Eb", "Bb:major", "D:dorian", "none", ""].map(key_name);
        let want = ["A minor", "A minor", "F# minor", "Eb major", "Bb major", "D other"]
            .map(|name| Some(name.to_owned()));
        assert_eq!(read[..6], want);
        assert_eq!(read[6..], [None, None]);
    }

    #[test]
    fn chords_keep_their_triad() {
        let read =
            ["A:min", "C:maj", "C", "F#:min7/b3", "G:7", "N", "D:sus4(b7)", "A:maj(9)"].map(lead_sheet);
        assert_eq!(read, ["Am", "C", "C", "F#m7", "G7", "N", "D:sus4", "A"]);
    }
}
