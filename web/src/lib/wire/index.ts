/**
 * The appliance's own client, for pages, for an extension's service worker and for Node (`npm run client` bundles it).
 *
 *     const connection = new Connection({ wires: wiresTo({ base }), token, refused, hello, onLink, onMessage });
 *     connection.start();
 */
export { Connection, type ConnectionDeps, type Link, NoCredential } from "./connection";
export { type Wires, type WiresOptions, wiresTo } from "./wires";
