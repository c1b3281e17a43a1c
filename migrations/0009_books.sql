-- Books and reading.

-- User's book library.
CREATE TABLE IF NOT EXISTS books (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title        TEXT        NOT NULL,
    author       TEXT,
    total_pages  INTEGER,
    current_page INTEGER     NOT NULL DEFAULT 0,
    status       TEXT        NOT NULL DEFAULT 'to_read',  -- to_read/reading/completed
    started_at   TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    rating       INTEGER,                                 -- 1-5
    notes        TEXT,
    cover_url    TEXT,                                    -- Cover image
    isbn         TEXT,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS books_user_status_idx ON books (user_id, status);

-- Reading activity log.
CREATE TABLE IF NOT EXISTS reading_sessions (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    book_id          UUID        NOT NULL REFERENCES books (id) ON DELETE CASCADE,
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    pages_read       INTEGER     NOT NULL DEFAULT 0,
    start_page       INTEGER,
    end_page         INTEGER,
    duration_minutes INTEGER,
    started_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    notes            TEXT,
    xp_awarded       INTEGER     NOT NULL DEFAULT 0,
    coins_awarded    INTEGER     NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS reading_sessions_book_idx ON reading_sessions (book_id);
CREATE INDEX IF NOT EXISTS reading_sessions_user_idx ON reading_sessions (user_id);
