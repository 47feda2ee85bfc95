package app

import (
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// actOnSessions does what the user asked for in the list of chats and its dialogs.
func (c *chat) actOnSessions(action string, target view.Element) {
	key := about(target, markup.AttrSessionKey)
	switch action {
	case markup.ActionNewSession:
		c.display(c.session(""), true)
		view.Focus(c.doc, markup.IDComposerInput)
	case markup.ActionOpenSession:
		c.open(key, true)
	case markup.ActionFilterSessions:
		c.list.filter = trim(target.Value())
		c.redraw(partList)
	case markup.ActionRenameSession:
		view.CloseMenu(target)
		view.OpenRename(c.doc, key, c.list.label(key))
	case markup.ActionConfirmRename:
		c.rename(key, trim(view.Input(c.doc, markup.IDRenameInput)))
	case markup.ActionPinSession:
		view.CloseMenu(target)
		if s := c.list.find(key); s != nil {
			pinned := !s.Pinned
			c.patch(&protocol.SessionsPatchParams{SessionKey: key, Pinned: &pinned}, c.patched)
		}
	case markup.ActionDeleteSession:
		view.CloseMenu(target)
		view.OpenDelete(c.doc, key, c.list.label(key))
	case markup.ActionConfirmDelete:
		view.CloseDialogs(c.doc)
		c.delete(key)
	}
}

func (c *chat) rename(key, label string) {
	switch n := utf8.RuneCountInString(label); {
	case view.State(c.doc, markup.IDRenameDialog) == markup.FormBusy:
		return
	case label == "":
		view.DrawRename(c.doc, false, "Write a name first.")
		return
	case n > protocol.MaxLabelLength:
		view.DrawRename(c.doc, false, "A name has at most "+words.Number(protocol.MaxLabelLength)+
			" characters; this one has "+words.Number(int64(n))+".")
		return
	}
	view.DrawRename(c.doc, true, "")
	c.patch(&protocol.SessionsPatchParams{SessionKey: key, Label: &label}, func(err *protocol.Error) {
		switch {
		case view.RenameKey(c.doc) != key: // the dialog was closed meanwhile
			c.patched(err)
		case err != nil:
			view.DrawRename(c.doc, false, errorText(err))
			view.Focus(c.doc, markup.IDRenameInput)
		default:
			view.CloseDialogs(c.doc)
		}
	})
}

// patch changes a session. It calls done with the error or nil.
func (c *chat) patch(params *protocol.SessionsPatchParams, done func(*protocol.Error)) {
	var result protocol.SessionsPatchResult
	c.call(protocol.MethodSessionsPatch, params.AppendJSON(nil), result.DecodeJSON,
		func(err *protocol.Error) {
			if err == nil {
				c.list.put(&result.Session)
				c.redraw(partBody)
			}
			done(err)
		})
}

// patched shows why a session was not changed.
func (c *chat) patched(err *protocol.Error) {
	if err != nil {
		c.problem("The chat was not changed: " + errorText(err))
	}
}

func (c *chat) delete(key string) {
	c.deleting[key] = true
	var result protocol.SessionsDeleteResult
	c.call(protocol.MethodSessionsDelete, (&protocol.SessionsKeyParams{Key: key}).AppendJSON(nil),
		result.DecodeJSON, func(err *protocol.Error) {
			delete(c.deleting, key)
			if err != nil && err.Code != protocol.NotFound {
				c.problem("The chat was not deleted: " + errorText(err))
				return
			}
			c.sessionRemoved(key, true)
		})
}

// sessionRemoved removes a session that was deleted: by the user on this page (byUser),
// or elsewhere.
func (c *chat) sessionRemoved(key string, byUser bool) {
	c.list.remove(key)
	c.outboxSessionDeleted(key, byUser)
	c.redraw(partBody)
	s := c.opened[key]
	if s == nil {
		return
	}
	delete(c.opened, key)
	c.followedSessions.Unfollow(key)
	s.gone = true
	if s == c.shown && byUser {
		c.display(c.session(""), false)
		c.browser.Replace("/")
	}
}

// sessionUpdated handles a session.updated event.
func (c *chat) sessionUpdated(payload jsontext.Raw) {
	var u protocol.SessionUpdated
	if jsontext.Read(payload, u.DecodeJSON) != nil {
		return
	}
	s := c.opened[u.SessionKey]
	switch {
	case u.Change == protocol.SessionDeleted:
		c.sessionRemoved(u.SessionKey, c.deleting[u.SessionKey])
	case u.Session == nil:
	case s != nil && s.other != nil:
		s.other.label = words.Session(u.Session.Label)
	default:
		c.list.put(u.Session)
	}
	if s != nil && u.Change == protocol.SessionCreated && s.gone {
		s.gone = false // a stored message has created the session
		c.follow(s)
		if s != c.shown {
			c.followedSessions.SetBackground(s.key)
		}
	}
	c.redraw(partBody)
}
