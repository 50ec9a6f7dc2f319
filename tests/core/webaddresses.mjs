// What JavaScript makes of addresses: reads {urls, lists} as JSON, answers by url how the pages' function and this
// engine's own parser read it, and by list whether the pages and the sample clients would open it.
import { pathToFileURL } from "node:url";

const [pages, clients] = await Promise.all(process.argv.slice(2, 4).map((file) => import(pathToFileURL(file).href)));

function parsed(url) {
  try {
    const { protocol, hostname, port, username, password } = new URL(url);
    const scheme = protocol.slice(0, -1);
    return [scheme, hostname, Number(port || { http: 80, https: 443 }[scheme]), username + password];
  } catch {
    return null;
  }
}

let text = "";
for await (const piece of process.stdin) text += piece;
const { urls, lists } = JSON.parse(text);
const answers = urls.map((url) => {
  const read = pages.webAddress(url);
  return {
    read: read && [read.scheme, read.host, read.port],
    parsed: parsed(url),
    pages: lists.map((hosts) => pages.mayOpen(url, hosts)),
    clients: lists.map((hosts) => clients.mayOpen(url, hosts)),
  };
});
process.stdout.write(JSON.stringify(answers));
