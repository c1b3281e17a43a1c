-- Webhooks: who wants to hear of the ends of analyses, and what is to be sent to them. docs/API.md tells how it is sent.

CREATE TABLE IF NOT EXISTS webhooks (
    id                    UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id               UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    url                   TEXT        NOT NULL,
    host                  TEXT        NOT NULL,                   -- Of the URL: so much is sent to a host at a time
    description           TEXT,
    events                TEXT[]      NOT NULL,
    active                BOOLEAN     NOT NULL DEFAULT TRUE,
    secret                BYTEA       NOT NULL,                   -- Signs, so it is needed as it is; never shown again
    previous_secret       BYTEA,                                  -- Signs as well until previous_secret_until
    previous_secret_until TIMESTAMPTZ,
    failing_since         TIMESTAMPTZ,                            -- First failure since the last success
    deactivated_at        TIMESTAMPTZ,                            -- When Arsis deactivated it; NULL: it did not
    deactivated_reason    TEXT,                                   -- gone/failing
    created_at            TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at            TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS webhooks_user_idx ON webhooks (user_id, created_at DESC, id DESC);

-- One event for one webhook, and what became of sending it.
CREATE TABLE IF NOT EXISTS webhook_deliveries (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    webhook_id      UUID        NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    event_id        UUID        NOT NULL,                         -- The same for each webhook and each attempt
    event_type      TEXT        NOT NULL,
    data            JSONB       NOT NULL,                         -- As things were at the time of the event
    status          TEXT        NOT NULL DEFAULT 'pending',       -- pending/delivered/failed
    attempt         INTEGER     NOT NULL DEFAULT 0,               -- Attempts begun since it was last asked for
    next_attempt_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),           -- Of a pending one; while it is sent, the end of the lease
    lease_token     UUID,                                         -- Fence: outcomes are taken only under it
    last_attempt_at TIMESTAMPTZ,
    response_status SMALLINT,
    error           TEXT,
    ended_at        TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS webhook_deliveries_event_idx ON webhook_deliveries (webhook_id, event_id);
CREATE INDEX IF NOT EXISTS webhook_deliveries_page_idx ON webhook_deliveries (webhook_id, created_at DESC, id DESC);
-- What waits, by webhook: none stands behind another's.
CREATE INDEX IF NOT EXISTS webhook_deliveries_due_idx
    ON webhook_deliveries (webhook_id, next_attempt_at, id) WHERE status = 'pending';
-- For pruning.
CREATE INDEX IF NOT EXISTS webhook_deliveries_created_idx ON webhook_deliveries (created_at);

-- Writes what is to be sent of an analysis that ends, in the transaction of its end, whoever ends it.
--
-- A webhook that is being removed is passed over: waiting for its removal, and finding it gone, would fail the analysis.
-- It runs with its owner's rights, and finds tables where this migration makes them: whoever may write the end of an
-- analysis need not be allowed to read webhooks, nor to have the same search path.
CREATE OR REPLACE FUNCTION arsis_tell_webhooks() RETURNS TRIGGER AS $$
BEGIN
    WITH event AS (SELECT gen_random_uuid() AS id,
                          CASE NEW.status WHEN 'completed' THEN 'analysis.completed' ELSE 'analysis.failed' END AS type)
    INSERT INTO webhook_deliveries (webhook_id, event_id, event_type, data)
    SELECT told.id, event.id, event.type, jsonb_build_object(
               'analysis_id', NEW.id,
               'track_id', NEW.track_id,
               'analysis_type', NEW.analysis_type,
               'version', NEW.version,
               'status', NEW.status,
               'error_kind', NEW.error_kind,
               'error_message', left(NEW.error_message, 1000),
               'tempo_bpm', NEW.summary->'tempo_bpm',
               'key', NEW.summary->'key'->'name',
               'created_at', NEW.created_at,
               'started_at', NEW.started_at,
               'completed_at', NEW.completed_at)
      FROM event,
           LATERAL (SELECT w.id FROM reference_tracks t JOIN webhooks w ON w.user_id = t.user_id
                     WHERE t.id = NEW.track_id AND w.active AND event.type = ANY (w.events)
                       FOR KEY SHARE OF w SKIP LOCKED) AS told;
    RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;

-- Temporary tables come last: unless it says so, they come first.
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION arsis_tell_webhooks() SET search_path = %I, pg_temp', current_schema());
END $$;

-- Not of rows that are inserted as ended: nothing ended with them, they were brought from elsewhere.
CREATE OR REPLACE TRIGGER track_analyses_tell_webhooks
    AFTER UPDATE OF status ON track_analyses
    FOR EACH ROW WHEN (NEW.status IN ('completed', 'error') AND OLD.status NOT IN ('completed', 'error'))
    EXECUTE FUNCTION arsis_tell_webhooks();
