import { AxeBuilder } from "@axe-core/playwright";
import { expect, test } from "@playwright/test";
import type { Page } from "@playwright/test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { analysed, ask, settled, signIn, TOKEN, upload } from "./support";
import type { Uploaded } from "./support";

/** A piece of knocks at known times, on the left alone: what is on the right of the page's sound is its own clicks. */
const KNOCKS = { firstMs: 250, everyMs: 500, lengthS: 30 };

function knocks(): string {
  const rate = 44_100;
  const frames = rate * KNOCKS.lengthS;
  const wav = Buffer.alloc(44 + frames * 4);
  wav.write("RIFF", 0).valueOf();
  wav.writeUInt32LE(36 + frames * 4, 4);
  wav.write("WAVEfmt ", 8);
  wav.writeUInt32LE(16, 16);
  for (const [at, value] of [[20, 1], [22, 2], [32, 4], [34, 16]] as const) wav.writeUInt16LE(value, at);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 4, 28);
  wav.write("data", 36);
  wav.writeUInt32LE(frames * 4, 40);
  for (let i = 0; i < frames; i += 1) {
    const s = i / rate;
    const sinceFirst = s - KNOCKS.firstMs / 1000;
    const since = sinceFirst % (KNOCKS.everyMs / 1000);
    const strong = Math.floor(sinceFirst / (KNOCKS.everyMs / 1000)) % 4 === 0;
    const knock = sinceFirst < 0 ? 0 : (strong ? 0.7 : 0.5) * Math.cos(2 * Math.PI * 2500 * since) * Math.exp(-since / 0.006);
    // Under the knocks a chord: speed is changed by likeness of sound, and silence is like nothing.
    const chord = 0.05 * [220, 277, 330].reduce((sum, hz) => sum + Math.sin(2 * Math.PI * hz * s), 0);
    wav.writeInt16LE(Math.round((knock + chord) * 32_000), 44 + i * 4);
  }
  const file = join(mkdtempSync(join(tmpdir(), "knocks-")), "knocks.wav");
  writeFileSync(file, wav);
  return file;
}

/** Notes when something begins to sound, on the left less the right (the music) and on the right (the clicks), in frames of the context. */
const RECORDER = `registerProcessor("recorder", class extends AudioWorkletProcessor {
  last = [-1e9, -1e9];
  process([input]) {
    if (input.length < 2) return true;
    const found = [[], []];
    for (let i = 0; i < 128; i += 1) {
      const both = [input[0][i] - input[1][i], input[1][i]];
      both.forEach((value, which) => {
        if (Math.abs(value) < (which ? 0.04 : 0.3)) return;
        if (currentFrame + i - this.last[which] > 0.012 * sampleRate) found[which].push((currentFrame + i) / sampleRate);
        this.last[which] = currentFrame + i;
      });
    }
    const isLoud = input[0].some((value, i) => Math.abs(value - input[1][i]) > 0.01);
    if (isLoud || found[0].length || found[1].length) this.port.postMessage([...found, isLoud ? (currentFrame + 128) / sampleRate : null]);
    return true;
  }
});`;

interface Recorded {
  music: number[];
  clicks: number[];
  /** When anything but clicks was heard last. */
  lastS: number;
}

/** Listens at the page's loudspeaker: what goes there is heard by a recorder as well. */
async function listen(page: Page): Promise<void> {
  await page.addInitScript((code) => {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const recorded = ((window as any).recorded = { music: [], clicks: [], lastS: 0 } as { music: number[]; clicks: number[]; lastS: number });
    const connect = AudioNode.prototype.connect as (this: AudioNode, ...all: unknown[]) => unknown;
    (AudioNode.prototype as any).connect = function (this: AudioNode, ...all: unknown[]) {
      if (all[0] instanceof AudioDestinationNode && !(this instanceof AudioWorkletNode)) {
        void this.context.audioWorklet.addModule(address).then(() => {
          const recorder = new AudioWorkletNode(this.context, "recorder", { channelCount: 2, channelCountMode: "explicit" });
          recorder.port.onmessage = ({ data: [music, clicks, lastS] }) => (recorded.music.push(...music), recorded.clicks.push(...clicks), (recorded.lastS = lastS ?? recorded.lastS));
          connect.call(this, recorder);
          connect.call(recorder, this.context.destination);
        });
      }
      return connect.apply(this, all);
    };
  }, RECORDER);
}

/** Lets media elements tell their position every 80 ms only: Firefox does so every 40 to 60 ms. */
async function tellRarely(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const { get, set } = Object.getOwnPropertyDescriptor(HTMLMediaElement.prototype, "currentTime")!;
    const told = new WeakMap<HTMLMediaElement, { untilMs: number; s: number }>();
    Object.defineProperty(HTMLMediaElement.prototype, "currentTime", {
      get(this: HTMLMediaElement) {
        const last = told.get(this);
        if (last && !this.paused && performance.now() < last.untilMs) return last.s;
        const s = get!.call(this) as number;
        told.set(this, { untilMs: performance.now() + 80, s });
        return s;
      },
      set(this: HTMLMediaElement, s: number) {
        told.delete(this);
        set!.call(this, s);
      },
    });
  });
}

const recorded = (page: Page): Promise<Recorded> => page.evaluate(() => (window as any).recorded as Recorded);
const forget = (page: Page): Promise<void> => page.evaluate(() => void ((window as any).recorded.music.length = (window as any).recorded.clicks.length = 0));

const heardMs = async (page: Page): Promise<number> => Number(await page.getByRole("slider", { name: "Position" }).inputValue());

/**
 * How far clicks lie from where they belong, in ms as heard: the knock that a click goes with says which time of the track
 * it is, and `awayMs` how far the machine's beats lie from the knocks. Of a knock that stretching repeats, the middle counts.
 */
function errors({ music, clicks }: Recorded, awayMs: number, rate: number): number[] {
  const reachS = 0.2 / rate;
  return clicks.flatMap((at) => {
    const knocks = music.filter((one) => Math.abs(one - at) < reachS);
    const middle = (knocks[0]! + knocks.at(-1)!) / 2;
    return knocks.length > 0 ? [(at - middle) * 1000 - awayMs / rate] : [];
  });
}

const middle = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** Steps from knock to knock that are no whole number of steps of the piece, in ms. Four knocks a round, and from the last to the
 * first of the next as far as between all others: with a gap each of five rounds would have a step of another length (one or two
 * whole ones are right: a knock on the very seam may be missed). Two are left to a machine that has much else to do. */
const odd = (times: number[]): number[] =>
  times.slice(1).map((at, i) => (at - times[i]!) * 1000).filter((step) => Math.abs(step - Math.round(step / KNOCKS.everyMs) * KNOCKS.everyMs) > 10);

test.describe("the metronome", () => {
  // The recorder is a script of the test's own, which the page's policy would rightly refuse.
  test.use({ bypassCSP: true });
  let made: Uploaded;
  let awayMs: number;
  test.beforeAll(async ({ request }) => {
    made = await analysed(request, "Knocks", knocks());
    const { items } = await ask(request, `/v1/analyses/${made.analysis.id}/events?type=beat&limit=200`);
    const away = items.map((one: { time_ms: number }) => ((one.time_ms - KNOCKS.firstMs + KNOCKS.everyMs / 2) % KNOCKS.everyMs) - KNOCKS.everyMs / 2);
    awayMs = away.reduce((sum: number, one: number) => sum + one, 0) / away.length;
  });

  test("clicks where the music's beats are heard, at any speed and after jumps", async ({ page }) => {
    await listen(page);
    await signIn(page, `/tracks/${made.track.id}`);
    await page.getByRole("button", { name: "Metronome" }).click();
    await page.getByRole("button", { name: "Play", exact: true }).click();
    const check = async (rate: number, what: string, most: number): Promise<void> => {
      await expect.poll(async () => (await recorded(page)).clicks.length, { message: what }).toBeGreaterThan(6);
      const found = errors(await recorded(page), awayMs, rate);
      expect(found.length, what).toBeGreaterThan(4);
      // The middle one: a machine with much else to do drops a piece of sound now and then.
      expect(Math.abs(middle(found)), `${what}: ${found.map((one) => one.toFixed(1)).join(" ")} ms`).toBeLessThan(most);
    };
    await check(1, "from the start", 5);
    await page.keyboard.press("ArrowRight");
    await forget(page);
    await check(1, "after a jump", 5);
    // Half speed: how far the browser's stretching is ahead of its clock is measured first, beside the music.
    const half = page.getByRole("button", { name: "Half speed" });
    const measured = expect.configure({ timeout: 8_000 });
    // What a busy machine has spoilt is measured again when the speed is chosen again.
    await expect(async () => {
      if ((await half.getAttribute("aria-pressed")) === "true") await page.keyboard.press("s");
      await page.keyboard.press("s");
      await measured.poll(() => page.evaluate(() => localStorage.getItem("arsis.stretch") ?? "")).toContain('"0.5"');
    }).toPass({ timeout: 30_000 });
    await page.getByRole("button", { name: "To the start" }).click();
    await forget(page);
    await check(0.5, "at half speed after a jump", 20);
  });

  for (const browser of ["at any time", "rarely"]) {
    test(`a loop goes round without a gap, and the clicks with it, where the position is told ${browser}`, async ({ page }) => {
      if (browser === "rarely") await tellRarely(page);
      await listen(page);
      await signIn(page, `/tracks/${made.track.id}`);
      await page.getByRole("button", { name: "Metronome" }).click();
      await page.getByRole("button", { name: "Speed and sound" }).click();
      await page.getByRole("group", { name: "Loop bars" }).getByRole("button", { name: "1 bar" }).click();
      await expect(page.getByRole("button", { name: /^Loop, 0:00\.2 to 0:02\.2/ })).toHaveAttribute("aria-pressed", "true");
      await page.getByRole("button", { name: "Play", exact: true }).click();
      // What a machine with much else to do has torn is listened to again: a gap in each round is there each time.
      await expect(async () => {
        await forget(page);
        await expect.poll(async () => (await recorded(page)).music.length).toBeGreaterThan(20);
        const { music, clicks } = await recorded(page);
        expect(odd(music).length, odd(music).join(" ")).toBeLessThanOrEqual(2);
        expect(odd(clicks).length, odd(clicks).join(" ")).toBeLessThanOrEqual(2);
        expect(await heardMs(page)).toBeLessThan(2_300);
      }).toPass({ timeout: 60_000 });
      await page.keyboard.press("l");
      await expect(page.getByRole("button", { name: "Loop", exact: true })).toHaveAttribute("aria-pressed", "false");
      await expect.poll(() => heardMs(page)).toBeGreaterThan(2_400);
    });
  }
});

test.describe("an exercise", () => {
  test.use({ bypassCSP: true });
  let made: Uploaded;
  let awayMs: number;
  let bars: number[];
  test.beforeAll(async ({ request }) => {
    made = await analysed(request, "Knocks to listen to", knocks());
    const timesOf = async (type: string): Promise<number[]> => (await ask(request, `/v1/analyses/${made.analysis.id}/events?type=${type}&limit=200`)).items.map((one: { time_ms: number }) => one.time_ms);
    bars = await timesOf("downbeat");
    const away = (await timesOf("beat")).map((one) => ((one - KNOCKS.firstMs + KNOCKS.everyMs / 2) % KNOCKS.everyMs) - KNOCKS.everyMs / 2);
    awayMs = away.reduce((sum, one) => sum + one, 0) / away.length;
  });

  /** Begins an exercise whose preset says something else. */
  async function begin(page: Page, prompt: string, preset: string, config: object): Promise<void> {
    await listen(page);
    await page.addInitScript(() => {
      const Made = window.AudioContext;
      (window as any).contexts = 0;
      window.AudioContext = class extends Made {
        constructor(options?: AudioContextOptions) {
          super(options);
          (window as any).contexts += 1;
        }
      };
    });
    await page.route("**/v1/listening-prompts/presets*", async (route) => {
      const answer = await (await route.fetch()).json();
      for (const one of answer.items) if (one.name === preset) one.config = { ...one.config, ...config };
      await route.fulfill({ json: answer });
    });
    await signIn(page, `/tracks/${made.track.id}`);
    await page.getByRole("region", { name: "Listening prompts" }).getByRole("button", { name: prompt }).click();
    const start = page.getByRole("button", { name: "Start", exact: true });
    await expect(start).toBeVisible();
    // The only one there is is not asked for.
    if (await page.getByRole("radio", { name: preset }).count()) await page.getByRole("radio", { name: preset }).check();
    await start.click();
  }

  test("falls silent when it says", async ({ page }) => {
    await begin(page, "Find the pulse", "Tap in silence", { bars_with_music: 1, bars_muted: 2 });
    await expect(page.getByText("Silence: go on.")).toBeVisible();
    await expect.poll(() => heardMs(page)).toBeGreaterThan(bars[1]! + 500);
    const { music, lastS } = await recorded(page);
    // So far from the last knock as the bar is from one in the track.
    const over = (lastS - music.at(-1)!) * 1000 - (bars[1]! - KNOCKS.firstMs);
    const lateMs = over - Math.round(over / KNOCKS.everyMs) * KNOCKS.everyMs;
    expect(Math.abs(lateMs), `${lateMs} ms`).toBeLessThan(25);
  });

  test("clicks on the music's beats, as loud as the person wants it", async ({ page }) => {
    await begin(page, "Find the syncopation", "Against the beat", { loop_bars: 4, playback_rate: 1 });
    await expect.poll(async () => (await recorded(page)).clicks.length).toBeGreaterThan(8);
    const found = errors(await recorded(page), awayMs, 1);
    expect(Math.abs(middle(found)), found.map((one) => one.toFixed(1)).join(" ")).toBeLessThan(5);
    await page.getByRole("button", { name: "Mute" }).first().click();
    const from = await heardMs(page);
    await expect.poll(async () => Math.abs((await heardMs(page)) - from)).toBeGreaterThan(300);
    await forget(page);
    await expect.poll(async () => Math.abs((await heardMs(page)) - from)).toBeGreaterThan(1_800);
    expect((await recorded(page)).clicks).toEqual([]);
    expect(await page.evaluate(() => (window as any).contexts)).toBe(1);
  });

  test("goes round without a gap, through a filter", async ({ page }) => {
    // Pictures so often that one of them falls into the last ms of every round.
    await page.addInitScript(() => (window.requestAnimationFrame = (run) => window.setTimeout(() => run(performance.now()), 2)));
    await begin(page, "Follow the bass", "Bass alone", { loop_bars: 1, filter: { type: "highpass", cutoff_hz: 500 } });
    await expect(async () => {
      await forget(page);
      await expect.poll(async () => (await recorded(page)).music.length).toBeGreaterThan(20);
      const { music } = await recorded(page);
      expect(odd(music).length, odd(music).join(" ")).toBeLessThanOrEqual(2);
    }).toPass({ timeout: 60_000 });
    expect(await page.evaluate(() => (window as any).contexts)).toBe(1);
  });
});

test.describe("the controls", () => {
  let made: Uploaded;
  test.beforeAll(async ({ request }) => {
    made = await upload(request, "Controls");
  });
  test.beforeEach(async ({ page }) => signIn(page, `/tracks/${made.track.id}`));
  const play = (page: Page) => page.getByRole("button", { name: "Play", exact: true });
  const pause = (page: Page) => page.getByRole("button", { name: "Pause", exact: true });
  const status = (page: Page) => page.locator(".transport").getByRole("status");

  test("play, pause and jump by keyboard, and say so", async ({ page }) => {
    await expect(play(page)).toBeVisible();
    await page.keyboard.press("Space");
    await expect(pause(page)).toBeVisible();
    await expect(status(page)).toHaveText("Playing");
    await expect.poll(() => heardMs(page)).toBeGreaterThan(300);
    await page.keyboard.press("Space");
    await expect(status(page)).toHaveText("Paused");
    // What was pressed by mouse leaves Space to playing.
    await page.getByRole("button", { name: "Metronome" }).click();
    await page.keyboard.press("Space");
    await expect(status(page)).toHaveText("Playing, metronome on");
    await page.keyboard.press("Space");
    await page.keyboard.press("m");
    await expect(status(page)).toHaveText("Paused");
    // From the start on: how far it played was for the machine to say.
    await page.getByRole("button", { name: "To the start" }).click();
    await expect.poll(() => heardMs(page)).toBe(0);
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => heardMs(page)).toBeCloseTo(5_000, 0);
    await page.keyboard.press(".");
    await expect.poll(() => heardMs(page)).toBeCloseTo(5_010, 0);
    await page.keyboard.press("[");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("]");
    await expect(page.getByRole("button", { name: /^Loop, 0:05/ })).toHaveAttribute("aria-pressed", "true");
    await expect.poll(() => heardMs(page)).toBeCloseTo(5_010, 0);
    await page.keyboard.press("s");
    await expect(status(page)).toContainText("0.5 times the speed");
    const slider = page.getByRole("slider", { name: "Position" });
    await slider.focus();
    await slider.press("ArrowLeft");
    await expect.poll(() => heardMs(page)).toBeCloseTo(10, 0);
    await expect(slider).toHaveAttribute("aria-valuetext", /^0:00\.\d of 0:4\d/);
    await slider.press("Home");
    await expect.poll(() => heardMs(page)).toBe(0);
    // On a slider keys that page are its own, and Space, which does nothing to one, still plays.
    const volume = page.getByRole("slider", { name: "Volume" });
    const loud = Number(await volume.inputValue());
    await volume.press("PageDown");
    await expect.poll(async () => Number(await volume.inputValue())).toBeLessThan(loud);
    await slider.press("Space");
    await expect(pause(page)).toBeVisible();
    await slider.press("Space");
    await expect(play(page)).toBeVisible();
  });

  test("ask the sound system how late it is only now and then, and not while it starts", async ({ page }) => {
    await page.addInitScript(() => {
      const asked = ((window as any).asked = [] as number[]);
      const { get } = Object.getOwnPropertyDescriptor(AudioContext.prototype, "outputLatency")!;
      Object.defineProperty(AudioContext.prototype, "outputLatency", {
        get(this: AudioContext) {
          asked.push(this.currentTime);
          return get!.call(this) as number;
        },
      });
    });
    await page.reload();
    await play(page).click();
    await expect.poll(() => heardMs(page)).toBeGreaterThan(1_500);
    const asked = await page.evaluate(() => (window as any).asked as number[]);
    expect(Math.min(...asked)).toBeGreaterThanOrEqual(1);
    expect(asked.length).toBeLessThan(10);
  });

  test("characters that a layout has behind AltGr do what they say", async ({ page }) => {
    await expect(play(page)).toBeVisible();
    await page.getByRole("button", { name: "5 seconds on" }).click();
    // It goes so far once the length is known, and a loop needs that.
    await expect.poll(() => heardMs(page)).toBe(5_000);
    // As a German keyboard on Windows types it.
    const typed = (key: string) => page.evaluate((key) => dispatchEvent(new KeyboardEvent("keydown", { key, ctrlKey: true, altKey: true, modifierAltGraph: true })), key);
    await typed("[");
    await page.getByRole("button", { name: "5 seconds on" }).click();
    await typed("]");
    await expect(page.getByRole("button", { name: /^Loop, 0:05/ })).toHaveAttribute("aria-pressed", "true");
  });

  test("keep the place while the tab lives, and tell the system what plays", async ({ page }) => {
    await page.getByRole("button", { name: "5 seconds on" }).click();
    await page.getByRole("button", { name: "5 seconds on" }).click();
    await expect.poll(() => heardMs(page)).toBe(10_000);
    expect(await page.evaluate(() => navigator.mediaSession.metadata?.title)).toBe("Controls");
    await page.reload();
    await expect.poll(() => heardMs(page)).toBe(10_000);
    await expect(page.locator(".readout")).toContainText("0:10.0");
    // From there it goes on.
    await play(page).click();
    await expect.poll(() => heardMs(page)).toBeGreaterThan(10_000);
    await page.keyboard.press("Space");
    // The line over the lanes stands where it is heard.
    await page.getByRole("button", { name: "To the start" }).click();
    const x = () => page.locator(".timeline .playhead").evaluate((line) => Number(/translateX\((.*)px/.exec((line as HTMLElement).style.transform)?.[1] ?? -1));
    await expect.poll(x).toBe(0);
    for (let i = 0; i < 10; i += 1) await page.keyboard.press(".");
    await expect.poll(x).toBeGreaterThan(0);
  });

  test("say what is wrong where there is no sound", async ({ page }) => {
    const audio = "**/v1/tracks/*/audio";
    await page.route(audio, (route) => route.fulfill({ contentType: "audio/aiff", body: "FORM, and nothing that a browser knows" }));
    await page.reload();
    await expect(page.getByRole("alert")).toContainText("This browser cannot play WAV");
    await expect(page.getByRole("alert")).toContainText("Everything that is drawn works without it");
    await settled(page);
    expect((await new AxeBuilder({ page }).include(".transport").analyze()).violations).toEqual([]);
    // Asked again, it says so again, and claims nothing else.
    let answer = (): void => undefined;
    const isSeen = new Promise<void>((done) => (answer = done));
    await page.route("**/v1/tracks/*", async (route) => (await isSeen, route.fallback()));
    await play(page).click();
    await expect(page.getByRole("alert")).toHaveCount(0);
    answer();
    await expect(page.getByRole("alert")).toContainText("This browser cannot play WAV");
    await expect(play(page)).toBeVisible();
    await page.unroute(audio);
    await page.route(audio, (route) => route.abort("connectionreset"));
    await page.reload();
    await expect(page.getByRole("button", { name: /^Account of/ })).toBeVisible();
    // The page would find out by itself that the server is back; here it is the button that does.
    await page.route("**/v1/me", (route) => route.abort("connectionreset"));
    await expect(page.getByRole("alert")).toContainText("The connection was lost");
    await page.unroute(audio);
    await page.getByRole("button", { name: "Try again" }).click();
    await expect(pause(page)).toBeVisible();
    await expect(page.getByRole("alert")).toHaveCount(0);
    await page.unroute("**/v1/me");
    await page.route(audio, (route) => route.fulfill({ status: 401, contentType: "application/problem+json", body: JSON.stringify({ title: "Not signed in", status: 401 }) }));
    await page.reload();
    await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
    // Signed in again, it plays.
    await page.unroute(audio);
    await page.getByLabel("Token or link").fill(TOKEN);
    await page.getByRole("button", { name: "Sign in", exact: true }).click();
    await play(page).click();
    await expect.poll(() => heardMs(page)).toBeGreaterThan(100);
  });

  test("measures a speed once it is chosen, and again where that failed", async ({ page }) => {
    await page.addInitScript(() => {
      const made = ((window as any).made = { count: 0 });
      const create = URL.createObjectURL.bind(URL);
      URL.createObjectURL = (what: Blob) => ((made.count += what.type === "audio/wav" ? 1 : 0), create(what));
      const start = HTMLMediaElement.prototype.play;
      HTMLMediaElement.prototype.play = function () {
        return this.src.startsWith("blob:") ? Promise.reject(new DOMException("", "NotSupportedError")) : start.call(this);
      };
    });
    await page.reload();
    const measured = (): Promise<number> => page.evaluate(() => (window as any).made.count as number);
    await play(page).click();
    await expect.poll(() => heardMs(page)).toBeGreaterThan(100);
    await page.getByRole("button", { name: "Speed and sound" }).click();
    // A slider that is drawn along.
    await page.locator(".sound-panel input[type=range]").first().evaluate((slider: HTMLInputElement) => {
      for (const rate of [0.9, 0.8, 0.7, 0.6]) {
        slider.value = `${rate}`;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
      }
    });
    await expect.poll(measured).toBe(1);
    await pause(page).click();
    await play(page).click();
    await expect.poll(measured).toBe(2);
  });

  for (const [scheme, width] of [["light", 1440], ["dark", 390]] as const) {
    test(`can be used by everybody: ${scheme}, ${width} px`, async ({ page }) => {
      await page.setViewportSize({ width, height: 844 });
      await page.emulateMedia({ colorScheme: scheme });
      await page.keyboard.press("[");
      await page.keyboard.press("m");
      await page.getByRole("button", { name: "Speed and sound" }).click();
      await expect(page.getByRole("group", { name: "Sound settings" })).toBeVisible();
      await page.getByRole("group", { name: "Speeds" }).getByRole("button", { name: "0.75×" }).click();
      await expect(page.getByRole("button", { name: "0.75×" })).toHaveAttribute("aria-pressed", "true");
      await settled(page);
      const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
      expect((await new AxeBuilder({ page }).include(".transport").withTags(tags).analyze()).violations).toEqual([]);
      if (width > 400) return;
      for (const button of await page.locator(".transport-row button:visible").all()) {
        const box = (await button.boundingBox())!;
        expect(Math.min(box.width, box.height)).toBeGreaterThanOrEqual(44);
        expect(box.x + box.width).toBeLessThanOrEqual(width);
      }
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    });
  }
});
