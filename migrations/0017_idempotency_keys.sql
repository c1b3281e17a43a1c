-- What was answered to a POST that carried an Idempotency-Key, kept so that a retry gets the same answer
-- and causes nothing twice. A row without a status is a request under way; its claim lapses at claimed_until.
CREATE TABLE IF NOT EXISTS idempotency_keys (
    user_id       UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key           TEXT        NOT NULL,                -- As the client sent it
    operation     TEXT        NOT NULL,                -- Method and path
    fingerprint   TEXT,                                -- SHA-256 of what was asked, once it is known
    claim         UUID        NOT NULL,                -- Who works on it: a request that lost its claim commits nothing
    claimed_until TIMESTAMPTZ NOT NULL,
    status        SMALLINT,                            -- HTTP status of the answer
    location      TEXT,                                -- Location header of the answer
    body          JSONB,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (user_id, key)
);
CREATE INDEX IF NOT EXISTS idempotency_keys_created_at_idx ON idempotency_keys (created_at);
