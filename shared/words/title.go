package words

import "cmp"

// Titles of sessions that have no label of their own.
const (
	NewSession  = "New chat"     // the session has no label yet
	NoSession   = "No such chat" // the session was deleted or never existed
	productName = "Gatehouse"
)

// NewUser stands for the user that approving a browser creates.
const NewUser = "a new user"

// Session returns the title of a session with that label.
func Session(label string) string { return cmp.Or(label, NewSession) }

// PageTitle returns the text of a browser tab: the title, if there is one, and the
// product's name.
func PageTitle(title string) string {
	if title == "" {
		return productName
	}
	return title + " · " + productName
}
