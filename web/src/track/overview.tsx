/** The whole track as one waveform: where the lanes' part lies in it, to be dragged and zoomed. */

export function Overview() {
  return null;
}
