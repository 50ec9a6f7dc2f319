import assert from "node:assert/strict";
import { test } from "node:test";
import { meant } from "../../extension/pages/parts/typed.ts";

const WANTED = "http://192.168.0.5:8480";

test("an address is understood however a person types it", () => {
  const ways = [
    "192.168.0.5",
    " 192.168.0.5 ",
    "192,168,0,5",
    "192 168 0 5",
    "192。168。0。5",
    "１９２．１６８．０．５",
  ];
  ways.push("http://192.168.0.5", "http:/192.168.0.5", "http//192.168.0.5/", "http:\\\\192.168.0.5\\display");
  ways.push("http;//192.168.0.5", "192.168.0.5:8480/pair?screenId=SCREEN-001", "\u200b192.168.0.5\ufeff");
  for (const way of ways) assert.equal(meant(way), WANTED, way);
});

test("a port and a scheme that are typed stay", () => {
  assert.equal(meant("192.168.0.5:9000"), "http://192.168.0.5:9000");
  assert.equal(meant("192.168.0.5 9000"), "http://192.168.0.5:9000");
  assert.equal(meant("https://192.168.0.5:8443/trust"), "https://192.168.0.5:8443");
  assert.equal(meant("vooster.local:8481"), "http://vooster.local:8481");
  assert.equal(meant("fe80::1"), "http://[fe80::1]:8480");
});

test("a name typed with the Korean layout on is the name its keys have", () => {
  assert.equal(meant("패ㅐㄴㅅㄷㄱ.ㅣㅐㅊ미"), "http://vooster.local:8480");
  assert.equal(meant("ㅍㅐㅐㄴㅅㄷㄱ.ㅣㅐㅊㅁㅣ"), "http://vooster.local:8480");
  assert.equal(meant("ㅗㅅ세://192.168.0.5"), WANTED);
});

test("what is no address is none", () => {
  for (const text of ["", "  ", "192.168.0.300", "5", "8480", "a b", "ftp://192.168.0.5", "http://"]) {
    assert.equal(meant(text), null, text);
  }
});
