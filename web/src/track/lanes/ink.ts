/** Colours of the theme for canvases, looked up once a theme: asking the style for each picture costs more than drawing it. */

import { colour, theme } from "../../theme";

const known = new Map<string, string>();

/** A colour of the theme in force, by the name of its custom property. */
export function ink(name: `--${string}`): string {
  const key = `${theme.value} ${name}`;
  const found = known.get(key) ?? colour(name);
  if (found) known.set(key, found);
  return found;
}
