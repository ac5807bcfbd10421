// The stories, each a link to a view; a click opens it without reloading the app.

function makeStory() {
  const item = document.createElement("li");
  item.innerHTML = "<a><b></b><span></span><small></small></a>";
  return item;
}

export default function ({ data, parentElement }) {
  const list = parentElement.querySelector("ul");
  while (list.children.length > data.stories.length) list.lastChild.remove();
  while (list.children.length < data.stories.length) list.append(makeStory());
  data.stories.forEach((story, index) => {
    const link = list.children[index].firstChild;
    [story.title, story.finding, story.n].forEach((text, part) => (link.children[part].textContent = text));
    link.href = story.address;
    link.onclick = open;
    if (story.open) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  });
}
