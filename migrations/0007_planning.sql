-- Planning: calendar and daily plans.

-- Calendar entries.
CREATE TABLE IF NOT EXISTS calendar_events (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title            TEXT        NOT NULL,
    description      TEXT,
    event_type       TEXT        NOT NULL DEFAULT 'event',         -- event/focus/workout/etc.
    start_time       TIMESTAMPTZ NOT NULL,
    end_time         TIMESTAMPTZ,
    all_day          BOOLEAN     NOT NULL DEFAULT false,
    timezone         TEXT        DEFAULT 'UTC',
    location         TEXT,
    workout_id       UUID,                                         -- Linked workout
    habit_id         UUID,                                         -- Linked habit
    goal_id          UUID,                                         -- Linked goal
    recurrence_rule  TEXT,                                         -- RRULE string
    recurrence_end   DATE,
    parent_event_id  UUID        REFERENCES calendar_events (id),  -- For recurrence instances
    color            TEXT,
    reminder_minutes INTEGER,
    metadata         JSONB,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS calendar_events_user_time_idx ON calendar_events (user_id, start_time);

-- Daily planning data.
CREATE TABLE IF NOT EXISTS daily_plans (
    id         UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    date       DATE        NOT NULL,
    items      JSONB       NOT NULL DEFAULT '[]',  -- Plan items array
    notes      TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS daily_plans_user_date_idx ON daily_plans (user_id, date);

-- Reusable plan templates.
CREATE TABLE IF NOT EXISTS plan_templates (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        TEXT        NOT NULL,
    description TEXT,
    items       JSONB       NOT NULL DEFAULT '[]',   -- Template items
    is_public   BOOLEAN     NOT NULL DEFAULT false,  -- Shareable
    category    TEXT,
    use_count   INTEGER     NOT NULL DEFAULT 0,      -- Times used
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
