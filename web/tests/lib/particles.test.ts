import assert from "node:assert/strict";
import { test } from "node:test";
import { type Particle, withParticle } from "../../src/lib/particles";

const CASES: [string, Particle, string][] = [
  ["ORD-20459", "을/를", "ORD-20459를"],
  ["ORD-20457", "은/는", "ORD-20457은"],
  ["ORD-20450", "을/를", "ORD-20450을"],
  ["절단 1", "으로/로", "절단 1로"],
  ["포장 3", "으로/로", "포장 3으로"],
  ["포장 2", "으로/로", "포장 2로"],
  ["출하", "이/가", "출하가"],
  ["절단", "이/가", "절단이"],
  ["화물", "으로/로", "화물로"],
  ["LINE-L", "으로/로", "LINE-L로"],
  ["LINE-M", "으로/로", "LINE-M으로"],
  ["LINE-B", "과/와", "LINE-B와"],
  ["절단(1)", "을/를", "절단(1)을"],
  ["ㅡ", "을/를", "ㅡ를"],
];

test("particles follow the reading of the last sound", () => {
  for (const [word, pair, wanted] of CASES) assert.equal(withParticle(word, pair), wanted);
});

test("a name that arrives decomposed reads the same", () => {
  assert.equal(withParticle("절단".normalize("NFD"), "을/를").normalize("NFC"), "절단을");
});
