-- Reference and analysis: tracks, what was heard in them, and listening prompts.

-- Audio reference tracks.
CREATE TABLE IF NOT EXISTS reference_tracks (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name             TEXT        NOT NULL,                       -- Track name
    description      TEXT,
    r2_key           TEXT        NOT NULL,                       -- R2 storage key
    file_size_bytes  BIGINT      NOT NULL,
    mime_type        TEXT        NOT NULL,                       -- audio/mpeg, etc.
    duration_seconds REAL,
    artist           TEXT,
    album            TEXT,
    genre            TEXT,
    bpm              REAL,                                       -- Beats per minute
    key_signature    TEXT,                                       -- Musical key
    tags             TEXT[],
    status           TEXT        NOT NULL DEFAULT 'processing',  -- processing/ready/error
    error_message    TEXT,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS reference_tracks_user_idx ON reference_tracks (user_id);
CREATE INDEX IF NOT EXISTS reference_tracks_status_idx ON reference_tracks (status);

-- Analysis runs on tracks.
CREATE TABLE IF NOT EXISTS track_analyses (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    track_id      UUID        NOT NULL REFERENCES reference_tracks (id) ON DELETE CASCADE,
    analysis_type TEXT        NOT NULL,                    -- spectral/rhythm/etc.
    version       TEXT        NOT NULL,                    -- Analyzer version
    status        TEXT        NOT NULL DEFAULT 'pending',  -- pending/running/completed/error
    started_at    TIMESTAMPTZ,
    completed_at  TIMESTAMPTZ,
    error_message TEXT,
    summary       JSONB,                                   -- Quick access stats
    manifest      JSONB,                                   -- Frame manifest
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS track_analyses_track_idx ON track_analyses (track_id);

-- User annotations on tracks.
CREATE TABLE IF NOT EXISTS track_annotations (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    track_id      UUID        NOT NULL REFERENCES reference_tracks (id) ON DELETE CASCADE,
    user_id       UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    start_time_ms INTEGER     NOT NULL,
    end_time_ms   INTEGER,
    title         TEXT        NOT NULL,
    content       TEXT,
    category      TEXT,
    color         TEXT,
    is_private    BOOLEAN     NOT NULL DEFAULT true,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Named regions/sections.
CREATE TABLE IF NOT EXISTS track_regions (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    track_id      UUID        NOT NULL REFERENCES reference_tracks (id) ON DELETE CASCADE,
    user_id       UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    start_time_ms INTEGER     NOT NULL,
    end_time_ms   INTEGER     NOT NULL,
    name          TEXT        NOT NULL,
    description   TEXT,
    section_type  TEXT,  -- intro/verse/chorus/etc.
    color         TEXT,
    display_order INTEGER     NOT NULL DEFAULT 0,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Frame data manifest.
CREATE TABLE IF NOT EXISTS analysis_frame_manifests (
    id                UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    analysis_id       UUID        NOT NULL REFERENCES track_analyses (id) ON DELETE CASCADE,
    manifest_version  INTEGER     NOT NULL DEFAULT 1,
    hop_ms            INTEGER     NOT NULL,  -- Hop size in ms
    frame_count       INTEGER     NOT NULL,  -- Total frames
    duration_ms       INTEGER     NOT NULL,
    sample_rate       INTEGER     NOT NULL,  -- Audio sample rate
    bands             INTEGER     NOT NULL,  -- Frequency bands
    bytes_per_frame   INTEGER     NOT NULL,
    frame_layout      JSONB       NOT NULL,  -- Field definitions
    events            JSONB,                 -- Detected events
    fingerprint       TEXT,                  -- Content hash
    analyzer_version  TEXT        NOT NULL,
    chunk_size_frames INTEGER     NOT NULL,  -- Frames per chunk
    total_chunks      INTEGER     NOT NULL,
    created_at        TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Binary frame chunks.
CREATE TABLE IF NOT EXISTS analysis_frame_data (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    manifest_id      UUID        NOT NULL REFERENCES analysis_frame_manifests (id) ON DELETE CASCADE,
    chunk_index      INTEGER     NOT NULL,
    start_frame      INTEGER     NOT NULL,
    end_frame        INTEGER     NOT NULL,
    start_time_ms    INTEGER     NOT NULL,
    end_time_ms      INTEGER     NOT NULL,
    frame_data       BYTEA       NOT NULL,  -- Binary data
    frame_count      INTEGER     NOT NULL,
    compressed       BOOLEAN     NOT NULL DEFAULT false,
    compression_type TEXT,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS analysis_frame_data_manifest_chunk_idx ON analysis_frame_data (manifest_id, chunk_index);

-- Detected events in analysis.
CREATE TABLE IF NOT EXISTS analysis_events (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    analysis_id UUID        NOT NULL REFERENCES track_analyses (id) ON DELETE CASCADE,
    time_ms     INTEGER     NOT NULL,  -- Event time
    duration_ms INTEGER,
    event_type  TEXT        NOT NULL,  -- beat/downbeat/section/etc.
    event_data  JSONB,                 -- Event details
    confidence  REAL,                  -- 0-1
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS analysis_events_analysis_time_idx ON analysis_events (analysis_id, time_ms);

-- Listening exercise templates.
CREATE TABLE IF NOT EXISTS listening_prompt_templates (
    id                    UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name                  TEXT        NOT NULL,
    description           TEXT,
    category              TEXT        NOT NULL,
    difficulty            TEXT        NOT NULL DEFAULT 'beginner',
    prompt_text           TEXT        NOT NULL,  -- Main prompt
    hints                 JSONB,                 -- Hint array
    expected_observations JSONB,                 -- What to look for
    tags                  TEXT[],
    display_order         INTEGER     NOT NULL DEFAULT 0,
    is_active             BOOLEAN     NOT NULL DEFAULT true,
    created_by            UUID        REFERENCES users (id),
    created_at            TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at            TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Preset configurations for prompts.
CREATE TABLE IF NOT EXISTS listening_prompt_presets (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name        TEXT        NOT NULL,
    description TEXT,
    template_id UUID        NOT NULL REFERENCES listening_prompt_templates (id) ON DELETE CASCADE,
    preset_type TEXT        NOT NULL,
    config      JSONB       NOT NULL,  -- Preset configuration
    is_active   BOOLEAN     NOT NULL DEFAULT true,
    created_by  UUID        REFERENCES users (id),
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
