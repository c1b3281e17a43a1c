/** The lanes that a person writes on: regions and annotations. */

export function EditLanes() {
  return null;
}
