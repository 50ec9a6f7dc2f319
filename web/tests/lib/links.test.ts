import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ownPath } from "../../src/lib/links";

test("only paths of this appliance are links", () => {
  for (const path of ["/", "/screens?q=S-1", "/approve?screenId=A#BCDF", "/a//b", "/%09/x"])
    assert.equal(ownPath(path), path);
  for (const other of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "http://elsewhere/",
    "//elsewhere/",
    "/\\elsewhere/",
    "\\\\elsewhere/",
    "/\t/elsewhere/",
    "/\n/elsewhere",
    "\u0001/x",
    "screens",
    "",
    undefined,
  ]) {
    assert.equal(ownPath(other), undefined, String(other));
  }
});

/** Where addresses that were judged elsewhere are put to use: the file, and what has judged them. */
const JUDGED = new Set([
  "src/station/viewer/html.ts: frame.src = source.url", // `refusalOf`, in viewer.ts
  "src/station/viewer/image.ts: image.src = address", // a blob of what was fetched after the same
  "src/office/router.ts: location.replace(url)", // its origin is this one's
  "src/office/router.ts: location.assign(url)",
  "clients/websocket-screen.html: frame.src = message.url", // `mayOpen`, in station.mjs
  "clients/events-screen.html: frame.src = message.url",
]);
const ATTRIBUTE = /\b(?:href|src|srcdoc|action|formaction|xlink:href)=\{((?:[^{}]|\{[^{}]*\})*)\}/gi;
const PROPERTY =
  /[\w.]+\.(?:href|src|srcdoc|action|formAction) = [^=;]+|location = [^=;]+|(?:location\.(?:assign|replace)|window\.open)\([^)]*\)/g;
const MARKUP =
  /innerHTML|outerHTML|insertAdjacentHTML|document\.write|setAttribute\("(?:href|src|srcdoc|on\w+)"|createContextualFragment/g;
const LITERAL = /^(?:"\/[^"]*"|`\/(?![/\\$])[^`]*`|(?:ownPath|svgImage)\(.*\))$/s;
/** Components that put their `href` through `ownPath` themselves. */
const THROUGH = /<ButtonLink\b[^<]*$/s;

/** Everywhere in a source that an address, or markup, is taken from a value without `ownPath` or `svgImage`. */
function unjudged(source: string): string[] {
  const found: string[] = [];
  for (const match of source.matchAll(ATTRIBUTE)) {
    const value = (match[1] ?? "").trim();
    if (!LITERAL.test(value) && !THROUGH.test(source.slice(0, match.index))) found.push(match[0]);
  }
  for (const match of source.matchAll(PROPERTY)) {
    if (!LITERAL.test(match[0].split(/ = |\(/)[1]?.replace(/\)$/, "") ?? "")) found.push(match[0].trim());
  }
  for (const match of source.matchAll(MARKUP)) found.push(match[0]);
  return found;
}

test("every address that a page opens has been judged", () => {
  const web = process.cwd();
  const found: string[] = [];
  for (const folder of ["src", "clients"]) {
    for (const name of readdirSync(join(web, folder), { recursive: true, encoding: "utf8" })) {
      if (!/\.(tsx?|mjs|html)$/.test(name)) continue;
      const path = `${folder}/${name.replaceAll("\\", "/")}`;
      for (const one of unjudged(readFileSync(join(web, path), "utf8"))) found.push(`${path}: ${one}`);
    }
  }
  assert.deepEqual(new Set(found), JUDGED);
});

test("an address that nobody has judged is found", () => {
  for (const source of [
    "<a href={item.url}>",
    "<a title={x} href={base + path}>",
    "<img src={order.picture} />",
    "<iframe srcdoc={text} />",
    "link.href = answer.url;",
    "location.assign(answer.next)",
    "window.open(url)",
    "location = next;",
    "node.innerHTML = text",
    'node.setAttribute("href", url)',
    "<a href={`//elsewhere/`}>",
  ]) {
    assert.equal(unjudged(source).length, 1, source);
  }
  for (const source of [
    '<a href={"/x"}>',
    "<a href={ownPath(x)}>",
    "<ButtonLink wide href={x}>",
    "if (a.href === b) {}",
  ]) {
    assert.deepEqual(unjudged(source), [], source);
  }
});
