-- Platform: feedback, notes, onboarding, settings and feature flags.

-- User feedback submissions.
CREATE TABLE IF NOT EXISTS feedback (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id        UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    feedback_type  TEXT        NOT NULL,                -- bug/feature/general
    title          TEXT        NOT NULL,
    description    TEXT        NOT NULL,
    status         TEXT        NOT NULL DEFAULT 'new',  -- new/reviewed/resolved
    priority       TEXT        DEFAULT 'normal',        -- low/normal/high/critical
    admin_response TEXT,
    resolved_at    TIMESTAMPTZ,
    metadata       JSONB,                               -- Browser info, etc.
    created_at     TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at     TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User idea submissions.
CREATE TABLE IF NOT EXISTS ideas (
    id         UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title      TEXT        NOT NULL,
    content    TEXT,
    category   TEXT,
    tags       TEXT[],
    is_pinned  BOOLEAN     NOT NULL DEFAULT false,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Knowledge base entries.
CREATE TABLE IF NOT EXISTS infobase_entries (
    id         UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title      TEXT        NOT NULL,
    content    TEXT        NOT NULL,
    category   TEXT,
    tags       TEXT[],
    is_pinned  BOOLEAN     NOT NULL DEFAULT false,
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Onboarding flow definitions.
CREATE TABLE IF NOT EXISTS onboarding_flows (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name        TEXT        NOT NULL UNIQUE,
    description TEXT,
    is_active   BOOLEAN     NOT NULL DEFAULT true,
    total_steps INTEGER     NOT NULL DEFAULT 0,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Steps in an onboarding flow.
CREATE TABLE IF NOT EXISTS onboarding_steps (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    flow_id          UUID        NOT NULL REFERENCES onboarding_flows (id) ON DELETE CASCADE,
    step_order       INTEGER     NOT NULL,
    step_type        TEXT        NOT NULL,                -- welcome/question/tour/etc.
    title            TEXT        NOT NULL,
    description      TEXT,
    target_selector  TEXT,                                -- CSS selector for tour
    target_route     TEXT,                                -- Route for this step
    fallback_content TEXT,
    options          JSONB,                               -- For question steps
    allows_multiple  BOOLEAN     NOT NULL DEFAULT false,  -- Multi-select
    required         BOOLEAN     NOT NULL DEFAULT false,
    action_type      TEXT,
    action_config    JSONB,
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User's onboarding progress.
CREATE TABLE IF NOT EXISTS user_onboarding_state (
    id              UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id         UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    flow_id         UUID        NOT NULL REFERENCES onboarding_flows (id) ON DELETE CASCADE,
    current_step_id UUID        REFERENCES onboarding_steps (id),
    status          TEXT        NOT NULL DEFAULT 'pending',  -- pending/in_progress/completed/skipped
    can_resume      BOOLEAN     NOT NULL DEFAULT true,
    started_at      TIMESTAMPTZ,
    completed_at    TIMESTAMPTZ,
    skipped_at      TIMESTAMPTZ,
    created_at      TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at      TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User responses to onboarding questions.
CREATE TABLE IF NOT EXISTS user_onboarding_responses (
    id         UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    step_id    UUID        NOT NULL REFERENCES onboarding_steps (id) ON DELETE CASCADE,
    response   JSONB       NOT NULL,  -- Response data
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS user_onboarding_responses_user_step_idx ON user_onboarding_responses (user_id, step_id);

-- User interest tags.
CREATE TABLE IF NOT EXISTS user_interests (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id        UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    interest_key   TEXT        NOT NULL,  -- Interest identifier
    interest_label TEXT        NOT NULL,  -- Display label
    created_at     TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS user_interests_user_key_idx ON user_interests (user_id, interest_key);

-- User preferences.
CREATE TABLE IF NOT EXISTS user_settings (
    id         UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    key        TEXT        NOT NULL,  -- Setting key
    value      JSONB       NOT NULL,  -- Setting value
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS user_settings_user_key_idx ON user_settings (user_id, key);

-- User inbox/quick capture.
CREATE TABLE IF NOT EXISTS inbox_items (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title        TEXT        NOT NULL,
    description  TEXT,
    item_type    TEXT        NOT NULL DEFAULT 'note',  -- note/task/idea
    tags         TEXT[],
    is_processed BOOLEAN     NOT NULL DEFAULT false,
    processed_at TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- User reference library.
CREATE TABLE IF NOT EXISTS user_references (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    title       TEXT        NOT NULL,
    content     TEXT,
    url         TEXT,  -- External link
    category    TEXT,
    tags        TEXT[],
    is_pinned   BOOLEAN     NOT NULL DEFAULT false,
    is_archived BOOLEAN     NOT NULL DEFAULT false,
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Runtime feature toggles.
CREATE TABLE IF NOT EXISTS feature_flags (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    flag_name   TEXT        NOT NULL UNIQUE,
    enabled     BOOLEAN     NOT NULL DEFAULT false,
    description TEXT,
    metadata    JSONB,  -- Extra config
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
