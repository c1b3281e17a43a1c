/** The lane on which a listener answers, and where the answer is compared with the analysis. Nothing while no exercise is open. */

export function ExerciseLane() {
  return null;
}
