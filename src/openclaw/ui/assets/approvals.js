// Commands that wait for a yes or no. What is shown is the whole text; hidden signs are written out.

import { h, replace } from "./dom.js";

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

export const visible = (text) =>
  String(text ?? "").replace(HIDDEN, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);

export class Approvals {
  #box;
  #decide;
  #cards = new Map();

  constructor(box, decide) {
    this.#box = box;
    this.#decide = decide;
    setInterval(() => this.#count(), 1000);
  }

  add({ id, request, expiresAtMs }) {
    if (this.#cards.has(id)) return;
    const buttons = [
      ["Allow once", "allow-once", "primary"],
      ["Always allow", "allow-always", ""],
      ["Deny", "deny", "danger"],
    ].map(([label, decision, style]) =>
      h("button", { type: "button", class: `button ${style}`, "data-decision": decision, onclick: () => this.#press(id, decision) }, label));
    const facts = [["Folder", request.cwd], ["Host", request.host], ["Agent", request.agentId], ["Program", request.resolvedPath], ["Why", request.why]]
      .filter(([, value]) => value)
      .flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, visible(value))]);
    const left = h("span", { class: "faint small" });
    const card = h("div", { class: "approval", role: "alertdialog", "aria-label": "A command waits for your approval" },
      h("h2", {}, "A command waits for your approval", left), h("pre", {}, visible(request.command)), h("dl", {}, facts), h("div", { class: "row" }, buttons));
    this.#cards.set(id, { card, left, expiresAtMs });
    this.#box.append(card);
    this.#count();
  }

  async #press(id, decision) {
    const entry = this.#cards.get(id);
    if (!entry) return;
    for (const button of entry.card.querySelectorAll("button")) button.disabled = true;
    try {
      await this.#decide(id, decision);
      this.remove(id);
    } catch (error) {
      replace(entry.left, error.message);
      for (const button of entry.card.querySelectorAll("button")) button.disabled = false;
    }
  }

  remove(id) {
    this.#cards.get(id)?.card.remove();
    this.#cards.delete(id);
  }

  clear() {
    for (const id of [...this.#cards.keys()]) this.remove(id);
  }

  #count() {
    for (const [id, { left, expiresAtMs }] of this.#cards) {
      const seconds = Math.ceil((expiresAtMs - Date.now()) / 1000);
      if (seconds <= 0) this.remove(id);
      else left.textContent = `${seconds} s left`;
    }
  }
}
