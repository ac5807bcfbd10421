// The strength of matching that the charts show. The slider moves it in the browser alone; every row of charts, also one
// that is drawn later, follows. A strength that the server shows anew takes its place. Python prepends this to
// histograms.js and slider.js.

const STRENGTH_MOVED = "gnl-strength-of-charts";
const listeners = new WeakMap(); // the root of a component → its listener

// The position of the strength among those that the server sent.
function placeOfStrength({ strengths, shown }) {
  const { moved, from } = window.gnlStrengthOfCharts ?? {};
  const place = from === shown ? strengths.indexOf(moved) : -1;
  return place < 0 ? strengths.indexOf(shown) : place;
}

function moveStrength({ strengths, shown }, place) {
  window.gnlStrengthOfCharts = { moved: strengths[place], from: shown };
  document.dispatchEvent(new Event(STRENGTH_MOVED));
}

function followStrength(root, draw) {
  document.removeEventListener(STRENGTH_MOVED, listeners.get(root));
  listeners.set(root, draw);
  document.addEventListener(STRENGTH_MOVED, draw);
  draw();
  return () => document.removeEventListener(STRENGTH_MOVED, listeners.get(root));
}
