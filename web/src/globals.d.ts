/** Where the build put pdf.js's worker, character maps, fonts and decoders; ends with a slash. */
declare const __PDFJS_BASE__: string;
