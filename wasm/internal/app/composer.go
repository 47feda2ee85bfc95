package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// submit sends what is in the composer. If it cannot be sent, it stays there.
func (c *chat) submit() {
	text := view.Input(c.doc, markup.IDComposerInput)
	files := c.attachments.files
	if trim(text) == "" && len(files) == 0 || !c.mayWrite() {
		return
	}
	for i := range files {
		if u := c.attachments.upload(files[i].Key); u.err != nil {
			c.problem("“" + files[i].Media.Filename + "” can’t be sent. Remove it first: " +
				errorText(u.err))
			return
		}
	}
	if len(text) > protocol.MaxMessageBytes {
		c.problem("This text is " + view.Excess(text, protocol.MaxMessageBytes) +
			" too long for one message. " + c.waysToShorten())
		return
	}
	if o := c.shown.other; o != nil && o.note {
		if len(files) > 0 {
			c.problem("A note takes no files. Choose “Message”, or remove them.")
			return
		}
		c.addNote(text)
		return
	}
	c.clearComposer()
	c.sendText(text, files)
	c.browser.FocusComposer()
}

func (c *chat) mayWrite() bool {
	return !c.ended && !c.shown.gone && c.role.Allows(protocol.Operator)
}

// sendText adds a message to the outbox. If the session is a new chat, it gets its key
// now.
func (c *chat) sendText(text string, files []protocol.Attachment) {
	s := c.shown
	if s.key == "" {
		delete(c.opened, "")
		s.key = protocol.NewSessionKey(c.defaultAgent(), uuid(c.randomBytes(16)))
		s.followed = c.followedSessions.Follow(s.key, follow.NewSession)
		s.log = s.followed.Log
		c.opened[s.key] = s
		c.browser.Push(markup.SessionPath(s.key))
	}
	c.toLatest = true
	c.enqueue(&client.Outgoing{
		Key:        hexOf(c.randomBytes(16)),
		SessionKey: s.key,
		Message:    text,
		Files:      files,
		After:      s.log.Cursor().AfterSeq,
	})
}

// takeBack puts a message that is not sent yet back into the composer. If the gateway has
// queued the message, its run is aborted instead.
func (c *chat) takeBack(target view.Element) {
	key := about(target, markup.AttrKey)
	if key == "" {
		c.abort(about(target, markup.AttrRunID))
		return
	}
	c.outbox.current = false // another tab may have sent it: read what is stored first
	c.withLock(func() {
		m := c.outbox.messages.Find(key)
		switch {
		case m == nil || c.ended: // another tab sent or took it back
		case m.CanTakeBack():
			c.removeMessage(m)
			c.prependFiles(m.Files)
			c.prependText(m.Message)
		default:
			c.info("This may have reached the gateway already. It can be taken back once that is known.")
		}
	})
}

// prependText puts text before what stands in the composer.
func (c *chat) prependText(text string) {
	if rest := view.Input(c.doc, markup.IDComposerInput); rest != "" && text != "" {
		text += "\n\n" + rest
	} else {
		text += rest
	}
	c.setInput(text)
	c.compose()
	view.Focus(c.doc, markup.IDComposerInput)
}

// prependFiles puts files before those in the composer.
func (c *chat) prependFiles(files []protocol.Attachment) {
	all := append(append([]protocol.Attachment(nil), files...), c.attachments.files...)
	if len(all) > protocol.MaxMedia {
		c.problem("A message takes at most " + words.Number(protocol.MaxMedia) +
			" files: the last ones were removed.")
		for i := range all[protocol.MaxMedia:] {
			c.discard(&all[protocol.MaxMedia+i])
		}
		all = all[:protocol.MaxMedia]
	}
	c.attachments.files = all
	c.attachmentsChanged()
}
