/** Beside the timeline: listening prompts as guided exercises. */

export function ExercisePanel() {
  return null;
}
