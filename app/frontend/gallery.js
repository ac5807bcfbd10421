// Images, some of them beside their anomaly maps. Each links to Inspect; a click opens it without reloading the app.

function makeTile() {
  const tile = document.createElement("li");
  tile.innerHTML =
    '<a><span class="gnl-pair"></span>' +
    '<span class="gnl-about"><span></span><span class="gnl-open">Inspect</span></span></a>';
  return tile;
}

function makePictures(tile) {
  return tile.pictures.map((picture, index) => {
    const image = document.createElement("img");
    image.alt = index ? "" : tile.alternative;
    image.src = picture;
    return image;
  });
}

function describe(tile) {
  const label = document.createElement("span");
  label.className = `gnl-${tile.label}`;
  label.textContent = tile.label;
  const score = document.createElement("b");
  score.textContent = tile.score;
  return [tile.shown, ...(tile.label ? [", ", label] : []), " · ", score, tile.place ? ` (${tile.place})` : ""];
}

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector(".gnl-tiles");
  while (list.children.length > data.tiles.length) list.lastChild.remove();
  while (list.children.length < data.tiles.length) list.append(makeTile());
  list.classList.toggle("gnl-single", data.tiles.every((tile) => tile.pictures.length === 1));
  data.tiles.forEach((tile, index) => {
    const link = list.children[index].firstChild;
    link.querySelector(".gnl-pair").replaceChildren(...makePictures(tile));
    link.querySelector(".gnl-about > span").replaceChildren(...describe(tile));
    link.href = tile.address;
    link.onclick = open;
  });
}
