package words

import "cmp"

// Titles of sessions that have no label of their own.
const (
	NewSession  = "New chat"     // it has no label yet
	NoSession   = "No such chat" // it was deleted, or there never was one
	productName = "Gatehouse"
)

// NewUser is what a user is called who is made when an admin lets a browser in.
const NewUser = "a new user"

// Session is what a session with that label is called.
func Session(label string) string { return cmp.Or(label, NewSession) }

// PageTitle is the text of a browser's tab: the title, "" for none, and the
// product's name.
func PageTitle(title string) string {
	if title == "" {
		return productName
	}
	return title + " · " + productName
}
