// Package words holds the texts that the gateway renders into a page and the
// browser's client writes again later: names of devices and browsers, ages,
// remaining time, titles, numbers and sizes. Both sides call these functions, so a
// text does not change when the client takes the page over.
//
// A text that never changes stands in the markup alone (packages part and page);
// only what is computed from a value belongs here. Times of day are not here: the
// browser knows the reader's zone and language, the gateway does not.
//
// The package is linked into the client. It must stay small and import nothing
// beyond strconv and shared packages.
package words
