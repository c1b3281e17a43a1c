-- A further run of the same analysis: nothing of the run before may be taken for its result.

-- A row that becomes pending again, whoever sets it so, starts afresh: as in 0016, and without the old result.
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
    NEW.summary := NULL;
    NEW.manifest := NULL;
    RETURN NEW;
END;
$$ LANGUAGE plpgsql;

-- Under which lease a level was written. Attempts are counted afresh with each run; tokens never come twice.
ALTER TABLE analysis_frame_manifests ADD COLUMN IF NOT EXISTS lease_token UUID;

-- For the reaper, which asks every few seconds whether there are any.
CREATE INDEX IF NOT EXISTS track_analyses_exhausted_idx
    ON track_analyses (id) WHERE status = 'pending' AND attempt >= max_attempts;
