-- Fitness: exercises, workouts, sessions and programmes.

-- Exercise library.
CREATE TABLE IF NOT EXISTS exercises (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name          TEXT        NOT NULL,
    description   TEXT,
    category      TEXT        NOT NULL,                                 -- strength/cardio/flexibility
    muscle_groups TEXT[],                                               -- Primary muscles
    equipment     TEXT[],                                               -- Required equipment
    instructions  TEXT,                                                 -- How to perform
    video_url     TEXT,                                                 -- Demo video
    is_custom     BOOLEAN     NOT NULL DEFAULT false,                   -- User-created
    is_builtin    BOOLEAN     NOT NULL DEFAULT true,                    -- System exercise
    user_id       UUID        REFERENCES users (id) ON DELETE CASCADE,  -- Creator if custom
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS exercises_category_idx ON exercises (category);
CREATE INDEX IF NOT EXISTS exercises_user_idx ON exercises (user_id) WHERE user_id IS NOT NULL;

-- Workout templates.
CREATE TABLE IF NOT EXISTS workouts (
    id                 UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id            UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name               TEXT        NOT NULL,
    description        TEXT,
    estimated_duration INTEGER,                             -- Minutes
    difficulty         TEXT        DEFAULT 'intermediate',  -- beginner/intermediate/advanced
    category           TEXT,
    is_template        BOOLEAN     NOT NULL DEFAULT false,  -- Reusable template
    is_public          BOOLEAN     NOT NULL DEFAULT false,  -- Shareable
    created_at         TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at         TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Workout sections (warmup, main, cooldown).
CREATE TABLE IF NOT EXISTS workout_sections (
    id           UUID    PRIMARY KEY DEFAULT gen_random_uuid(),
    workout_id   UUID    NOT NULL REFERENCES workouts (id) ON DELETE CASCADE,
    name         TEXT    NOT NULL,        -- Section name
    section_type TEXT    DEFAULT 'main',  -- warmup/main/cooldown
    sort_order   INTEGER NOT NULL DEFAULT 0
);

-- Exercises in a workout.
CREATE TABLE IF NOT EXISTS workout_exercises (
    id           UUID    PRIMARY KEY DEFAULT gen_random_uuid(),
    workout_id   UUID    NOT NULL REFERENCES workouts (id) ON DELETE CASCADE,
    section_id   UUID    REFERENCES workout_sections (id) ON DELETE CASCADE,
    exercise_id  UUID    NOT NULL REFERENCES exercises (id),
    sets         INTEGER,             -- Target sets
    reps         INTEGER,             -- Target reps
    weight       REAL,                -- Target weight
    duration     INTEGER,             -- Duration in seconds
    rest_seconds INTEGER DEFAULT 60,  -- Rest between sets
    notes        TEXT,
    sort_order   INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS workout_exercises_workout_idx ON workout_exercises (workout_id);

-- Active workout sessions.
CREATE TABLE IF NOT EXISTS workout_sessions (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    workout_id       UUID        REFERENCES workouts (id),  -- Based on template
    started_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    completed_at     TIMESTAMPTZ,
    duration_seconds INTEGER,                               -- Actual duration
    notes            TEXT,
    rating           INTEGER,                               -- 1-5
    xp_awarded       INTEGER     NOT NULL DEFAULT 0,
    coins_awarded    INTEGER     NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS workout_sessions_user_idx ON workout_sessions (user_id);

-- Logged exercise sets.
CREATE TABLE IF NOT EXISTS exercise_sets (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id   UUID        NOT NULL REFERENCES workout_sessions (id) ON DELETE CASCADE,
    exercise_id  UUID        NOT NULL REFERENCES exercises (id),
    set_number   INTEGER     NOT NULL,
    reps         INTEGER,  -- Actual reps
    weight       REAL,     -- Actual weight
    duration     INTEGER,  -- For timed exercises
    is_warmup    BOOLEAN     NOT NULL DEFAULT false,
    is_dropset   BOOLEAN     NOT NULL DEFAULT false,
    rpe          INTEGER,  -- Rate of Perceived Exertion 1-10
    notes        TEXT,
    completed_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS exercise_sets_session_idx ON exercise_sets (session_id);

-- Personal bests.
CREATE TABLE IF NOT EXISTS personal_records (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    exercise_id     UUID        NOT NULL REFERENCES exercises (id),
    record_type     TEXT        NOT NULL,                       -- weight/reps/volume/duration
    value           REAL        NOT NULL,                       -- Record value
    reps            INTEGER,                                    -- At what reps (for weight)
    achieved_at     TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    exercise_set_id UUID        REFERENCES exercise_sets (id),  -- Source set
    previous_value  REAL,                                       -- Previous record
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS personal_records_user_exercise_idx ON personal_records (user_id, exercise_id, record_type);

-- Multi-week training programs.
CREATE TABLE IF NOT EXISTS training_programs (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id        UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name           TEXT        NOT NULL,
    description    TEXT,
    duration_weeks INTEGER     NOT NULL,
    goal           TEXT,                                -- strength/hypertrophy/etc.
    difficulty     TEXT        DEFAULT 'intermediate',
    is_active      BOOLEAN     NOT NULL DEFAULT false,  -- Currently running
    current_week   INTEGER     NOT NULL DEFAULT 1,
    started_at     TIMESTAMPTZ,
    completed_at   TIMESTAMPTZ,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Weeks in a training program.
CREATE TABLE IF NOT EXISTS program_weeks (
    id          UUID    PRIMARY KEY DEFAULT gen_random_uuid(),
    program_id  UUID    NOT NULL REFERENCES training_programs (id) ON DELETE CASCADE,
    week_number INTEGER NOT NULL,
    name        TEXT,                            -- e.g., "Volume Week"
    is_deload   BOOLEAN NOT NULL DEFAULT false,  -- Deload week
    notes       TEXT
);
CREATE INDEX IF NOT EXISTS program_weeks_program_idx ON program_weeks (program_id, week_number);

-- Workouts scheduled in program weeks.
CREATE TABLE IF NOT EXISTS program_workouts (
    id                 UUID    PRIMARY KEY DEFAULT gen_random_uuid(),
    program_week_id    UUID    NOT NULL REFERENCES program_weeks (id) ON DELETE CASCADE,
    workout_id         UUID    NOT NULL REFERENCES workouts (id),
    day_of_week        INTEGER NOT NULL,             -- 0=Sunday, 6=Saturday
    order_index        INTEGER NOT NULL DEFAULT 0,   -- For multiple per day
    intensity_modifier REAL    NOT NULL DEFAULT 1.0  -- Scale weights
);
