// Closes popovers when the user clicks outside of them.

export function closePopoversOnOutsideClick() {
  document.addEventListener("click", (event) => {
    for (const sheet of document.querySelectorAll("details.morefilters[open]")) if (!sheet.contains(event.target)) sheet.open = false;
  });
}
