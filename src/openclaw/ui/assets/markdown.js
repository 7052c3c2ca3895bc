// Markdown to DOM nodes, for answers: paragraphs, headings, lists, quotes, code, emphasis, links.
// Images become links that say where they lead: nothing is loaded that a model names.

import { h } from "./dom.js";

const SAFE_LINK = /^(https?:|mailto:)/i;
const INLINE = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*([^*]+)\*\*|__([^_]+)__|\*([^*\s][^*]*)\*|_([^_\s][^_]*)_(?![A-Za-z0-9])|~~([^~]+)~~|!?\[([^\]]*)\]\(([^()\s]+)\)|(https?:\/\/[^\s<>()]+)/;

function link(href, label) {
  if (!SAFE_LINK.test(href)) return document.createTextNode(label || href);
  return h("a", { href, rel: "noopener noreferrer nofollow", target: "_blank", title: href }, label || href);
}

export function inline(text, depth = 0) {
  const nodes = [];
  let rest = text;
  while (rest && depth < 8) {
    const found = INLINE.exec(rest);
    if (!found) break;
    if (found.index) nodes.push(document.createTextNode(rest.slice(0, found.index)));
    const [all, , code, bold, bold2, italic, italic2, gone, label, href, bare] = found;
    if (code !== undefined) nodes.push(h("code", {}, code));
    else if (bold ?? bold2) nodes.push(h("strong", {}, inline(bold ?? bold2, depth + 1)));
    else if (italic ?? italic2) nodes.push(h("em", {}, inline(italic ?? italic2, depth + 1)));
    else if (gone) nodes.push(h("s", {}, inline(gone, depth + 1)));
    else if (bare) nodes.push(link(bare, bare));
    else nodes.push(link(href, label));
    rest = rest.slice(found.index + all.length);
  }
  if (rest) nodes.push(document.createTextNode(rest));
  return nodes;
}

function lines(text) {
  return text.split("\n").flatMap((line, index) => (index ? [h("br"), ...inline(line)] : inline(line)));
}

function takeFence(rows, at) {
  const open = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(rows[at]);
  if (!open) return null;
  let end = at + 1;
  while (end < rows.length && !rows[end].trimStart().startsWith(open[1])) end += 1;
  return [h("pre", {}, h("code", {}, rows.slice(at + 1, end).join("\n"))), end + 1];
}

function takeList(rows, at) {
  const mark = /^\s*(?:[-*+]|(\d+)[.)])\s+/;
  const first = mark.exec(rows[at]);
  if (!first) return null;
  const items = [];
  let end = at;
  while (end < rows.length && mark.test(rows[end])) {
    items.push(h("li", {}, inline(rows[end].replace(mark, ""))));
    end += 1;
  }
  const list = first[1] ? h("ol", { start: first[1] }, items) : h("ul", {}, items);
  return [list, end];
}

function takeQuote(rows, at) {
  if (!rows[at].startsWith(">")) return null;
  let end = at;
  while (end < rows.length && rows[end].startsWith(">")) end += 1;
  const inner = rows.slice(at, end).map((row) => row.replace(/^> ?/, "")).join("\n");
  return [h("blockquote", {}, render(inner)), end];
}

function takeHeading(rows, at) {
  const found = /^(#{1,6})\s+(.*)$/.exec(rows[at]);
  return found ? [h("p", {}, h("strong", {}, inline(found[2]))), at + 1] : null;
}

export function render(text) {
  const rows = text.replace(/\r\n?/g, "\n").split("\n");
  const blocks = [];
  let at = 0;
  while (at < rows.length) {
    if (!rows[at].trim()) { at += 1; continue; }
    const taken = takeFence(rows, at) ?? takeHeading(rows, at) ?? takeQuote(rows, at) ?? takeList(rows, at);
    if (taken) { blocks.push(taken[0]); at = taken[1]; continue; }
    let end = at + 1;
    while (end < rows.length && rows[end].trim() && !/^(\s*[-*+]\s|\s*\d+[.)]\s|>|#{1,6}\s| {0,3}(```|~~~))/.test(rows[end])) end += 1;
    blocks.push(h("p", {}, lines(rows.slice(at, end).join("\n"))));
    at = end;
  }
  return blocks;
}
