-- Several tracks may name one object: r2_key was never unique, and the platform writes rows of its own. Before an
-- object is removed the database is asked whether a track still names it.
CREATE INDEX IF NOT EXISTS reference_tracks_r2_key_idx ON reference_tracks (r2_key);
