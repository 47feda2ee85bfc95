// Package words writes the texts that the gateway renders into a page and the browser's
// client updates later: names of devices and browsers, ages, remaining time, titles,
// numbers and sizes. Both sides call these functions, so a text does not change when the
// client takes over the page.
//
// Only texts that are computed from a value belong here. A fixed text is in the markup
// (packages part and page). Times of day are not here either: the browser knows the
// reader's time zone and language, the gateway does not.
//
// The package is linked into the client. It must stay small and import nothing but
// strconv, cmp and shared packages.
package words
