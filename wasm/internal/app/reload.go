package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// Why a page has made way for another one, in the expectation that the gateway sees this
// browser's cookie by then.
const (
	afterApproval  = "once"      // the pairing page, once this browser was approved
	afterSignIn    = "signed in" // the login page
	withoutACookie = "left"      // a page whose connection came without the cookie
)

// triedBefore notes that the page makes way for another one, and why. If a page has done so
// before for that reason, it did not help, and could become a loop: then triedBefore
// reports true, and forgets that.
func (b *basePage) triedBefore(why string) bool {
	if b.reloadReason() == why {
		b.clearReloaded()
		return true
	}
	b.browser.SetTabValue(b.reloadedKey(), why)
	return false
}

// reloadReason is why the page before this one has made way for this one, or "".
func (b *basePage) reloadReason() string { return b.browser.TabValue(b.reloadedKey()) }

// clearReloaded notes that the page is the right one.
func (b *basePage) clearReloaded() {
	b.browser.SetTabValue(b.reloadedKey(), "")
}

// reloadedKey is the name of the tab value with the reloadReason.
func (b *basePage) reloadedKey() string {
	return b.root.Attr(markup.AttrInstance) + " reloaded"
}

// lacksCookie reports whether a connection came without this browser's cookie. The gateway
// says so; one that does not know ConnectParams.Cookie gives the page a secret of its own.
func lacksCookie(s client.State) bool {
	if s.Phase == client.Pairing {
		return s.Pairing.SenderID != ""
	}
	return s.Phase == client.Refused && s.Err.Code == protocol.NotPaired && s.Err.Details != nil &&
		s.Err.Details.Status == protocol.PairingNoCookie
}
