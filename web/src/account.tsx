/** Who is here: the menu of the account, and where they are signed in. */

import type { components } from "@arsis/client";
import { signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import "./account.css";
import { client } from "./api";
import { ago, day } from "./format";
import { openHelp } from "./help";
import { tell, tellError } from "./notices";
import { person, signOut } from "./session";
import { Dialog } from "./ui/dialog";
import { PersonIcon } from "./ui/icons";
import { Menu } from "./ui/menu";

type OneSession = components["schemas"]["Session"];

const sessionsOpen = signal(false);

export function AccountMenu() {
  const me = person.value;
  if (!me) return null;
  const isOperator = me.entitlements.some(({ resource, action }) => resource === "analysis_queue" && action === "read");
  const leave = (): void => void signOut().catch((error: unknown) => tellError(error, "Signing out did not work", { label: "Try again", run: leave }));
  return (
    <>
      <Menu label={`Account of ${me.name ?? me.email}`} icon={<PersonIcon />}>
        <div class="who" role="presentation">
          <strong>{me.name ?? me.email}</strong>
          {me.name && <span class="hint">{me.email}</span>}
          {me.roles.length > 0 && <span class="hint">{me.roles.map(({ role }) => role).join(", ")}</span>}
        </div>
        <hr />
        <button role="menuitem" onClick={openHelp}>Keyboard shortcuts</button>
        <button role="menuitem" onClick={() => (sessionsOpen.value = true)}>Where you are signed in</button>
        {isOperator && <a role="menuitem" href="/queue">Queue of analyses</a>}
        <a role="menuitem" href="/docs">API reference</a>
        <hr />
        <button role="menuitem" onClick={leave}>Sign out</button>
      </Menu>
      {sessionsOpen.value && <Sessions onClose={() => (sessionsOpen.value = false)} />}
    </>
  );
}

function Sessions({ onClose }: { readonly onClose: () => void }) {
  const list = useSignal<readonly OneSession[] | null>(null);
  useEffect(() => {
    const gone = new AbortController();
    client.call("get", "/v1/me/sessions", { signal: gone.signal }).then(
      (page) => (list.value = page.items),
      (error: unknown) => gone.signal.aborted || (tellError(error, "Your sessions could not be read"), onClose()),
    );
    return () => gone.abort();
  }, []);
  const end = async (one: OneSession): Promise<void> => {
    try {
      await client.call("delete", "/v1/me/sessions/{session_id}", { path: { session_id: one.id } });
      list.value = list.peek()?.filter(({ id }) => id !== one.id) ?? null;
      tell({ kind: "info", title: "Signed out there" });
    } catch (error) {
      tellError(error, "That session could not be ended");
    }
  };
  return (
    <Dialog title="Where you are signed in" onClose={onClose}>
      {list.value ? (
        <ul class="sessions">
          {list.value.map((one) => (
            <li key={one.id}>
              <div>
                <strong>{device(one.user_agent)}</strong> {one.current && <span class="here">here</span>}
                <p class="hint">
                  {[one.ip_address, one.last_activity_at && `last used ${ago(one.last_activity_at)}`, `until ${day(one.expires_at)}`].filter(Boolean).join(" · ")}
                </p>
              </div>
              {!one.current && <button class="small" onClick={() => void end(one)}>Sign out</button>}
            </li>
          ))}
        </ul>
      ) : (
        <p>One moment…</p>
      )}
    </Dialog>
  );
}

/** What browsers call themselves, as people do. The order matters: most name others as well. */
const BROWSERS: readonly [RegExp, string][] = [[/Edg\//, "Edge"], [/OPR\//, "Opera"], [/Firefox\//, "Firefox"], [/Chrom(e|ium)\//, "Chrome"], [/Safari\//, "Safari"]];
const SYSTEMS: readonly [RegExp, string][] = [[/iPhone|iPad/, "iOS"], [/Android/, "Android"], [/Mac OS X/, "macOS"], [/Windows/, "Windows"], [/Linux/, "Linux"]];

function device(agent: string | null | undefined): string {
  if (!agent) return "Made by command";
  const named = (list: readonly [RegExp, string][]): string | undefined => list.find(([pattern]) => pattern.test(agent))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  return browser ? browser + (system ? ` on ${system}` : "") : agent.slice(0, 60);
}
