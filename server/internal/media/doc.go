// Package media stores the files that users send. A file is uploaded over HTTP, attached
// to a message by chat.send, and deleted with its session.
//
// Its nouns:
//
//   - A file is one upload of one user. Its record ([File]) is in the database, its
//     content is a blob.
//   - A blob is a content on disk, named by its SHA-256 ([Sum]). Files with the same
//     content share a blob.
//   - A thumbnail is a small copy of an image, next to its blob.
//   - The text of a PDF is what models read of it. It is extracted once, outside of this
//     process, and stored next to the blob.
//   - A kind is an accepted type of file: png, jpeg, gif, webp, pdf, zip, and
//     any text in UTF-8. It follows from the content, not from the name that the sender
//     gave; only the MIME types of texts follow from the name.
//   - An orphan is a file that was never attached to a message. Orphans are deleted after
//     a while.
//   - To free a file is to mark its record as deleted. [Service.Collect] removes freed
//     files.
//   - A stray is a blob without a record, see strays.go.
//   - The quota limits the bytes of all files of a user.
//
// Contents are streamed to disk. Only an image that is scaled down is in memory as a
// whole, one image at a time.
//
// A record is written before its blob gets its name, and removed after the blob. So a
// crash leaves at most a record that no message has, which is collected like other
// orphans, and never a blob without a record. Only one process may use the directory.
package media
