package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// otherUser describes a session of another user that an admin looks at. The session is not in
// the admin's list, so its label and agent come from the page that the gateway rendered.
type otherUser struct {
	owner        string
	label, agent string
	note         bool // the composer writes notes, which the agent does not read
}

// takeOverOtherUser reads whose session the page shows, if it is another user's.
func (c *chat) takeOverOtherUser() {
	if owner := c.root.Attr(markup.AttrOwner); owner != "" {
		c.shown.other = &otherUser{
			owner: owner,
			label: view.TextOf(c.doc, markup.IDSessionTitle),
			agent: view.TextOf(c.doc, markup.IDAgentName),
			note:  true,
		}
	}
}

// setWriteAs takes the choice of what an admin writes in another user's session.
func (c *chat) setWriteAs(as string) {
	if o := c.shown.other; o != nil {
		o.note = as == markup.AsNote
	}
}

// addNote adds a note to another user's transcript. Notes do not go through the outbox:
// without a connection, the note stays in the composer.
func (c *chat) addNote(text string) {
	if !c.ready() {
		c.problem("There is no connection right now. The note stays here until there is one.")
		return
	}
	c.clearComposer()
	c.toLatest = true
	s := c.shown
	var result protocol.ChatInjectResult
	params := &protocol.ChatInjectParams{SessionKey: s.key, Message: text}
	c.call(protocol.MethodChatInject, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			if err == nil || c.ended {
				return
			}
			c.problem("The note may not have been added: " + errorText(err))
			if s == c.shown {
				c.prependText(text)
			}
		})
}

// outboxOfOwnSessions returns the outbox's messages to the user's own sessions.
func (c *chat) outboxOfOwnSessions() []*client.Outgoing {
	var list []*client.Outgoing
	for _, m := range c.outbox.messages.All() {
		if s := c.opened[m.SessionKey]; s == nil || s.other == nil {
			list = append(list, m)
		}
	}
	return list
}

// authorOf returns who wrote a message of the session: whether it was somebody else than
// the session's owner, and the name to show; "" shows as "You".
func (s *session) authorOf(author *protocol.Author) (byOther bool, name string) {
	switch {
	case author != nil:
		return true, author.UserID
	case s.other != nil:
		return false, s.other.owner
	}
	return false, ""
}

// isOwn reports whether this user wrote a message of the session.
func (s *session) isOwn(author *protocol.Author, user string) bool {
	if s.other == nil {
		return author == nil
	}
	return author != nil && author.UserID == user
}
