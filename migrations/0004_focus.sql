-- Focus: timed sessions and the music that goes with them.

-- Focus timer sessions.
CREATE TABLE IF NOT EXISTS focus_sessions (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    mode             TEXT        NOT NULL,                   -- work/short_break/long_break
    duration_seconds INTEGER     NOT NULL,                   -- Planned duration
    started_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    completed_at     TIMESTAMPTZ,                            -- If completed
    abandoned_at     TIMESTAMPTZ,                            -- If abandoned
    expires_at       TIMESTAMPTZ,                            -- When session times out
    status           TEXT        NOT NULL DEFAULT 'active',  -- active/completed/abandoned
    xp_awarded       INTEGER     NOT NULL DEFAULT 0,         -- XP earned
    coins_awarded    INTEGER     NOT NULL DEFAULT 0,         -- Coins earned
    task_id          UUID,                                   -- Optional linked task
    task_title       TEXT,                                   -- Task description
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS focus_sessions_user_id_idx ON focus_sessions (user_id);
CREATE INDEX IF NOT EXISTS focus_sessions_status_idx ON focus_sessions (status) WHERE status = 'active';

-- Cross-device pause sync.
CREATE TABLE IF NOT EXISTS focus_pause_state (
    id                     UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id                UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    session_id             UUID        NOT NULL REFERENCES focus_sessions (id) ON DELETE CASCADE,
    is_paused              BOOLEAN     NOT NULL DEFAULT false,  -- Currently paused
    time_remaining_seconds INTEGER,                             -- Time left when paused
    paused_at              TIMESTAMPTZ,                         -- When paused
    resumed_at             TIMESTAMPTZ,                         -- When resumed
    created_at             TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at             TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS focus_pause_state_session_idx ON focus_pause_state (session_id);

-- Music/sound libraries.
CREATE TABLE IF NOT EXISTS focus_libraries (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name         TEXT        NOT NULL,                     -- Library name
    description  TEXT,
    library_type TEXT        NOT NULL DEFAULT 'playlist',  -- playlist/album/custom
    tracks_count INTEGER     NOT NULL DEFAULT 0,
    is_favorite  BOOLEAN     NOT NULL DEFAULT false,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Tracks in a library.
CREATE TABLE IF NOT EXISTS focus_library_tracks (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    library_id       UUID        NOT NULL REFERENCES focus_libraries (id) ON DELETE CASCADE,
    track_id         TEXT,  -- External track ID
    track_title      TEXT        NOT NULL,
    track_url        TEXT,
    duration_seconds INTEGER,
    sort_order       INTEGER     NOT NULL DEFAULT 0,
    added_at         TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
