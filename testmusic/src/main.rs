//! `testmusic FILE.wav`: writes the piece of the demonstration.

use std::process::ExitCode;

fn main() -> ExitCode {
    let given = std::env::args_os().nth(1);
    let Some(path) = given.filter(|path| !path.as_encoded_bytes().starts_with(b"-")) else {
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
