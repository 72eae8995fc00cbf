// Who is signed in. The session is a cookie that scripts cannot read; this page holds no token.

import { change } from "./state.js";

const PLACE = "medsearch-place";

/** Goes to the issuer. Where the user was is kept in this tab over the way and back: no address carries it. */
export function signIn() {
  sessionStorage.setItem(PLACE, location.hash);
  location.assign("/sign-in");
}

function comeBack() {
  const place = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (place && place !== location.hash) history.replaceState(null, "", place);
}

export async function signOut() {
  const response = await fetch("/sign-out", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  if (!response.ok) return;
  location.assign((await response.json()).address);
}

/** Puts into the state who is signed in. Tells whether the user may ask. */
export async function welcome() {
  try {
    const response = await fetch("/session");
    if (!response.ok) throw new Error("Sign-in cannot be checked now.");
    return welcomed(await response.json());
  } catch (error) {
    const message = error instanceof TypeError ? "The service does not answer." : error.message;
    change({ session: { status: "failed", error: new Error(message), name: "" } });
    return false;
  }
}

function welcomed({ signIn: kind, signedIn, name, roles }) {
  const isOpen = kind === "development";
  if (signedIn && !isOpen) comeBack();
  const status = isOpen ? "open" : !signedIn ? "signed out" : roles.length ? "signed in" : "no role";
  change({ session: { status, error: null, name: name ?? "" } });
  return isOpen || status === "signed in";
}
