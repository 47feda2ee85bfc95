// Package media keeps the files that people send: uploaded over HTTP, attached to
// a message by chat.send, and freed with the session that it is in.
//
// What a file is follows from its content, not from what its sender calls it. The
// accepted kinds are png, jpeg, gif, webp, pdf, zip and some kinds of text; an
// image also has to be of a size that can be shown without harm. Content is
// streamed to disk, addressed by its SHA-256 and never read into memory as a
// whole, save for images that are made smaller, one at a time.
//
// A file has a record and a blob. Records are written before their blobs get
// their names, and removed after them, so that a crash at any moment leaves at
// most a record that nobody knows and that is collected like any other: no blob
// is ever without a record. One process has the directory to itself.
package media
