// Package livereload makes open pages reload when the gateway was rebuilt. It is
// there only in builds with the tag dev; in a release it is empty.
package livereload
