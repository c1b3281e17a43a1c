-- Announces what those who watch an analysis want to hear of: the payload is its id, and whoever listens asks for the rest,
-- because anybody who may connect may listen. Renewals of a lease that change nothing else are silent: a commit that
-- notifies waits for any other that does.
CREATE OR REPLACE FUNCTION arsis_announce_change() RETURNS TRIGGER AS $$
BEGIN
    PERFORM pg_notify('arsis_analysis_changed', OLD.id::TEXT);
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_announce_change
    AFTER UPDATE ON track_analyses
    FOR EACH ROW WHEN (
        (OLD.status, OLD.attempt, OLD.done_ms, OLD.total_ms, OLD.cancel_requested, OLD.error_kind, OLD.priority,
         OLD.next_run_at, OLD.waits_for, OLD.completed_at)
        IS DISTINCT FROM
        (NEW.status, NEW.attempt, NEW.done_ms, NEW.total_ms, NEW.cancel_requested, NEW.error_kind, NEW.priority,
         NEW.next_run_at, NEW.waits_for, NEW.completed_at))
    EXECUTE FUNCTION arsis_announce_change();

-- One that is gone while it is watched.
CREATE OR REPLACE TRIGGER track_analyses_announce_removal
    AFTER DELETE ON track_analyses
    FOR EACH ROW WHEN (OLD.status IN ('pending', 'running'))
    EXECUTE FUNCTION arsis_announce_change();
