// Images beside their anomaly maps. Each links to Inspect; a click opens it without reloading the app.

function makeTile() {
  const tile = document.createElement("li");
  tile.innerHTML =
    '<a><span class="gnl-pair"><img><img alt=""></span>' +
    '<span class="gnl-about"><span></span><span class="gnl-open">Inspect</span></span></a>';
  return tile;
}

function describe(tile) {
  const label = document.createElement("span");
  label.className = `gnl-${tile.label}`;
  label.textContent = tile.label;
  const score = document.createElement("b");
  score.textContent = tile.score;
  return [tile.shown, ...(tile.label ? [", ", label] : []), " · ", score, tile.place ? ` (${tile.place})` : ""];
}

// Like the browser's Back and Forward: Streamlit then shows the page and choices of the new address.
function open(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", event.currentTarget.href);
  dispatchEvent(new PopStateEvent("popstate"));
}

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".gnl-tiles");
  while (list.children.length > data.tiles.length) list.lastChild.remove();
  while (list.children.length < data.tiles.length) list.append(makeTile());
  data.tiles.forEach((tile, index) => {
    const link = list.children[index].firstChild;
    const [image, map] = link.querySelectorAll("img");
    image.alt = tile.alternative;
    [image.src, map.src] = tile.pictures;
    link.querySelector(".gnl-about > span").replaceChildren(...describe(tile));
    link.href = tile.address;
    link.onclick = open;
  });
}
