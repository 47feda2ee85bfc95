// Package livereload makes open pages show what was just built. It is there only
// in builds with the tag dev, which `make dev` makes; in a release it is empty.
//
// A page holds an event stream to the gateway, which names its build. When the
// gateway is replaced the stream ends, the browser connects again, and another
// name makes the page reload, or take the new style sheet when only that changed.
package livereload
