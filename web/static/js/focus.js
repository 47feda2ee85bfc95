// Keeps the keyboard's focus where its user expects it. A browser drops the focus when the
// focused control is removed, moved or hidden; then the keyboard would start at the top of
// the page again, and a screen reader would lose its place.
const createFocus = () => {
  "use strict";

  const touch = matchMedia("(pointer: coarse)");
  const focusable = "a[href], button, summary, input, select, textarea, [tabindex]";
  const composer = document.querySelector("textarea");
  let actor; // the control that asked for the last action
  let opener; // the control that opened the open dialog
  let checked; // the control whose focus is checked before the next frame

  // What a closed <details> holds has a size, but checkVisibility knows that it is not shown.
  const visible = (el) => !!el?.isConnected && el.getClientRects().length > 0 && (el.checkVisibility?.() ?? true);
  const controls = (within) => [...(within?.querySelectorAll(focusable) ?? [])].filter((el) => visible(el) && !el.disabled);
  const isLost = () => !visible(document.activeElement) || document.activeElement === document.body;

  // Focuses the composer, unless the user is busy elsewhere. On a touch screen the keyboard
  // would cover half of the transcript, so there only a touch of the composer focuses it.
  const toComposer = () => {
    const busy = document.querySelector("dialog[open]") || document.activeElement?.matches("input:not([type=file]), textarea, select");
    if (visible(composer) && !touch.matches && !busy) composer.focus({ preventScroll: true });
  };

  // Returns the control that takes over the focus of a control in a row that is removed: the
  // same control of the next row, or of the previous one, or else the list's heading.
  const successor = (row, control) => {
    const action = control.dataset.action;
    const siblings = [...(row.parentElement?.children ?? [])];
    const at = siblings.indexOf(row);
    for (const sibling of [...siblings.slice(at + 1), ...siblings.slice(0, Math.max(at, 0)).reverse()]) {
      const all = controls(sibling);
      const same = all.find((el) => el.dataset.action === action) ?? all[0];
      if (same) return same;
    }
    const heading = document.getElementById(row.closest("[aria-labelledby]")?.getAttribute("aria-labelledby"));
    heading?.setAttribute("tabindex", "-1");
    return heading;
  };

  // Removes an element. If the focus was in it, or is to return to it, a neighbour takes over.
  const remove = (el) => {
    const focused = el.contains(document.activeElement) && document.activeElement;
    const next = focused && successor(el, focused);
    if (opener && el.contains(opener)) opener = successor(el, opener);
    el.remove();
    if (next) next.focus();
    else if (focused) toComposer();
  };

  // Inserts an element, which may be in the document already.
  const insert = (parent, child, before) => {
    const focused = child.contains(document.activeElement) && document.activeElement;
    parent.insertBefore(child, before);
    if (focused) focused.focus({ preventScroll: true });
  };

  // Moves the focus away from a control that is hidden now: to the composer or, in a dialog and
  // on pages without a composer, to the control before it.
  const leave = (hidden) => {
    const within = hidden.closest(composer ? "dialog[open]" : "dialog[open], main");
    if (!within) return toComposer();
    const before = (el) => el.compareDocumentPosition(hidden) & Node.DOCUMENT_POSITION_FOLLOWING;
    const all = controls(within);
    (all.filter(before).pop() ?? all[0])?.focus();
  };

  // Notes that the client changes attributes, by which the style sheet hides controls.
  const check = () => {
    if (checked || document.activeElement === document.body) return;
    checked = document.activeElement;
    requestAnimationFrame(() => {
      const was = checked;
      checked = undefined;
      if (was?.isConnected && !visible(was) && isLost()) leave(was);
    });
  };

  // Returns the focus to the control that opened the dialog, or to the menu around it.
  const restore = () => {
    const to = [opener, opener?.closest("details")?.querySelector("summary")].find(visible);
    opener = undefined;
    if (!isLost()) return; // the browser has done it
    if (to) to.focus({ preventScroll: true });
    else toComposer();
  };

  const open = (dialog) => {
    if (dialog.open) return;
    opener = actor?.isConnected ? actor : document.activeElement;
    dialog.showModal();
    dialog.addEventListener("close", restore, { once: true });
  };

  // Notes the control that the user has just used.
  const acted = (control) => {
    actor = control;
  };

  if (isLost()) toComposer(); // after the page was loaded
  return { touch, acted, check, insert, open, remove, toComposer };
};
