-- Administration: who may grant roles and end others' sessions, and indexes for the lists of people and of the audit
-- trail.

-- What administrators may do beyond the seeds. The role admin is the one that the seeds made.
INSERT INTO entitlements (name, description, resource, action) VALUES
    ('read_roles',      'See the roles and what they permit', 'roles',      'read'),
    ('read_grants',     'See who has which role',             'user_roles', 'read'),
    ('create_grants',   'Give a role of what one may oneself', 'user_roles', 'create'),
    ('delete_grants',   'Take such a role away',              'user_roles', 'delete'),
    ('read_sessions',   'See everybody''s sessions',          'sessions',   'read'),
    ('delete_sessions', 'End everybody''s sessions',          'sessions',   'delete')
ON CONFLICT (name) DO NOTHING;
INSERT INTO role_entitlements (role_id, entitlement_id)
SELECT roles.id, entitlements.id
  FROM roles, entitlements
 WHERE roles.id = '0a515000-0001-4000-8000-000000000003'
   AND entitlements.name IN ('read_roles', 'read_grants', 'create_grants', 'delete_grants', 'read_sessions',
                             'delete_sessions')
ON CONFLICT DO NOTHING;

-- The role, and every role whose rights it has through its parents. A cycle among parents ends the walk.
CREATE OR REPLACE FUNCTION arsis_role_ancestry(of_role UUID) RETURNS TABLE (role_id UUID) AS $$
    WITH RECURSIVE ancestry (role_id) AS (
        SELECT of_role
        UNION
        SELECT r.parent_role_id FROM roles r JOIN ancestry a ON r.id = a.role_id WHERE r.parent_role_id IS NOT NULL)
    SELECT ancestry.role_id FROM ancestry
$$ LANGUAGE sql STABLE;

-- What a person may do through their roles, each until the last of the grants that confer it expires; 'infinity': for good.
CREATE OR REPLACE FUNCTION arsis_held(of_user UUID)
RETURNS TABLE (entitlement_id UUID, resource TEXT, action TEXT, until TIMESTAMPTZ) AS $$
    WITH RECURSIVE held (role_id, until) AS (
        SELECT ur.role_id, coalesce(ur.expires_at, 'infinity'::timestamptz) FROM user_roles ur
         WHERE ur.user_id = of_user AND (ur.expires_at IS NULL OR ur.expires_at > now())
        UNION
        SELECT r.parent_role_id, h.until FROM roles r JOIN held h ON r.id = h.role_id
         WHERE r.parent_role_id IS NOT NULL)
    SELECT e.id, e.resource, e.action, max(h.until)
      FROM held h
      JOIN role_entitlements re ON re.role_id = h.role_id
      JOIN entitlements e ON e.id = re.entitlement_id
     GROUP BY e.id, e.resource, e.action
$$ LANGUAGE sql STABLE;

-- Lists in pages.
CREATE INDEX IF NOT EXISTS users_created_idx ON users (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS users_email_prefix_idx ON users (email text_pattern_ops);
CREATE INDEX IF NOT EXISTS audit_log_page_idx ON audit_log (created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS audit_log_user_page_idx ON audit_log (user_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS audit_log_event_page_idx ON audit_log (event_type, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS audit_log_resource_idx ON audit_log (resource_type, resource_id, created_at DESC);
