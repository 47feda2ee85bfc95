// Package pdftext extracts the text of PDF files, for models that read only text.
//
// A PDF comes from a stranger, and can be made to need endless time or memory in whatever
// reads it. So the gateway never parses one itself: [Extractor] starts a process for each
// file, which runs [Main] within limits ([Timeout], memory, output), and may fail or be
// killed without harm.
//
// Texts are in the order in which the file draws them, which is the order of reading in
// the files that common programs write. Scanned pages have no text. Files that need a
// password are not read.
package pdftext
