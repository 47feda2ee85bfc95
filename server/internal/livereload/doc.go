// Package livereload makes open pages reload when a new build of the gateway runs. It
// works only in builds with the tag dev, which `make dev` makes. In other builds Mount
// and Script do nothing.
//
// Each page reads an event stream, on which the gateway sends the name of its build.
// When the gateway is replaced, the stream ends and the browser reconnects. If the name
// has changed, the page reloads; if only the style sheet has changed, the page replaces
// the style sheet.
package livereload
