/** Compares frames that the client decodes with those that the server gives as JSON. */
export async function sameFrames(client, results) {
  const { chunk_size_frames: length, hop_ms: hop } = results.manifest;
  const aroundEnd = { fromMs: (length - 1) * hop, toMs: (length + 1) * hop };
  const spans = [{}, { level: 1 }, ...(results.manifest.total_chunks > 1 ? [aroundEnd] : []), { fromMs: 990, toMs: 2010 }, { fromMs: 100, maxFrames: 20 }];
  for (const span of spans) {
    const frames = await results.frames(span);
    const query = { from_ms: span.fromMs, to_ms: span.toMs, level: span.maxFrames ? undefined : (span.level ?? 0), max_frames: span.maxFrames };
    const path = `/v1/analyses/${results.analysisId}/frames`;
    const said = await (await client.send(path, { query, headers: { accept: "application/json" } })).json();
    same([frames.level, frames.hopMs, frames.startFrame, frames.frameCount], [said.level, said.hop_ms, said.start_frame, said.frame_count]);
    if (frames.frameCount === 0) throw new Error(`nothing to compare in ${JSON.stringify(span)}`);
    for (const field of said.fields) {
      const expected = field.values.flat().map((value) => (value === null ? null : Math.fround(value)));
      const values = Array.from(frames.values(field.name), (value) => (Number.isNaN(value) ? null : value));
      same(values, expected, `${field.name} of ${JSON.stringify(span)}`);
    }
  }
}

function same(got, expected, what = "place") {
  const at = expected.findIndex((value, index) => !Object.is(value, got[index]));
  if (at >= 0 || got.length !== expected.length) throw new Error(`${what}: ${got[at]} is not ${expected[at]} at ${at} of ${expected.length}`);
}
