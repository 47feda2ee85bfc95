package app

// Storage stores texts by name for one user of this browser, past the end of every tab,
// and passes messages between the user's tabs. Its methods return at once. They call the
// functions that they are given later: within seconds, even if the browser's storage
// hangs.
type Storage interface {
	// Open selects the user whose texts the other methods mean. onMessage is called with
	// what the user's other tabs put and broadcast. Open returns false if the browser
	// cannot pass messages between tabs.
	Open(instance, user string, onMessage func(name, text string)) (tabsConnected bool)
	// ReadAll reads all texts, as name, text, name, text … It includes what any tab has
	// put before. durable is false if nothing outlasts the tab. If the storage is slow,
	// texts may be missing; onMessage is called with the name "" once they can be read.
	ReadAll(done func(texts []string, durable bool))
	// Put stores a text under a name, instead of the one that is there, and passes it to
	// the other tabs. The text "" removes the name. The text is safe as soon as Put has
	// returned, unless done is called with false.
	Put(name, text string, done func(ok bool))
	// Broadcast passes a message to the other tabs and stores nothing.
	Broadcast(name, text string)
	// Lock calls done when this tab has the lock that the user's tabs share, for work
	// that only one tab should do. A tab that holds the lock for too long loses it,
	// without notice. Unlock releases the lock. A tab calls Lock once before each Unlock.
	Lock(done func())
	Unlock()
	// Purge removes all texts of a user, or of all users of the instance if user is "".
	Purge(instance, user string, done func())
}

// Names, or the beginnings of names, of stored texts (put) and of messages between tabs
// (broadcast).
const (
	messagePrefix = "out/"   // put; before the key of a client.Outgoing
	draftPrefix   = "draft/" // put; before a session's key: the draft of its composer
	sentPrefix    = "sent/"  // broadcast; before a message's key: the gateway's answer to it
	// broadcast: all of the user's texts are removed; the text is the page's state
	purgedName = "purged"
)
