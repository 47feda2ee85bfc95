package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// signOut ends the browser's session at the gateway, then removes what is stored of the
// user.
func (b *basePage) signOut() {
	view.CloseDialogs(b.doc)
	b.signingOut = true // the gateway will close the connection as for a revocation
	b.fetch("DELETE", "", func(status int, _ string) {
		if status == 0 || status >= 500 {
			b.signingOut = false
			b.problem("The gateway can’t be reached, so you are still signed in. Try again in a moment.")
			return
		}
		b.conn.Stop()
		b.purgeEverywhere(markup.StateSignedOut, func() {
			b.browser.SetTabValue(b.signedOutKey(), "yes")
			b.browser.Leave("/")
		})
	})
}

// signedOutKey is the name of the tab value that says that the user has just signed out
// here: the page of a browser that is not approved then asks for nothing by itself.
func (b *basePage) signedOutKey() string { return b.root.Attr(markup.AttrInstance) + " signed out" }

// openStorage opens the storage of the page's user. It calls onMessage on the loop.
func (b *basePage) openStorage(onMessage func(name, text string)) (tabsConnected bool) {
	return b.storage.Open(b.root.Attr(markup.AttrInstance), b.root.Attr(markup.AttrUser),
		func(name, text string) {
			b.do(func() { onMessage(name, text) })
		})
}

// endState returns the state of a page that ends because of the connection's state: the
// gateway has refused the page's credential, or has not got it. It is "" if the state is not
// about the credential. If the user was revoked, endState removes what is stored of the
// user. If the cookie is gone, the user has signed out, perhaps elsewhere; if that is so on
// the next page, too, the cookie does not arrive.
func (b *basePage) endState(s client.State) (state string) {
	err := s.Err
	switch {
	case s.Phase == client.Pairing || lacksCookie(s):
		b.conn.Stop()
		if b.triedBefore(withoutACookie) {
			return markup.StateNoCookies
		}
		if s.Phase == client.Pairing {
			b.do(func() { b.browser.Leave("/") }) // once the page has ended
		}
		return markup.StateSignedOut
	case err.Code == protocol.Unauthorized, err.Code == protocol.Forbidden,
		err.Code == protocol.NotPaired && b.signingOut:
		return markup.StateSignedOut
	case err.Code != protocol.NotPaired:
		return ""
	case err.Details != nil && err.Details.Status == protocol.PairingRevoked:
		b.purgeEverywhere(markup.StateRevoked, func() {})
	}
	return markup.StateRevoked
}

// purgeEverywhere removes what is stored of the user, and has the other tabs do the same
// and end with that state.
func (b *basePage) purgeEverywhere(state string, then func()) {
	b.storage.Broadcast(purgedName, state)
	b.purgeStored(then)
}

// purgeStored removes what is stored of the user.
func (b *basePage) purgeStored(then func()) {
	b.storage.Purge(b.root.Attr(markup.AttrInstance), b.root.Attr(markup.AttrUser),
		func() { b.do(then) })
}
