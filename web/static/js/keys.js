// What the keys Enter and Escape do, and Ctrl+P.
//
// focus is what createFocus returns.
const createKeys = (focus) => {
  "use strict";

  const composing = 229; // keyCode while an input method composes; Safari has no other sign
  const setting = "gatehouse enter"; // in localStorage; for every user of this browser
  const composer = document.querySelector("textarea");
  let chosen = ""; // without localStorage the choice lasts as long as the page

  // Returns what the user has chosen for Enter: "send", "newline", or "auto".
  const choice = () => {
    try {
      chosen = localStorage.getItem(setting) ?? chosen;
    } catch {
      // Some browsers forbid storage.
    }
    return chosen || "auto";
  };

  // Keyboards on touch screens have no Shift, so Enter must start a new line there, and the
  // button sends.
  const enterSends = () => choice() === "send" || (choice() === "auto" && !focus.touch.matches);

  // Shows on the page, and on the keyboards of phones, what Enter does.
  const show = () => {
    if (composer) composer.enterKeyHint = enterSends() ? "send" : "enter";
    document.body.dataset.enter = enterSends() ? "send" : "newline";
  };

  const choose = (value) => {
    chosen = value;
    try {
      localStorage.setItem(setting, value);
    } catch {
      // It lasts as long as the page.
    }
    show();
  };

  // Ctrl+Enter and Cmd+Enter always send.
  const enter = (event) => {
    if (event.shiftKey || event.altKey || !(event.ctrlKey || event.metaKey || enterSends())) return;
    event.preventDefault();
    if (!event.repeat) composer.form.requestSubmit();
  };

  const popoverIsOpen = () => {
    try {
      return !!document.querySelector(":popover-open");
    } catch {
      return false; // an old browser, which has no popovers
    }
  };

  // Escape closes the menu that is open over the page; dialogs close by themselves. If there
  // is nothing to close or to empty, it stops the answer.
  const escape = (event, stop) => {
    const { target } = event;
    const menu = target.closest?.(".filter-more[open], .session-menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
      return;
    }
    const taken = event.repeat || event.defaultPrevented || document.querySelector("dialog[open]") || popoverIsOpen();
    if (taken || (target.type === "search" && target.value)) return;
    const button = composer?.form.querySelector(`[data-action="${stop}"]`);
    if (button?.getClientRects().length) button.click();
  };

  // Ctrl+P or Cmd+P on a page that has only the latest messages of a chat.
  const printsPart = ({ key, ctrlKey, metaKey, shiftKey, altKey }) =>
    key.toLowerCase() === "p" && (ctrlKey || metaKey) && !shiftKey && !altKey && document.body.dataset.hasMore === "true";

  // stop is the action that stops an answer. print() loads and prints the whole chat.
  const listen = (stop, print) => {
    document.addEventListener("keydown", (event) => {
      if (event.isComposing || event.keyCode === composing) return;
      if (event.key === "Enter" && event.target === composer) enter(event);
      else if (event.key === "Escape") escape(event, stop);
      else if (printsPart(event)) {
        event.preventDefault();
        print();
      }
    });
  };

  show();
  focus.touch.addEventListener("change", show); // a keyboard was attached or taken off
  addEventListener("storage", show); // another tab has changed the setting
  return { choice, choose, listen };
};
