//! Who watches what, and the one task that tells them.
//!
//! While anybody watches, the task listens on one connection of its own to what the database announces. What has changed
//! is read in rounds, one query for all of it, and laid into a place for each analysis that holds its newest state alone:
//! whoever reads slowly misses states in between and holds up nobody. While nobody watches there is no task.

use super::told::Told;
use crate::config::Config;
use crate::problem::{Kind, Problem};
use crate::request::Caller;
use crate::rights::Right;
use futures::FutureExt as _;
use std::collections::{HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store::PgPool;
use store::access::{self, Action};
use store::watching::{self, Changes, Heard};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Shortest time between two rounds: what changes meanwhile is read together.
const PAUSE: Duration = Duration::from_millis(50);

/// How long the task stays when nobody watches any more: pages are reloaded.
const LINGER: Duration = Duration::from_secs(10);

/// Pause after the database did not answer, and how long it may take to.
const RETRY_PAUSE: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(10);

/// Those who watch, cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hub(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: PgPool,
    most_per_user: usize,
    /// How often it is looked whether those who watch still may, and whether something went unheard.
    look_every: Duration,
    closing: CancellationToken,
    board: Mutex<Board>,
    /// There is something to read.
    asked: Notify,
}

#[derive(Debug, Default)]
struct Board {
    /// The task is there.
    runs: bool,
    watchers: HashMap<u64, Admitted>,
    places: HashMap<Uuid, Place>,
    /// Analyses to read in the next round.
    dirty: HashSet<Uuid>,
    /// Rounds begun.
    round: u64,
    /// Watchers ever admitted.
    admitted: u64,
}

/// By what somebody watches.
#[derive(Debug, Clone)]
struct Admitted {
    user_id: Uuid,
    session_id: Uuid,
    right: Right,
    /// Cancelled when they may no more.
    ended: CancellationToken,
}

/// Where the newest state of an analysis lies.
#[derive(Debug, Default)]
struct Place {
    states: watch::Sender<State>,
    watchers: usize,
    /// Somebody came while this was the last round begun: they pass over what it and those before it read, so what a
    /// later one reads is told even if it lies here already.
    newcomer_in: Option<u64>,
}

#[derive(Debug, Clone, Default)]
struct State {
    /// In which round it was read.
    round: u64,
    /// `None`: the analysis is gone.
    told: Option<Arc<Told>>,
}

impl Hub {
    pub(crate) fn new(pool: &PgPool, config: &Config, closing: &CancellationToken) -> Self {
        Self(Arc::new(Inner {
            pool: pool.clone(),
            most_per_user: config.max_watchers_per_user,
            look_every: config.watchers_checked_every,
            closing: closing.clone(),
            board: Mutex::default(),
            asked: Notify::new(),
        }))
    }

    /// Watches an analysis from what the caller has read of it just now.
    pub(super) fn watch(&self, caller: &Caller, right: Right, analysis_id: Uuid) -> Result<Watcher, Problem> {
        let mut board = self.board();
        let theirs = board.watchers.values().filter(|other| other.user_id == caller.user_id()).count();
        if theirs >= self.0.most_per_user {
            let detail = format!("you have {theirs} open, the limit is {}", self.0.most_per_user);
            return Err(Problem::detailed(Kind::TooManyStreams, detail).retry_after(self.0.look_every));
        }
        board.admitted += 1;
        let (number, since, ended) = (board.admitted, board.round, CancellationToken::new());
        let (user_id, session_id) = (caller.user_id(), caller.identity.session_id);
        board.watchers.insert(number, Admitted { user_id, session_id, right, ended: ended.clone() });
        let states = board.take_place(analysis_id);
        if !std::mem::replace(&mut board.runs, true) {
            tokio::spawn(self.clone().run());
        }
        drop(board);
        self.0.asked.notify_one();
        Ok(Watcher { hub: self.clone(), number, analysis_id, states, since, ended })
    }

    // The board is whole between any two calls.
    fn board(&self) -> MutexGuard<'_, Board> {
        self.0.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Listens and tells, until nobody watches or the server ends. A panic ends neither: those who watch would wait for ever,
    /// and so would all who come later.
    async fn run(self) {
        tokio::select! {
            () = despite_panics(RETRY_PAUSE, || self.clone().listen_and_tell()) => {}
            () = self.0.closing.cancelled() => self.board().runs = false,
        }
    }

    async fn listen_and_tell(self) {
        // Also for what was to be read when it panicked.
        self.board().ask_for_all();
        self.0.asked.notify_one();
        tokio::select! {
            never = self.listen() => match never {},
            () = self.tell() => {}
        }
    }

    async fn listen(&self) -> std::convert::Infallible {
        let mut changes = Changes::new(&self.0.pool);
        loop {
            match tokio::time::timeout(self.0.look_every, changes.next()).await {
                // What nobody watches wakes nobody: else the task would never rest while anything runs anywhere.
                Ok(Heard::Changed(ids)) if !self.board().ask_for(&ids) => continue,
                Ok(Heard::Changed(_)) => {}
                Ok(Heard::Began) => self.board().ask_for_all(),
                Err(_) => {
                    changes.check().await;
                    continue;
                }
            }
            self.0.asked.notify_one();
        }
    }

    /// Round after round. Returns when nobody watches any more.
    async fn tell(&self) {
        let mut look_at = tokio::time::Instant::now() + self.0.look_every;
        loop {
            let wake_at = if self.board().watchers.is_empty() { None } else { Some(look_at) };
            let wake_at = wake_at.unwrap_or_else(|| tokio::time::Instant::now() + LINGER);
            let asked = tokio::time::timeout_at(wake_at, self.0.asked.notified()).await.is_ok();
            if !asked && self.rests() {
                return;
            }
            let told = async {
                if look_at <= tokio::time::Instant::now() {
                    self.look_at_watchers().await?;
                    // Only now: a look that failed is tried again with the round.
                    look_at = tokio::time::Instant::now() + self.0.look_every;
                    // Whatever went unheard, and how it came to, is told now.
                    self.board().ask_for_all();
                }
                self.round().await
            };
            match store::within(ANSWER_LIMIT, told).await {
                Ok(()) => tokio::time::sleep(PAUSE).await,
                Err(error) => {
                    tracing::warn!(%error, "cannot look at watched analyses yet, trying again");
                    tokio::time::sleep(RETRY_PAUSE).await;
                    // Also for what the round was to read.
                    self.board().ask_for_all();
                    self.0.asked.notify_one();
                }
            }
        }
    }

    /// Whether the task is done: nobody watches, and whoever comes now starts another.
    fn rests(&self) -> bool {
        let mut board = self.board();
        board.runs = !board.watchers.is_empty();
        !board.runs
    }

    /// Reads what has changed, and tells.
    async fn round(&self) -> store::Result<()> {
        let (round, ids) = self.board().begin_round();
        if ids.is_empty() {
            return Ok(());
        }
        let rows = watching::analyses(&mut *self.0.pool.acquire().await?, &ids).await?;
        let mut found: HashMap<Uuid, Arc<Told>> = HashMap::with_capacity(rows.len());
        for row in rows {
            let id = row.id;
            match Told::of(row) {
                Ok(told) => drop(found.insert(id, Arc::new(told))),
                // Nobody could read it anywhere else either.
                Err(problem) => tracing::error!(?problem, analysis.id = %id, "cannot tell a state"),
            }
        }
        let board = &mut *self.board();
        for id in ids {
            if let Some(place) = board.places.get_mut(&id) {
                place.lay(State { round, told: found.remove(&id) });
            }
        }
        Ok(())
    }

    /// Ends the streams of those whose session is over, whose account is not approved any more, or who watched what is
    /// another's by a role that grants it no more.
    async fn look_at_watchers(&self) -> store::Result<()> {
        let watchers: Vec<Admitted> = self.board().watchers.values().cloned().collect();
        let sessions: HashSet<Uuid> = watchers.iter().map(|watcher| watcher.session_id).collect();
        let mut db = self.0.pool.acquire().await?;
        let in_force =
            watching::sessions_in_force(&mut db, &sessions.into_iter().collect::<Vec<_>>()).await?;
        let in_force: HashSet<Uuid> = in_force.into_iter().collect();
        let granted = watchers.iter().filter(|watcher| watcher.right == Right::Granted);
        let granted: HashSet<Uuid> = granted.map(|watcher| watcher.user_id).collect();
        let mut entitled = HashSet::new();
        for user_id in granted {
            if access::is_entitled(&mut db, user_id, access::TRACKS, Action::Read).await? {
                entitled.insert(user_id);
            }
        }
        for watcher in watchers {
            let may = watcher.right == Right::Owned || entitled.contains(&watcher.user_id);
            if !may || !in_force.contains(&watcher.session_id) {
                watcher.ended.cancel();
            }
        }
        Ok(())
    }
}

/// Does the work, and after a panic, and a pause, does it again.
async fn despite_panics<F: Future<Output = ()>>(pause: Duration, work: impl Fn() -> F) {
    while AssertUnwindSafe(work()).catch_unwind().await.is_err() {
        tracing::error!("the task that tells of analyses panicked, beginning again");
        tokio::time::sleep(pause).await;
    }
}

impl Board {
    fn take_place(&mut self, analysis_id: Uuid) -> watch::Receiver<State> {
        let place = self.places.entry(analysis_id).or_default();
        place.watchers += 1;
        place.newcomer_in = Some(self.round);
        self.dirty.insert(analysis_id);
        place.states.subscribe()
    }

    fn leave(&mut self, number: u64, analysis_id: Uuid) {
        self.watchers.remove(&number);
        if let Some(place) = self.places.get_mut(&analysis_id) {
            place.watchers -= 1;
            if place.watchers == 0 {
                self.places.remove(&analysis_id);
            }
        }
    }

    /// Whether any of them is watched.
    fn ask_for(&mut self, ids: &[Uuid]) -> bool {
        let watched: Vec<Uuid> = ids.iter().copied().filter(|id| self.places.contains_key(id)).collect();
        self.dirty.extend(&watched);
        !watched.is_empty()
    }

    fn ask_for_all(&mut self) {
        self.dirty.extend(self.places.keys());
    }

    fn begin_round(&mut self) -> (u64, Vec<Uuid>) {
        self.round += 1;
        (self.round, self.dirty.drain().collect())
    }
}

impl Place {
    /// Wakes those who watch if it may be news to one of them.
    fn lay(&mut self, state: State) {
        let is_for_newcomers = self.newcomer_in.take_if(|round| *round < state.round).is_some();
        self.states.send_if_modified(|lain| {
            let id = |state: &State| state.told.as_ref().map(|told| told.id.clone());
            let is_news = is_for_newcomers || id(lain) != id(&state);
            if is_news {
                *lain = state;
            }
            is_news
        });
    }
}

/// Someone who watches an analysis. Dropping it ends that.
#[derive(Debug)]
pub(super) struct Watcher {
    hub: Hub,
    number: u64,
    analysis_id: Uuid,
    states: watch::Receiver<State>,
    /// What was read in this round or before may be older than what they knew when they came.
    since: u64,
    ended: CancellationToken,
}

impl Watcher {
    /// The newest state that is not the one with this id. `None` when there will be none: the analysis is gone, the
    /// server ends, or they may not watch any more.
    pub(super) async fn next(&mut self, known_id: &str) -> Option<Arc<Told>> {
        loop {
            tokio::select! {
                biased;
                () = self.ended.cancelled() => return None,
                () = self.hub.0.closing.cancelled() => return None,
                changed = self.states.changed() => changed.ok()?,
            }
            let State { round, told } = self.states.borrow_and_update().clone();
            if round <= self.since {
                continue;
            }
            let told = told?;
            if told.id != known_id {
                return Some(told);
            }
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.hub.board().leave(self.number, self.analysis_id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(round: u64, id: &str) -> State {
        State { round, told: Some(Arc::new(Told::named(id))) }
    }

    /// What a place says after a state was laid, to those who have not heard it.
    fn heard(states: &mut watch::Receiver<State>) -> Option<(u64, String)> {
        if !states.has_changed().unwrap() {
            return None;
        }
        let State { round, told } = states.borrow_and_update().clone();
        Some((round, told.unwrap().id.clone()))
    }

    #[test]
    fn what_a_round_read_that_had_begun_is_told_again_to_who_came_meanwhile() {
        let (mut board, id) = (Board::default(), Uuid::nil());
        let mut first = board.take_place(id);
        let (round, asked) = board.begin_round();
        assert_eq!((round, asked), (1, vec![id]));
        // Round 1 has not read yet. Who comes now cannot tell whether it read before they did, or after.
        let mut second = board.take_place(id);
        let place = |board: &mut Board, state| board.places.get_mut(&id).unwrap().lay(state);
        place(&mut board, state(1, "a"));
        assert_eq!(heard(&mut first), Some((1, "a".into())));
        assert_eq!(heard(&mut second), Some((1, "a".into())), "which they pass over");
        assert_eq!(board.begin_round(), (2, vec![id]));
        place(&mut board, state(2, "a"));
        assert_eq!(heard(&mut second), Some((2, "a".into())));
        place(&mut board, state(3, "a"));
        assert_eq!(heard(&mut second), None, "it is no news any more");
        place(&mut board, state(4, "b"));
        assert_eq!(heard(&mut second), Some((4, "b".into())));
    }

    #[tokio::test]
    async fn a_panic_is_not_the_end() {
        let begun = std::cell::Cell::new(0);
        despite_panics(Duration::ZERO, async || {
            begun.set(begun.get() + 1);
            assert!(begun.get() > 1, "as it happens");
        })
        .await;
        assert_eq!(begun.get(), 2);
    }

    #[test]
    fn a_place_goes_with_the_last_who_watches() {
        let (mut board, id) = (Board::default(), Uuid::nil());
        drop((board.take_place(id), board.take_place(id)));
        board.leave(1, id);
        assert!(board.ask_for(&[id, Uuid::max()]));
        assert_eq!(board.begin_round().1, [id], "what nobody watches is not read");
        board.leave(2, id);
        assert!(!board.ask_for(&[id]), "nor does it wake anybody");
        assert!(board.places.is_empty() && board.begin_round().1.is_empty());
    }
}
