/** Catches what a part of the page throws while it draws, so that the rest of the page stays. */

import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";

export function Boundary({ children }: { readonly children: ComponentChildren }) {
  const [error, reset] = useErrorBoundary((caught: unknown) => console.error(caught));
  if (!error) return <>{children}</>;
  return (
    <section class="message" role="alert">
      <h1 tabIndex={-1}>This page has stopped</h1>
      <p>Something in it failed that should not. What is stored on the server is safe.</p>
      <p class="hint">
        <code>{error instanceof Error ? error.message : String(error)}</code>
      </p>
      <div class="row">
        <button class="primary" onClick={() => location.reload()}>Load the page again</button>
        <button onClick={reset}>Try to go on</button>
      </div>
    </section>
  );
}
