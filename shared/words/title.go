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

// NameWithRole returns a name with its role, such as "anna (admin)". Either may be empty.
func NameWithRole(name, role string) string {
	if name == "" || role == "" {
		return name
	}
	return name + " (" + role + ")"
}

// PendingRequests returns how many pairings there are, such as "3 requests"; "" for none.
func PendingRequests(n int) string {
	if n == 0 {
		return ""
	}
	return Count(int64(n), "request")
}

// MorePending returns how many pairings are not listed, such as "12 more requests"; "" for
// none. total is 0 if all of them are listed.
func MorePending(total int64, listed int) string {
	if more := total - int64(listed); more > 0 {
		return Count(more, "more request")
	}
	return ""
}
