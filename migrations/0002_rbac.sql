-- RBAC: what a person may do, and what was done.

-- Role definitions.
CREATE TABLE IF NOT EXISTS roles (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name           TEXT        NOT NULL UNIQUE,        -- Role name
    description    TEXT,
    parent_role_id UUID        REFERENCES roles (id),  -- Role inheritance
    created_at     TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Granular permission definitions.
CREATE TABLE IF NOT EXISTS entitlements (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name        TEXT        NOT NULL UNIQUE,  -- e.g., "manage_users"
    description TEXT,
    resource    TEXT        NOT NULL,         -- Resource type
    action      TEXT        NOT NULL,         -- create/read/update/delete
    created_at  TIMESTAMPTZ NOT NULL DEFAULT NOW()
);

-- Role to entitlement mapping.
CREATE TABLE IF NOT EXISTS role_entitlements (
    role_id        UUID        NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    entitlement_id UUID        NOT NULL REFERENCES entitlements (id) ON DELETE CASCADE,
    created_at     TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (role_id, entitlement_id)
);

-- User to role assignment.
CREATE TABLE IF NOT EXISTS user_roles (
    user_id    UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role_id    UUID        NOT NULL REFERENCES roles (id) ON DELETE CASCADE,
    granted_by UUID        REFERENCES users (id),  -- Who granted
    granted_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at TIMESTAMPTZ,                        -- Role expiry
    PRIMARY KEY (user_id, role_id)
);

-- Security audit trail.
CREATE TABLE IF NOT EXISTS audit_log (
    id            UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id       UUID        REFERENCES users (id),  -- Actor
    session_id    UUID        REFERENCES sessions (id),
    event_type    TEXT        NOT NULL,               -- login/logout/action
    resource_type TEXT,                               -- Affected resource type
    resource_id   UUID,                               -- Affected resource ID
    action        TEXT,                               -- CRUD action
    status        TEXT        NOT NULL,               -- success/failure
    details       JSONB,                              -- Extra context
    ip_address    TEXT,
    user_agent    TEXT,
    request_id    TEXT,                               -- Trace ID
    created_at    TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS audit_log_user_id_idx ON audit_log (user_id);
CREATE INDEX IF NOT EXISTS audit_log_created_at_idx ON audit_log (created_at DESC);
CREATE INDEX IF NOT EXISTS audit_log_event_type_idx ON audit_log (event_type);

-- User activity events for gamification.
CREATE TABLE IF NOT EXISTS activity_events (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    event_type   TEXT        NOT NULL,   -- focus_complete, habit_done, etc.
    category     TEXT,                   -- Event category
    metadata     JSONB,                  -- Event-specific data
    xp_earned    INTEGER     DEFAULT 0,  -- XP from this event
    coins_earned INTEGER     DEFAULT 0,  -- Coins from this event
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS activity_events_user_id_idx ON activity_events (user_id);
CREATE INDEX IF NOT EXISTS activity_events_created_at_idx ON activity_events (created_at DESC);
