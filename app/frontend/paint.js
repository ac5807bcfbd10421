// Painting on an image of the app: sends the changed rectangle as PNG, and asks for the smallest stroke with an alarm.

const settings = { tool: "brush", colour: "#d55e00", size: 0 }; // kept from image to image of one size
let paintedWidth = 0; // of the image painted on last
const mounted = new WeakMap(); // by parent element: what a stroke is sent with

async function readPixels(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function encodeBox(picture, box) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [box.width, box.height];
  canvas.getContext("2d").putImageData(new ImageData(cutBox(picture.data, picture.width, box), box.width, box.height), 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}

async function mount(root, here, data) {
  const picture = await readPixels(data.image);
  if (picture.width !== paintedWidth) settings.size = 0;
  paintedWidth = picture.width;
  here.place = startPainter(root, picture, {
    settings,
    onChange: (painted, box) => here.send(box && { left: box.left, top: box.top, png: encodeBox(painted, box) }),
  });
  if (data.painted) here.send(null); // the canvas is new, so what an earlier one held is gone
}

export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  const here = mounted.get(parentElement) ?? {};
  here.send = (painting) => setStateValue("painting", painting);
  if (!mounted.has(parentElement)) {
    mounted.set(parentElement, here);
    mount(parentElement, here, data);
  }
  const button = parentElement.querySelector(".find");
  button.onclick = () => {
    if (!here.place) return;
    const [column, row] = here.place();
    const shape = parentElement.querySelector(".shape").value;
    setTriggerValue("search", { shape, column, row, colour: settings.colour, width: settings.size });
  };
}
