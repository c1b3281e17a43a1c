//! `testmusic FILE.wav`: writes the piece of the demonstration.

use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: testmusic FILE.wav");
        return ExitCode::from(2);
    };
    match std::fs::write(&path, testmusic::Score::demo().render().wav()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("testmusic: cannot write {}: {error}", path.display());
            ExitCode::FAILURE
        }
    }
}
