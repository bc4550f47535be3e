/** Computes how fast each figure of a soak run grows, and compares it with its bound. Pure. */

/** One look at the server. */
export interface Sample {
  /** Since the start of the load. */
  minutes: number;
  rssMiB: number;
  /** Used by JavaScript objects. */
  heapMiB: number;
  /** Memory of buffers outside of the heap. */
  externalMiB: number;
  /** Open files and sockets. */
  descriptors: number;
  /** Files in the folder of the server. */
  files: number;
  /** The database with its write-ahead log. */
  databaseMiB: number;
}

export type Figure = Exclude<keyof Sample, 'minutes'>;

/** Most growth a minute, by figure. */
export type Bounds = Readonly<Record<Figure, number>>;

export interface Slope {
  figure: Figure;
  first: number;
  last: number;
  most: number;
  /** Growth a minute: the least squares line through all samples. */
  perMinute: number;
  bound: number;
  holds: boolean;
}

/** Samples up to `warmUpMinutes` are left out: caches fill, and code is compiled. */
export function slopesOf(samples: readonly Sample[], warmUpMinutes: number, bounds: Bounds): Slope[] {
  const judged = samples.filter(({ minutes }) => minutes >= warmUpMinutes);
  return figures.map((figure) => {
    const values = judged.map((sample) => sample[figure]);
    const perMinute = slope(
      judged.map(({ minutes }) => minutes),
      values,
    );
    const bound = bounds[figure];
    return {
      figure,
      first: values[0] ?? 0,
      last: values.at(-1) ?? 0,
      most: Math.max(0, ...values),
      perMinute,
      bound,
      holds: perMinute <= bound,
    };
  });
}

const figures = ['rssMiB', 'heapMiB', 'externalMiB', 'descriptors', 'files', 'databaseMiB'] as const;

/** Of the least squares line. 0 for less than two points. */
function slope(xs: readonly number[], ys: readonly number[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [middleX, middleY] = [mean(xs), mean(ys)];
  let [covariance, variance] = [0, 0];
  for (const [index, x] of xs.entries()) {
    covariance += (x - middleX) * ((ys[index] ?? 0) - middleY);
    variance += (x - middleX) ** 2;
  }
  return variance === 0 ? 0 : covariance / variance;
}
