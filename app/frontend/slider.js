// The slider over the strengths at which the methods are scored.

export default function ({ data, parentElement }) {
  const slider = parentElement.querySelector("input");
  const value = parentElement.querySelector("output");
  const steps = data.strengths.map((strength) => Object.assign(document.createElement("span"), { textContent: strength }));
  parentElement.querySelector(".steps").replaceChildren(...steps);
  slider.max = data.strengths.length - 1;
  slider.oninput = () => moveStrength(data, Number(slider.value));
  return followStrength(parentElement, () => {
    slider.value = placeOfStrength(data);
    value.textContent = data.strengths[slider.value];
    slider.setAttribute("aria-valuetext", value.textContent);
  });
}
