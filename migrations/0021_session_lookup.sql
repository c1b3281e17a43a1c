-- The session that a token's hash belongs to, or no row. PostgreSQL writes a function of this kind out within the query
-- that calls it: what is read often asks for the session and for the data at once, and what a session is stands here alone.
CREATE OR REPLACE FUNCTION arsis_session(token_hash TEXT)
RETURNS TABLE (session_id UUID, user_id UUID, approved BOOLEAN, expired BOOLEAN, stale BOOLEAN) AS $$
    SELECT s.id, s.user_id, u.approved, s.expires_at <= now(),
           -- Activity is noted at most once a minute, so that reading does not write.
           coalesce(s.last_activity_at < now() - interval '1 minute', TRUE)
      FROM sessions s JOIN users u ON u.id = s.user_id
     WHERE s.token = token_hash
$$ LANGUAGE sql STABLE;
