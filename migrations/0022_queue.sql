-- The line of analyses: fair among people, one analysis of the same thing at a time, batches, results used again, and the
-- queue's own switch. docs/QUEUE.md tells the whole life of an analysis.

-- Many analyses asked for at once.
CREATE TABLE IF NOT EXISTS analysis_batches (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,      -- Whose tracks
    requested_by  UUID        REFERENCES users (id) ON DELETE SET NULL,
    analysis_type TEXT        NOT NULL,
    version       TEXT        NOT NULL,
    parameters    JSONB       NOT NULL DEFAULT '{}',
    created_count INTEGER     NOT NULL DEFAULT 0,      -- Analyses that were made for it
    skipped_count INTEGER     NOT NULL DEFAULT 0,      -- Tracks that had one of the kind, completed or to come
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS analysis_batches_user_idx ON analysis_batches (user_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS analysis_batches_requested_by_idx ON analysis_batches (requested_by);

ALTER TABLE track_analyses
    ADD COLUMN IF NOT EXISTS owner_id    UUID,     -- Whose track it is: turns are fair among owners
    ADD COLUMN IF NOT EXISTS turn        BIGINT,   -- Place in the line of its priority; NULL: not in line yet
    ADD COLUMN IF NOT EXISTS waits_for   UUID,     -- An analysis of the same audio whose result this one will take
    ADD COLUMN IF NOT EXISTS reused_from UUID,     -- Of which analysis the result is a copy
    ADD COLUMN IF NOT EXISTS batch_id    UUID REFERENCES analysis_batches (id) ON DELETE SET NULL;

-- Rows that wait or run keep the order they had, the first of each owner beside the first of the others. Those that have
-- ended get an owner when they are set to pending again. A second time there is nothing to do.
UPDATE track_analyses a SET owner_id = line.user_id, turn = line.place
  FROM (SELECT w.id, t.user_id,
               row_number() OVER (PARTITION BY w.priority, t.user_id ORDER BY w.next_run_at, w.id) AS place
          FROM track_analyses w JOIN reference_tracks t ON t.id = w.track_id
         WHERE w.status IN ('pending', 'running') AND w.owner_id IS NULL) AS line
 WHERE line.id = a.id;

-- The line itself: claims read its head. track_analyses_pending_idx stays, since the release before claims by it.
CREATE INDEX IF NOT EXISTS track_analyses_line_idx
    ON track_analyses (priority DESC, turn, next_run_at, id) WHERE status = 'pending' AND turn IS NOT NULL;
-- Those that wait for their time or for another.
CREATE INDEX IF NOT EXISTS track_analyses_waiting_idx
    ON track_analyses (next_run_at, id) WHERE status = 'pending' AND turn IS NULL;
CREATE INDEX IF NOT EXISTS track_analyses_waits_for_idx
    ON track_analyses (waits_for) WHERE status = 'pending' AND waits_for IS NOT NULL;
-- An owner's last place.
CREATE INDEX IF NOT EXISTS track_analyses_owner_turn_idx
    ON track_analyses (owner_id, priority, turn DESC) WHERE status IN ('pending', 'running') AND turn IS NOT NULL;
CREATE INDEX IF NOT EXISTS track_analyses_batch_idx ON track_analyses (batch_id, status) WHERE batch_id IS NOT NULL;
-- For operators: analyses of a status, those that ended or were asked for last first.
CREATE INDEX IF NOT EXISTS track_analyses_operators_idx
    ON track_analyses (status, (coalesce(completed_at, created_at)) DESC, id DESC);
-- Tracks of the same audio.
CREATE INDEX IF NOT EXISTS reference_tracks_content_idx
    ON reference_tracks (content_sha256) WHERE content_sha256 IS NOT NULL;

-- Results of the same audio.
CREATE INDEX IF NOT EXISTS analysis_frame_manifests_fingerprint_idx
    ON analysis_frame_manifests (fingerprint) WHERE level = 0 AND fingerprint IS NOT NULL;

-- The next place in line for an owner: start-time fair queueing (Goyal, Vin and Cheng, SIGCOMM 1996) with jobs of equal
-- weight. Nobody comes before what runs or is next, and each owner's analyses stand one place after the other; so an
-- owner with many waits behind their own, and one with few comes soon, however many others have brought.
-- Both looks read one entry of an index; what is known of a table that is just being filled would advise otherwise.
CREATE OR REPLACE FUNCTION arsis_next_turn(of_owner UUID, of_priority SMALLINT) RETURNS BIGINT AS $$
BEGIN
    RETURN greatest(
        coalesce(
            least(
                (SELECT max(turn) FROM track_analyses WHERE status = 'running' AND priority = of_priority),
                (SELECT turn FROM track_analyses
                  WHERE status = 'pending' AND turn IS NOT NULL AND priority = of_priority ORDER BY turn LIMIT 1)),
            0),
        coalesce(
            (SELECT turn + 1 FROM track_analyses
              WHERE status IN ('pending', 'running') AND owner_id = of_owner AND priority = of_priority
                AND turn IS NOT NULL
              ORDER BY turn DESC LIMIT 1),
            0));
END;
$$ LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off SET enable_sort = off
    SET jit = off;

-- The version of the analyzer as numbers, NULL where it is none of ours: a worker leaves what asks for a later version
-- than its own to others.
CREATE OR REPLACE FUNCTION arsis_version_number(version TEXT) RETURNS INTEGER[] AS $$
    SELECT string_to_array(substring(version FROM '^arsis-([0-9]{1,9}(?:\.[0-9]{1,9}){0,3})'), '.')::INTEGER[]
$$ LANGUAGE sql IMMUTABLE;

-- Rows get their owner and, when they are due, their place in line, whoever inserts them.
CREATE OR REPLACE FUNCTION arsis_line_up_analysis() RETURNS TRIGGER AS $$
BEGIN
    NEW.owner_id := (SELECT user_id FROM reference_tracks WHERE id = NEW.track_id);
    NEW.turn := CASE WHEN NEW.next_run_at <= NOW() THEN arsis_next_turn(NEW.owner_id, NEW.priority) END;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_line_up
    BEFORE INSERT ON track_analyses
    FOR EACH ROW WHEN (NEW.status = 'pending')
    EXECUTE FUNCTION arsis_line_up_analysis();

-- A row that becomes pending again, whoever sets it so, starts afresh: as in 0019, and at the end of its owner's line.
CREATE OR REPLACE FUNCTION arsis_restart_analysis() RETURNS TRIGGER AS $$
BEGIN
    NEW.attempt := 0;
    NEW.next_run_at := NOW();
    NEW.owner_id := coalesce(NEW.owner_id, (SELECT user_id FROM reference_tracks WHERE id = NEW.track_id));
    NEW.turn := arsis_next_turn(NEW.owner_id, NEW.priority);
    NEW.waits_for := NULL;
    NEW.reused_from := NULL;
    NEW.lease_token := NULL;
    NEW.lease_until := NULL;
    NEW.worker := NULL;
    NEW.cancel_requested := FALSE;
    NEW.done_ms := NULL;
    NEW.total_ms := NULL;
    NEW.error_kind := NULL;
    NEW.error_message := NULL;
    NEW.completed_at := NULL;
    NEW.summary := NULL;
    NEW.manifest := NULL;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

-- Tells the worker of a running analysis at once that someone asked for it to stop.
CREATE OR REPLACE FUNCTION arsis_announce_cancel() RETURNS TRIGGER AS $$
BEGIN
    PERFORM pg_notify('arsis_analysis_cancel', NEW.id::TEXT);
    RETURN NULL;
END;
$$ LANGUAGE plpgsql;

CREATE OR REPLACE TRIGGER track_analyses_announce_cancel
    AFTER UPDATE OF cancel_requested ON track_analyses
    FOR EACH ROW WHEN (NEW.cancel_requested AND NOT OLD.cancel_requested AND NEW.status = 'running')
    EXECUTE FUNCTION arsis_announce_cancel();

-- Since when attempts at an analysis have been put off one after the other; NULL: the last one was not.
CREATE OR REPLACE FUNCTION arsis_snoozed_since(of_analysis UUID) RETURNS TIMESTAMPTZ AS $$
    SELECT min(started_at) FROM track_analysis_attempts
     WHERE analysis_id = of_analysis AND outcome = 'snoozed'
       AND started_at > coalesce((SELECT max(ended_at) FROM track_analysis_attempts
                                   WHERE analysis_id = of_analysis AND outcome <> 'snoozed'), '-infinity')
$$ LANGUAGE sql STABLE;

-- The queue as a whole: one row.
CREATE TABLE IF NOT EXISTS analysis_queue (
    id        BOOLEAN     PRIMARY KEY DEFAULT TRUE CHECK (id),
    paused_at TIMESTAMPTZ,     -- Since when nothing is begun; NULL: the queue runs
    paused_by TEXT
);
INSERT INTO analysis_queue DEFAULT VALUES ON CONFLICT DO NOTHING;

-- When workers of a version last put right what others left lying: one of each version at a time does. Workers of an older
-- version make no tickets for what asks for a later one.
CREATE TABLE IF NOT EXISTS analysis_queue_rounds (
    version  TEXT        PRIMARY KEY,
    began_at TIMESTAMPTZ NOT NULL
);

-- What operators may do with the queue. The role admin is the one that the seeds made.
INSERT INTO roles (id, name, description) VALUES
    ('0a515000-0001-4000-8000-000000000004', 'operator', 'Looks after the queue')
ON CONFLICT DO NOTHING;
INSERT INTO entitlements (name, description, resource, action) VALUES
    ('read_queue',   'See the queue, its workers and its failures', 'analysis_queue', 'read'),
    ('update_queue', 'Retry, cancel, pause and prune',              'analysis_queue', 'update')
ON CONFLICT (name) DO NOTHING;
INSERT INTO role_entitlements (role_id, entitlement_id)
SELECT roles.id, entitlements.id
  FROM roles, entitlements
 WHERE roles.id IN ('0a515000-0001-4000-8000-000000000003', '0a515000-0001-4000-8000-000000000004')
   AND entitlements.resource = 'analysis_queue' AND entitlements.name IN ('read_queue', 'update_queue')
ON CONFLICT DO NOTHING;
