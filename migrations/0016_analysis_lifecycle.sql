-- The life of an analysis: who works on it, under which lease, how often it was tried, how far it is.
-- Columns of ours beside the platform's, which stay as they are; docs/SCHEMA.md says what each is for.

ALTER TABLE track_analyses
    ADD COLUMN IF NOT EXISTS parameters       JSONB       NOT NULL DEFAULT '{}',    -- What was asked for beside the type
    ADD COLUMN IF NOT EXISTS requested_by     UUID        REFERENCES users (id) ON DELETE SET NULL,
    ADD COLUMN IF NOT EXISTS priority         SMALLINT    NOT NULL DEFAULT 0,       -- Higher runs first
    ADD COLUMN IF NOT EXISTS next_run_at      TIMESTAMPTZ NOT NULL DEFAULT NOW(),   -- A pending row is not begun before this
    ADD COLUMN IF NOT EXISTS attempt          INTEGER     NOT NULL DEFAULT 0,       -- Attempts begun
    ADD COLUMN IF NOT EXISTS max_attempts     INTEGER     NOT NULL DEFAULT 8,
    ADD COLUMN IF NOT EXISTS lease_token      UUID,                                 -- Fence: results are taken only under it
    ADD COLUMN IF NOT EXISTS lease_until      TIMESTAMPTZ,                          -- After this anyone may take over
    ADD COLUMN IF NOT EXISTS worker           TEXT,                                 -- Who holds the lease
    ADD COLUMN IF NOT EXISTS cancel_requested BOOLEAN     NOT NULL DEFAULT FALSE,
    ADD COLUMN IF NOT EXISTS done_ms          BIGINT,                               -- Audio analysed so far
    ADD COLUMN IF NOT EXISTS total_ms         BIGINT,                               -- Length of the audio, where the file says it
    ADD COLUMN IF NOT EXISTS error_kind       TEXT;                                 -- Machine-readable cause beside error_message

CREATE INDEX IF NOT EXISTS track_analyses_pending_idx
    ON track_analyses (priority DESC, next_run_at, id) WHERE status = 'pending';
-- Not on lease_until: a lease is renewed every second, and an index on it would have to be written each time.
CREATE INDEX IF NOT EXISTS track_analyses_running_idx ON track_analyses (id) WHERE status = 'running';
CREATE INDEX IF NOT EXISTS track_analyses_requested_by_idx ON track_analyses (requested_by);
CREATE INDEX IF NOT EXISTS track_analyses_track_created_idx ON track_analyses (track_id, created_at DESC, id DESC);

-- Every attempt ever begun, and how it ended. The token is that of its lease.
CREATE TABLE IF NOT EXISTS track_analysis_attempts (
    token         UUID        PRIMARY KEY,
    analysis_id   UUID        NOT NULL REFERENCES track_analyses (id) ON DELETE CASCADE,
    attempt       INTEGER     NOT NULL,
    worker        TEXT        NOT NULL,
    started_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    ended_at      TIMESTAMPTZ,
    outcome       TEXT,                                -- completed/failed/retrying/released/cancelled/expired
    error_kind    TEXT,
    error_message TEXT,                                -- For a person
    cause         TEXT                                 -- The whole chain, for an operator
);
CREATE INDEX IF NOT EXISTS track_analysis_attempts_analysis_idx ON track_analysis_attempts (analysis_id, started_at);

-- Zoom levels share the platform's tables: level 0 has a frame per hop, each further level is coarser.
ALTER TABLE analysis_frame_manifests
    ADD COLUMN IF NOT EXISTS level   SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS attempt INTEGER;                                       -- Which attempt wrote it; NULL: not ours
CREATE UNIQUE INDEX IF NOT EXISTS analysis_frame_manifests_level_idx
    ON analysis_frame_manifests (analysis_id, level) WHERE attempt IS NOT NULL;

-- Chunks are compressed already: let PostgreSQL not try again.
ALTER TABLE analysis_frame_data ALTER COLUMN frame_data SET STORAGE EXTERNAL;

CREATE INDEX IF NOT EXISTS analysis_frame_data_time_idx ON analysis_frame_data (manifest_id, start_time_ms);
CREATE INDEX IF NOT EXISTS analysis_events_page_idx ON analysis_events (analysis_id, time_ms, id);

-- A row that becomes pending again, whoever sets it so, starts afresh.
CREATE OR REPLACE FUNCTION arsis_restart_analysis() RETURNS TRIGGER AS $$
BEGIN
    NEW.attempt := 0;
    NEW.next_run_at := NOW();
    NEW.lease_token := NULL;
    NEW.lease_until := NULL;
    NEW.worker := NULL;
    NEW.cancel_requested := FALSE;
    NEW.done_ms := NULL;
    NEW.total_ms := NULL;
    NEW.error_kind := NULL;
    NEW.error_message := NULL;
    NEW.completed_at := NULL;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_restart
    BEFORE UPDATE OF status ON track_analyses
    FOR EACH ROW WHEN (OLD.status IN ('completed', 'error') AND NEW.status = 'pending')
    EXECUTE FUNCTION arsis_restart_analysis();

-- Wakes the workers' reapers for rows that others write; it makes no ticket, so it cannot fail their transaction.
CREATE OR REPLACE FUNCTION arsis_announce_analysis() RETURNS TRIGGER AS $$
BEGIN
    PERFORM pg_notify('arsis_analysis_pending', '');
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_announce_insert
    AFTER INSERT ON track_analyses
    FOR EACH ROW WHEN (NEW.status = 'pending')
    EXECUTE FUNCTION arsis_announce_analysis();

CREATE OR REPLACE TRIGGER track_analyses_announce_update
    AFTER UPDATE OF status ON track_analyses
    FOR EACH ROW WHEN (NEW.status = 'pending' AND OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION arsis_announce_analysis();
