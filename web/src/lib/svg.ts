/** An SVG that the appliance drew, as a picture's address: nothing inside it is ever part of the page. */
export function svgAddress(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
