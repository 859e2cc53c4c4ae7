/** How large a namespace's name is written above its workloads; a long one takes two lines. */

/** Higher, and it would cover the row above. */
const largest = 66;
/** As large as the boxes' own names. */
const smallest = 14;
/** Two lines of it fit between the frame and its first row. */
const largestOfTwo = 20;
/** What stands beside the name in its row: the row's sides, the gap and the button. */
const beside = 2 * 14 + 6 + 30;
/** A bold letter's usual width, as a part of its height. */
const letterWidth = 0.7;

export interface TitleLook {
  readonly size: number;
  readonly lines: 1 | 2;
}

/** @param wished the size that it would have with room enough */
export function titleLook(label: string, frameWidth: number, wished: number): TitleLook {
  const room = Math.max(0, frameWidth - beside) / letterWidth;
  const one = Math.min(largest, wished, room / (label.length + 1));
  const two = Math.min(largestOfTwo, wished, room / longerLine(label));
  return two > one
    ? { size: Math.max(smallest, two), lines: 2 }
    : { size: Math.max(smallest, one), lines: 1 };
}

/** A frame of this width has room for the name at a size that can be read from a little way off. */
export function widthForTitle(label: string): number {
  return beside + letterWidth * largestOfTwo * Math.min(label.length + 1, longerLine(label));
}

/** Letters of the longer line of two, and room for the padding; a browser breaks a name behind its hyphens where it has some. */
function longerLine(label: string): number {
  const { length } = label;
  const breaks = [...label.matchAll(/-/g)].map(({ index }) => index + 1);
  const longer = breaks.map((at) => Math.max(at, length - at));
  return 2 + (longer.length === 0 ? Math.ceil(length / 2) : Math.min(...longer));
}
