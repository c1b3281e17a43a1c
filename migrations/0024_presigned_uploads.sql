-- Uploads whose audio the client sends to the storage itself, and what the list of tracks is ordered by.

-- The object of an upload lies under a key of its own, which no track ever names: whoever holds its address can write there
-- until it expires. The track gets a copy that only the server can write. The key stays in orphan_objects meanwhile.
CREATE TABLE IF NOT EXISTS audio_uploads (
    id              UUID        PRIMARY KEY,
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    size_bytes      BIGINT      NOT NULL,              -- As announced
    sha256          TEXT,                              -- As announced, in hex; NULL: not announced
    content_type    TEXT        NOT NULL,              -- As announced: what the request to the storage must say
    about           JSONB       NOT NULL,              -- What the track is to be called, and its analysis
    secret_hash     TEXT,                              -- Of the address at this server; NULL: the storage takes the audio itself
    expires_at      TIMESTAMPTZ NOT NULL,              -- Until when the address takes audio
    kept_until      TIMESTAMPTZ NOT NULL,              -- Until when the upload can be completed, or its completion repeated
    verifier        UUID,                              -- Who reads the audio now
    verifying_until TIMESTAMPTZ,                       -- After this anyone may begin again
    track_id        UUID        REFERENCES reference_tracks (id) ON DELETE CASCADE,  -- What it became
    answer          JSONB,                             -- What was answered then
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS audio_uploads_user_idx ON audio_uploads (user_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS audio_uploads_kept_until_idx ON audio_uploads (kept_until);
CREATE INDEX IF NOT EXISTS audio_uploads_track_idx ON audio_uploads (track_id);

-- A person's tracks in the other orders of a library page: of 100,000, a page takes half a millisecond and not 180.
-- Others may write names longer than an index holds (2.7 kB), and tempi and lengths that are no numbers.
CREATE INDEX IF NOT EXISTS reference_tracks_user_name_idx ON reference_tracks (user_id, (left(lower(name), 500) COLLATE "C"), id);
CREATE INDEX IF NOT EXISTS reference_tracks_user_bpm_idx
    ON reference_tracks (user_id, (CASE WHEN bpm > '-Infinity' AND bpm < 'Infinity' THEN bpm ELSE -1 END), id);
CREATE INDEX IF NOT EXISTS reference_tracks_user_duration_idx
    ON reference_tracks (user_id, (CASE WHEN duration_seconds > '-Infinity' AND duration_seconds < 'Infinity' THEN duration_seconds ELSE -1 END), id);
