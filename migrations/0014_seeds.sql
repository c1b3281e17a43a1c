-- Seeds: what a new installation starts with, and two clean-up functions.
--
-- Rows are added where they are missing and never changed, so that this can be applied to a database that has them
-- already or has others in their place. Tables with a key of their own (skill_definitions.key, roles.name …) go by it;
-- rows of the others have fixed ids.

-- Roles and what they permit. A person may always do everything with their own things; entitlements are about
-- everybody's. Only the roles made here are given any: a role of the same name that was there keeps what it had.
INSERT INTO roles (id, name, description) VALUES
    ('0a515000-0001-4000-8000-000000000001', 'user', 'Works with their own tracks')
ON CONFLICT DO NOTHING;
INSERT INTO roles (id, name, description, parent_role_id)
SELECT '0a515000-0001-4000-8000-000000000002', 'moderator', 'Sees every track; keeps the listening prompts',
       (SELECT id FROM roles WHERE name = 'user')
ON CONFLICT DO NOTHING;
INSERT INTO roles (id, name, description, parent_role_id)
SELECT '0a515000-0001-4000-8000-000000000003', 'admin', 'May do everything',
       (SELECT id FROM roles WHERE name = 'moderator')
ON CONFLICT DO NOTHING;

INSERT INTO entitlements (name, description, resource, action) VALUES
    ('read_tracks',    'See everybody''s tracks, analyses and frames',        'reference_tracks',           'read'),
    ('create_tracks',  'Add tracks for others',                               'reference_tracks',           'create'),
    ('update_tracks',  'Change everybody''s tracks, start and cancel analyses', 'reference_tracks',         'update'),
    ('delete_tracks',  'Remove everybody''s tracks',                          'reference_tracks',           'delete'),
    ('create_prompts', 'Write listening prompts',                             'listening_prompt_templates', 'create'),
    ('update_prompts', 'Change listening prompts',                            'listening_prompt_templates', 'update'),
    ('delete_prompts', 'Remove listening prompts',                            'listening_prompt_templates', 'delete'),
    ('read_users',     'See who has an account',                              'users',                      'read'),
    ('create_users',   'Make accounts',                                       'users',                      'create'),
    ('update_users',   'Approve and change accounts',                         'users',                      'update'),
    ('delete_users',   'Remove accounts',                                     'users',                      'delete'),
    ('read_audit_log', 'Read the audit trail',                                'audit_log',                  'read')
ON CONFLICT (name) DO NOTHING;

INSERT INTO role_entitlements (role_id, entitlement_id)
SELECT roles.id, entitlements.id
FROM (VALUES
    ('0a515000-0001-4000-8000-000000000002'::uuid, 'read_tracks'),
    ('0a515000-0001-4000-8000-000000000002', 'create_prompts'),
    ('0a515000-0001-4000-8000-000000000002', 'update_prompts'),
    ('0a515000-0001-4000-8000-000000000002', 'delete_prompts'),
    ('0a515000-0001-4000-8000-000000000003', 'create_tracks'),
    ('0a515000-0001-4000-8000-000000000003', 'update_tracks'),
    ('0a515000-0001-4000-8000-000000000003', 'delete_tracks'),
    ('0a515000-0001-4000-8000-000000000003', 'read_users'),
    ('0a515000-0001-4000-8000-000000000003', 'create_users'),
    ('0a515000-0001-4000-8000-000000000003', 'update_users'),
    ('0a515000-0001-4000-8000-000000000003', 'delete_users'),
    ('0a515000-0001-4000-8000-000000000003', 'read_audit_log')
) AS given (role_id, entitlement)
JOIN roles ON roles.id = given.role_id
JOIN entitlements ON entitlements.name = given.entitlement
ON CONFLICT DO NOTHING;

INSERT INTO skill_definitions (key, name, description, category, icon, sort_order) VALUES
    ('focus',      'Focus',      'Staying with one thing',                               'mental',   'target',    10),
    ('discipline', 'Discipline', 'Coming back to it every day',                          'mental',   'calendar',  20),
    ('knowledge',  'Knowledge',  'Lessons learned and books read',                       'mental',   'book',      30),
    ('strength',   'Strength',   'Work done with the body',                              'physical', 'dumbbell',  40),
    ('listening',  'Listening',  'Hearing what is there, and telling it apart',          'creative', 'ear',       50),
    ('rhythm',     'Rhythm',     'Beat, bar and subdivision: knowing where one is',      'creative', 'metronome', 60),
    ('harmony',    'Harmony',    'Keys, chords and where they lead',                     'creative', 'piano',     70),
    ('form',       'Form',       'Phrases and sections, and how a piece is built',       'creative', 'layers',    80),
    ('timbre',     'Timbre',     'Instruments, voices and what has been done to them',   'creative', 'waveform',  90)
ON CONFLICT (key) DO NOTHING;

INSERT INTO achievement_definitions
    (key, name, description, category, icon, trigger_type, trigger_config, reward_coins, reward_xp, is_hidden, sort_order)
VALUES
    ('first_focus',      'First focus',       'Complete a focus session',                       'focus',     'target',   'event',     '{"event_type": "focus_complete"}',                              10,  25, false,  10),
    ('focus_10_hours',   'Ten hours in',      'Focus for ten hours in all',                     'focus',     'clock',    'threshold', '{"metric": "focus_minutes", "threshold": 600}',                 50, 150, false,  20),
    ('streak_7',         'A week',            'Seven days in a row',                            'streak',    'flame',    'threshold', '{"metric": "streak_days", "threshold": 7}',                     30,  75, false,  30),
    ('streak_30',        'A month',           'Thirty days in a row',                           'streak',    'flame',    'threshold', '{"metric": "streak_days", "threshold": 30}',                   150, 300, false,  40),
    ('first_habit',      'Taking root',       'Complete a habit for the first time',            'habit',     'leaf',     'event',     '{"event_type": "habit_done"}',                                  10,  25, false,  50),
    ('first_track',      'First track',       'Add a reference track',                          'listening', 'music',    'event',     '{"event_type": "track_uploaded"}',                              10,  25, false,  60),
    ('first_analysis',   'Under the surface', 'See the first analysis of a track of yours',     'listening', 'waveform', 'event',     '{"event_type": "analysis_completed"}',                          10,  25, false,  70),
    ('first_prompt',     'Listening closely', 'Answer a listening prompt',                      'listening', 'ear',      'event',     '{"event_type": "prompt_answered"}',                             10,  25, false,  80),
    ('annotations_50',   'In the margins',    'Write fifty annotations',                        'listening', 'pencil',   'threshold', '{"metric": "annotations", "threshold": 50}',                    50, 150, false,  90),
    ('tracks_100',       'A library',         'Have a hundred tracks analysed',                 'listening', 'library',  'threshold', '{"metric": "tracks_analysed", "threshold": 100}',              100, 250, false, 100),
    ('all_categories',   'All ears',          'Answer a prompt of every category',              'listening', 'star',     'compound',  '{"all": [{"metric": "prompt_categories", "threshold": 12}]}',  100, 250, false, 110),
    ('odd_meter',        'Seven and five',    'Find the downbeat of a piece in an odd meter',   'listening', 'dice',     'event',     '{"event_type": "prompt_answered", "where": {"tag": "odd-meter"}}', 40, 100, true, 120)
ON CONFLICT (key) DO NOTHING;

INSERT INTO market_items
    (key, name, description, category, cost_coins, rarity, icon, is_consumable, uses_per_purchase, sort_order)
VALUES
    ('theme_midnight',      'Midnight theme',       'Dark blue, easy on the eyes at night',              'theme',  100, 'common',    'moon',        false, 1, 10),
    ('theme_paper',         'Paper theme',          'Ink on paper, for bright rooms',                    'theme',  100, 'common',    'sun',         false, 1, 20),
    ('palette_magma',       'Magma palette',        'Spectrograms from black over red to white',         'theme',  150, 'rare',      'flame',       false, 1, 30),
    ('palette_viridis',     'Viridis palette',      'Spectrograms that every eye can read',              'theme',  150, 'rare',      'palette',     false, 1, 40),
    ('avatar_conductor',    'Conductor',            'An avatar with a baton',                            'avatar', 200, 'rare',      'baton',       false, 1, 50),
    ('avatar_golden_ear',   'Golden ear',           'An avatar for those who have heard a lot',          'avatar', 800, 'legendary', 'ear',         false, 1, 60),
    ('streak_freeze',       'Streak freeze',        'A day off that does not end a streak',              'boost',   75, 'common',    'snowflake',   true,  1, 70),
    ('double_xp_hour',      'Double experience',    'Twice the experience for an hour',                  'boost',  120, 'rare',      'rocket',      true,  1, 80),
    ('hint_pack',           'Hints',                'Five more hints for listening prompts',             'boost',   60, 'common',    'lightbulb',   true,  5, 90),
    ('metronome_wood',      'Wooden metronome',     'Another click: a metronome of wood and brass',      'sound',   80, 'common',    'metronome',   false, 1, 100)
ON CONFLICT (key) DO NOTHING;

INSERT INTO onboarding_flows (id, name, description, total_steps) VALUES
    ('0a515000-0002-4000-8000-000000000001', 'first_listening', 'From an empty library to the first analysed track', 6)
ON CONFLICT DO NOTHING;

-- The steps belong to the flow made here, not to another of the same name.
INSERT INTO onboarding_steps
    (id, flow_id, step_order, step_type, title, description, target_selector, target_route, options, allows_multiple, required, action_type, action_config)
SELECT step.id::uuid, flow.id, step.step_order, step.step_type, step.title, step.description, step.target_selector,
       step.target_route, step.options::jsonb, step.allows_multiple, step.required, step.action_type, step.action_config::jsonb
FROM onboarding_flows flow, (VALUES
    ('0a515000-0003-4000-8000-000000000001', 1, 'welcome', 'Welcome',
     'Add music, and see what is in it: beats and bars, key and loudness, sections and sound.',
     NULL, '/', NULL, false, false, NULL, NULL),
    ('0a515000-0003-4000-8000-000000000002', 2, 'question', 'What do you listen for?',
     'Choose as many as you like. It decides which prompts you see first.',
     NULL, NULL,
     '[{"value": "rhythm", "label": "Rhythm and groove"}, {"value": "harmony", "label": "Keys and chords"}, {"value": "form", "label": "How pieces are built"}, {"value": "timbre", "label": "Instruments and sound"}, {"value": "mix", "label": "Mixing and loudness"}]',
     true, false, 'save_interests', '{"interest_prefix": "listening"}'),
    ('0a515000-0003-4000-8000-000000000003', 3, 'question', 'How much music have you made?',
     'It decides how hard the first prompts are.',
     NULL, NULL,
     '[{"value": "beginner", "label": "I listen"}, {"value": "intermediate", "label": "I play or produce"}, {"value": "advanced", "label": "I read scores or mix for others"}]',
     false, false, 'save_setting', '{"key": "prompt_difficulty"}'),
    ('0a515000-0003-4000-8000-000000000004', 4, 'action', 'Add your first track',
     'Any recording will do: wav, flac, mp3, ogg, m4a and others.',
     '[data-tour="upload"]', '/tracks', NULL, false, true, 'upload_track', '{"analysis_type": "full"}'),
    ('0a515000-0003-4000-8000-000000000005', 5, 'tour', 'Read the picture',
     'Low notes are at the bottom, time runs to the right. The strong lines are downbeats, the thin ones beats.',
     '[data-tour="viewer"]', '/tracks/:id', NULL, false, false, NULL, NULL),
    ('0a515000-0003-4000-8000-000000000006', 6, 'action', 'Find the downbeat',
     'A first listening prompt, with your own track.',
     '[data-tour="prompts"]', '/tracks/:id/prompts', NULL, false, false, 'open_prompt',
     '{"template_id": "0a515000-0004-4000-8000-000000000002"}')
) AS step (id, step_order, step_type, title, description, target_selector, target_route, options, allows_multiple, required, action_type, action_config)
WHERE flow.id = '0a515000-0002-4000-8000-000000000001'
ON CONFLICT DO NOTHING;

-- Listening prompts: one question each, hints from vague to plain, and what an attentive listener will notice.
INSERT INTO listening_prompt_templates
    (id, name, description, category, difficulty, prompt_text, hints, expected_observations, tags, display_order)
VALUES
    -- Beat and bar
    ('0a515000-0004-4000-8000-000000000001', 'Find the pulse',
     'The beat is where a foot taps. Everything else in rhythm is heard against it.', 'rhythm', 'beginner',
     'Tap along for thirty seconds. Which beat feels most natural, and which instrument tells you where it is?',
     '["Do not think. Let your foot decide.", "Half and twice the speed both fit: choose the one you could walk to.", "Most music has between 70 and 140 beats a minute."]',
     '["A steady beat that keeps its distance", "The instrument that marks it (kick drum, bass, strummed guitar …)", "Whether half or double the speed would fit as well"]',
     ARRAY['beat', 'tapping'], 10),
    ('0a515000-0004-4000-8000-000000000002', 'Find the downbeat',
     'The downbeat is the first beat of the bar: where you would say "one".', 'meter', 'beginner',
     'Where is "one"? Count along aloud and mark the first beat of four bars in a row.',
     '["Listen for where chords change and the bass moves.", "Phrases, singers and crash cymbals like to begin on one.", "The snare in popular music is mostly on two and four, so one is the beat before it."]',
     '["The first beat of each bar marked, evenly spaced", "What gives it away: harmony, bass, cymbal or phrase", "Whether the melody begins on it, before it (upbeat) or after it"]',
     ARRAY['downbeat', 'bar', 'counting'], 20),
    ('0a515000-0004-4000-8000-000000000003', 'How many beats in a bar?',
     'Two, three, four or more: how beats group into bars.', 'meter', 'beginner',
     'Count the beats from one downbeat to the next. Does the bar feel like a march or like a waltz?',
     '["Count one-two-three and one-two-three-four along; one of them will fall apart.", "A waltz goes round; a march goes left and right.", "If both seem to fit, listen to how often the harmony changes."]',
     '["The number of beats in a bar", "Which beats are strong and which are weak", "Any bar that is shorter or longer than the others"]',
     ARRAY['meter', 'time-signature', 'counting'], 30),
    ('0a515000-0004-4000-8000-000000000004', 'Straight or swung?',
     'Whether the beat divides evenly, or long and short.', 'rhythm', 'intermediate',
     'Listen to the notes between the beats. Do they divide the beat evenly, or is the first longer than the second?',
     '["Hi-hat and ride cymbal show it best.", "Say ''tick-a-tick-a'', then ''doo-bah-doo-bah'': which one fits?", "Fast swing becomes straighter; compare a slow and a fast passage."]',
     '["Even, triplet or something in between", "Which instrument carries the subdivision", "Whether everybody agrees on it"]',
     ARRAY['swing', 'subdivision', 'groove'], 40),
    ('0a515000-0004-4000-8000-000000000005', 'On, ahead or behind?',
     'Groove lives in small differences from the beat.', 'rhythm', 'advanced',
     'Compare the snare (or the bass) with the beat. Is it early, late or exactly on it, and does that stay so?',
     '["Loop two bars and listen to one instrument alone.", "Ten to thirty milliseconds are felt rather than heard.", "Zoom in: compare the onset with the beat line."]',
     '["The instrument that lies ahead or behind, and by how much", "Whether it is the same on each beat of the bar", "What it does to the feel: pushing, relaxed, stiff"]',
     ARRAY['microtiming', 'groove'], 50),
    ('0a515000-0004-4000-8000-000000000006', 'Find the syncopation',
     'Accents where no beat is.', 'rhythm', 'intermediate',
     'Which accents fall between the beats? Mark the strongest and find out whether they return in every bar.',
     '["Keep tapping the beat; the syncopation is what pulls against it.", "Claves, off-beat guitars and anticipated basses are good places.", "A chord that comes an eighth before the bar is an anticipation."]',
     '["Positions of the off-beat accents", "The instrument that plays them", "Whether the pattern repeats every bar, or every two"]',
     ARRAY['syncopation', 'off-beat'], 60),
    ('0a515000-0004-4000-8000-000000000007', 'An odd bar',
     'Five, seven, eleven: bars that are not made of twos alone.', 'meter', 'advanced',
     'This bar has an odd number of beats. Find the "one", count to the next, and say how the bar is grouped.',
     '["Count in short groups of two and three.", "Seven is mostly 2+2+3 or 3+2+2; five is 3+2 or 2+3.", "The bass or the bell marks the beginning of each group."]',
     '["The number of beats", "The grouping, e.g. 2+2+3", "Whether it stays the same through the whole piece"]',
     ARRAY['odd-meter', 'counting', 'grouping'], 70),
    ('0a515000-0004-4000-8000-000000000008', 'Three against two',
     'Two divisions of the same time at once.', 'rhythm', 'advanced',
     'Two parts divide the same stretch of time differently. Which are they, and which of them is the beat?',
     '["Tap one of them with each hand.", "Three against two sounds like ''not dif-fi-cult''.", "Look for the moment at which both meet again."]',
     '["The two divisions, e.g. 3:2 or 4:3", "The part that plays each of them", "The point at which they meet"]',
     ARRAY['polyrhythm', 'cross-rhythm'], 80),

    -- Tempo
    ('0a515000-0004-4000-8000-000000000009', 'Does the tempo hold?',
     'Clicks hold the tempo; people breathe.', 'tempo', 'intermediate',
     'Compare the tempo of the beginning, the middle and the end. Was it played to a click?',
     '["Choruses like to be a little faster than verses.", "Look at the tempo curve after you have decided.", "A change of one in a hundred is hard to hear and easy to see."]',
     '["Steady, drifting or changing on purpose", "Where it speeds up or slows down", "A likely reason: a new section, a fill, an ending"]',
     ARRAY['tempo', 'drift'], 90),
    ('0a515000-0004-4000-8000-000000000010', 'Where does it slow down?',
     'Ritardando, accelerando, rubato and fermata.', 'tempo', 'intermediate',
     'Find a place where time stretches. Is it a gradual change, a held note, or freedom within a steady pulse?',
     '["Ends of phrases and sections are the first places to look.", "If the beat stops altogether, it is a fermata.", "In rubato, the accompaniment may keep time while the melody does not."]',
     '["The place and how long it takes", "Gradual (ritardando), held (fermata) or free (rubato)", "What follows: the old tempo or a new one"]',
     ARRAY['rubato', 'ritardando', 'expression'], 100),

    -- Form
    ('0a515000-0004-4000-8000-000000000011', 'Where does the section change?',
     'The joints of a piece.', 'form', 'beginner',
     'Mark the moments at which something new begins. What tells you: harmony, instruments, rhythm or loudness?',
     '["Listen for drum fills, cymbals and short silences just before it.", "Count bars: sections mostly have 8 or 16.", "If several things change at once, it is a strong boundary."]',
     '["The boundaries, at downbeats", "What changes at each of them", "Which boundaries are strong and which are weak"]',
     ARRAY['section', 'boundary'], 110),
    ('0a515000-0004-4000-8000-000000000012', 'Verse, chorus, bridge',
     'Which parts return, and what they are called.', 'form', 'beginner',
     'Give every section a letter: the same letter where the music is the same. Which one is the chorus?',
     '["The chorus has the title and the most energy, and comes back with the same words.", "The verse comes back with other words.", "The bridge comes once, late, and leads away."]',
     '["A plan such as A B A B C B", "The section that returns unchanged", "What is different when a section returns"]',
     ARRAY['section', 'song-form', 'repetition'], 120),
    ('0a515000-0004-4000-8000-000000000013', 'Count the phrases',
     'Music has sentences, and they have lengths.', 'form', 'intermediate',
     'How many bars has a phrase, and does every phrase have as many? Find one that is longer or shorter.',
     '["Sing along and breathe where the singer breathes.", "Four and eight bars are usual.", "Look for a bar too many at the end, or two phrases that overlap."]',
     '["The usual length in bars", "Question and answer: which phrases belong together", "The phrase that breaks the rule"]',
     ARRAY['phrase', 'bar', 'hypermeter'], 130),
    ('0a515000-0004-4000-8000-000000000014', 'Build-up and drop',
     'How tension is made and let go.', 'form', 'intermediate',
     'Find the moment of greatest tension. What was added or taken away in the bars before it, and what comes after?',
     '["Often the bass disappears just before.", "Snare rolls that double in speed, rising noise and filters that open are the usual means.", "Silence is the strongest of them."]',
     '["The bars of the build-up", "What rises: pitch, density, brightness, loudness", "What is missing just before the drop"]',
     ARRAY['tension', 'energy', 'electronic'], 140),

    -- Harmony and melody
    ('0a515000-0004-4000-8000-000000000015', 'Find home',
     'The tonic is the note on which the music can stop.', 'harmony', 'beginner',
     'Sing the note on which the piece could end. Find it on an instrument: that is the key.',
     '["Stop the music in the middle and sing where it wants to go.", "The last bass note is mostly the tonic.", "The bass returns to it at the beginning of sections."]',
     '["The tonic", "Where the music arrives on it", "Whether the analysis agrees with you"]',
     ARRAY['key', 'tonic', 'singing'], 150),
    ('0a515000-0004-4000-8000-000000000016', 'Major or minor?',
     'The third above the tonic decides.', 'harmony', 'beginner',
     'Is the piece in major or minor? Sing the first three notes of the scale and listen to the third.',
     '["Bright and dark are a first guess, not proof: there is sad music in major.", "Sing the tonic, then the third: is it four semitones or three?", "Relative keys share all notes; what differs is where home is."]',
     '["Major, minor or a mode such as dorian", "The chord that gives it away", "Sections in the other mode"]',
     ARRAY['mode', 'major', 'minor'], 160),
    ('0a515000-0004-4000-8000-000000000017', 'When does the chord change?',
     'Harmonic rhythm: how often the harmony moves.', 'harmony', 'intermediate',
     'Tap each time the chord changes. How many beats does a chord last, and when does that become faster?',
     '["Follow the bass.", "Chords like to change on downbeats.", "Harmony often speeds up before a cadence."]',
     '["The usual length of a chord, in beats", "The places where it becomes faster or slower", "Chords that come before the beat"]',
     ARRAY['chord', 'harmonic-rhythm'], 170),
    ('0a515000-0004-4000-8000-000000000018', 'Does the key change?',
     'Modulation: home moves.', 'harmony', 'advanced',
     'Does the piece leave its key? Find the place, the way it is done and the key in which it arrives.',
     '["Sing the old tonic against the new section.", "The last chorus of a song may be a step higher.", "A chord that belongs to both keys is the usual door."]',
     '["The first bar of the new key", "The new tonic, and how far it is from the old", "Direct, by a pivot chord or by a sequence"]',
     ARRAY['modulation', 'key'], 180),
    ('0a515000-0004-4000-8000-000000000019', 'Draw the melody',
     'Steps, leaps and the highest note.', 'melody', 'beginner',
     'Draw the line of the melody over one phrase. Where is its highest note, and how does it get there?',
     '["Hum it first, then draw.", "The highest note mostly comes once, after the middle.", "After a leap, the melody likes to turn back by step."]',
     '["The outline: arch, wave, descent", "The highest note and the word or chord under it", "Leaps against steps"]',
     ARRAY['contour', 'melody'], 190),
    ('0a515000-0004-4000-8000-000000000020', 'Follow the bass',
     'The lowest part holds harmony and rhythm together.', 'melody', 'intermediate',
     'Listen to nothing but the bass for one section. Does it stay on roots, walk between them, or have a melody of its own?',
     '["Turn the volume up and follow the lowest band in the picture.", "Does it move with the kick drum or around it?", "Sing it an octave higher."]',
     '["Roots, walking, riff or pedal", "How it fits the kick drum", "The place at which it leaves its pattern"]',
     ARRAY['bass', 'voice-leading'], 200),

    -- Sound
    ('0a515000-0004-4000-8000-000000000021', 'Which instrument enters?',
     'Texture is who plays, and when.', 'instrumentation', 'beginner',
     'Note each instrument as it enters, with the time. Which one do you notice last though it was there before?',
     '["Low, middle, high: go through the picture band by band.", "New sections bring new instruments.", "Pads and doubled guitars hide; listen to what disappears when they stop."]',
     '["A list of instruments with their entries", "The register of each", "One that is felt more than heard"]',
     ARRAY['entry', 'instrument', 'texture'], 210),
    ('0a515000-0004-4000-8000-000000000022', 'Who has the foreground?',
     'One part leads, others answer or carry.', 'texture', 'beginner',
     'Who has the melody in each section, and what do the others do meanwhile?',
     '["Ask what you would sing along to.", "When the singer pauses, somebody fills the gap.", "Two melodies at once are counterpoint."]',
     '["The leading part of each section", "Fills and answers between phrases", "Melody with accompaniment, unison, chords together or counterpoint"]',
     ARRAY['texture', 'foreground'], 220),
    ('0a515000-0004-4000-8000-000000000023', 'Bright or dark?',
     'Timbre is energy over frequency.', 'timbre', 'intermediate',
     'Compare two sections. Which one is brighter, and which instrument or effect makes it so?',
     '["Listen to cymbals, breath and the edge of guitars.", "Look at the spectral centroid after you have decided.", "Closing a filter makes everything darker without making it much quieter."]',
     '["The brighter section", "Its cause: instruments, playing or filters", "Whether loudness changed as well"]',
     ARRAY['brightness', 'spectral-centroid'], 230),
    ('0a515000-0004-4000-8000-000000000024', 'Attack and decay',
     'How a sound begins and how it ends.', 'timbre', 'advanced',
     'Choose one note. How long does it take to reach its full strength, and how does it end?',
     '["Plucked and struck sounds begin at once; bowed and blown ones grow.", "Slow the music to half its speed.", "Reverb is what remains after the note has ended."]',
     '["Attack: sudden or gradual", "Sustain and decay, and whether it is damped", "What belongs to the instrument, and what to the room"]',
     ARRAY['envelope', 'onset'], 240),
    ('0a515000-0004-4000-8000-000000000025', 'The loudest and the softest',
     'Dynamics over the whole piece.', 'dynamics', 'beginner',
     'Where is the softest and where the loudest passage? How does the music get from one to the other?',
     '["Loud is not only level: more instruments and higher notes count as well.", "Compare with the loudness curve after you have decided.", "A small loudness range means that the steps are made in other ways."]',
     '["Both places", "Gradual (crescendo) or sudden (terraced)", "What makes it louder: players, register, playing or level"]',
     ARRAY['loudness', 'crescendo'], 250),
    ('0a515000-0004-4000-8000-000000000026', 'Squeezed or breathing?',
     'Compression makes quiet things louder.', 'dynamics', 'advanced',
     'How much room is there between the loudest peaks and the average? Listen for parts that duck when another one enters.',
     '["Drums that lose their snap have been compressed.", "If everything breathes with the kick drum, it is sidechain compression.", "Compare integrated loudness, loudness range and true peak."]',
     '["A guess at the loudness range before you look", "Pumping, and on which beats", "Whether transients are sharp or rounded"]',
     ARRAY['compression', 'loudness-range', 'mix'], 260),
    ('0a515000-0004-4000-8000-000000000027', 'Left, right, near, far',
     'The room of a recording.', 'space', 'intermediate',
     'Close your eyes and point at each instrument. Who is left, right, near, far?',
     '["Use headphones.", "Near is dry, bright and loud; far is the opposite.", "Bass, kick drum and voice are mostly in the middle."]',
     '["A place for each part", "Doubled parts left and right", "One room for all, or several"]',
     ARRAY['panning', 'reverb', 'mix'], 270),
    ('0a515000-0004-4000-8000-000000000028', 'Tell it in words',
     'Putting what is heard into words is half of hearing it.', 'expression', 'beginner',
     'Describe one minute of the music to somebody who cannot hear it, first without, then with technical words.',
     '["Begin with movement and weight: does it float, walk, push?", "Then say which means in the music make it so.", "Name a place in time for each claim."]',
     '["A description in plain words", "A musical reason for each of them", "Times at which it can be heard"]',
     ARRAY['description', 'journal'], 280)
ON CONFLICT DO NOTHING;

-- Presets: a prompt made ready for one purpose. `config` says which analysis and events the answer is compared with,
-- how close an answer must be, what may be seen while listening, and how playback goes.
INSERT INTO listening_prompt_presets (id, name, description, template_id, preset_type, config)
SELECT preset.id::uuid, preset.name, preset.description, template.id, preset.preset_type, preset.config::jsonb
FROM (VALUES
    ('0a515000-0005-4000-8000-000000000001', '0a515000-0004-4000-8000-000000000001', 'Tap along', 'Thirty seconds of tapping, compared with the beats', 'tap',
     '{"analysis_type": "rhythm", "event_types": ["beat"], "tolerance_ms": 70, "accept_half_and_double_tempo": true, "duration_ms": 30000, "show": [], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000002', '0a515000-0004-4000-8000-000000000001', 'Tap in silence', 'Eight bars with music, then eight without: does the beat go on?', 'tap',
     '{"analysis_type": "rhythm", "event_types": ["beat"], "tolerance_ms": 100, "bars_with_music": 8, "bars_muted": 8, "show": [], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000003', '0a515000-0004-4000-8000-000000000002', 'Say one', 'Mark four downbeats in a row', 'mark',
     '{"analysis_type": "rhythm", "event_types": ["downbeat"], "answers": 4, "tolerance_ms": 100, "show": ["waveform"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000004', '0a515000-0004-4000-8000-000000000002', 'From anywhere', 'Playback starts in the middle: find one within eight bars', 'mark',
     '{"analysis_type": "rhythm", "event_types": ["downbeat"], "answers": 2, "tolerance_ms": 100, "start": "random", "limit_bars": 8, "show": [], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000005', '0a515000-0004-4000-8000-000000000003', 'Count the bar', 'Choose the number of beats', 'choice',
     '{"analysis_type": "rhythm", "summary_field": "time_signature", "options": ["2/4", "3/4", "4/4", "5/4", "6/8", "7/8"], "show": ["beats"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000006', '0a515000-0004-4000-8000-000000000004', 'Slow swing', 'Two bars in a loop, slowed down', 'loop',
     '{"analysis_type": "rhythm", "event_types": ["beat", "tatum"], "loop_bars": 2, "show": ["onsets"], "playback_rate": 0.6}'),
    ('0a515000-0005-4000-8000-000000000007', '0a515000-0004-4000-8000-000000000005', 'Under the microscope', 'Two bars, onsets against the beats', 'loop',
     '{"analysis_type": "rhythm", "event_types": ["beat", "onset"], "loop_bars": 2, "show": ["beats", "onsets", "bands"], "zoom_ms_per_pixel": 2, "playback_rate": 0.5}'),
    ('0a515000-0005-4000-8000-000000000008', '0a515000-0004-4000-8000-000000000006', 'Against the beat', 'A click on the beat: mark what falls between', 'mark',
     '{"analysis_type": "rhythm", "event_types": ["onset"], "exclude_event_types": ["beat"], "click": "beat", "loop_bars": 4, "tolerance_ms": 60, "show": ["beats"], "playback_rate": 0.8}'),
    ('0a515000-0005-4000-8000-000000000009', '0a515000-0004-4000-8000-000000000007', 'Group it', 'Mark the beginning of every group', 'mark',
     '{"analysis_type": "rhythm", "event_types": ["beat", "downbeat"], "loop_bars": 4, "tolerance_ms": 80, "show": ["beats"], "playback_rate": 0.8}'),
    ('0a515000-0005-4000-8000-000000000010', '0a515000-0004-4000-8000-000000000009', 'Three places', 'Beginning, middle and end, twenty seconds each', 'compare',
     '{"analysis_type": "rhythm", "summary_field": "tempo_curve", "excerpts": [0.05, 0.5, 0.9], "excerpt_ms": 20000, "reveal": "after_answer", "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000011', '0a515000-0004-4000-8000-000000000011', 'Mark the joints', 'The whole piece, marked while listening', 'mark',
     '{"analysis_type": "structure", "event_types": ["section"], "tolerance_ms": 3000, "snap_to": "downbeat", "show": ["waveform"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000012', '0a515000-0004-4000-8000-000000000011', 'To the bar', 'The same, within half a second', 'mark',
     '{"analysis_type": "structure", "event_types": ["section"], "tolerance_ms": 500, "snap_to": "downbeat", "show": ["bands", "downbeats"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000013', '0a515000-0004-4000-8000-000000000012', 'Give it letters', 'Label the sections that the analysis found', 'label',
     '{"analysis_type": "structure", "event_types": ["section", "segment"], "labels": ["A", "B", "C", "D", "E"], "show": ["sections"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000014', '0a515000-0004-4000-8000-000000000014', 'Before the drop', 'Sixteen bars up to the strongest boundary', 'loop',
     '{"analysis_type": "full", "event_types": ["section"], "loop_bars": 16, "end_at": "strongest_section", "show": ["loudness", "centroid"], "reveal": "after_answer", "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000015', '0a515000-0004-4000-8000-000000000015', 'Sing home', 'Playback stops: sing the tonic, then compare', 'choice',
     '{"analysis_type": "tonal", "summary_field": "key.tonic", "options": ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"], "stop_after_ms": 20000, "show": [], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000016', '0a515000-0004-4000-8000-000000000016', 'Two doors', 'Major or minor, in ten seconds', 'choice',
     '{"analysis_type": "tonal", "summary_field": "key.mode", "options": ["major", "minor"], "stop_after_ms": 10000, "show": [], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000017', '0a515000-0004-4000-8000-000000000017', 'Tap the chords', 'Eight bars, one tap for each change', 'tap',
     '{"analysis_type": "tonal", "event_types": ["chord"], "loop_bars": 8, "tolerance_ms": 250, "show": ["beats"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000018', '0a515000-0004-4000-8000-000000000018', 'Find the door', 'Mark the first bar of the new key', 'mark',
     '{"analysis_type": "tonal", "event_types": ["key"], "tolerance_ms": 4000, "snap_to": "downbeat", "show": ["chroma"], "reveal": "after_answer", "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000019', '0a515000-0004-4000-8000-000000000020', 'Bass alone', 'Everything above 250 Hz is taken away', 'loop',
     '{"analysis_type": "spectral", "filter": {"type": "lowpass", "cutoff_hz": 250}, "loop_bars": 8, "show": ["bands"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000020', '0a515000-0004-4000-8000-000000000021', 'Roll call', 'Mark every entry and name it', 'annotate',
     '{"analysis_type": "full", "event_types": ["segment", "section"], "category": "instrument", "show": ["bands"], "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000021', '0a515000-0004-4000-8000-000000000023', 'Side by side', 'Two sections, one after the other', 'compare',
     '{"analysis_type": "spectral", "frame_field": "centroid", "excerpt_ms": 15000, "match_loudness": true, "reveal": "after_answer", "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000022', '0a515000-0004-4000-8000-000000000025', 'Draw the curve', 'Draw the loudness, then see it', 'draw',
     '{"analysis_type": "spectral", "frame_field": "loudness", "show": [], "reveal": "after_answer", "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000023', '0a515000-0004-4000-8000-000000000026', 'Guess the range', 'A number first, then the measurement', 'estimate',
     '{"analysis_type": "full", "summary_field": "loudness.range_lu", "unit": "LU", "tolerance": 2.0, "reveal": "after_answer", "playback_rate": 1.0}'),
    ('0a515000-0005-4000-8000-000000000024', '0a515000-0004-4000-8000-000000000028', 'One minute', 'Listen twice, write once', 'annotate',
     '{"analysis_type": "full", "duration_ms": 60000, "repeat": 2, "category": "journal", "show": [], "playback_rate": 1.0}')
) AS preset (id, template_id, name, description, preset_type, config)
JOIN listening_prompt_templates template ON template.id = preset.template_id::uuid
ON CONFLICT DO NOTHING;

-- Clean-up, for whatever runs on a schedule. A function of the same name that is there already is the platform's own
-- and stays.
DO $migration$
BEGIN
    IF to_regprocedure('cleanup_expired_sessions()') IS NULL THEN
        -- Removes sessions that have expired and returns how many there were. The audit trail refers to sessions and
        -- outlives them: where it named one, the id moves to its details.
        CREATE FUNCTION cleanup_expired_sessions() RETURNS BIGINT LANGUAGE sql AS $$
            WITH expired AS (
                DELETE FROM sessions WHERE expires_at <= NOW() RETURNING id
            ), detached AS (
                UPDATE audit_log
                SET session_id = NULL,
                    details = CASE jsonb_typeof(details)
                        WHEN 'object' THEN details
                        WHEN 'null' THEN '{}'
                        ELSE jsonb_strip_nulls(jsonb_build_object('details', details))
                    END || jsonb_build_object('session_id', session_id)
                WHERE session_id IN (SELECT id FROM expired)
            )
            SELECT count(*) FROM expired
        $$;
    END IF;

    IF to_regprocedure('cleanup_expired_oauth_states()') IS NULL THEN
        -- Removes OAuth states that have expired and returns how many there were.
        CREATE FUNCTION cleanup_expired_oauth_states() RETURNS BIGINT LANGUAGE sql AS $$
            WITH expired AS (DELETE FROM oauth_states WHERE expires_at <= NOW() RETURNING 1)
            SELECT count(*) FROM expired
        $$;
    END IF;
END
$migration$;
