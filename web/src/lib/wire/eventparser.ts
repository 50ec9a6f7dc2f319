/** Reads `text/event-stream` as it comes in pieces: the HTML standard's section "Server-sent events". */

export type StreamEvent = { event: string; data: string };

/** Longer than any message; a stream without line ends isn't one of ours. */
const MOST_CHARS = 1 << 20;

export class EventParser {
  private rest = "";
  private event = "";
  private data: string[] = [];

  /** The events that are whole now. Throws a RangeError where an event grows beyond a million characters. */
  feed(text: string): StreamEvent[] {
    // A carriage return at the end may be half of a line end.
    const lines = (this.rest + text).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length > MOST_CHARS) throw new RangeError("an event without an end");
    const whole: StreamEvent[] = [];
    for (const line of lines) this.line(line, whole);
    return whole;
  }

  private line(line: string, whole: StreamEvent[]): void {
    if (line === "") {
      if (this.data.length > 0) whole.push({ event: this.event || "message", data: this.data.join("\n") });
      this.event = "";
      this.data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.event = value;
    else if (field === "data") this.data.push(value);
  }
}
