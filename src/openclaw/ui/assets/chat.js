// One conversation: history, the growing answer, tool cards.

import { h, replace } from "./dom.js";
import { render } from "./markdown.js";

const textOf = (content) =>
  typeof content === "string" ? content : (content ?? []).filter((block) => block.type === "text").map((block) => block.text).join("\n");

function summary(name, args) {
  if (!args || typeof args !== "object") return "";
  return String(args.command ?? args.path ?? args.file_path ?? args.url ?? args.action ?? JSON.stringify(args));
}

const STATES = {
  running: "running", done: "done", error: "refused or failed",
  waiting: "waits for approval", approved: "approved", denied: "denied", expired: "nobody answered in time",
  over: "no longer waits",
};

export class Chat {
  #log;
  #answers = new Map();
  #tools = new Map();
  #decided = new Map();
  #atEnd = true;

  constructor(log) {
    this.#log = log;
    log.addEventListener("scroll", () => {
      this.#atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    });
  }

  clear() {
    this.#answers.clear();
    this.#tools.clear();
    replace(this.#log);
  }

  show(messages) {
    this.clear();
    for (const message of messages) this.#stored(message);
    if (!messages.length) this.#welcome();
    this.#atEnd = true;
    this.#scroll();
  }

  #welcome() {
    this.#log.append(
      h("div", { class: "empty" },
        h("p", {}, "Say hello. Without a model key the built-in offline model answers; ask it to use a tool:"),
        h("p", {}, h("code", {}, "run uname -a"), " · ", h("code", {}, "read AGENTS.md")),
      ),
    );
  }

  #stored(message) {
    if (message.role === "user") this.#bubble("user", textOf(message.content));
    else if (message.role === "toolResult") this.tool(message.toolCallId, { name: message.toolName, state: message.isError ? "error" : "done", result: textOf(message.content), details: message.details });
    else if (message.role === "assistant") {
      for (const block of message.content ?? []) {
        if (block.type === "text" && block.text.trim()) this.#bubble("assistant", block.text);
        if (block.type === "toolCall") this.tool(block.id, { name: block.name, args: block.arguments, state: "running" });
      }
      if (message.stopReason === "error" && message.errorMessage) this.#bubble("error", message.errorMessage);
    }
  }

  #bubble(role, text) {
    this.#log.querySelector(".empty")?.remove();
    const bubble = h("div", { class: "bubble" });
    replace(bubble, role === "user" ? text : render(text));
    const message = h("article", { class: `message ${role}` }, bubble);
    this.#log.append(message);
    this.#scroll();
    return message;
  }

  user(text) {
    this.#atEnd = true;
    this.#bubble("user", text);
  }

  error(text) {
    this.#bubble("error", text);
  }

  // The answer so far, as a whole; the bubble of a run grows in place.
  delta(runId, text) {
    let message = this.#answers.get(runId);
    if (!message) {
      message = this.#bubble("assistant", "");
      message.classList.add("pending");
      this.#answers.set(runId, message);
    }
    replace(message.firstChild, render(text));
    this.#scroll();
  }

  final(runId, text) {
    const message = this.#answers.get(runId);
    this.#answers.delete(runId);
    if (message && text) replace(message.firstChild, render(text));
    else if (message) message.remove();
    else if (text) this.#bubble("assistant", text);
    message?.classList.remove("pending");
    this.#scroll();
  }

  // A tool call that starts ends the text before it: what follows is a new bubble below the card.
  cut(runId) {
    this.#answers.get(runId)?.classList.remove("pending");
    this.#answers.delete(runId);
  }

  tool(id, { name, args, state, result, details }) {
    this.#log.querySelector(".empty")?.remove();
    let card = this.#tools.get(id);
    if (!card) {
      card = h("details", { class: "tool", "data-tool": name },
        h("summary", {}, h("span", { class: "name" }, name ?? "tool"), h("span", { class: "what" }), h("span", { class: "state" })));
      this.#tools.set(id, card);
      this.#log.append(card);
    }
    const waiting = details?.status === "approval-pending";
    this.#mark(card, waiting ? this.#waits(card, details) : state);
    if (args) card.querySelector(".what").textContent = summary(name, args);
    if (result !== undefined) {
      card.querySelector("pre")?.remove();
      card.append(h("pre", {}, result));
      card.open = state === "error" || waiting;
    }
    this.#scroll();
  }

  // The state of a card whose command was put before a person; after a reload only the end of its time is known.
  #waits(card, { approvalId, expiresAtMs }) {
    card.dataset.approval = approvalId;
    const left = expiresAtMs - Date.now();
    if (left <= 0) return this.#decided.get(approvalId) ?? "over";
    setTimeout(() => { if (card.dataset.state === "waiting") this.#mark(card, "expired"); }, left);
    return this.#decided.get(approvalId) ?? "waiting";
  }

  // What became of the command that a card waits for.
  decided(approvalId, decision) {
    const state = { "allow-once": "approved", "allow-always": "approved", deny: "denied" }[decision] ?? "expired";
    this.#decided.set(approvalId, state);
    for (const card of this.#tools.values()) if (card.dataset.approval === approvalId) this.#mark(card, state);
  }

  #mark(card, state) {
    card.dataset.state = state;
    card.querySelector(".state").textContent = STATES[state] ?? state;
  }

  #scroll() {
    if (this.#atEnd) this.#log.scrollTop = this.#log.scrollHeight;
  }
}
