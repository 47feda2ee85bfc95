// Keeps the composer above the keyboard of a phone. Some browsers (Safari) lay a keyboard over
// the page instead of making the page smaller: then --viewport is the height that is left.
const createViewport = () => {
  "use strict";

  const smallestKeyboard = 100; // pixels; less is a toolbar of the browser
  const screen = globalThis.visualViewport;
  const { style } = document.documentElement;

  const fit = () => {
    const covered = innerHeight - screen.height;
    if (screen.scale === 1 && covered > smallestKeyboard) {
      style.setProperty("--viewport", `${Math.floor(screen.height)}px`);
      scrollTo(0, 0); // the browser has scrolled the composer into view
    } else style.removeProperty("--viewport");
  };

  screen?.addEventListener("resize", fit);
};
