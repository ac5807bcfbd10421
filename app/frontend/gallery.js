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

function makeText(tag, kind, ...content) {
  const element = document.createElement(tag);
  element.className = kind;
  element.append(...content);
  return element;
}

function describe(tile) {
  const label = tile.label ? [", ", makeText("span", `gnl-${tile.label}`, tile.label)] : [];
  const place = tile.place ? [` (${tile.place})`] : [];
  return [
    makeText("span", "gnl-name", tile.shown, ...label),
    makeText("span", "gnl-between", " · "),
    makeText("span", "gnl-value", makeText("b", "", tile.score), ...place),
  ];
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
