//! An error as it is told: what is wrong, why, and what to do next where somebody can do something.

use analysis_core::Error;
use std::fs;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;
use store::embedded::Error as ServerError;

/// What the engine reads, for who gave it something else.
pub(crate) const READS: &str = "wav, flac, mp3, ogg, opus, m4a, aac, aiff, caf, mkv and webm are read";

/// Codes that stand in the place of a codec where the audio is encrypted (ISO/IEC 14496-12, section 8.12; Apple's own).
const ENCRYPTED: [&[u8]; 3] = [b"drms", b"drmi", b"enca"];
/// What is said of such a file.
const PROTECTED: &str = "it is protected against copying (DRM), and only its seller's player can read it";

/// The error and its causes on one line, and the next step.
pub(crate) fn told(error: &anyhow::Error) -> String {
    with_step(error, step(error))
}

/// As [`told`], of a file that was named on the command line.
pub(crate) fn told_of(error: &anyhow::Error, file: &Path) -> String {
    let protected = || is_without_audio(error).filter(|()| is_protected(file)).map(|()| PROTECTED.to_owned());
    let step = || too_long(error).or_else(|| step(error));
    with_step(error, missing(error, file).or_else(protected).or_else(step))
}

fn with_step(error: &anyhow::Error, step: Option<String>) -> String {
    let causes = crate::causes(error);
    step.map_or_else(|| causes.clone(), |step| format!("{causes}; {step}"))
}

fn step(error: &anyhow::Error) -> Option<String> {
    let engine = error.chain().find_map(|cause| cause.downcast_ref::<Error>()).and_then(of_engine);
    let system = || error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).and_then(of_system);
    let server = || error.chain().find_map(|cause| cause.downcast_ref::<ServerError>()).and_then(of_server);
    engine.or_else(server).or_else(system).map(str::to_owned)
}

fn of_engine(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Empty => "was it copied to its end?",
        Error::Unrecognized { .. } => READS,
        Error::NoAudioTrack { .. } => "is it a film without sound, or a picture?",
        Error::UnsupportedCodec { .. } => "convert it first: ffmpeg -i FILE FILE.flac",
        Error::Corrupt { .. } => "does a player play it? Copy or download it again",
        Error::TooManyChannels { .. } => "mix it down first: ffmpeg -i FILE -ac 2 FILE.flac",
        Error::SampleRateOutOfRange { .. } => "convert it first: ffmpeg -i FILE -ar 44100 FILE.flac",
        _ => return None,
    })
}

/// Of audio that is longer than was allowed, for commands where that can be said.
fn too_long(error: &anyhow::Error) -> Option<String> {
    let engine = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    engine
        .filter(|error| matches!(error, Error::TooLong { .. }))
        .map(|_| "--max-minutes takes longer audio".to_owned())
}

/// Whether nothing was found in a file that could be decoded, though its container is known.
fn is_without_audio(error: &anyhow::Error) -> Option<()> {
    let engine = error.chain().find_map(|cause| cause.downcast_ref::<Error>());
    engine
        .filter(|error| matches!(error, Error::NoAudioTrack { .. } | Error::UnsupportedCodec { .. }))
        .map(|_| ())
}

/// Whether the description of an MP4 file, at its beginning or its end, names a codec that stands for encrypted audio.
fn is_protected(file: &Path) -> bool {
    /// Looked at on either side.
    const BYTES: u64 = 1 << 20;
    let looked = || -> io::Result<bool> {
        let mut file = fs::File::open(file)?;
        let (mut ends, length) = (Vec::new(), file.metadata()?.len());
        file.by_ref().take(BYTES).read_to_end(&mut ends)?;
        file.seek(SeekFrom::Start(length.saturating_sub(BYTES)))?;
        file.take(BYTES).read_to_end(&mut ends)?;
        Ok(ends.windows(4).any(|code| ENCRYPTED.contains(&code)))
    };
    looked().unwrap_or(false)
}

fn of_server(error: &ServerError) -> Option<&'static str> {
    Some(match error {
        ServerError::InUse { .. } => "let it end first, or keep this one's data elsewhere (ARSIS_DATA_DIR)",
        ServerError::BinariesNotFound { .. } => "DATABASE_URL says where one runs",
        ServerError::NotACluster { .. } | ServerError::Unreachable { .. } | ServerError::Io { .. } => {
            "ARSIS_DATA_DIR says where data is kept"
        }
        _ => return None,
    })
}

fn of_system(error: &io::Error) -> Option<&'static str> {
    Some(match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free some room, or write to another disk",
        ErrorKind::PermissionDenied => "look at who owns it and who may do what (ls -ld)",
        ErrorKind::ReadOnlyFilesystem => "choose a place that can be written to",
        _ => return None,
    })
}

/// Of a file that is not there: what is there instead.
fn missing(error: &anyhow::Error, file: &Path) -> Option<String> {
    let not_found = |cause: &io::Error| cause.kind() == ErrorKind::NotFound;
    error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()).filter(|cause| not_found(cause))?;
    if file.exists() || file == Path::new("-") {
        return None;
    }
    if let Ok(target) = fs::read_link(file) {
        return Some(format!("it is a link to {}, which is not there", target.display()));
    }
    let folder = folder_of(file);
    if !folder.exists() {
        return Some(format!("there is no folder {}", folder.display()));
    }
    near_name(file).map(|near| format!("did you mean {near}?"))
}

/// What is there instead of a path that is not, and called much like it.
pub(crate) fn near_name(path: &Path) -> Option<String> {
    let near = near(&path.file_name()?.to_string_lossy(), folder_of(path))?;
    Some(path.with_file_name(near).display().to_string())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The name in a folder that is most like `wanted`, if one is.
fn near(wanted: &str, folder: &Path) -> Option<String> {
    /// Names that are looked at: a folder may hold a million.
    const MOST: usize = 10_000;
    let names = fs::read_dir(folder).ok()?.take(MOST).filter_map(Result::ok);
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    // A link that leads nowhere is called as itself.
    let names = names.filter(|name| name != wanted);
    let far = |name: &String| distance(&wanted.to_lowercase(), &name.to_lowercase());
    let nearest = names.map(|name| (far(&name), name)).min()?;
    // A third of it may be wrong: more than that is another name.
    (nearest.0 <= wanted.chars().count().div_ceil(3).min(4)).then_some(nearest.1)
}

/// Letters to insert, remove or replace (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_letters() {
        for (a, b, expect) in
            [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), expect, "{a} {b}");
        }
    }
}
