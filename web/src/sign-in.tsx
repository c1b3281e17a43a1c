/** For whoever comes without a session, and for those whose session ended in the middle of things. */

import { useEffect, useRef } from "preact/hooks";
import { connection } from "./connection";
import { session, signIn, signInAnew, tokenIn } from "./session";
import "./sign-in.css";
import { useTitle } from "./ui/title";

/** The whole page, while nobody is signed in. */
export function SignIn() {
  useTitle("Sign in");
  const at = session.value;
  return (
    <section class="gate panel">
      <img src="/icon.svg" alt="" width="48" height="48" />
      {at.kind === "unapproved" ? <Unapproved /> : at.kind === "unknown" ? <Unknown /> : <Form />}
    </section>
  );
}

/** Over the page of whoever was here until a moment ago; it stays as it is beneath. */
export function SignInAgain() {
  const dialog = useRef<HTMLDialogElement>(null);
  const show = (): void => void (dialog.current?.isConnected && !dialog.current.open && dialog.current.showModal());
  useEffect(() => {
    show();
    return () => dialog.current?.close();
  }, []);
  const at = session.value;
  return (
    // Browsers close a dialog on a second Escape whatever is said: it comes back.
    <dialog ref={dialog} class="gate" aria-label="Sign in" onCancel={(event) => event.preventDefault()} onClose={show}>
      {at.kind === "unapproved" ? <Unapproved /> : at.kind === "unknown" ? <Unknown /> : <Form />}
    </dialog>
  );
}

function Form() {
  const at = session.value;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  const busy = at.kind === "checking";
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = tokenIn(field.current!.value);
    if (token && !busy) void signIn(token);
  };
  const why = at.kind === "out" ? at.why : undefined;
  return (
    <form onSubmit={submit}>
      <h1 tabIndex={-1}>Sign in</h1>
      {why && <p role="alert" class="why">{why}</p>}
      <label class="field">
        <span>Token or link</span>
        <input ref={field} name="token" type="password" autocomplete="off" autocapitalize="off" spellcheck={false} required aria-describedby="token-hint" />
      </label>
      <button class="primary" aria-disabled={busy}>{busy ? "Signing in…" : "Sign in"}</button>
      <p class="hint" id="token-hint">
        <code>arsis serve</code> prints a link with a token when it first starts. <code>arsis user add EMAIL</code> makes another.
      </p>
    </form>
  );
}

function Unapproved() {
  const at = session.value;
  return (
    <div role="alert" class="stack">
      <h1 tabIndex={-1}>Your account is not approved</h1>
      <p>Somebody who looks after this server has to approve it first. Nothing of yours is lost.</p>
      <div class="row">
        {at.kind === "unapproved" && <button class="primary" onClick={at.again}>Look again</button>}
        <button onClick={signInAnew}>Sign in as somebody else</button>
      </div>
    </div>
  );
}

/** The server did not answer: asked again by hand, and by itself once it is there. */
function Unknown() {
  const at = session.value;
  const again = at.kind === "unknown" ? at.again : undefined;
  const isBack = connection.value === "ok";
  const wasAway = useRef(false);
  useEffect(() => {
    if (!isBack) wasAway.current = true;
    else if (wasAway.current) again?.();
  }, [isBack]);
  return (
    <div role="alert" class="stack">
      <h1 tabIndex={-1}>{at.kind === "unknown" ? at.why : "The server cannot be reached"}</h1>
      <p>This page goes on by itself once the server answers.</p>
      <div class="row">
        <button class="primary" onClick={again}>Try again</button>
      </div>
    </div>
  );
}
