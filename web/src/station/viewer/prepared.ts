/** A document that has been loaded and can be drawn into the element it was prepared for. */
export interface Prepared {
  readonly pages: number;
  /** Screenfuls of the page that was drawn last, and which of them is seen, from 0. Both follow the element's size. */
  readonly steps: number;
  readonly step: number;
  /**
   * Draws page `number`, from 1, at its screenful `step`, or at its last one where it has fewer. Resolves when it is
   * in the element; rejects with a LoadFailure.
   */
  draw(number: number, step: number): Promise<void>;
  /** Called when `steps` or `step` changed by themselves, with the element's size. */
  onMoved: () => void;
  /** Called when the document would have led itself to where nothing may be opened: nothing of it stands there then. */
  onStrayed?: () => void;
  dispose(): void;
}
