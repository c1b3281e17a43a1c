//! Worker processes, and what can be done to them.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// Begins the unique name of a worker.
const NAME: &str = "worker-";

/// How a worker process is started.
pub(crate) struct Setup {
    pub(crate) jobs: usize,
    pub(crate) database_url: String,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// A program and its arguments that run the worker, which stands behind them.
    pub(crate) through: Vec<String>,
}

impl Setup {
    /// Runs the worker behind a line of shell, which ends with `exec "$@"`.
    pub(crate) fn through_shell(mut self, before: &[&str], line: &str) -> Self {
        let shell = ["sh", "-c", line, "sh"];
        self.through = before.iter().copied().chain(shell).map(str::to_owned).collect();
        self
    }
}

/// A process of `arsis worker`. Killed when it is dropped; what it said is shown if the test has failed by then.
pub(crate) struct Worker {
    child: Child,
    log: PathBuf,
}

impl Worker {
    /// `name` is that of its log.
    pub(crate) fn start(folder: &Path, name: &str, setup: &Setup) -> Self {
        let log = folder.join(format!("{name}.log"));
        let mut words = setup.through.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_arsis")]);
        let child = Command::new(words.next().unwrap())
            .args(words)
            .args(["worker", "--jobs", &setup.jobs.to_string()])
            .env_clear()
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env("DATABASE_URL", &setup.database_url)
            .envs(setup.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log).unwrap())
            .spawn();
        Self { child: child.unwrap(), log }
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// The name under which it holds leases, once it has started.
    pub(crate) fn name(&self) -> Option<String> {
        let log = self.log();
        let begin = log.find("worker started").and_then(|at| Some(at + log[at..].find(NAME)?))?;
        let name = log[begin..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-');
        Some(name.collect())
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.child.id()).unwrap())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap();
    }

    /// SIGKILL: no handler runs, nothing is put in order.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("--- {}\n{}---", self.log.display(), self.log());
        }
    }
}
