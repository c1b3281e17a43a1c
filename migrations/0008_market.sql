-- Market: what coins buy.

-- Shop item catalog.
CREATE TABLE IF NOT EXISTS market_items (
    id                 UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    key                TEXT        UNIQUE,                     -- Unique item key
    name               TEXT        NOT NULL,                   -- Display name
    description        TEXT,
    category           TEXT        NOT NULL,                   -- avatar/theme/boost/etc.
    cost_coins         INTEGER     NOT NULL,                   -- Price
    rarity             TEXT        NOT NULL DEFAULT 'common',  -- common/rare/epic/legendary
    icon               TEXT,                                   -- Icon identifier
    icon_url           TEXT,                                   -- Full icon URL
    image_url          TEXT,                                   -- Preview image
    is_global          BOOLEAN     NOT NULL DEFAULT true,      -- Available to all
    is_available       BOOLEAN     NOT NULL DEFAULT true,      -- Can be purchased
    is_active          BOOLEAN     NOT NULL DEFAULT true,      -- Visible in shop
    is_consumable      BOOLEAN     NOT NULL DEFAULT false,     -- Single use
    uses_per_purchase  INTEGER     DEFAULT 1,                  -- For consumables
    total_stock        INTEGER,                                -- Limited quantity
    remaining_stock    INTEGER,                                -- Current stock
    available_from     TIMESTAMPTZ,                            -- Start availability
    available_until    TIMESTAMPTZ,                            -- End availability
    created_by_user_id UUID        REFERENCES users (id),      -- Admin creator
    sort_order         INTEGER     NOT NULL DEFAULT 0,
    created_at         TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    updated_at         TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS market_items_category_idx ON market_items (category);
CREATE INDEX IF NOT EXISTS market_items_available_idx ON market_items (is_available, is_active);

-- User purchase history.
CREATE TABLE IF NOT EXISTS user_purchases (
    id             UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id        UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    item_id        UUID        NOT NULL REFERENCES market_items (id),
    cost_coins     INTEGER     NOT NULL,                   -- Price paid
    quantity       INTEGER     NOT NULL DEFAULT 1,
    purchased_at   TIMESTAMPTZ NOT NULL DEFAULT NOW(),
    redeemed_at    TIMESTAMPTZ,                            -- When used
    uses_remaining INTEGER,                                -- For consumables
    status         TEXT        NOT NULL DEFAULT 'active',  -- active/used/refunded
    refunded_at    TIMESTAMPTZ,
    refund_reason  TEXT
);
CREATE INDEX IF NOT EXISTS user_purchases_user_idx ON user_purchases (user_id);
CREATE INDEX IF NOT EXISTS user_purchases_item_idx ON user_purchases (item_id);

-- Coin transaction history.
CREATE TABLE IF NOT EXISTS market_transactions (
    id               UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id          UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    transaction_type TEXT        NOT NULL,                      -- purchase/reward/refund
    coins_amount     INTEGER     NOT NULL,                      -- +/- amount
    item_id          UUID        REFERENCES market_items (id),  -- If purchase
    reason           TEXT,                                      -- Description
    created_at       TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS market_transactions_user_idx ON market_transactions (user_id);

-- Claimable rewards.
CREATE TABLE IF NOT EXISTS user_rewards (
    id           UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id      UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    reward_type  TEXT        NOT NULL,  -- daily/achievement/quest
    source_id    UUID,                  -- Achievement/quest ID
    coins_earned INTEGER     NOT NULL DEFAULT 0,
    xp_earned    INTEGER     NOT NULL DEFAULT 0,
    claimed      BOOLEAN     NOT NULL DEFAULT false,
    claimed_at   TIMESTAMPTZ,
    expires_at   TIMESTAMPTZ,
    created_at   TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS user_rewards_user_claimed_idx ON user_rewards (user_id, claimed);

-- AI-generated item suggestions.
CREATE TABLE IF NOT EXISTS market_recommendations (
    id          UUID        PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id     UUID        NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    item_id     UUID        NOT NULL REFERENCES market_items (id) ON DELETE CASCADE,
    score       REAL        NOT NULL,  -- Relevance 0-1
    reason      TEXT,                  -- Why recommended
    computed_at TIMESTAMPTZ NOT NULL DEFAULT NOW()
);
CREATE INDEX IF NOT EXISTS market_recommendations_user_idx ON market_recommendations (user_id);
