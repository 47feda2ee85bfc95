package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// console is a page of the admin console. The gateway renders what it shows; when
// that is out of date the page is fetched again and brought in line.
type console struct {
	*shell
	knocks  knocks
	under   int  // renewals under way
	renewal bool // one is due
	over    bool // signed out or revoked
}

func newConsole(s *shell) *console {
	s.count = countMessages
	return &console{shell: s, knocks: newKnocks(s)}
}

// countMessages counts the messages among what is kept.
func countMessages(texts []string, _ bool) int {
	n := 0
	for i := 0; i < len(texts); i += 2 {
		if text.HasPrefix(texts[i], nameMessage) {
			n++
		}
	}
	return n
}

func (c *console) page() page {
	return page{
		start: c.start, state: c.state, event: c.event, act: c.act,
		tick: c.tick, draw: func() {}, counting: func() bool { return false }, wake: c.drawNotices,
	}
}

func (c *console) start() {
	c.openKeeper(c.told)
	c.writeTimes(true)
	c.drawNotices()
	c.connect()
}

// told hears that the user is no more.
func (c *console) told(name, state string) {
	if name == namePurged && (!c.over || state == markup.StateSignedOut) {
		c.end(state)
		c.conn.Stop()
	}
}

// state follows the connection. What happened while there was none was not told.
func (c *console) state(s client.State) {
	if c.admitted(s) {
		c.knocks.load()
		c.renew(nil)
	}
}

// admitted reports whether an admin's connection is there, and ends the page when
// there will be none.
func (c *console) admitted(s client.State) bool {
	switch s.Phase {
	case client.Ready:
		if s.Role == protocol.Admin {
			c.settled()
			return true
		}
		c.leave()
	case client.Pairing:
		c.leave()
	case client.Refused:
		if state := c.turnedAway(s.Err); state != "" {
			c.end(state)
		}
	}
	return false
}

func (c *console) leave() {
	c.end(markup.StateSignedOut)
	c.win.Leave("/")
}

// end takes everything off the screen that its reader may no longer read.
func (c *console) end(state string) {
	c.over = true
	c.knocks.clear()
	view.CloseDialogs(c.doc)
	view.SetText(c.doc, markup.IDConsole, "")
	view.SetState(c.doc, state)
}

func (c *console) event(f protocol.Frame) {
	if c.over {
		return
	}
	c.knocks.event(f)
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
			c.renew(nil)
			return
		}
	}
}

// renew brings the page up to date; with a form, to what that asks for.
func (c *console) renew(form view.Element) {
	if c.over || c.under > 0 && form == nil {
		c.renewal = true
		return
	}
	c.renewal = false
	c.under++
	c.win.Renew(form, func(status int) { c.do(func() { c.renewed(status, form != nil) }) })
}

func (c *console) renewed(status int, asked bool) {
	c.under--
	if c.over {
		return
	}
	c.writeTimes(true)
	switch {
	case status == 200:
		if c.renewal {
			c.renew(nil)
		}
	case asked:
		c.problem("The list could not be loaded. Try again in a moment.")
		fallthrough
	default:
		c.renewal = true // with the next tick
	}
}

func (c *console) tick(clock.Time) {
	c.writeTimes(false)
	if c.renewal && c.link.Phase == client.Ready {
		c.renew(nil)
	}
	if !c.over {
		view.ForgetKey(c.doc)
	}
}

// writeTimes writes the times on the page in the reader's words: those that age,
// and with all the others too.
func (c *console) writeTimes(all bool) {
	now := protocol.At(clock.Now())
	view.WriteTimes(c.root, markup.TimeAgo, func(at protocol.Time) string { return words.Ago(at, now) })
	if all {
		view.WriteTimes(c.root, markup.TimeClock, c.win.Clock)
	}
}

// act does what the admin asks for.
func (c *console) act(action string, target view.Element) {
	switch action {
	case markup.ActionFilter:
		c.renew(target)
	case markup.ActionAskNotices:
		c.win.AskNotices(func() { c.do(c.drawNotices) })
	case markup.ActionStopSession:
		c.order(target, protocol.MethodChatAbort, "sessionKey", markup.IDConsole)
	case markup.ActionDisconnect:
		view.OpenAbout(c.doc, markup.IDDisconnectDialog, target)
	case markup.ActionConfirmDisconnect:
		c.order(target, protocol.MethodClientsDrop, "id", markup.IDDisconnectDialog)
	case markup.ActionNewKey:
		c.keyDialog(markup.KeyForm, "")
		view.OpenKey(c.doc)
	case markup.ActionConfirmKey:
		c.createKey()
	case markup.ActionCopyKey:
		c.copy(view.Slot(c.doc.ByID(markup.IDKeyDialog), markup.SlotKey), target)
	case markup.ActionRevokeKey:
		view.OpenAbout(c.doc, markup.IDRevokeKeyDialog, target)
	case markup.ActionConfirmRevokeKey:
		c.order(target, protocol.MethodKeysRevoke, "id", markup.IDRevokeKeyDialog)
	case markup.ActionReloadConfig:
		c.reloadConfig()
	}
}

// order has something done to what the target's row stands for, which the method
// takes under a name. It closes the dialog that asked for it, or says in it why
// not, and looks at what came of it.
func (c *console) order(target view.Element, method, name, dialog string) {
	params := append(jsontext.AppendString([]byte(`{"`+name+`":`), about(target, markup.AttrRow)), '}')
	c.ask(method, params, func(d *jsontext.Decoder) { d.Skip() }, func(err *protocol.Error) {
		switch {
		case c.over:
		case err == nil:
			view.CloseDialogs(c.doc)
		case dialog == markup.IDConsole:
			c.problem("That did not work: " + sentence(err))
		default:
			view.SetDialogError(c.doc, dialog, sentence(err))
		}
		c.renew(nil)
	})
}

const daySeconds = 24 * 60 * 60

// keyDialog shows how far the making of a key is.
func (c *console) keyDialog(state, problem string) {
	view.Fill(c.doc, markup.IDKeyDialog, state, markup.SlotKey, "", markup.SlotError, problem)
}

// createKey makes an API key of what stands in the dialog, and shows it.
func (c *console) createKey() {
	const dialog = markup.IDKeyDialog
	if view.State(c.doc, dialog) != markup.KeyForm {
		return
	}
	params := &protocol.KeysCreateParams{
		Name:      trim(view.Field(c.doc, dialog, markup.FieldName)),
		UserID:    trim(view.Field(c.doc, dialog, markup.FieldUser)),
		Role:      protocol.Role(view.Field(c.doc, dialog, markup.FieldRole)),
		ExpiresIn: whole(view.Field(c.doc, dialog, markup.FieldExpires)) * daySeconds,
	}
	c.keyDialog(markup.KeyBusy, "")
	var made protocol.KeysCreateResult
	c.ask(protocol.MethodKeysCreate, params.AppendJSON(nil), made.DecodeJSON, func(err *protocol.Error) {
		switch {
		case c.over:
		case err != nil:
			c.keyDialog(markup.KeyForm, sentence(err))
		default:
			view.Fill(c.doc, dialog, markup.KeyMade, markup.SlotName, made.Name, markup.SlotUser, made.UserID, markup.SlotKey, made.Key)
			c.renew(nil)
		}
	})
}

// reloadConfig has the configuration read again, and tells what came of it.
func (c *console) reloadConfig() {
	c.drawReload(markup.ReloadBusy, "", "", "")
	var result protocol.ConfigReloadResult
	c.ask(protocol.MethodConfigReload, nil, result.DecodeJSON, func(err *protocol.Error) {
		applied, restart := listed(result.Applied), listed(result.NeedsRestart)
		switch {
		case c.over:
		case err != nil:
			c.drawReload(markup.ReloadFailed, "", "", sentence(err))
		case applied+restart == "":
			c.drawReload(markup.ReloadDone, "nothing new", "", "")
		default:
			c.drawReload(markup.ReloadDone, applied, restart, "")
		}
		c.renew(nil)
	})
}

func (c *console) drawReload(state, applied, restart, problem string) {
	view.Fill(c.doc, markup.IDReload, state, markup.SlotApplied, applied, markup.SlotRestart, restart, markup.SlotError, problem)
}

// whole reads a number of our own making. Package strconv quotes what is none,
// with tables of 5 KB.
func whole(digits string) (n int64) {
	for i := range len(digits) {
		n = 10*n + int64(digits[i]-'0')
	}
	return n
}

func listed(names []string) string {
	all := ""
	for i, name := range names {
		if i > 0 {
			all += ", "
		}
		all += name
	}
	return all
}

func (c *console) drawNotices() { view.Fill(c.doc, markup.IDNotices, c.win.Notices()) }
