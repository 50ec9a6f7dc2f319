/** Links of the pages' own: nothing that comes from elsewhere (an order, an answer, an address) chooses where they lead. */

/** `to` where it is a path of this appliance; else nothing, and what would be a link is none. */
export function ownPath(to: string | undefined): string | undefined {
  // Browsers drop tabs and line ends, so that "/\t/elsewhere" would be another host.
  return to !== undefined && /^\/(?![/\\])/.test(to) && !/[\t\n\r]/.test(to) ? to : undefined;
}

/** An SVG as the address of an image, which runs no script. */
export function svgImage(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
