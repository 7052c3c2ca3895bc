// What this page keeps: credentials by gateway origin, for the tab unless the person wants them remembered.

const CREDENTIAL = "openclaw.credential.v1";
const IDENTITY = "openclaw-device-identity-v1";

const key = () => `${CREDENTIAL}:${location.host}${location.pathname}`;

export function readCredential() {
  for (const storage of [sessionStorage, localStorage]) {
    try {
      const found = JSON.parse(storage.getItem(key()) ?? "null");
      if (found && typeof found === "object") return { ...found, remembered: storage === localStorage };
    } catch { /* not ours */ }
  }
  return {};
}

export function writeCredential(credential, remember) {
  const text = JSON.stringify(credential);
  sessionStorage.setItem(key(), text);
  if (remember) localStorage.setItem(key(), text);
}

export function forgetCredential() {
  sessionStorage.removeItem(key());
  localStorage.removeItem(key());
}

// The token is taken from the fragment alone, which never reaches a server; in the query it is removed unused.
export function takeFromAddress() {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const found = { token: fragment.get("token") ?? "", session: fragment.get("session") ?? query.get("session") ?? "" };
  const secrets = ["token", "password", "gatewayUrl"];
  const dirty = secrets.some((name) => query.has(name)) || fragment.has("token") || fragment.has("session");
  for (const name of secrets) query.delete(name);
  if (dirty) {
    const rest = query.toString();
    history.replaceState(null, "", location.pathname + (rest ? `?${rest}` : ""));
  }
  return found;
}

export function readIdentity() {
  try { return JSON.parse(localStorage.getItem(IDENTITY) ?? "null"); } catch { return null; }
}

export function writeIdentity(identity) {
  localStorage.setItem(IDENTITY, JSON.stringify(identity));
}
