// Who is signed in. The session is a cookie that scripts cannot read; this page holds no token.

import { failure, h, note } from "./dom.js";

const PLACE = "medsearch-place";
const corner = document.getElementById("account");

/** Where the user was, kept in this tab over the way to the issuer and back: no address carries it. */
function leave() {
  sessionStorage.setItem(PLACE, location.hash);
  location.assign("/sign-in");
}

function comeBack() {
  const place = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (place && place !== location.hash) history.replaceState(null, "", place);
}

const button = (text, onclick, title) => h("button", { class: "button", type: "button", title, onclick }, text);

/** What stands where results would while nobody is signed in. */
export const signInNote = () => note("Sign in to search", "Images and reports of patients are shown to signed-in users.", button("Sign in", leave));

async function signOut() {
  const response = await fetch("/sign-out", { method: "POST", headers: { "content-type": "application/json" }, body: "{}" });
  if (!response.ok) return;
  location.assign((await response.json()).address);
}

/** Shows in the corner who is signed in and, in the view, what keeps the user out. Tells whether the user may ask. */
export async function welcome(view) {
  let session;
  try {
    const response = await fetch("/session");
    if (!response.ok) throw new Error("Sign-in cannot be checked now.");
    session = await response.json();
  } catch (error) {
    view.replaceChildren(failure(error, () => location.reload()));
    return false;
  }
  if (session.signIn === "development") return true;
  if (!session.signedIn) {
    view.replaceChildren(signInNote());
    return false;
  }
  comeBack();
  corner.replaceChildren(button("Sign out", signOut, session.name ? `Signed in as ${session.name}` : null));
  if (session.roles.length) return true;
  view.replaceChildren(note("No access", "This account has no role here. Ask whoever runs this service."));
  return false;
}
