/**
 * How far the sound of a media element is ahead of its clock, measured: browsers that keep the pitch at other speeds sound
 * some 40 ms before the position they tell (Chromium at half speed 47 ms), each its own way. So a few knocks are played to
 * nobody, through the same stretching, beside a mark of known time; what lies between is the lead, in seconds.
 */

import { Fit } from "./fit";

const KEY = "arsis.stretch";
/** Between knocks, in the media. Stretching looks for likeness some 30 ms around, and must find no other knock there. */
const STEP_S = 0.25;
const KNOCKS = 40;
/** Listened so often at most, or until so many knocks were heard. */
const ROUNDS = 8;
const ENOUGH = 6;
const WINDOW = 32_768;
/** Only knocks are so loud; what repeats within this time is one of them. */
const LOUD = 0.3;
const GROUP_S = 0.06;
/** Of the mark; knocks stay below 1, so both are told apart. */
const MARK = 4;
/** Measurements that spread wider mean nothing. */
const MOST_SPREAD_S = 0.025;
const MOST_S = 0.2;

/** What is being measured. */
const under = new Map<number, Promise<number>>();

/** The lead at a rate from an earlier measurement; null where this browser has made none. */
export function knownLead(rate: number): number | null {
  const known = kept()[String(rate)];
  return typeof known === "number" ? known : null;
}

/** The lead at a rate, measured now. 0 where that fails: it is measured again when it is asked for again. */
export function leadAt(context: AudioContext, rate: number): Promise<number> {
  let found = under.get(rate);
  if (!found) {
    found = measure(context, rate)
      .catch(() => null)
      .then((lead) => keep(rate, lead))
      .finally(() => under.delete(rate));
    under.set(rate, found);
  }
  return found;
}

function kept(): Record<string, unknown> {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "{}") as { browser?: string; leads?: Record<string, unknown> };
    return (found.browser === navigator.userAgent && found.leads) || {};
  } catch {
    return {};
  }
}

function keep(rate: number, lead: number | null): number {
  if (lead !== null) localStorage.setItem(KEY, JSON.stringify({ browser: navigator.userAgent, leads: { ...kept(), [rate]: lead } }));
  return lead ?? 0;
}

async function measure(context: AudioContext, rate: number): Promise<number | null> {
  const address = URL.createObjectURL(knocks(context.sampleRate, STEP_S));
  const element = new Audio(address);
  const analyser = new AnalyserNode(context, { fftSize: WINDOW });
  const silence = new GainNode(context, { gain: 0 });
  const source = context.createMediaElementSource(element);
  source.connect(analyser).connect(silence).connect(context.destination);
  const fit = new Fit();
  try {
    element.preservesPitch = true;
    element.playbackRate = rate;
    fit.reset(rate);
    await element.play();
    const leads: number[] = [];
    await watch(context, element, fit, 300);
    for (let round = 0; round < ROUNDS && leads.length < ENOUGH; round += 1) {
      const markS = context.currentTime + 0.03;
      const mark = new AudioBufferSourceNode(context, { buffer: impulse(context) });
      mark.connect(analyser);
      mark.start(markS);
      await watch(context, element, fit, ((WINDOW / context.sampleRate) * 0.85 - 0.05) * 1000);
      leads.push(...found(analyser, markS, fit, STEP_S, context.sampleRate));
    }
    return settle(leads);
  } finally {
    element.pause();
    source.disconnect();
    silence.disconnect();
    element.removeAttribute("src");
    URL.revokeObjectURL(address);
  }
}

/** Reads both clocks for a while. */
async function watch(context: AudioContext, element: HTMLAudioElement, fit: Fit, ms: number): Promise<void> {
  const until = performance.now() + ms;
  while (performance.now() < until) {
    fit.add(context.currentTime, element.currentTime);
    await new Promise((done) => setTimeout(done, 15));
  }
}

/** The leads of the knocks that sounded after the mark. Slowed down, a knock sounds two or three times: the middle of these counts. */
function found(analyser: AnalyserNode, markS: number, fit: Fit, stepS: number, sampleRate: number): number[] {
  const samples = new Float32Array(WINDOW);
  analyser.getFloatTimeDomainData(samples);
  const mark = samples.findIndex((value) => value > MARK / 2);
  if (mark < 0) return [];
  const groups: { first: number; last: number; loud: number }[] = [];
  for (let i = mark + 64; i < WINDOW; i += 1) {
    if (Math.abs(samples[i]!) < LOUD) continue;
    const group = groups.at(-1);
    if (!group || i - group.loud > GROUP_S * sampleRate) groups.push({ first: i, last: i, loud: i });
    else Object.assign(group, i - group.loud > 0.006 * sampleRate ? { last: i, loud: i } : { loud: i });
  }
  return groups.flatMap(({ first, last }) => {
    const atS = markS + ((first + last) / 2 - mark) / sampleRate;
    const mediaS = fit.mediaS(atS);
    const toldS = mediaS === null ? null : fit.contextS(Math.round(mediaS / stepS) * stepS);
    return toldS === null ? [] : [toldS - atS];
  });
}

function settle(leads: readonly number[]): number | null {
  const sorted = [...leads].sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  if (middle === undefined || sorted.length < 3 || Math.abs(middle) > MOST_S) return null;
  const near = sorted.filter((lead) => Math.abs(lead - middle) < MOST_SPREAD_S);
  return near.length * 3 >= sorted.length * 2 ? near.reduce((sum, lead) => sum + lead, 0) / near.length : null;
}

function impulse(context: AudioContext): AudioBuffer {
  const buffer = context.createBuffer(1, 16, context.sampleRate);
  buffer.getChannelData(0)[0] = MARK;
  return buffer;
}

/** A WAV file of knocks, so many seconds apart, in a bed of sound: stretching silence follows no music. */
function knocks(sampleRate: number, stepS: number): Blob {
  const frames = Math.round(sampleRate * stepS * KNOCKS);
  const wav = new DataView(new ArrayBuffer(44 + frames * 2));
  const word = (at: number, text: string): void => [...text].forEach((sign, i) => wav.setUint8(at + i, sign.charCodeAt(0)));
  word(0, "RIFF");
  wav.setUint32(4, 36 + frames * 2, true);
  word(8, "WAVEfmt ");
  wav.setUint32(16, 16, true);
  wav.setUint16(20, 1, true);
  wav.setUint16(22, 1, true);
  wav.setUint32(24, sampleRate, true);
  wav.setUint32(28, sampleRate * 2, true);
  wav.setUint16(32, 2, true);
  wav.setUint16(34, 16, true);
  word(36, "data");
  wav.setUint32(40, frames * 2, true);
  for (let i = 0; i < frames; i += 1) {
    const s = i / sampleRate;
    const since = s % stepS;
    const bed = 0.06 * [220, 277, 330].reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * s), 0);
    const knock = s < stepS || since > 0.03 ? 0 : 0.6 * Math.cos(2 * Math.PI * 2500 * since) * Math.exp(-since / 0.006);
    wav.setInt16(44 + i * 2, 32_000 * (bed + 0.03 * (2 * Math.random() - 1) + knock), true);
  }
  return new Blob([wav], { type: "audio/wav" });
}
