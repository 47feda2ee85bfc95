package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// Browser is the window around the page. Its methods return at once; what they
// are given to call back is called on another turn, never from within.
type Browser interface {
	view.Document
	Address
	Screen
	Services
	Files
}

// Address is where the page is.
type Address interface {
	// Origin is the address's scheme, host and port; Host is its host without the
	// port, Path its path as it stands there, escaped.
	Origin() string
	Host() string
	Path() string
	// TakeFragment gives what follows the #, and removes it from the address and
	// from the history.
	TakeFragment() string
	// Push shows another path for what the page shows now, as a new entry of the
	// history; Replace in the place of this one.
	Push(path string)
	Replace(path string)
	// Leave loads another page in the place of this one, Reload this one again.
	Leave(path string)
	Reload()
}

// Screen is what the user sees and the document does not hold.
type Screen interface {
	SetTitle(title string)
	// Frame calls f before the next picture is drawn; on a page that cannot be
	// seen, soon.
	Frame(f func())
	// ToLatest scrolls the transcript to its end.
	ToLatest()
	// HideSidebar closes the list of chats where it covers the page.
	HideSidebar()
}

// Files are what the user attaches, which the browser holds by key.
type Files interface {
	// Upload sends a file to a path of the gateway, and tells how much of it has
	// gone, then the status, 0 when there was no answer, and the answer's text.
	Upload(key, path string, progress func(percent int), done func(status int, text string))
	// KeepFile keeps a file past the end of the tab, and tells whether it does;
	// LoadFile takes up one that was kept, and tells whether it was.
	StoreFile(key string, done func(ok bool))
	LoadFile(key string, done func(ok bool))
	// Picture is the address of a file's picture in this page, "" for what is none.
	Picture(key string) string
	// ForgetFile ends the upload of a file, and keeps it no more; its picture stays.
	// ClearFiles lets go of everything.
	ForgetFile(key string)
	ClearFiles()
}

// Services are other things that a browser does.
type Services interface {
	// Fetch makes a same-origin HTTP request with a JSON body, "" for none, and
	// gives the status, 0 when there was no answer, and the answer's text.
	Fetch(method, path, body string, done func(status int, text string))
	// Renew fetches the page again and brings what is marked markup.AttrLive in line
	// with it. With a form, which may be nil, what that asks for becomes the query of
	// the address first. It gives the status, 0 when there was no answer.
	Refresh(form view.Element, done func(status int))
	// Notices tells whether the browser notifies: a markup.Notices… value. AskNotices
	// asks the user whether it may.
	NotificationState() string
	RequestNotifications(done func())
	// Notify shows, if it may, a notification that leads to a path, to a user who
	// looks elsewhere.
	Notify(title, path string)
	// Online is false when the browser knows that there is no network.
	Online() bool
	// Copy puts text on the clipboard.
	Copy(text string, done func(ok bool))
	// Random fills b with random bytes fit for secrets.
	Random(b []byte)
	// Clock puts a moment into the words of the reader's place: the time of day,
	// and the day if it is not today.
	Clock(at protocol.Time) string
	// Matches reports whether a label holds what is looked for, in capital or small
	// letters of whatever script.
	Matches(label, sought string) bool
	// Recall gives what Keep kept for this tab, "" for nothing.
	TabValue(name string) string
	SetTabValue(name, value string)
}
