-- Annotations, regions and listening prompts: indexes in the order of their lists, and who keeps the presets of prompts.

CREATE INDEX IF NOT EXISTS track_annotations_time_idx ON track_annotations (track_id, start_time_ms, id);
CREATE INDEX IF NOT EXISTS track_regions_order_idx ON track_regions (track_id, display_order, start_time_ms, id);

-- What one person has written on a track is counted before more is taken.
CREATE INDEX IF NOT EXISTS track_annotations_track_user_idx ON track_annotations (track_id, user_id);
CREATE INDEX IF NOT EXISTS track_regions_track_user_idx ON track_regions (track_id, user_id);

-- Presets beside the templates of the seeds. The role moderator is the one that the seeds made.
INSERT INTO entitlements (name, description, resource, action) VALUES
    ('create_presets', 'Write presets of listening prompts',  'listening_prompt_presets', 'create'),
    ('update_presets', 'Change presets of listening prompts', 'listening_prompt_presets', 'update'),
    ('delete_presets', 'Remove presets of listening prompts', 'listening_prompt_presets', 'delete')
ON CONFLICT (name) DO NOTHING;
INSERT INTO role_entitlements (role_id, entitlement_id)
SELECT roles.id, entitlements.id
  FROM roles, entitlements
 WHERE roles.id = '0a515000-0001-4000-8000-000000000002'
   AND entitlements.resource = 'listening_prompt_presets'
   AND entitlements.name IN ('create_presets', 'update_presets', 'delete_presets')
ON CONFLICT DO NOTHING;
