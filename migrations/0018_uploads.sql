-- Uploads: the checksum of a track's audio, and the stored objects that no track refers to.

ALTER TABLE reference_tracks ADD COLUMN IF NOT EXISTS content_sha256 TEXT;  -- SHA-256 of the audio file, in hex

-- Objects without a track: an upload enters its key here before the first byte is stored and leaves in the
-- transaction that makes the track; a deleted track enters it in the transaction that removes the track.
-- Whatever is still here after delete_after is removed from storage.
CREATE TABLE IF NOT EXISTS orphan_objects (
    r2_key       TEXT        PRIMARY KEY,
    delete_after TIMESTAMPTZ NOT NULL,
    doomed       BOOLEAN     NOT NULL DEFAULT false,   -- Its removal has begun: too late to make a track of it
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS orphan_objects_delete_after_idx ON orphan_objects (delete_after);

-- A person's tracks, newest first, page by page.
CREATE INDEX IF NOT EXISTS reference_tracks_user_created_idx ON reference_tracks (user_id, created_at DESC, id DESC);
