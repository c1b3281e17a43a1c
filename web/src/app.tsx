/** The frame of every page: who is here, where they are, and what they are told. */

import { LibraryPage } from "./library/page";
import { Notices } from "./notices";
import { followLink, route } from "./route";
import { session } from "./session";
import { SignIn } from "./sign-in";
import { theme, toggleTheme } from "./theme";
import { TrackPage } from "./track/page";

export function App() {
  return (
    <>
      <a class="skip button" href="#main">Skip to the content</a>
      <header class="bar">
        <a class="brand" href="/" onClick={followLink}>
          <img src="/icon.svg" alt="" />
          Arsis
        </a>
        <button class="quiet" onClick={toggleTheme} aria-label={theme.value === "dark" ? "Light colours" : "Dark colours"}>
          {theme.value === "dark" ? "☀" : "☾"}
        </button>
      </header>
      <main id="main" tabIndex={-1}>
        <Page />
      </main>
      <Notices />
    </>
  );
}

function Page() {
  const at = session.value;
  if (at.kind === "checking") return <p>One moment…</p>;
  if (at.kind !== "in") return <SignIn />;
  const to = route.value;
  if (to.page === "track") return <TrackPage key={to.trackId} trackId={to.trackId} />;
  if (to.page === "library") return <LibraryPage />;
  return <p>There is no page here. <a href="/" onClick={followLink}>To the library</a></p>;
}
