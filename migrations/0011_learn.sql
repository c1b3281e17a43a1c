-- Learn: topics, lessons and drills.

-- Learning topic categories.
CREATE TABLE IF NOT EXISTS learn_topics (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    key         TEXT        NOT NULL UNIQUE,  -- topic_key
    name        TEXT        NOT NULL,         -- Display name
    description TEXT,
    category    TEXT        NOT NULL,         -- theory/practice/etc.
    icon        TEXT,
    color       TEXT,                         -- Theme color
    sort_order  INTEGER     NOT NULL DEFAULT 0,
    is_active   BOOLEAN     NOT NULL DEFAULT true,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Individual lessons.
CREATE TABLE IF NOT EXISTS learn_lessons (
    id                UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    topic_id          UUID        NOT NULL REFERENCES learn_topics (id) ON DELETE CASCADE,
    key               TEXT        NOT NULL UNIQUE,  -- lesson_key
    title             TEXT        NOT NULL,
    description       TEXT,
    content_markdown  TEXT,                         -- Lesson content
    duration_minutes  INTEGER,                      -- Estimated time
    difficulty        TEXT        NOT NULL DEFAULT 'beginner',
    quiz_json         JSONB,                        -- Quiz questions
    xp_reward         INTEGER     NOT NULL DEFAULT 0,
    coin_reward       INTEGER     NOT NULL DEFAULT 0,
    skill_key         TEXT,                         -- Skill that benefits
    skill_star_reward INTEGER     NOT NULL DEFAULT 0,
    audio_r2_key      TEXT,                         -- Audio version
    video_url         TEXT,                         -- Video content
    sort_order        INTEGER     NOT NULL DEFAULT 0,
    is_active         BOOLEAN     NOT NULL DEFAULT true,
    created_at        TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Practice drills/exercises.
CREATE TABLE IF NOT EXISTS learn_drills (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    topic_id         UUID        NOT NULL REFERENCES learn_topics (id) ON DELETE CASCADE,
    key              TEXT        NOT NULL UNIQUE,  -- drill_key
    title            TEXT        NOT NULL,
    description      TEXT,
    drill_type       TEXT        NOT NULL,         -- quiz/flashcard/practice
    config_json      JSONB       NOT NULL,         -- Drill configuration
    difficulty       TEXT        NOT NULL DEFAULT 'beginner',
    duration_seconds INTEGER,                      -- Time limit
    xp_reward        INTEGER     NOT NULL DEFAULT 0,
    sort_order       INTEGER     NOT NULL DEFAULT 0,
    is_active        BOOLEAN     NOT NULL DEFAULT true,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User lesson completion status.
CREATE TABLE IF NOT EXISTS user_lesson_progress (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    lesson_id    UUID        NOT NULL REFERENCES learn_lessons (id) ON DELETE CASCADE,
    status       TEXT        NOT NULL DEFAULT 'not_started',  -- not_started/in_progress/completed
    started_at   TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    quiz_score   INTEGER,                                     -- 0-100
    attempts     INTEGER     NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS user_lesson_progress_user_lesson_idx ON user_lesson_progress (user_id, lesson_id);

-- User drill performance stats.
CREATE TABLE IF NOT EXISTS user_drill_stats (
    id                 UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id            UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    drill_id           UUID        NOT NULL REFERENCES learn_drills (id) ON DELETE CASCADE,
    total_attempts     INTEGER     NOT NULL DEFAULT 0,
    correct_answers    INTEGER     NOT NULL DEFAULT 0,
    best_score         INTEGER     NOT NULL DEFAULT 0,
    average_score      REAL        NOT NULL DEFAULT 0,
    current_streak     INTEGER     NOT NULL DEFAULT 0,  -- Correct in a row
    best_streak        INTEGER     NOT NULL DEFAULT 0,
    last_attempt_at    TIMESTAMPTZ,
    total_time_seconds INTEGER     NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS user_drill_stats_user_drill_idx ON user_drill_stats (user_id, drill_id);
