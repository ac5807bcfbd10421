// Pixels of images and maps, as ImageData or objects with its fields: width, height, and data with RGBA bytes.

const MOST_PIXELS = 50e6; // of an image file, as for `gnl score`

function makeContext(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return canvas.getContext("2d", { willReadFrequently: true });
}

// Read an image file as `gnl score` does: upright, colours as stored, transparent pixels on white.
async function readImageFile(file) {
  const options = { imageOrientation: "from-image", colorSpaceConversion: "none" };
  const picture = await createImageBitmap(file, options).catch(() => {
    throw new Error(`${file.name} is not an image that this browser reads; choose a PNG, JPEG or WebP file.`);
  });
  const { width, height } = picture;
  if (width * height > MOST_PIXELS) throw new Error(`${file.name} is larger than 50 megapixels; make it smaller.`);
  const context = makeContext(width, height);
  context.fillStyle = "white";
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}

// One image of a sheet, whose images all have the same size.
async function cutSheet({ url, columns }, index, { width, height }) {
  const context = makeContext(width, height);
  const [left, top] = [(index % columns) * width, Math.floor(index / columns) * height];
  context.drawImage(await loadPicture(url), left, top, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function showPixels(canvas, { width, height, data }) {
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(new ImageData(data, width, height), 0, 0);
}

// Colour values, row by row; the brightest colour is the value `upper`.
function colourValues(values, { width, height }, colours, upper) {
  const data = new Uint8ClampedArray(4 * values.length).fill(255);
  values.forEach((value, at) => data.set(colourAt(colours, value / upper), 4 * at));
  return { width, height, data };
}
