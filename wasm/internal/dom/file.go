//go:build js

package dom

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// OnFiles calls f with files that the user has chosen, pasted or dropped.
func (*Browser) OnFiles(f func([]protocol.KeptFile)) {
	handlers.files = f
	listenFiles(markup.IDAttach, markup.IDRoom, markup.AttrDrag)
}

// Upload sends a file that the page holds to a path of the gateway, and tells how
// much of it has gone, then the status and the answer's text; status 0 when there
// was no answer, or no progress for a minute.
func (*Browser) Upload(key, path string, progress func(percent int), done func(status int, text string)) {
	upload(calls.add(call{done, progress}), key, path)
}

// KeepFile keeps a file past the end of the tab, and tells whether it does.
func (*Browser) StoreFile(key string, done func(ok bool)) {
	storeFile(calls.add(statusOnly(done)), key)
}

// LoadFile takes up a file that was kept, and tells whether it was.
func (*Browser) LoadFile(key string, done func(ok bool)) {
	loadFile(calls.add(statusOnly(done)), key)
}

// Picture is the address of a file's picture in this page, "" for what is none.
func (*Browser) Picture(key string) string { return text(picture(key)) }

// ForgetFile ends the upload of a file, and keeps it no more.
func (*Browser) ForgetFile(key string) { forgetFile(key) }

// ClearFiles lets go of all files and their pictures.
func (*Browser) ClearFiles() { clearFiles() }

// picked tells of files; the list is handed over.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport file_picked
func picked(length int32) {
	var list protocol.KeptFiles
	if jsontext.Read(jsontext.Raw(text(length)), list.DecodeJSON) == nil {
		handlers.files(list.Files)
	}
}

//lint:ignore U1000 JavaScript calls it
//go:wasmexport file_progress
func progressed(id, percent int32) {
	if f := calls.get(id).progress; f != nil {
		f(int(percent))
	}
}

//go:wasmimport gatehouse file_listen
func listenFiles(input, room, drag string)

//go:wasmimport gatehouse file_upload
func upload(id int32, key, path string)

//go:wasmimport gatehouse file_keep
func storeFile(id int32, key string)

//go:wasmimport gatehouse file_load
func loadFile(id int32, key string)

//go:wasmimport gatehouse file_picture
func picture(key string) int32

//go:wasmimport gatehouse file_forget
func forgetFile(key string)

//go:wasmimport gatehouse file_clear
func clearFiles()
