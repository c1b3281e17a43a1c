-- Gamification: skills, achievements, experience, coins and streaks.

-- Skill tree definitions.
CREATE TABLE IF NOT EXISTS skill_definitions (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    key             TEXT        NOT NULL UNIQUE,      -- focus, discipline, etc.
    name            TEXT        NOT NULL,             -- Display name
    description     TEXT,
    category        TEXT        NOT NULL,             -- mental/physical/creative
    icon            TEXT,                             -- Icon identifier
    max_level       INTEGER     NOT NULL DEFAULT 100,
    stars_per_level INTEGER     NOT NULL DEFAULT 10,  -- Stars needed per level
    sort_order      INTEGER     NOT NULL DEFAULT 0,   -- Display order
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User skill progress.
CREATE TABLE IF NOT EXISTS user_skills (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    skill_key     TEXT        NOT NULL,            -- FK to skill_definitions.key
    current_stars INTEGER     NOT NULL DEFAULT 0,  -- Stars in current level
    current_level INTEGER     NOT NULL DEFAULT 1,  -- Current skill level
    total_stars   INTEGER     NOT NULL DEFAULT 0,  -- All-time stars earned
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS user_skills_user_skill_idx ON user_skills (user_id, skill_key);

-- Achievement catalog.
CREATE TABLE IF NOT EXISTS achievement_definitions (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    key            TEXT        NOT NULL UNIQUE,         -- first_focus, streak_7, etc.
    name           TEXT        NOT NULL,                -- Display name
    description    TEXT,
    category       TEXT        NOT NULL,                -- focus/habit/streak/etc.
    icon           TEXT,
    trigger_type   TEXT        NOT NULL,                -- event/threshold/compound
    trigger_config JSONB       NOT NULL,                -- Trigger parameters
    reward_coins   INTEGER     NOT NULL DEFAULT 0,
    reward_xp      INTEGER     NOT NULL DEFAULT 0,
    is_hidden      BOOLEAN     NOT NULL DEFAULT false,  -- Secret achievement
    sort_order     INTEGER     NOT NULL DEFAULT 0,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Earned achievements.
CREATE TABLE IF NOT EXISTS user_achievements (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    achievement_key TEXT        NOT NULL,               -- FK to achievement_definitions.key
    earned_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    notified        BOOLEAN     NOT NULL DEFAULT false  -- User saw notification
);
CREATE UNIQUE INDEX IF NOT EXISTS user_achievements_user_key_idx ON user_achievements (user_id, achievement_key);

-- User XP and level.
CREATE TABLE IF NOT EXISTS user_progress (
    id                UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id           UUID        NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,  -- One per user
    total_xp          INTEGER     NOT NULL DEFAULT 0,    -- Lifetime XP
    current_level     INTEGER     NOT NULL DEFAULT 1,    -- Current level
    xp_to_next_level  INTEGER     NOT NULL DEFAULT 100,  -- XP needed for next
    total_skill_stars INTEGER     NOT NULL DEFAULT 0,    -- All skill stars
    created_at        TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at        TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User coin balance.
CREATE TABLE IF NOT EXISTS user_wallet (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL UNIQUE REFERENCES users (id) ON DELETE CASCADE,  -- One per user
    coins        INTEGER     NOT NULL DEFAULT 0,  -- Current balance
    total_earned INTEGER     NOT NULL DEFAULT 0,  -- Lifetime earnings
    total_spent  INTEGER     NOT NULL DEFAULT 0,  -- Lifetime spending
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Transaction history for coins/XP.
CREATE TABLE IF NOT EXISTS points_ledger (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_type      TEXT        NOT NULL,            -- focus/habit/purchase/etc.
    event_id        UUID,                            -- Reference to source
    coins           INTEGER     NOT NULL DEFAULT 0,  -- Coins +/-
    xp              INTEGER     NOT NULL DEFAULT 0,  -- XP earned
    skill_stars     INTEGER     DEFAULT 0,           -- Skill stars earned
    skill_key       TEXT,                            -- Which skill
    reason          TEXT,                            -- Human description
    idempotency_key TEXT,                            -- Prevent duplicates
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS points_ledger_user_id_idx ON points_ledger (user_id);
CREATE UNIQUE INDEX IF NOT EXISTS points_ledger_idempotency_idx ON points_ledger (user_id, idempotency_key) WHERE idempotency_key IS NOT NULL;

-- Streak tracking.
CREATE TABLE IF NOT EXISTS user_streaks (
    id                 UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id            UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    streak_type        TEXT        NOT NULL,            -- daily/focus/habit
    current_streak     INTEGER     NOT NULL DEFAULT 0,  -- Current count
    longest_streak     INTEGER     NOT NULL DEFAULT 0,  -- Personal best
    last_activity_date DATE,                            -- Last active date
    created_at         TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at         TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS user_streaks_user_type_idx ON user_streaks (user_id, streak_type);
