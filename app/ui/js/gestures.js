// Hands on the map: drag, pinch, wheel, double click and keys.

const STEP_PX = 60;
const STILL_PX = 5;

/** `move(dx, dy)`, `zoom(by, at)` and `click(at)` in pixels of the board. */
export function gestures(board, { free, move, zoom, click }) {
  const fingers = new Map();
  let moved = 0;
  const at = (event) => {
    const box = board.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  board.addEventListener("pointerdown", (event) => {
    board.setPointerCapture(event.pointerId);
    if (fingers.size === 0) moved = 0;
    fingers.set(event.pointerId, at(event));
  });

  board.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    moved += Math.hypot(now.x - before.x, now.y - before.y);
    if (other) {
      const spread = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
      zoom(spread(now) / spread(before), other);
    } else if (moved > STILL_PX) {
      move(now.x - before.x, now.y - before.y);
    }
    fingers.set(event.pointerId, now);
  });

  board.addEventListener("pointerup", (event) => {
    const last = fingers.delete(event.pointerId) && fingers.size === 0;
    if (last && moved <= STILL_PX) click(at(event));
  });
  board.addEventListener("pointercancel", (event) => fingers.delete(event.pointerId));
  board.addEventListener("dblclick", (event) => zoom(2, at(event)));

  board.addEventListener(
    "wheel",
    (event) => {
      // A small map within a page must not stop the page from scrolling.
      if (!free && !event.ctrlKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 400), at(event));
    },
    { passive: false },
  );

  const keys = {
    ArrowLeft: () => move(STEP_PX, 0),
    ArrowRight: () => move(-STEP_PX, 0),
    ArrowUp: () => move(0, STEP_PX),
    ArrowDown: () => move(0, -STEP_PX),
    "+": () => zoom(1.6),
    "=": () => zoom(1.6),
    "-": () => zoom(1 / 1.6),
  };
  board.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? null : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
