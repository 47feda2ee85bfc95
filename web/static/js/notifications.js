// Shows notifications of the browser.
const createNotifications = (base) => {
  "use strict";

  // Reports whether pages may show notifications. Some browsers, such as those of Android,
  // have the constructor but throw. Without permission a notification shows nothing.
  let supported;
  const supportsNotifications = () => {
    if (supported !== undefined) return supported;
    if (Notification.permission === "granted" && !/Android/.test(navigator.userAgent)) return true;
    try {
      new Notification("Gatehouse").close();
      supported = true;
    } catch {
      supported = false;
    }
    return supported;
  };

  // Returns the state of notifications: absent, insecure, off (may be asked for), denied
  // or on.
  const state = () => {
    if (!isSecureContext) return "insecure";
    if (!globalThis.Notification || !supportsNotifications()) return "absent";
    return { default: "off", granted: "on" }[Notification.permission] ?? "denied";
  };

  // Shows one notification for all tabs, unless this tab has the focus. A click leads to a
  // path of the gateway. The tag has the base, since the browser shows one notification a tag
  // for all gateways of this host.
  const show = (title, path) => {
    if (state() !== "on" || document.hasFocus()) return;
    const notification = new Notification(title, { tag: base + path });
    notification.onclick = () => {
      window.focus();
      notification.close();
      if (location.pathname !== base + path.split("#")[0]) location.assign(base + path);
    };
  };

  return { state, show, request: () => Notification.requestPermission() };
};
