/** Beside the timeline: what has been written about the track, and the tools to correct its beats. */

export function EditPanel() {
  return null;
}
