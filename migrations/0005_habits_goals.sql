-- Habits and goals.

-- User habits.
CREATE TABLE IF NOT EXISTS habits (
    id                UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id           UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name              TEXT        NOT NULL,
    description       TEXT,
    frequency         TEXT        NOT NULL DEFAULT 'daily',  -- daily/weekly/custom
    target_count      INTEGER     NOT NULL DEFAULT 1,        -- Times per period
    custom_days       INTEGER[],                             -- [0-6] for custom
    icon              TEXT,
    color             TEXT,                                  -- Hex color
    is_active         BOOLEAN     NOT NULL DEFAULT true,
    current_streak    INTEGER     NOT NULL DEFAULT 0,
    longest_streak    INTEGER     NOT NULL DEFAULT 0,
    last_completed_at TIMESTAMPTZ,
    sort_order        INTEGER     NOT NULL DEFAULT 0,
    created_at        TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at        TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Habit completion log.
CREATE TABLE IF NOT EXISTS habit_completions (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    habit_id       UUID        NOT NULL REFERENCES habits (id) ON DELETE CASCADE,
    user_id        UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    completed_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    completed_date DATE        NOT NULL,  -- For daily grouping
    notes          TEXT
);
CREATE INDEX IF NOT EXISTS habit_completions_habit_date_idx ON habit_completions (habit_id, completed_date);

-- User goals.
CREATE TABLE IF NOT EXISTS goals (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title        TEXT        NOT NULL,
    description  TEXT,
    category     TEXT,
    target_date  DATE,
    started_at   TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    status       TEXT        NOT NULL DEFAULT 'active',  -- active/completed/paused
    progress     INTEGER     NOT NULL DEFAULT 0,         -- 0-100
    priority     INTEGER     NOT NULL DEFAULT 0,
    sort_order   INTEGER     NOT NULL DEFAULT 0,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Goal milestones.
CREATE TABLE IF NOT EXISTS goal_milestones (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    goal_id      UUID        NOT NULL REFERENCES goals (id) ON DELETE CASCADE,
    title        TEXT        NOT NULL,
    description  TEXT,
    is_completed BOOLEAN     NOT NULL DEFAULT false,
    completed_at TIMESTAMPTZ,
    sort_order   INTEGER     NOT NULL DEFAULT 0
);
