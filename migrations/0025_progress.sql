-- Announces what those who watch an analysis want to hear of: the payload is its id, and whoever listens asks for the rest,
-- because anybody who may connect may listen.
CREATE OR REPLACE FUNCTION arsis_announce_change() RETURNS TRIGGER AS $$
BEGIN
    PERFORM pg_notify('arsis_analysis_changed', OLD.id::TEXT);
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_announce_change
    AFTER UPDATE ON track_analyses
    FOR EACH ROW WHEN (
        (OLD.status, OLD.attempt, OLD.cancel_requested, OLD.error_kind, OLD.priority, OLD.next_run_at, OLD.waits_for,
         OLD.completed_at)
        IS DISTINCT FROM
        (NEW.status, NEW.attempt, NEW.cancel_requested, NEW.error_kind, NEW.priority, NEW.next_run_at, NEW.waits_for,
         NEW.completed_at))
    EXECUTE FUNCTION arsis_announce_change();

-- Renewals of leases come every second from every job, and commits that notify come one after the other, each with its write
-- to disk. A renewal therefore does not wait for the disk: one that a crash of the server undoes ends the lease a second
-- early, and whoever then takes over has another token, so that nothing is written twice. Renewals without progress are
-- silent.
CREATE OR REPLACE FUNCTION arsis_announce_progress() RETURNS TRIGGER AS $$
BEGIN
    PERFORM set_config('synchronous_commit', 'off', TRUE);
    PERFORM pg_notify('arsis_analysis_changed', OLD.id::TEXT);
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_announce_progress
    AFTER UPDATE ON track_analyses
    FOR EACH ROW WHEN (
        (OLD.done_ms, OLD.total_ms) IS DISTINCT FROM (NEW.done_ms, NEW.total_ms)
        AND OLD.lease_until IS DISTINCT FROM NEW.lease_until
        AND (OLD.status, OLD.attempt, OLD.cancel_requested, OLD.error_kind, OLD.priority, OLD.next_run_at, OLD.waits_for,
             OLD.completed_at, OLD.lease_token)
        IS NOT DISTINCT FROM
        (NEW.status, NEW.attempt, NEW.cancel_requested, NEW.error_kind, NEW.priority, NEW.next_run_at, NEW.waits_for,
         NEW.completed_at, NEW.lease_token))
    EXECUTE FUNCTION arsis_announce_progress();

-- One that is gone while it is watched.
CREATE OR REPLACE TRIGGER track_analyses_announce_removal
    AFTER DELETE ON track_analyses
    FOR EACH ROW WHEN (OLD.status IN ('pending', 'running'))
    EXECUTE FUNCTION arsis_announce_change();
