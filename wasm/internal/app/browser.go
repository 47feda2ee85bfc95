package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Browser is the document and the window around it. Its methods return at once. They call
// the functions that they are given later, never before they have returned.
type Browser interface {
	view.Document
	Address
	Screen
	Services
	Files
}

// Address reads and changes the page's address. Its paths, and those of the other
// methods, are paths of the gateway: the path under which people reach the gateway
// (markup.AttrBase) is not in them.
type Address interface {
	// Origin is the address's scheme, host and port. Host is the host without the port.
	// Path is the path, escaped.
	Origin() string
	Host() string
	Path() string
	// TakeFragment returns what follows the #, and removes it from the address and from
	// the history.
	TakeFragment() string
	// Push changes the path and adds an entry to the history. Replace changes the path of
	// the current entry. Neither loads a page.
	Push(path string)
	Replace(path string)
	// Leave loads the page at another path. Reload loads this page again.
	Leave(path string)
	Reload()
}

// Screen is what the user sees that is not part of the document.
type Screen interface {
	SetTitle(title string)
	// Frame calls f before the browser draws the next frame; soon, if the page is hidden.
	Frame(f func())
	// ToLatest scrolls the transcript to its end.
	ToLatest()
	// Print opens the browser's dialog for printing.
	Print()
	// HideSidebar closes the list of chats on screens where it covers the page.
	HideSidebar()
	// FocusComposer moves the keyboard's focus to the composer, unless the user is busy in
	// a dialog or another field, or uses a touch screen.
	FocusComposer()
	// EnterKey returns what the user has chosen that Enter does in the composer, a
	// markup.Enter… value. SetEnterKey sets it for all tabs of this browser, past their end.
	EnterKey() string
	SetEnterKey(choice string)
}

// Files are the files that the user attaches. The browser holds their content, by key.
type Files interface {
	// AttachText makes a text file and attaches it, as if the user had chosen the file.
	AttachText(name, text string)
	// Upload sends a file to a path of the gateway. It calls progress while it sends,
	// then done with the HTTP status, 0 if there was no answer, and the answer's text.
	Upload(key, path string, progress func(percent int), done func(status int, text string))
	// StoreFile stores a file past the end of the tab. LoadFile loads one that was
	// stored. ok says whether that worked.
	StoreFile(key string, done func(ok bool))
	LoadFile(key string, done func(ok bool))
	// Picture is the address of a picture within this page; "" if the file is no picture.
	Picture(key string) string
	// ForgetFile ends the upload of a file and removes its content; its picture stays.
	// ClearFiles removes all files and pictures from the page.
	ForgetFile(key string)
	ClearFiles()
}

// Services are the other things that a browser does.
type Services interface {
	// Fetch makes an HTTP request to the gateway, with a JSON body or "". It calls done
	// with the status, 0 if there was no answer, and the answer's text.
	Fetch(method, path, body string, done func(status int, text string))
	// Refresh fetches the page again and replaces the elements marked markup.AttrLive. If
	// form is not nil, its fields become the query of the address first. done is called
	// with the HTTP status, 0 if there was no answer.
	Refresh(form view.Element, done func(status int))
	// NotificationState says whether the page may show notifications: a markup.Notices…
	// value. RequestNotifications asks the user to allow them.
	NotificationState() string
	RequestNotifications(done func())
	// Notify shows a notification that leads to a path, if it may and the user does not
	// look at the page.
	Notify(title, path string)
	// Online is false when the browser knows that there is no network.
	Online() bool
	// Copy puts text on the clipboard.
	Copy(text string, done func(ok bool))
	// Random fills b with random bytes fit for secrets.
	Random(b []byte)
	// Clock formats a time in the user's locale and time zone: the time of day, and the
	// date if it is not today.
	Clock(at protocol.Time) string
	// Matches reports whether a label contains a text, ignoring case in every script.
	Matches(label, sought string) bool
	// TabValue returns what SetTabValue has stored for as long as this tab lives, or "".
	TabValue(name string) string
	SetTabValue(name, value string)
}
