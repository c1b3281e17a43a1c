//! Threads that help the one that listens: they do what lies in a queue, and so does it while it waits for something.

use std::any::Any;
use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::config::MAX_THREADS;
use crate::stages::{Stage, Stages};

/// Something to do, on whatever thread.
type Task = Box<dyn FnOnce() + Send>;

/// The caller's thread and its helpers. Dropping it forgets what nobody has begun, and waits for the rest.
pub(crate) struct Crew {
    queue: Queue,
    helpers: Vec<JoinHandle<()>>,
}

/// Where tasks are left.
#[derive(Clone)]
pub(crate) struct Queue(Arc<Shared>);

#[derive(Default)]
struct Shared {
    stages: Stages,
    open: Mutex<Open>,
    changed: Condvar,
}

/// What is to be done.
#[derive(Default)]
struct Open {
    tasks: VecDeque<Task>,
    /// What a helper panicked with.
    panic: Option<Box<dyn Any + Send>>,
    closed: bool,
}

impl Crew {
    /// As many threads as the system gives, up to `threads` and [`MAX_THREADS`] with the caller's.
    pub(crate) fn new(threads: NonZeroUsize) -> Self {
        Self::telling(threads, Stages::default())
    }

    /// As [`Crew::new`]; `stages` is told when a thread waits. What it does else is for each task to tell.
    pub(crate) fn telling(threads: NonZeroUsize, stages: Stages) -> Self {
        let queue = Queue(Arc::new(Shared { stages, ..Shared::default() }));
        let start = |_| {
            let queue = queue.clone();
            thread::Builder::new().name("arsis-helper".into()).spawn(move || queue.help()).ok()
        };
        Self { helpers: (1..threads.get().min(MAX_THREADS)).map_while(start).collect(), queue }
    }

    /// Threads, the caller's included.
    pub(crate) fn threads(&self) -> usize {
        self.helpers.len() + 1
    }

    /// Where to leave tasks.
    pub(crate) fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What `ready` gives, doing tasks until it gives something. It is asked again after every task and every
    /// [`Queue::changed`], and must not itself leave tasks.
    ///
    /// # Panics
    /// With what a task panicked with.
    pub(crate) fn wait_for<T>(&self, mut ready: impl FnMut() -> Option<T>) -> T {
        let mut open = self.queue.lock();
        loop {
            if let Some(panic) = open.panic.take() {
                drop(open);
                resume_unwind(panic);
            }
            if let Some(result) = ready() {
                return result;
            }
            open = match open.tasks.pop_front() {
                Some(task) => {
                    drop(open);
                    task();
                    self.queue.lock()
                }
                None => {
                    self.queue.enter(Stage::Wait);
                    self.queue.wait(open)
                }
            };
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        let forgotten = {
            let mut open = self.queue.lock();
            open.closed = true;
            std::mem::take(&mut open.tasks)
        };
        drop(forgotten);
        self.queue.0.changed.notify_all();
        for helper in self.helpers.drain(..) {
            // It has caught its panics.
            let _ = helper.join();
        }
    }
}

impl Queue {
    /// Leaves something to do; forgets it where nobody will.
    pub(crate) fn leave(&self, task: impl FnOnce() + Send + 'static) {
        let task: Task = Box::new(task);
        let mut open = self.lock();
        if open.closed {
            // A task that lay here would hold the queue that holds it. What it holds may lock the queue when dropped.
            drop(open);
            return;
        }
        open.tasks.push_back(task);
        drop(open);
        self.0.changed.notify_all();
    }

    /// Says what this thread does from here on.
    pub(crate) fn enter(&self, stage: Stage) {
        self.0.stages.enter(stage);
    }

    /// Says that what somebody waits for may be there.
    pub(crate) fn changed(&self) {
        // Who is about to wait has looked already and must be asleep by now.
        drop(self.lock());
        self.0.changed.notify_all();
    }

    /// Whether the crew ends: nobody waits for anything any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn help(&self) {
        let helped = catch_unwind(AssertUnwindSafe(|| {
            self.enter(Stage::Wait);
            while let Some(task) = self.next() {
                task();
                self.enter(Stage::Wait);
            }
        }));
        if let Err(panic) = helped {
            self.lock().panic.get_or_insert(panic);
            self.0.changed.notify_all();
        }
    }

    /// The next task for a helper; `None` when there will be none.
    fn next(&self) -> Option<Task> {
        let mut open = self.lock();
        while !open.closed {
            match open.tasks.pop_front() {
                None => open = self.wait(open),
                task => return task,
            }
        }
        None
    }

    // Nothing in the queue is ever left half changed.
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, open: MutexGuard<'a, Open>) -> MutexGuard<'a, Open> {
        self.0.changed.wait(open).unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    fn crew(threads: usize) -> Crew {
        Crew::new(NonZeroUsize::new(threads).unwrap())
    }

    #[test]
    fn who_waits_does_what_nobody_else_does() {
        for threads in [1, 2, 4] {
            let (crew, count) = (crew(threads), Arc::new(AtomicUsize::new(0)));
            for _ in 0..100 {
                let (queue, count) = (crew.queue().clone(), count.clone());
                crew.queue().leave(move || {
                    count.fetch_add(1, Ordering::Relaxed);
                    queue.changed();
                });
            }
            crew.wait_for(|| (count.load(Ordering::Relaxed) == 100).then_some(()));
        }
    }

    #[test]
    fn there_are_no_more_threads_than_a_file_may_have() {
        assert_eq!(crew(MAX_THREADS + 9).threads(), MAX_THREADS);
    }

    #[test]
    fn a_tasks_panic_is_that_of_who_waits() {
        for threads in [1, 2] {
            let crew = crew(threads);
            crew.queue().leave(|| panic!("a task panics"));
            let waited = catch_unwind(AssertUnwindSafe(|| crew.wait_for(|| None::<()>)));
            assert!(waited.is_err_and(|panic| panic.downcast_ref::<&str>() == Some(&"a task panics")));
        }
    }

    #[test]
    fn what_nobody_has_begun_is_forgotten_and_the_threads_end() {
        let (crew, held) = (crew(3), Arc::new(()));
        for _ in 0..1_000 {
            let held = held.clone();
            crew.queue().leave(move || drop(held));
        }
        drop(crew);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn what_is_left_while_the_crew_ends_is_forgotten() {
        let (crew, held) = (crew(2), Arc::new(()));
        let (begin, begun) = mpsc::channel();
        let (queue, holder) = (crew.queue().clone(), held.clone());
        crew.queue().leave(move || {
            begin.send(()).unwrap();
            let mut open = queue.lock();
            while !open.closed {
                open = queue.wait(open);
            }
            drop(open);
            assert!(queue.is_closed());
            let then = queue.clone();
            queue.leave(move || drop((then, holder)));
        });
        begun.recv().unwrap();
        drop(crew);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
