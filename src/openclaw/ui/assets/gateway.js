// The gateway's socket: challenge, connect, requests, events, reconnecting with back-off.

import { loadIdentity, prove } from "./identity.js";

const SCOPES = ["operator.admin", "operator.read", "operator.write", "operator.approvals", "operator.pairing"];
const FIRST_DELAY = 1000;
const LONGEST_DELAY = 30000;

export class GatewayError extends Error {
  constructor(error) {
    super(error?.message ?? "the gateway refused");
    this.code = error?.code;
    this.details = error?.details ?? {};
  }
}

export class Gateway extends EventTarget {
  #socket = null;
  #waiting = new Map();
  #counter = 0;
  #delay = FIRST_DELAY;
  #timer = null;
  #wanted = false;
  #credential = {};
  #lastFrame = 0;
  #tick = 30000;

  get url() {
    const base = new URL(".", location.href);
    base.protocol = base.protocol === "https:" ? "wss:" : "ws:";
    base.hash = base.search = "";
    return base.href;
  }

  start(credential) {
    this.#credential = credential;
    this.#wanted = true;
    this.#open();
  }

  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
  }

  request(method, params = {}) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new GatewayError({ message: "not connected" }));
    const id = `${(this.#counter += 1)}:${crypto.randomUUID()}`;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      socket.send(JSON.stringify({ type: "req", id, method, params }));
    });
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  #open() {
    clearTimeout(this.#timer);
    this.#emit("state", { state: "connecting" });
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.addEventListener("message", (message) => this.#take(socket, message.data));
    socket.addEventListener("close", (event) => this.#closed(socket, event));
    this.#lastFrame = Date.now();
  }

  #take(socket, text) {
    this.#lastFrame = Date.now();
    let frame;
    try { frame = JSON.parse(text); } catch { return; }
    if (frame.type === "event" && frame.event === "connect.challenge") this.#connect(socket, frame.payload);
    else if (frame.type === "event") this.#emit("event", frame);
    else if (frame.type === "res") this.#answer(frame);
  }

  #answer(frame) {
    const waiting = this.#waiting.get(frame.id);
    if (!waiting) return;
    this.#waiting.delete(frame.id);
    if (frame.ok) waiting.resolve(frame.payload);
    else waiting.reject(new GatewayError(frame.error));
  }

  async #connect(socket, { nonce, ts }) {
    const client = {
      id: "openclaw-control-ui", mode: "webchat", version: "1", platform: navigator.platform || "web", displayName: "Control UI",
    };
    const { token, password } = this.#credential;
    const params = {
      minProtocol: 3, maxProtocol: 4, client, role: "operator", scopes: SCOPES, caps: ["tool-events", "tool-events-full"],
      locale: navigator.language, userAgent: navigator.userAgent,
      auth: { ...(token ? { token } : {}), ...(password ? { password } : {}) },
    };
    try {
      const identity = await loadIdentity();
      if (identity) params.device = await prove(identity, { client, role: params.role, scopes: SCOPES, token, nonce, signedAt: ts });
      const hello = await this.request("connect", params);
      this.#delay = FIRST_DELAY;
      this.#tick = hello.policy?.tickIntervalMs ?? this.#tick;
      this.#watch(socket);
      this.#emit("state", { state: "connected", hello });
    } catch (error) {
      this.#emit("refused", { error });
      socket.close(1008, "connect failed");
    }
  }

  #watch(socket) {
    const timer = setInterval(() => {
      if (socket !== this.#socket || socket.readyState !== WebSocket.OPEN) return clearInterval(timer);
      if (Date.now() - this.#lastFrame > this.#tick * 2) socket.close(4000, "tick timeout");
    }, 1000);
  }

  #closed(socket, { code, reason }) {
    if (socket !== this.#socket) return;
    for (const { reject } of this.#waiting.values()) reject(new GatewayError({ message: "the connection was closed" }));
    this.#waiting.clear();
    this.#emit("state", { state: "disconnected", code, reason });
    if (!this.#wanted) return;
    this.#timer = setTimeout(() => this.#open(), this.#delay);
    this.#delay = Math.min(this.#delay * 2, LONGEST_DELAY);
  }
}
