//! Writes down what the beat network hears, for training: `beat_input AUDIO OUT [AUDIO OUT …]`.
//!
//! `OUT` holds a row of `BANDS` bytes for each 10 ms, in steps of 1/200. Pairs may also come on standard input,
//! one a line, separated by a tab.

use analysis_core::beat_net::BANDS;
use analysis_core::beat_net::input::Input;
use analysis_core::decode::Decoder;
use analysis_core::onset::OnsetStrength;
use analysis_core::stft::{self, Stft};
use analysis_core::{Error, Limits};
use std::fs::File;
use std::io::BufRead;

/// Steps of a stored value.
const STEPS: f32 = 200.0;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    for pair in args.chunks_exact(2) {
        std::fs::write(&pair[1], listen(&pair[0])?)?;
    }
    if args.is_empty() {
        for line in std::io::stdin().lock().lines() {
            let line = line?;
            let (audio, out) = line.split_once('\t').ok_or("expected AUDIO, a tab, OUT")?;
            match listen(audio) {
                Ok(rows) => std::fs::write(out, rows)?,
                Err(error) => eprintln!("{audio}: {error}"),
            }
        }
    }
    Ok(())
}

/// The rows of a file.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "values are positive; `as` saturates"
)]
fn listen(audio: &str) -> Result<Vec<u8>, Error> {
    let hint = audio.rsplit_once('.').map(|(_, extension)| extension);
    let file = File::open(audio).map_err(Error::Io)?;
    let mut decoder = Decoder::open(file, hint, &Limits::default())?;
    let rate = decoder.format().sample_rate_hz;
    let mut spectra = Stft::new(rate, 10);
    let mut onsets = OnsetStrength::new(rate, stft::fft_len_for(stft::window_len(rate)));
    let mut input = Input::new();
    let mut rows = Vec::new();
    let bytes = |row: &[f32; BANDS]| row.map(|x| (x * STEPS).round() as u8);
    let mut hear = |power: &[f32]| {
        onsets.process(power);
        if let Some(row) = input.push(onsets.amplitudes()) {
            rows.extend(bytes(row));
        }
    };
    let mut mono = Vec::new();
    while let Some(planes) = decoder.next_block()? {
        mono.clear();
        mono.extend(
            (0..planes[0].len()).map(|i| planes.iter().map(|p| p[i]).sum::<f32>() / planes.len() as f32),
        );
        spectra.push(&mono, &mut hear);
    }
    spectra.finish(&mut hear);
    input.finish(&mut |row| rows.extend(bytes(row)));
    Ok(rows)
}
