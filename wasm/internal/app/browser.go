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
}

// Address is where the page is.
type Address interface {
	// Host is the address's host without the port, Path its path as it stands
	// there, escaped.
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

// Services are other things that a browser does.
type Services interface {
	// Fetch makes a same-origin HTTP request with a JSON body, "" for none, and
	// gives the status, 0 when there was no answer, and the answer's text.
	Fetch(method, path, body string, done func(status int, text string))
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
	Recall(name string) string
	Keep(name, value string)
}
