-- Every foreign key is led by an index: deleting a row of the referenced table would otherwise read the whole
-- referencing table. Only those are here that no index of 0001 to 0013 (primary keys and UNIQUE included) leads with.

-- 0002 RBAC
CREATE INDEX IF NOT EXISTS roles_parent_role_idx ON roles (parent_role_id);
CREATE INDEX IF NOT EXISTS role_entitlements_entitlement_idx ON role_entitlements (entitlement_id);
CREATE INDEX IF NOT EXISTS user_roles_role_idx ON user_roles (role_id);
CREATE INDEX IF NOT EXISTS user_roles_granted_by_idx ON user_roles (granted_by);
CREATE INDEX IF NOT EXISTS audit_log_session_idx ON audit_log (session_id);

-- 0004 Focus
CREATE INDEX IF NOT EXISTS focus_pause_state_user_idx ON focus_pause_state (user_id);
CREATE INDEX IF NOT EXISTS focus_libraries_user_idx ON focus_libraries (user_id);
CREATE INDEX IF NOT EXISTS focus_library_tracks_library_idx ON focus_library_tracks (library_id);

-- 0005 Habits & Goals
CREATE INDEX IF NOT EXISTS habits_user_idx ON habits (user_id);
CREATE INDEX IF NOT EXISTS habit_completions_user_idx ON habit_completions (user_id);
CREATE INDEX IF NOT EXISTS goals_user_idx ON goals (user_id);
CREATE INDEX IF NOT EXISTS goal_milestones_goal_idx ON goal_milestones (goal_id);

-- 0006 Quests
CREATE INDEX IF NOT EXISTS universal_quests_created_by_idx ON universal_quests (created_by);
CREATE INDEX IF NOT EXISTS user_quests_user_idx ON user_quests (user_id);
CREATE INDEX IF NOT EXISTS user_quests_source_quest_idx ON user_quests (source_quest_id);
CREATE INDEX IF NOT EXISTS user_quest_progress_quest_idx ON user_quest_progress (quest_id);

-- 0007 Planning
CREATE INDEX IF NOT EXISTS calendar_events_parent_event_idx ON calendar_events (parent_event_id);
CREATE INDEX IF NOT EXISTS plan_templates_user_idx ON plan_templates (user_id);

-- 0008 Market
CREATE INDEX IF NOT EXISTS market_items_created_by_user_idx ON market_items (created_by_user_id);
CREATE INDEX IF NOT EXISTS market_transactions_item_idx ON market_transactions (item_id);
CREATE INDEX IF NOT EXISTS market_recommendations_item_idx ON market_recommendations (item_id);

-- 0010 Fitness
CREATE INDEX IF NOT EXISTS workouts_user_idx ON workouts (user_id);
CREATE INDEX IF NOT EXISTS workout_sections_workout_idx ON workout_sections (workout_id);
CREATE INDEX IF NOT EXISTS workout_exercises_section_idx ON workout_exercises (section_id);
CREATE INDEX IF NOT EXISTS workout_exercises_exercise_idx ON workout_exercises (exercise_id);
CREATE INDEX IF NOT EXISTS workout_sessions_workout_idx ON workout_sessions (workout_id);
CREATE INDEX IF NOT EXISTS exercise_sets_exercise_idx ON exercise_sets (exercise_id);
CREATE INDEX IF NOT EXISTS personal_records_exercise_idx ON personal_records (exercise_id);
CREATE INDEX IF NOT EXISTS personal_records_exercise_set_idx ON personal_records (exercise_set_id);
CREATE INDEX IF NOT EXISTS training_programs_user_idx ON training_programs (user_id);
CREATE INDEX IF NOT EXISTS program_workouts_program_week_idx ON program_workouts (program_week_id);
CREATE INDEX IF NOT EXISTS program_workouts_workout_idx ON program_workouts (workout_id);

-- 0011 Learn
CREATE INDEX IF NOT EXISTS learn_lessons_topic_idx ON learn_lessons (topic_id);
CREATE INDEX IF NOT EXISTS learn_drills_topic_idx ON learn_drills (topic_id);
CREATE INDEX IF NOT EXISTS user_lesson_progress_lesson_idx ON user_lesson_progress (lesson_id);
CREATE INDEX IF NOT EXISTS user_drill_stats_drill_idx ON user_drill_stats (drill_id);

-- 0012 Reference & Analysis
CREATE INDEX IF NOT EXISTS track_annotations_track_idx ON track_annotations (track_id);
CREATE INDEX IF NOT EXISTS track_annotations_user_idx ON track_annotations (user_id);
CREATE INDEX IF NOT EXISTS track_regions_track_idx ON track_regions (track_id);
CREATE INDEX IF NOT EXISTS track_regions_user_idx ON track_regions (user_id);
CREATE INDEX IF NOT EXISTS analysis_frame_manifests_analysis_idx ON analysis_frame_manifests (analysis_id);
CREATE INDEX IF NOT EXISTS listening_prompt_templates_created_by_idx ON listening_prompt_templates (created_by);
CREATE INDEX IF NOT EXISTS listening_prompt_presets_template_idx ON listening_prompt_presets (template_id);
CREATE INDEX IF NOT EXISTS listening_prompt_presets_created_by_idx ON listening_prompt_presets (created_by);

-- 0013 Platform
CREATE INDEX IF NOT EXISTS feedback_user_idx ON feedback (user_id);
CREATE INDEX IF NOT EXISTS ideas_user_idx ON ideas (user_id);
CREATE INDEX IF NOT EXISTS infobase_entries_user_idx ON infobase_entries (user_id);
CREATE INDEX IF NOT EXISTS onboarding_steps_flow_idx ON onboarding_steps (flow_id);
CREATE INDEX IF NOT EXISTS user_onboarding_state_user_idx ON user_onboarding_state (user_id);
CREATE INDEX IF NOT EXISTS user_onboarding_state_flow_idx ON user_onboarding_state (flow_id);
CREATE INDEX IF NOT EXISTS user_onboarding_state_current_step_idx ON user_onboarding_state (current_step_id);
CREATE INDEX IF NOT EXISTS user_onboarding_responses_step_idx ON user_onboarding_responses (step_id);
CREATE INDEX IF NOT EXISTS inbox_items_user_idx ON inbox_items (user_id);
CREATE INDEX IF NOT EXISTS user_references_user_idx ON user_references (user_id);
