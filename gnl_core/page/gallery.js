// Tiles cut out of sprites: an image beside its anomaly map, coloured on a given scale.

function loadPicture(url) {
  const picture = new Image();
  picture.src = url;
  return picture.decode().then(() => picture);
}

function cutTile(canvas, picture, { columns, side_px: side }, index) {
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, (index % columns) * side, Math.floor(index / columns) * side, side, side, 0, 0, side, side);
  return context;
}

// Grey 255 of the sprite is the value `brightest`; the brightest colour is the value `upper`.
function colourTile(context, colours, brightest, upper) {
  const { width, height } = context.canvas;
  const pixels = context.getImageData(0, 0, width, height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    pixels.data.set(colourAt(colours, (pixels.data[at] * brightest) / 255 / upper), at);
  }
  context.putImageData(pixels, 0, 0);
}

// The colour of a share of the scale, as red, green and blue; shares outside 0 to 1 have the colours of its ends.
function colourAt(colours, share) {
  const level = Math.max(0, Math.min(255, Math.round(255 * share)));
  return colours.subarray(3 * level, 3 * level + 3);
}

function readColours(digits) {
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}

function makeTile({ name, label, score }, hasMap) {
  const item = document.createElement("li");
  const kind = KINDS.get(label);
  item.innerHTML = `<figure><div><canvas role="img"></canvas>${hasMap ? '<canvas role="img"></canvas>' : ""}</div><figcaption></figcaption></figure>`;
  const [image, map] = item.querySelectorAll("canvas");
  image.setAttribute("aria-label", `${kind} image ${name}`);
  map?.setAttribute("aria-label", `anomaly map of ${name}`);
  const word = document.createElement("span");
  word.className = kind;
  word.textContent = kind;
  item.querySelector("figcaption").append(word, ` · ${score.toFixed(3)}`);
  item.title = name;
  return { item, image, map };
}
