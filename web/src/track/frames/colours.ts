/**
 * Colours of levels: maps that are even in OKLab lightness, so that equal steps in dB look like equal steps.
 * Dark pages go from night to flame, light ones from paper to ink.
 */

/** What is at or below shows as silence, in dBFS. */
export const FLOOR_DB = -90;
/** What is at or above shows as loudest, in dBFS. */
export const TOP_DB = -6;

/** A point of a map: OKLab lightness, chroma, hue in degrees. */
type Stop = readonly [lightness: number, chroma: number, hue: number];

const DARK: readonly Stop[] = [[0.14, 0.02, 285], [0.3, 0.13, 295], [0.46, 0.19, 330], [0.62, 0.2, 20], [0.78, 0.16, 60], [0.95, 0.1, 100]];
const LIGHT: readonly Stop[] = [[0.985, 0.006, 100], [0.88, 0.06, 190], [0.74, 0.1, 220], [0.58, 0.14, 250], [0.42, 0.16, 280], [0.22, 0.1, 300]];

/** Red, green, blue of 256 steps, one after the other. */
export function palette(theme: "light" | "dark"): Uint8ClampedArray {
  const stops = theme === "dark" ? DARK : LIGHT;
  const colours = new Uint8ClampedArray(256 * 3);
  for (let step = 0; step < 256; step += 1) {
    const at = (step / 255) * (stops.length - 1);
    const left = Math.min(Math.floor(at), stops.length - 2);
    const part = at - left;
    const [a, b] = [stops[left]!, stops[left + 1]!];
    const turn = ((b[2] - a[2] + 540) % 360) - 180;
    colours.set(oklch(a[0] + (b[0] - a[0]) * part, a[1] + (b[1] - a[1]) * part, a[2] + turn * part), step * 3);
  }
  return colours;
}

/** Which step of a palette shows a level; what has no value shows as silence. */
export function stepOf(db: number): number {
  if (!(db > FLOOR_DB)) return 0;
  return Math.min(255, Math.round(((db - FLOOR_DB) / (TOP_DB - FLOOR_DB)) * 255));
}

/** sRGB of a colour in OKLCh (B. Ottosson, "A perceptual color space for image processing", 2020). */
function oklch(lightness: number, chroma: number, hue: number): [number, number, number] {
  const [a, b] = [chroma * Math.cos((hue * Math.PI) / 180), chroma * Math.sin((hue * Math.PI) / 180)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function gamma(linear: number): number {
  const within = Math.min(Math.max(linear, 0), 1);
  return Math.round(255 * (within <= 0.0031308 ? 12.92 * within : 1.055 * within ** (1 / 2.4) - 0.055));
}
