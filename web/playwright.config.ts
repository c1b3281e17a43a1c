import { defineConfig } from "@playwright/test";

/** What the tests need to know is said by whoever starts the server: its address, a token, audio, and where Chromium is. */
const given = (name: string): string => {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: cargo test --test clients viewer starts these tests with all they need`);
  return value;
};

export default defineConfig({
  testDir: "tests",
  outputDir: process.env["ARSIS_TEST_OUTPUT"] ?? "../target/viewer",
  workers: 1,
  retries: 0,
  forbidOnly: true,
  timeout: 90_000,
  expect: { timeout: 20_000 },
  reporter: [["list"]],
  use: {
    baseURL: given("ARSIS_URL"),
    browserName: "chromium",
    viewport: { width: 1440, height: 900 },
    trace: "retain-on-failure",
    launchOptions: {
      executablePath: given("ARSIS_CHROMIUM"),
      args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--autoplay-policy=no-user-gesture-required"],
    },
  },
});
