// A real channel at the strength set by hand.

const followers = new WeakMap();

export default function ({ data, parentElement }) {
  const find = (part) => parentElement.querySelector(`[data-part="${part}"]`);
  find("caption").textContent = data.caption;
  const draw = () => {
    const strength = readKept()?.strength ?? data.strength;
    find("strength-value").textContent = strength.toFixed(2);
    drawSorted(find("sorted"), data.values, match(data.values, data.reference, strength), data.reference, 735);
  };
  document.removeEventListener(MOVED, followers.get(parentElement));
  followers.set(parentElement, draw);
  document.addEventListener(MOVED, draw);
  draw();
  return () => document.removeEventListener(MOVED, followers.get(parentElement));
}
