package app

import (
	"strconv"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// console is a page of the admin console whose lists the gateway renders. When they are
// out of date, the page is fetched again and its live elements are replaced.
type console struct {
	*basePage
	pendingPairings pendingPairings
	inFlight        int  // refreshes under way
	refreshDue      bool // another refresh is needed
	ended           bool // signed out or revoked
}

func newConsole(b *basePage) *console {
	b.countUnsent = countMessages
	b.connectParams.NoPairing = true
	return &console{basePage: b, pendingPairings: newPendingPairings(b)}
}

// countMessages counts the messages in what is stored: names and texts in turn.
func countMessages(texts []string, _ bool) int {
	n := 0
	for i := 0; i < len(texts); i += 2 {
		if text.HasPrefix(texts[i], messagePrefix) {
			n++
		}
	}
	return n
}

func (c *console) page() page {
	return page{
		start: c.start, state: c.state, event: c.event, act: c.act,
		tick: c.tick, draw: func() {}, needsFastTicks: func() bool { return false },
		visible: c.drawNotifications,
	}
}

func (c *console) start() {
	c.openStorage(c.tabMessage)
	c.writeTimes(true)
	c.drawNotifications()
	c.connect()
}

// tabMessage handles a message of another tab: the user has signed out, or was revoked.
func (c *console) tabMessage(name, state string) {
	if name == purgedName && (!c.ended || state == markup.StateSignedOut) {
		c.end(state)
		c.conn.Stop()
	}
}

// state is called when the connection's state has changed. It refreshes the page after a
// connect, since there were no events without a connection.
func (c *console) state(s client.State) {
	if c.admitted(s) {
		c.pendingPairings.load()
		c.refresh(nil)
	}
}

// admitted reports whether the page is connected as an admin. If the user is no admin any
// more, it ends the page.
func (c *console) admitted(s client.State) bool {
	switch s.Phase {
	case client.Ready:
		if s.Role == protocol.Admin {
			c.clearReloaded()
			return true
		}
		c.leavePage()
	case client.Pairing, client.Refused:
		if state := c.endState(s); state != "" {
			c.end(state)
		}
	}
	return false
}

func (c *console) leavePage() {
	c.end(markup.StateSignedOut)
	c.browser.Leave("/")
}

// end removes from the page what its reader may no longer read, and sets the page's state.
func (c *console) end(state string) {
	c.ended = true
	c.pendingPairings.stop()
	view.CloseDialogs(c.doc)
	view.SetText(c.doc, markup.IDConsole, "")
	view.SetState(c.doc, state)
}

func (c *console) event(f protocol.Frame) {
	if c.ended {
		return
	}
	c.pendingPairings.event(f)
	if f.Event != protocol.EventAdminChanged {
		return
	}
	var changed protocol.AdminChanged
	if jsontext.Read(f.Payload, changed.DecodeJSON) != nil {
		return
	}
	topics := " " + c.root.Attr(markup.AttrTopics) + " "
	for _, topic := range changed.Topics {
		if text.Contains(topics, " "+topic+" ") {
			c.refresh(nil)
			return
		}
	}
}

// refresh fetches the page again. If form is not nil, its fields become the query of the
// address. A refresh without a form waits until those under way have ended.
func (c *console) refresh(form view.Element) {
	if c.ended || c.inFlight > 0 && form == nil {
		c.refreshDue = true
		return
	}
	c.refreshDue = false
	c.inFlight++
	c.browser.Refresh(form, func(status int) { c.do(func() { c.refreshed(status, form != nil) }) })
}

// refreshed handles the end of a refresh. byUser says that the user asked for it.
func (c *console) refreshed(status int, byUser bool) {
	c.inFlight--
	if c.ended {
		return
	}
	c.writeTimes(true)
	switch {
	case status == 200:
		if c.refreshDue {
			c.refresh(nil)
		}
	case byUser:
		c.problem("The list could not be loaded. Try again in a moment.")
		fallthrough
	default:
		c.refreshDue = true // the next tick tries again
	}
}

func (c *console) tick(clock.Time) {
	c.writeTimes(false)
	if c.refreshDue && c.connState.Phase == client.Ready {
		c.refresh(nil)
	}
	if !c.ended {
		view.ClearKey(c.doc)
	}
}

// writeTimes writes the times on the page in the reader's locale and time zone: all of
// them, or only the relative ones ("5 minutes ago").
func (c *console) writeTimes(all bool) {
	now := protocol.At(clock.Now())
	view.WriteTimes(c.root, markup.TimeAgo, func(at protocol.Time) string {
		return words.Ago(at, now)
	})
	if all {
		view.WriteTimes(c.root, markup.TimeClock, c.browser.Clock)
	}
}

// act does what the admin asked for.
func (c *console) act(action string, target view.Element) {
	switch action {
	case markup.ActionFilter:
		c.refresh(target)
	case markup.ActionAskNotices:
		c.browser.RequestNotifications(func() { c.do(c.drawNotifications) })
	case markup.ActionStopSession:
		c.actOnRow(target, protocol.MethodChatAbort, "sessionKey", markup.IDConsole)
	case markup.ActionDisconnect:
		view.OpenRowDialog(c.doc, markup.IDDisconnectDialog, target)
	case markup.ActionConfirmDisconnect:
		c.actOnRow(target, protocol.MethodClientsDisconnect, "id", markup.IDDisconnectDialog)
	case markup.ActionNewKey:
		c.drawKeyDialog(markup.KeyForm, "")
		view.OpenKey(c.doc)
	case markup.ActionConfirmKey:
		c.createKey()
	case markup.ActionCopyKey:
		c.copy(view.Slot(c.doc.ByID(markup.IDKeyDialog), markup.SlotKey), target)
	case markup.ActionRevokeKey:
		view.OpenRowDialog(c.doc, markup.IDRevokeKeyDialog, target)
	case markup.ActionConfirmRevokeKey:
		c.actOnRow(target, protocol.MethodKeysRevoke, "id", markup.IDRevokeKeyDialog)
	case markup.ActionReloadConfig:
		c.reloadConfig()
	}
}

// actOnRow calls a method for the row that target is in: the row's key is the param with
// that name. It closes the dialog afterwards, or shows the error there, and refreshes the
// page. Without a dialog, dialog is markup.IDConsole, and the error is a notice.
func (c *console) actOnRow(target view.Element, method, name, dialog string) {
	params := append(jsontext.AppendString([]byte(`{"`+name+`":`), about(target, markup.AttrRow)), '}')
	c.call(method, params, func(d *jsontext.Decoder) { d.Skip() }, func(err *protocol.Error) {
		switch {
		case c.ended:
		case err == nil:
			view.CloseDialogs(c.doc)
		case dialog == markup.IDConsole:
			c.problem("This was not done: " + errorText(err))
		default:
			view.SetDialogError(c.doc, dialog, errorText(err))
		}
		c.refresh(nil)
	})
}

const daySeconds = 24 * 60 * 60

// drawKeyDialog shows the state of the dialog for a new API key, and an error or "".
func (c *console) drawKeyDialog(state, problem string) {
	view.Fill(c.doc, markup.IDKeyDialog, state, markup.SlotKey, "", markup.SlotError, problem)
}

// createKey creates the API key that the dialog describes, and shows it there.
func (c *console) createKey() {
	const dialog = markup.IDKeyDialog
	if view.State(c.doc, dialog) != markup.KeyForm {
		return
	}
	// The page offers only numbers, and "" for a key that does not expire: 0 days.
	days, _ := strconv.ParseInt(view.Field(c.doc, dialog, markup.FieldExpires), 10, 64)
	params := &protocol.KeysCreateParams{
		Name:      trim(view.Field(c.doc, dialog, markup.FieldName)),
		UserID:    trim(view.Field(c.doc, dialog, markup.FieldUser)),
		Role:      protocol.Role(view.Field(c.doc, dialog, markup.FieldRole)),
		ExpiresIn: days * daySeconds,
	}
	c.drawKeyDialog(markup.KeyBusy, "")
	var made protocol.KeysCreateResult
	c.call(protocol.MethodKeysCreate, params.AppendJSON(nil), made.DecodeJSON,
		func(err *protocol.Error) {
			switch {
			case c.ended:
			case err != nil:
				c.drawKeyDialog(markup.KeyForm, errorText(err))
			default:
				view.Fill(c.doc, dialog, markup.KeyMade, markup.SlotName, made.Name, markup.SlotUser,
					made.UserID, markup.SlotKey, made.Key)
				c.refresh(nil)
			}
		})
}

// reloadConfig has the gateway read its configuration again, and shows which settings are
// applied and which need a restart.
func (c *console) reloadConfig() {
	c.drawReload(markup.ReloadBusy, "", "", "")
	var result protocol.ConfigReloadResult
	c.call(protocol.MethodConfigReload, nil, result.DecodeJSON, func(err *protocol.Error) {
		applied, restart := joinNames(result.Applied), joinNames(result.NeedsRestart)
		switch {
		case c.ended:
		case err != nil:
			c.drawReload(markup.ReloadFailed, "", "", errorText(err))
		case applied+restart == "":
			c.drawReload(markup.ReloadUnchanged, "", "", "")
		default:
			c.drawReload(markup.ReloadDone, applied, restart, "")
		}
		c.refresh(nil)
	})
}

func (c *console) drawReload(state, applied, restart, problem string) {
	view.Fill(c.doc, markup.IDReload, state, markup.SlotApplied, applied, markup.SlotRestart, restart,
		markup.SlotError, problem)
}

func joinNames(names []string) string {
	all := ""
	for i, name := range names {
		if i > 0 {
			all += ", "
		}
		all += name
	}
	return all
}

func (c *console) drawNotifications() {
	view.Fill(c.doc, markup.IDNotices, c.browser.NotificationState())
}
