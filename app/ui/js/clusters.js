// Points that would cover each other are one mark with their number. The cells stand still while the map is moved.

/** Pixels of a cell at least; at most twice as many. */
const CELL_PX = 44;
/** Fewer than these are drawn one by one. */
const FEW = 60;
/** So many in a cell become a mark. */
const CROWD = 4;

/** `singles` and `crowds` of the points, at so many pixels a metre. Crowds are `{x, y, points}`. */
export function clusters(points, k) {
  if (points.length < FEW) return { singles: points, crowds: [] };
  const cell = 2 ** Math.ceil(Math.log2(CELL_PX / k));
  const cells = Map.groupBy(points, ({ x, y }) => `${Math.floor(x / cell)} ${Math.floor(y / cell)}`);
  const singles = [];
  const crowds = [];
  for (const own of cells.values()) {
    if (own.length < CROWD) singles.push(...own);
    else crowds.push({ x: mean(own, "x"), y: mean(own, "y"), points: own });
  }
  return { singles, crowds };
}

const mean = (points, axis) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
