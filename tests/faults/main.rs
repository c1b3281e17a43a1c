//! What can go wrong with a fleet of workers, each fault with the test that shows what comes of it. Real `arsis worker`
//! processes at default settings, a real PostgreSQL and a real S3 service; results are compared with what one undisturbed
//! run computes.
//!
//! | fault | test |
//! |---|---|
//! | PostgreSQL restarted in the middle of a job (`-m immediate`, `kill -9`) | `database::a_database_that_is_restarted_…`, `…_killed_…` |
//! | PostgreSQL away for longer than a lease (15 s) | `database::a_database_away_or_silent_…` |
//! | PostgreSQL does not answer for longer than a lease (15 s) | `database::a_database_away_or_silent_…` |
//! | connections go silent for good | `database::connections_that_went_silent_…` |
//! | connection cut before, or after, the server heard of the commit | `database::a_connection_cut_before_…`, `…_after_…` |
//! | storage refuses connections | `storage::a_job_whose_storage_refuses_…` |
//! | storage answers 500, 503 | `storage::jobs_whose_storage_answers_…` |
//! | storage slow: the audio comes in more time than a lease | `storage::audio_that_takes_longer_than_a_lease_…` |
//! | audio cut in the middle of the body | `storage::jobs_whose_storage_answers_…` |
//! | object missing | `storage::an_object_that_is_missing_…` |
//! | object changed after the upload | `storage::an_object_that_is_another_…` |
//! | disk full | `disk::a_job_that_finds_the_disk_full_…` |
//! | corrupt audio, and what is no audio | `corrupt::files_that_cannot_be_analysed_…` |
//! | clocks of hosts a day off | `clock::with_clocks_a_day_off_…`, `clock::with_a_clock_a_day_off_…` |
//! | worker killed | `kill::a_killed_workers_job_…`, `kill::what_a_killed_worker_had_…` |
//! | worker killed and started again under the same name | `kill::what_a_killed_worker_had_…` |
//! | job that kills each worker (out of memory) | `kill::a_job_that_kills_its_workers_…` |
//! | worker stopped for longer than its lease, then continued | `signals::a_worker_stopped_…` |
//! | worker asked to end, with a job that it can finish | `signals::a_worker_asked_to_end_…` |
//! | worker asked to end, with a job that takes longer | `signals::a_worker_asked_to_end_…` |
//! | ticket whose payload, or whose id, cannot be read | `tickets::tickets_that_cannot_be_read_…` |
//! | ticket written twice, or once more when all is done | `tickets::a_ticket_too_many_…` |
//! | tickets lost | `tickets::lost_tickets_…` |
//! | ticket taken by a busy worker | `tickets::no_worker_keeps_tickets_waiting_…` |
//! | wake-up lost: slow start on an idle worker | `begin::an_idle_worker_begins_…` |
//! | listener ends (database down) and must be started again | `database::a_database_that_is_restarted_…` |
//! | handler panics | `worker/tests/worker.rs`: `a_panic_ends_its_job_alone` |
//! | job over its time limit | `worker/tests/worker.rs`: `an_analysis_over_its_time_ends_in_error` |
//! | handler blocks its thread for longer than a lease | `worker/tests/worker.rs`: `a_job_that_is_slow_to_stop_…` |
//! | more jobs than slots | `worker/tests/worker.rs`: `no_more_jobs_run_at_once_…` |
//! | failure tried again without a pause | `store/tests/queue.rs`: `a_transient_failure_is_tried_again_…` |
//! | answered tickets, and those of silent listeners, are never pruned | `store/tests/queue.rs`: `old_tickets_…`, `tickets_that_a_listener_took_…` |

#![expect(clippy::unwrap_used, clippy::panic, reason = "what tests share fails by panicking, as they do")]

mod begin;
mod clock;
mod corrupt;
mod database;
mod disk;
mod kill;
mod signals;
mod storage;
mod support;
mod tickets;
