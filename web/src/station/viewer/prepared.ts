/** A document that has been loaded and can be drawn page by page into the element it was prepared for. */
export interface Prepared {
  readonly pages: number;
  /** Draws page `number`, from 1. Resolves when it is in the element; rejects with a LoadFailure. */
  draw(number: number): Promise<void>;
  dispose(): void;
}
