//! What `arsis completions` and `arsis man` accept.

use clap::Args;
use clap_complete::Shell;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
bash:        arsis completions bash > ~/.local/share/bash-completion/completions/arsis
zsh:         arsis completions zsh > ~/.zfunc/_arsis   (with fpath+=~/.zfunc before compinit in ~/.zshrc)
fish:        arsis completions fish > ~/.config/fish/completions/arsis.fish
elvish:      arsis completions elvish >> ~/.config/elvish/rc.elv
powershell:  arsis completions powershell >> $PROFILE")]
pub(crate) struct CompletionsArgs {
    /// For which shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

#[derive(Debug, Args)]
#[command(after_help = "\
To read it:     arsis man | man -l -
To install:     arsis man --dir ~/.local/share/man/man1")]
pub(crate) struct ManArgs {
    /// Write a page for each command into this folder, which is made where it is missing
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}
