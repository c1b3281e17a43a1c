-- Quests: tasks with a reward, the system's and a person's own.

-- System-defined quests available to all users.
CREATE TABLE IF NOT EXISTS universal_quests (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    title         TEXT        NOT NULL,
    description   TEXT,
    type          TEXT        NOT NULL,               -- daily/weekly/monthly/one_time
    xp_reward     INTEGER     NOT NULL DEFAULT 0,
    coin_reward   INTEGER     NOT NULL DEFAULT 0,
    target        INTEGER     NOT NULL DEFAULT 1,     -- Target count
    target_type   TEXT        NOT NULL,               -- focus_minutes/habits/etc.
    target_config JSONB,                              -- Extra conditions
    skill_key     TEXT,                               -- Skill that benefits
    is_active     BOOLEAN     NOT NULL DEFAULT true,
    created_by    UUID        REFERENCES users (id),  -- Admin who created
    sort_order    INTEGER     NOT NULL DEFAULT 0,
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User's active quests (copies from universal or custom).
CREATE TABLE IF NOT EXISTS user_quests (
    id                  UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id             UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    source_quest_id     UUID        REFERENCES universal_quests (id),  -- If from universal
    title               TEXT        NOT NULL,
    description         TEXT,
    category            TEXT,
    difficulty          TEXT        DEFAULT 'normal',                  -- easy/normal/hard
    xp_reward           INTEGER     NOT NULL DEFAULT 0,
    coin_reward         INTEGER     NOT NULL DEFAULT 0,
    status              TEXT        NOT NULL DEFAULT 'active',         -- active/completed/claimed
    progress            INTEGER     NOT NULL DEFAULT 0,                -- Current progress
    target              INTEGER     NOT NULL DEFAULT 1,                -- Target to complete
    is_active           BOOLEAN     NOT NULL DEFAULT true,
    is_repeatable       BOOLEAN     NOT NULL DEFAULT false,
    repeat_frequency    TEXT,                                          -- daily/weekly
    accepted_at         TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    completed_at        TIMESTAMPTZ,
    claimed_at          TIMESTAMPTZ,                                   -- Rewards claimed
    expires_at          TIMESTAMPTZ,
    last_completed_date DATE,                                          -- For repeatables
    streak_count        INTEGER     NOT NULL DEFAULT 0,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Progress tracking for universal quests.
CREATE TABLE IF NOT EXISTS user_quest_progress (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    quest_id        UUID        NOT NULL REFERENCES universal_quests (id) ON DELETE CASCADE,
    status          TEXT        NOT NULL DEFAULT 'active',
    progress        INTEGER     NOT NULL DEFAULT 0,
    accepted_at     TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    completed_at    TIMESTAMPTZ,
    claimed_at      TIMESTAMPTZ,
    last_reset_at   TIMESTAMPTZ,  -- For daily/weekly
    times_completed INTEGER     NOT NULL DEFAULT 0,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS user_quest_progress_user_quest_idx ON user_quest_progress (user_id, quest_id);
