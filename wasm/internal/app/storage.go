package app

// Keeper keeps texts by name for one user in this browser, past the end of every
// tab, and passes them between the user's tabs. Its methods return at once; what
// they are given to call back is called on another turn, within seconds even where
// the browser's storage hangs.
type Storage interface {
	// Open says whose texts are meant from now on; told hears what the user's other
	// tabs put and tell. It gives false where tabs cannot hear each other.
	Open(instance, user string, told func(name, text string)) (hears bool)
	// Read gives all that is kept, as name, text, name, text …; what any tab has put
	// by then is among it. durable is false where nothing outlasts the tab. Where the
	// storage is slow some may be missing; told hears of "" when that is there.
	ReadAll(done func(texts []string, durable bool))
	// Put keeps a text in the place of the one of that name, and tells the other
	// tabs. It is safe when Put has returned, unless done is told otherwise. ""
	// removes it.
	Put(name, text string, done func(ok bool))
	// Tell tells the other tabs and keeps nothing.
	Broadcast(name, text string)
	// Lock calls done when it is this tab's turn among the user's, which is at last
	// when another one has had it for too long, to do what only one should. Unlock
	// ends it. One Lock at a time.
	Lock(done func())
	Unlock()
	// Purge removes all that is kept of a user, or with user "" of everybody at
	// the instance.
	Purge(instance, user string, done func())
}

// What names begin with, and what is told under a name that is not kept.
const (
	messagePrefix = "out/"   // and the key of a client.Outgoing
	draftPrefix   = "draft/" // and the session's key: what stands in its composer
	sentPrefix    = "sent/"  // told: the gateway's answer to the message of that key
	purgedName    = "purged" // told: the user is no more; the text is the page's state
)
