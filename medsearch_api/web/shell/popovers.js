// Sheets that lie over the page close when something beside them is pressed.

export function closePopoversOnOutsideClick() {
  document.addEventListener("click", (event) => {
    for (const sheet of document.querySelectorAll("details.morefilters[open]")) if (!sheet.contains(event.target)) sheet.open = false;
  });
}
