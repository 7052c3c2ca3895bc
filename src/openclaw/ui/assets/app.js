// Joins the parts: login, session picker, chat, approvals, connection state.

import { Approvals } from "./approvals.js";
import { Chat } from "./chat.js";
import { byId, h, replace } from "./dom.js";
import { Gateway } from "./gateway.js";
import { forgetCredential, readCredential, takeFromAddress, writeCredential } from "./store.js";

const gateway = new Gateway();
const chat = new Chat(byId("log"));
const approvals = new Approvals(byId("approvals"), (id, decision) => gateway.request("exec.approval.resolve", { id, decision }));
const address = takeFromAddress();
const state = { session: address.session || "main", main: "main", agent: "main", runs: new Set(), sessions: [], opened: "" };
let credential = address.token ? { token: address.token } : readCredential();

if (address.token) writeCredential({ token: address.token }, false);

// Login

function ask(text) {
  byId("login-text").textContent = text;
  byId("login-fields").hidden = false;
  byId("gate").hidden = false;
  byId("app").hidden = true;
  byId("secret").focus();
}

byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  const secret = byId("secret").value.trim();
  byId("secret").value = "";
  if (!secret) return;
  credential = { token: secret, password: secret };
  writeCredential(credential, byId("remember").checked);
  byId("login-text").textContent = "Connecting to the gateway…";
  byId("login-fields").hidden = true;
  gateway.start(credential);
});

gateway.addEventListener("refused", ({ detail: { error } }) => {
  if (error.code === "NOT_PAIRED") {
    ask("This browser waits for approval. On the gateway's machine run: openclaw devices list, then openclaw devices approve.");
    byId("login-fields").hidden = true;
    return;
  }
  gateway.stop();
  forgetCredential();
  ask(error.message);
});

// Connection

gateway.addEventListener("state", async ({ detail }) => {
  const badge = byId("connection");
  badge.dataset.state = detail.state;
  badge.textContent = detail.reason ? `${detail.state} (${detail.code}: ${detail.reason})` : detail.state;
  byId("send").disabled = detail.state !== "connected";
  if (detail.state !== "connected") return;
  byId("gate").hidden = true;
  byId("app").hidden = false;
  const { snapshot, server } = detail.hello;
  byId("version").textContent = `gateway ${server?.version ?? ""}`;
  state.main = snapshot?.sessionDefaults?.mainSessionKey ?? "main";
  state.agent = snapshot?.sessionDefaults?.defaultAgentId ?? "main";
  if (state.session === "main") state.session = state.main;
  await Promise.allSettled([open(state.session), listSessions(), listApprovals()]);
});

async function listApprovals() {
  approvals.clear();
  const { pending = [] } = await gateway.request("exec.approval.list", {});
  for (const request of pending) approvals.add(request);
}

// Sessions

const nameOf = (row) => row.label || row.displayName || row.derivedTitle || (row.key === state.main ? "Main" : row.key.replace(/^agent:/, ""));

async function listSessions() {
  const { sessions = [] } = await gateway.request("sessions.list", { limit: 100, includeDerivedTitles: true, includeLastMessage: true });
  state.sessions = sessions;
  drawSessions();
}

function drawSessions() {
  const rows = [...state.sessions];
  for (const key of [state.main, state.session]) if (!rows.some((row) => row.key === key)) rows.unshift({ key });
  replace(byId("sessions"), rows.map((row) =>
    h("button", { type: "button", class: "session", "data-key": row.key, "aria-current": String(row.key === state.session), title: row.key, onclick: () => choose(row.key) },
      h("span", {}, nameOf(row)), row.lastMessagePreview ? h("span", { class: "faint small" }, row.lastMessagePreview) : null)));
  const current = rows.find((row) => row.key === state.session);
  byId("title").textContent = current ? nameOf(current) : "Chat";
  byId("model").textContent = current?.model ?? "";
  byId("model").hidden = !current?.model;
}

function choose(key) {
  document.querySelector(".side").classList.remove("open");
  byId("menu").setAttribute("aria-expanded", "false");
  if (key !== state.session) open(key);
}

async function open(key) {
  state.session = key;
  state.opened = key;
  drawSessions();
  drawRunning();
  try {
    const { messages = [] } = await gateway.request("chat.history", { sessionKey: key, limit: 200 });
    if (state.opened === key) chat.show(messages);
  } catch (error) {
    if (state.opened === key) { chat.clear(); chat.error(error.message); }
  }
}

byId("new-chat").addEventListener("click", () => choose(`agent:${state.agent}:chat-${crypto.randomUUID().slice(0, 8)}`));
byId("menu").addEventListener("click", () => {
  const isOpen = document.querySelector(".side").classList.toggle("open");
  byId("menu").setAttribute("aria-expanded", String(isOpen));
});

// Events

const onChat = {
  delta: (run, message) => chat.delta(run, textOf(message)),
  final: (run, message) => chat.final(run, textOf(message)),
  aborted: (run, message) => { chat.final(run, textOf(message)); chat.error("Stopped."); },
  error: (run, message, text) => { chat.final(run, ""); chat.error(text ?? "The run failed."); },
};

const textOf = (message) => (message?.content ?? []).filter((block) => block.type === "text").map((block) => block.text).join("\n");

gateway.addEventListener("event", ({ detail: { event, payload } }) => {
  if (event === "exec.approval.requested") approvals.add(payload);
  else if (event === "exec.approval.resolved") { approvals.remove(payload.id); chat.decided(payload.id, payload.decision); }
  else if (event === "chat") takeChat(payload);
  else if (event === "agent") takeAgent(payload);
});

function takeChat({ runId, sessionKey, state: phase, message, errorMessage }) {
  if (phase !== "delta") state.runs.delete(runId);
  if (sessionKey === state.session) onChat[phase]?.(runId, message, errorMessage);
  drawRunning();
  if (phase === "final" || phase === "error") listSessions().catch(() => {});
}

function takeAgent({ runId, sessionKey, stream, data }) {
  if (sessionKey !== state.session) return;
  if (stream === "lifecycle" && data.phase === "start") { state.runs.add(runId); drawRunning(); }
  if (stream !== "tool") return;
  if (data.phase === "start") {
    chat.cut(runId);
    chat.tool(data.toolCallId, { name: data.name, args: data.args, state: "running" });
  } else if (data.phase === "result") {
    chat.tool(data.toolCallId, { name: data.name, state: data.isError ? "error" : "done", result: textOf(data.result) || data.meta || "", details: data.result?.details });
  }
}

function drawRunning() {
  byId("stop").hidden = state.runs.size === 0;
}

// Composer

const text = byId("text");

function fit() {
  text.rows = Math.min(8, text.value.split("\n").length);
}

byId("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const message = text.value.trim();
  if (!message) return;
  text.value = "";
  fit();
  chat.user(message);
  const runId = crypto.randomUUID();
  try {
    const answer = await gateway.request("chat.send", { sessionKey: state.session, message, idempotencyKey: runId });
    if (answer.status === "started") { state.runs.add(runId); drawRunning(); }
  } catch (error) {
    chat.error(error.message);
  }
});

text.addEventListener("input", fit);
text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    byId("composer").requestSubmit();
  }
});

byId("stop").addEventListener("click", () => {
  gateway.request("chat.abort", { sessionKey: state.session }).catch((error) => chat.error(error.message));
});

// Begin

if (credential.token || credential.password) gateway.start(credential);
else ask("Enter the gateway's token to connect.");
