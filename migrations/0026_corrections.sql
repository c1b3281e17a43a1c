-- What people say about beats and bars, apart from what the machine heard, and the grids decoded through it.

-- Corrections and taps. They are about the audio, so they hang on the track, whatever analysis was looked at; and they
-- are their maker's alone.
CREATE TABLE IF NOT EXISTS beat_corrections (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    place           BIGINT      GENERATED ALWAYS AS IDENTITY,  -- Order of making: of two that contradict, the later holds
    track_id        UUID        NOT NULL REFERENCES reference_tracks (id) ON DELETE CASCADE,
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    batch_id        UUID        NOT NULL,                      -- Made in one request: one gesture, to be undone at once
    kind            TEXT        NOT NULL CHECK (kind IN
                        ('beat', 'no_beat', 'downbeat', 'not_downbeat', 'tap', 'tempo', 'shift', 'meter')),
    time_ms         INTEGER     NOT NULL CHECK (time_ms >= 0),
    end_time_ms     INTEGER     CHECK (end_time_ms > time_ms),
    moved_from_ms   INTEGER     CHECK (moved_from_ms >= 0),    -- Where a beat was that was dragged here
    factor          TEXT        CHECK (factor IN ('half', 'double', 'third', 'triple')),
    beats_per_bar   SMALLINT    CHECK (beats_per_bar BETWEEN 1 AND 32),
    source          TEXT        NOT NULL CHECK (source IN ('tap', 'drag', 'keyboard', 'click', 'import', 'other')),
    analysis_id     UUID        REFERENCES track_analyses (id) ON DELETE SET NULL,  -- What was looked at …
    results_version TIMESTAMPTZ,                               -- … of which run
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS beat_corrections_page_idx ON beat_corrections (track_id, user_id, time_ms, id);
CREATE INDEX IF NOT EXISTS beat_corrections_user_idx ON beat_corrections (user_id);
CREATE INDEX IF NOT EXISTS beat_corrections_analysis_idx ON beat_corrections (analysis_id);

-- A person's newest grid of an analysis. Column by column, as a track of many hours has a hundred thousand beats.
CREATE TABLE IF NOT EXISTS beat_grids (
    analysis_id     UUID        NOT NULL REFERENCES track_analyses (id) ON DELETE CASCADE,
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id              UUID        NOT NULL,                      -- Another with each decoding: names the content
    results_version TIMESTAMPTZ NOT NULL,                      -- Of which run of the analysis
    times_ms        INTEGER[]   NOT NULL,
    bars            INTEGER[]   NOT NULL,
    positions       SMALLINT[]  NOT NULL,
    confidences     REAL[]      NOT NULL,                      -- NULL where there is no measure
    origins         SMALLINT[]  NOT NULL,                      -- 0 machine, 1 corrected, 2 inferred
    summary         JSONB       NOT NULL,                      -- Tempo, metre, rows of taps, counts
    corrections     INTEGER     NOT NULL,                      -- How many it was decoded through
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (analysis_id, user_id)
);
CREATE INDEX IF NOT EXISTS beat_grids_user_idx ON beat_grids (user_id);
