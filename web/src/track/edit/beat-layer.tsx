/** Over the lane of beats: drag, add, remove and count beats anew. */

export function BeatLayer() {
  return null;
}
