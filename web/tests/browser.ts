/** The little of a browser that the pages' rules touch when they are loaded. Import it first. */
const kept = new Map<string, string>();

const page = {
  localStorage: {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
    removeItem: (key: string) => kept.delete(key),
  },
  navigator: { language: "ko-KR", userAgent: "" },
  document: { documentElement: { lang: "", dataset: {} } },
};

for (const [name, value] of Object.entries(page)) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}
