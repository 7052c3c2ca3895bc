// This browser's device: an Ed25519 key made here, whose proof opens the socket (protocol v3 signature).

import { readIdentity, writeIdentity } from "./store.js";

const encoder = new TextEncoder();

export function base64url(bytes) {
  let text = "";
  for (const byte of new Uint8Array(bytes)) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function fromBase64url(text) {
  const padded = text.replaceAll("-", "+").replaceAll("_", "/") + "===".slice((text.length + 3) % 4);
  return Uint8Array.from(atob(padded), (sign) => sign.charCodeAt(0));
}

async function hex(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function create() {
  const pair = await crypto.subtle.generateKey({ name: "Ed25519" }, true, ["sign", "verify"]);
  const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
  const privateKey = await crypto.subtle.exportKey("pkcs8", pair.privateKey);
  const identity = {
    version: 1,
    deviceId: await hex(publicKey),
    publicKey: base64url(publicKey),
    privateKey: base64url(privateKey),
    createdAtMs: Date.now(),
  };
  writeIdentity(identity);
  return identity;
}

export async function loadIdentity() {
  if (!globalThis.isSecureContext || !crypto.subtle) return null;
  let identity = readIdentity();
  if (!identity?.privateKey || (await hex(fromBase64url(identity.publicKey))) !== identity.deviceId) identity = await create();
  const key = await crypto.subtle.importKey("pkcs8", fromBase64url(identity.privateKey), { name: "Ed25519" }, false, ["sign"]);
  return { id: identity.deviceId, publicKey: identity.publicKey, key };
}

const lower = (text) => (text ?? "").trim().replace(/[A-Z]/g, (sign) => sign.toLowerCase());

export async function prove(identity, { client, role, scopes, token, nonce, signedAt }) {
  const text = [
    "v3", identity.id, client.id, client.mode, role, scopes.join(","), String(signedAt), token ?? "", nonce,
    lower(client.platform), lower(client.deviceFamily),
  ].join("|");
  const signature = await crypto.subtle.sign({ name: "Ed25519" }, identity.key, encoder.encode(text));
  return { id: identity.id, publicKey: identity.publicKey, signature: base64url(signature), signedAt, nonce };
}
