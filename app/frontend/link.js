// Opens a link within the app. Python prepends this to gallery.js and stories.js.

// Like the browser's Back and Forward: Streamlit then shows the page and choices of the new address.
function open(event) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", event.currentTarget.href);
  dispatchEvent(new PopStateEvent("popstate"));
}
