// Stands for the monitor in these examples: fetches the document and says what it is. Yours opens a window here.

export async function fetched(message, signal, say) {
  const answer = await fetch(message.url, { signal });
  if (!answer.ok) throw new Error(`The document could not be fetched (HTTP ${answer.status}).`);
  const size = (await answer.arrayBuffer()).byteLength;
  say(`${message.title} on display ${message.displayIndex}: ${message.contentType}, ${size} bytes`);
  return { display: { index: message.displayIndex }, url: message.url };
}
