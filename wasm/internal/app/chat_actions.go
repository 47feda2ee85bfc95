package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// act does what the user asked for.
func (c *chat) act(action string, target view.Element) {
	switch action {
	case markup.ActionSend:
		c.submit()
	case markup.ActionCompose:
		c.compose()
	case markup.ActionSuggest:
		view.SetInput(c.doc, markup.IDComposerInput, target.Attr(markup.AttrText))
		view.Focus(c.doc, markup.IDComposerInput)
		c.compose()
	case markup.ActionRemoveFile:
		c.detach(about(target, markup.AttrFile))
	case markup.ActionRetryFile:
		c.retryFile(about(target, markup.AttrFile))
	case markup.ActionOpenFile:
		view.OpenPicture(c.doc, target)
	case markup.ActionWriteAs:
		c.setWriteAs(target.Value())
	case markup.ActionStopRun:
		c.stop()
		c.browser.FocusComposer()
	case markup.ActionAttachText:
		c.attachText()
	case markup.ActionSettings:
		view.OpenSettings(c.doc, c.browser.EnterKey())
	case markup.ActionSetEnter:
		c.browser.SetEnterKey(target.Value())
	case markup.ActionRetryRun:
		c.retryRun(about(target, markup.AttrMessageID))
	case markup.ActionResendMessage:
		c.resend(about(target, markup.AttrKey))
	case markup.ActionTakeBack:
		c.takeBack(target)
	case markup.ActionCopyMessage:
		c.copy(c.textOf(target), target)
	case markup.ActionCopyCode:
		c.copy(view.CodeOf(target), target)
	case markup.ActionLoadEarlier:
		c.loadEarlier(c.shown)
		view.Focus(c.doc, markup.IDTranscript) // the button goes
	case markup.ActionJumpLatest:
		c.browser.ToLatest()
		c.browser.FocusComposer()
	default:
		c.actOnSessions(action, target)
	}
}

// about returns an attribute of the nearest element around target that has it, or "".
func about(target view.Element, attr string) string {
	if el := target.Closest(attr); el != nil {
		return el.Attr(attr)
	}
	return ""
}

// textOf returns the text of the message that target is in.
func (c *chat) textOf(target view.Element) string {
	if m := c.shown.log.Message(about(target, markup.AttrMessageID)); m != nil {
		return m.Content
	}
	if m := c.outbox.messages.Find(about(target, markup.AttrKey)); m != nil {
		return m.Message
	}
	// the gateway rendered the message, and the session is not loaded yet
	return view.BodyText(target)
}
