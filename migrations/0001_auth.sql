-- Auth: who a person is, and how they sign in.
--
-- Migrations 0001 to 0013 are the platform's own schema, table by table. They create what is missing and leave
-- alone what is there, so that they can be applied to a database that already belongs to the platform.

-- Core user identity table.
CREATE TABLE IF NOT EXISTS users (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    name             TEXT,                                 -- Display name
    email            TEXT        NOT NULL UNIQUE,          -- Login email
    email_verified   TIMESTAMPTZ,                          -- When verified
    image            TEXT,                                 -- Avatar URL
    role             TEXT        NOT NULL DEFAULT 'user',  -- Legacy role field
    approved         BOOLEAN     NOT NULL DEFAULT false,   -- Account approved
    age_verified     BOOLEAN     NOT NULL DEFAULT false,   -- Age check passed
    tos_accepted     BOOLEAN     NOT NULL DEFAULT false,   -- Terms accepted
    tos_accepted_at  TIMESTAMPTZ,                          -- When ToS accepted
    tos_version      TEXT,                                 -- Version accepted
    last_activity_at TIMESTAMPTZ,                          -- Last active
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS users_email_idx ON users (email);

-- OAuth provider account links.
CREATE TABLE IF NOT EXISTS accounts (
    id                  UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id             UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    type                TEXT        NOT NULL,  -- Account type
    provider            TEXT        NOT NULL,  -- OAuth provider
    provider_account_id TEXT        NOT NULL,  -- Provider's user ID
    refresh_token       TEXT,                  -- OAuth refresh
    access_token        TEXT,                  -- OAuth access
    expires_at          BIGINT,                -- Token expiry
    token_type          TEXT,
    scope               TEXT,
    id_token            TEXT,                  -- OIDC ID token
    session_state       TEXT,
    created_at          TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at          TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS accounts_user_id_idx ON accounts (user_id);
CREATE UNIQUE INDEX IF NOT EXISTS accounts_provider_account_idx ON accounts (provider, provider_account_id);

-- Active user sessions.
CREATE TABLE IF NOT EXISTS sessions (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    token            TEXT        NOT NULL UNIQUE,  -- Session token hash
    expires_at       TIMESTAMPTZ NOT NULL,         -- Session expiry
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    last_activity_at TIMESTAMPTZ DEFAULT NOW(),
    user_agent       TEXT,                         -- Browser/client
    ip_address       TEXT,                         -- Client IP
    rotated_from     UUID                          -- Previous session ID
);
CREATE UNIQUE INDEX IF NOT EXISTS sessions_token_idx ON sessions (token);
CREATE INDEX IF NOT EXISTS sessions_user_id_idx ON sessions (user_id);
CREATE INDEX IF NOT EXISTS sessions_expires_at_idx ON sessions (expires_at);

-- Email verification/magic link tokens.
CREATE TABLE IF NOT EXISTS verification_tokens (
    identifier TEXT        NOT NULL,         -- Email address
    token      TEXT        NOT NULL UNIQUE,  -- Verification token
    expires    TIMESTAMPTZ NOT NULL,         -- Token expiry
    created_at TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    PRIMARY KEY (identifier, token)
);
CREATE UNIQUE INDEX IF NOT EXISTS verification_tokens_token_idx ON verification_tokens (token);

-- WebAuthn/Passkey credentials.
CREATE TABLE IF NOT EXISTS authenticators (
    id                     UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id                UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    credential_id          TEXT        NOT NULL UNIQUE,         -- WebAuthn credential ID
    provider_account_id    TEXT        NOT NULL,                -- Provider ref
    credential_public_key  TEXT        NOT NULL,                -- Public key
    counter                BIGINT      NOT NULL DEFAULT 0,      -- Sign counter
    credential_device_type TEXT        NOT NULL,                -- platform/cross-platform
    credential_backed_up   BOOLEAN     NOT NULL DEFAULT false,  -- Cloud backed up
    transports             TEXT[],                              -- usb/ble/nfc/internal
    created_at             TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE UNIQUE INDEX IF NOT EXISTS authenticators_credential_id_idx ON authenticators (credential_id);
CREATE INDEX IF NOT EXISTS authenticators_user_id_idx ON authenticators (user_id);

-- CSRF protection for OAuth flows.
CREATE TABLE IF NOT EXISTS oauth_states (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    state        TEXT        NOT NULL UNIQUE,  -- Random state value
    provider     TEXT        NOT NULL,         -- OAuth provider
    redirect_uri TEXT,                         -- Post-auth redirect
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    expires_at   TIMESTAMPTZ NOT NULL          -- State expiry
);
CREATE UNIQUE INDEX IF NOT EXISTS oauth_states_state_idx ON oauth_states (state);
