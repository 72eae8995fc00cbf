// The signed-in user. The session is a cookie that scripts cannot read; the page has no token.

import { change } from "./state.js";

const ROUTE_KEY = "medsearch-place";

/** Goes to the issuer. This tab's storage remembers the route until the user returns; no URL contains it. */
export function signIn() {
  sessionStorage.setItem(ROUTE_KEY, location.hash);
  location.assign("/sign-in");
}

function restoreRoute() {
  const route = sessionStorage.getItem(ROUTE_KEY);
  sessionStorage.removeItem(ROUTE_KEY);
  if (route && route !== location.hash) history.replaceState(null, "", route);
}

export async function signOut() {
  const response = await fetch("/sign-out", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  if (!response.ok) return;
  location.assign((await response.json()).address);
}

/** Loads the session into the state. Returns whether the user may search. */
export async function loadSession() {
  try {
    const response = await fetch("/session");
    if (!response.ok) throw new Error("Sign-in cannot be verified right now.");
    return applySession(await response.json());
  } catch (error) {
    const message = error instanceof TypeError ? "The service does not respond." : error.message;
    change({ session: { status: "failed", error: new Error(message), name: "" } });
    return false;
  }
}

function applySession({ signIn: kind, signedIn, name, roles }) {
  const isOpen = kind === "development";
  if (signedIn && !isOpen) restoreRoute();
  const status = isOpen ? "open" : !signedIn ? "signed out" : roles.length ? "signed in" : "no role";
  change({ session: { status, error: null, name: name ?? "" } });
  return isOpen || status === "signed in";
}
