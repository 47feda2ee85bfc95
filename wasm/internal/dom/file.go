//go:build js

package dom

import (
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// OnFiles sets the function that is called with files that the user has chosen, pasted or
// dropped.
func (*Browser) OnFiles(f func([]protocol.Attachment)) {
	handlers.files = f
	listenFiles(markup.IDAttach, markup.IDRoom, markup.AttrDrag)
}

// AttachText makes a text file and attaches it, as if the user had chosen the file.
func (*Browser) AttachText(name, text string) { attachText(name, text) }

// Upload sends a file of the page to a path of the gateway. It calls progress while it
// sends, then done with the HTTP status and the answer's text. The status is 0 if there
// was no answer, or no progress for a minute.
func (*Browser) Upload(key, path string, progress func(percent int),
	done func(status int, text string)) {
	upload(calls.add(call{done, progress}), key, path)
}

// StoreFile stores a file, so that it outlasts the tab.
func (*Browser) StoreFile(key string, done func(ok bool)) {
	storeFile(calls.add(statusOnly(done)), key)
}

// LoadFile loads a file that was stored. ok is false if there is none.
func (*Browser) LoadFile(key string, done func(ok bool)) {
	loadFile(calls.add(statusOnly(done)), key)
}

// Picture returns the address of a picture within this page; "" if the file is no
// picture.
func (*Browser) Picture(key string) string { return text(picture(key)) }

// ForgetFile ends the upload of a file and removes its content.
func (*Browser) ForgetFile(key string) { forgetFile(key) }

// ClearFiles removes all files and their pictures from the page.
func (*Browser) ClearFiles() { clearFiles() }

// picked is called with files; length is that of their list as JSON.
//
//lint:ignore U1000 JavaScript calls it
//go:wasmexport file_picked
func picked(length int32) {
	var list protocol.Attachments
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

//go:wasmimport gatehouse file_attach_text
func attachText(name, text string)

//go:wasmimport gatehouse file_upload
func upload(id int32, key, path string)

//go:wasmimport gatehouse file_store
func storeFile(id int32, key string)

//go:wasmimport gatehouse file_load
func loadFile(id int32, key string)

//go:wasmimport gatehouse file_picture
func picture(key string) int32

//go:wasmimport gatehouse file_forget
func forgetFile(key string)

//go:wasmimport gatehouse file_clear
func clearFiles()
