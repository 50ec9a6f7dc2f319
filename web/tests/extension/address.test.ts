import "../browser";
import assert from "node:assert/strict";
import { test } from "node:test";
import { baseOf, isLocal, isSamePage } from "../../extension/worker/address";

test("what a person types is taken for an appliance's address, the port given or not", () => {
  const typed: [string, string | null][] = [
    ["192.168.0.5", "http://192.168.0.5:8480"],
    [" 192.168.0.5 ", "http://192.168.0.5:8480"],
    ["192.168.0.5:9000", "http://192.168.0.5:9000"],
    ["vooster.local", "http://vooster.local:8480"],
    ["VOOSTER.local/pair?screenId=A#token=x", "http://vooster.local:8480"],
    ["http://10.0.0.7:8480/display", "http://10.0.0.7:8480"],
    ["http://10.0.0.7", "http://10.0.0.7:8480"],
    ["https://plant.example", "https://plant.example"],
    ["https://plant.example:8443/x", "https://plant.example:8443"],
    ["[fd00::1]:8480", "http://[fd00::1]:8480"],
    ["", null],
    ["two words", null],
    ["file:///etc/passwd", null],
    ["javascript:alert(1)", null],
    ["http://user:word@10.0.0.7", null],
  ];
  for (const [text, base] of typed) assert.equal(baseOf(text), base, text);
});

test("only addresses of this network may hand a pairing over", () => {
  const local = ["10.1.2.3", "127.0.0.1", "172.16.0.1", "172.31.9.9", "192.168.10.20", "169.254.1.1"];
  for (const host of [...local, "vooster.local", "server", "[::1]", "[fd00::1]", "[fe80::1]"]) {
    assert.ok(isLocal(`http://${host}:8480`), host);
  }
  const foreign = ["8.8.8.8", "172.32.0.1", "172.15.0.1", "192.169.0.1", "example.com", "vooster.local.example.com"];
  for (const host of [...foreign, "[2001:db8::1]"]) assert.ok(!isLocal(`http://${host}`), host);
  assert.ok(!isLocal("nonsense"));
});

test("a page is the same whatever part of it is looked at", () => {
  assert.ok(isSamePage("http://a/b.pdf#toolbar=0", "http://a/b.pdf"));
  assert.ok(!isSamePage("http://a/b.pdf?x", "http://a/b.pdf"));
});
