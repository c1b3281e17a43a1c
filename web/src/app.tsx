/** The frame of every page: who is here, where they are, and what they are told. */

import { useEffect, useRef } from "preact/hooks";
import { AccountMenu } from "./account";
import "./app.css";
import { connection, nextTry, tryNow } from "./connection";
import { Help } from "./help";
import type { Shortcut } from "./keys";
import { useShortcuts } from "./keys";
import { LibraryPage } from "./library/page";
import { Uploads } from "./library/upload-tray";
import { Notices } from "./notices";
import { followLink, route } from "./route";
import { person, session } from "./session";
import { SignIn, SignInAgain } from "./sign-in";
import { theme, toggleTheme } from "./theme";
import { TrackPage } from "./track/page";
import { Boundary } from "./ui/boundary";
import { MoonIcon, SunIcon, WarnIcon } from "./ui/icons";
import { useTitle } from "./ui/title";

const KEYS: readonly Shortcut[] = [{ keys: "t", what: "Light or dark colours", group: "Everywhere", repeats: false, run: toggleTheme }];

export function App() {
  useShortcuts(KEYS);
  const isDark = theme.value === "dark";
  return (
    <>
      <a class="skip button" href="#main">Skip to the content</a>
      <header class="bar">
        <a class="brand" href="/" onClick={followLink}>
          <img src="/icon.svg" alt="" />
          Arsis
        </a>
        <button class="quiet icon" onClick={toggleTheme} aria-label={isDark ? "Light colours" : "Dark colours"} title={isDark ? "Light colours" : "Dark colours"}>
          {isDark ? <SunIcon /> : <MoonIcon />}
        </button>
        <AccountMenu />
      </header>
      <Away />
      <main id="main" tabIndex={-1}>
        <Content />
      </main>
      <div class="corner">
        <Notices />
        {person.value && <Uploads />}
      </div>
      <Help />
    </>
  );
}

/** Says that the server cannot be reached, and when it is looked for again. */
function Away() {
  const isLost = connection.value === "lost" && session.value.kind !== "unknown";
  return (
    <div role="status">
      {isLost && (
        <div class="away">
          <p>
            <WarnIcon /> {navigator.onLine ? "The server cannot be reached." : "You are offline."} What is open stays here.
          </p>
          <button class="small" disabled={nextTry.value === null} onClick={() => void tryNow()}>
            {nextTry.value === null ? "Trying…" : "Try now"}
          </button>
        </div>
      )}
    </div>
  );
}

function Content() {
  const at = session.value;
  const who = person.value;
  if (!who) return at.kind === "checking" ? <Moment /> : <SignIn />;
  // Whoever else signs in gets pages of their own.
  return (
    <>
      <PageOfRoute key={who.user_id} />
      {at.kind !== "in" && <SignInAgain />}
    </>
  );
}

/** Most answers come before there is anything to say. */
const Moment = () => <p class="hint" aria-busy="true">One moment…</p>;

function PageOfRoute() {
  const to = route.value;
  const name = to.page === "track" ? to.trackId : to.page;
  const first = useRef(true);
  useEffect(() => {
    // Whoever follows a link is read the heading of where they arrive, and goes on from there.
    if (!first.current) focusHeading();
    first.current = false;
  }, [name]);
  return (
    <Boundary key={name}>
      {to.page === "track" ? <TrackPage trackId={to.trackId} /> : to.page === "library" ? <LibraryPage /> : <Missing />}
    </Boundary>
  );
}

function focusHeading(): void {
  const heading = document.querySelector<HTMLElement>("main h1");
  if (heading) heading.tabIndex = -1;
  (heading ?? document.getElementById("main"))?.focus({ preventScroll: true });
}

function Missing() {
  useTitle("No such page");
  return (
    <section class="message">
      <h1>There is no page here</h1>
      <p>The address may be mistyped, or what it led to was removed.</p>
      <a class="button primary" href="/" onClick={followLink}>To the library</a>
    </section>
  );
}
