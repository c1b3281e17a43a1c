/** For whoever comes without a session. */

import { session, signIn } from "./session";

export function SignIn() {
  const at = session.value;
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const token = new FormData(event.currentTarget as HTMLFormElement).get("token");
    if (typeof token === "string" && token.trim()) void signIn(token);
  };
  return (
    <form class="sign-in" onSubmit={submit}>
      <h1>Sign in</h1>
      {(at.kind === "out" || at.kind === "unknown") && at.why && <p role="alert">{at.why}</p>}
      <label>
        Token
        <input name="token" type="password" autocomplete="off" required autofocus />
      </label>
      <button class="primary">Sign in</button>
      <p>
        <code>arsis serve</code> prints a link with a token on its first start; <code>arsis user add EMAIL</code> makes another.
      </p>
    </form>
  );
}
