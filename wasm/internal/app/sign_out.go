package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

// signOut ends the browser's session at the gateway, then removes what is stored of the
// user.
func (s *basePage) signOut() {
	view.CloseDialogs(s.doc)
	s.signingOut = true // the gateway will close the connection as for a revocation
	s.fetch("DELETE", "", func(status int, _ string) {
		if status == 0 || status >= 500 {
			s.signingOut = false
			s.problem("The gateway can’t be reached, so you are still signed in. Try again in a moment.")
			return
		}
		s.conn.Stop()
		s.purgeEverywhere(markup.StateSignedOut, func() { s.browser.Leave("/") })
	})
}

// openStorage opens the storage of the page's user. It calls onMessage on the loop.
func (s *basePage) openStorage(onMessage func(name, text string)) (tabsConnected bool) {
	return s.storage.Open(s.root.Attr(markup.AttrInstance), s.root.Attr(markup.AttrUser),
		func(name, text string) {
			s.do(func() { onMessage(name, text) })
		})
}

// endState returns the state of a page that ends because the gateway refused its
// credential with err, or "" if err is not about the credential. If the user was revoked,
// it removes what is stored of the user.
func (s *basePage) endState(err *protocol.Error) (state string) {
	switch {
	case err.Code == protocol.Unauthorized, err.Code == protocol.Forbidden,
		err.Code == protocol.NotPaired && s.signingOut:
		return markup.StateSignedOut
	case err.Code != protocol.NotPaired:
		return ""
	case err.Details != nil && err.Details.Status == protocol.PairingRevoked:
		s.purgeEverywhere(markup.StateRevoked, func() {})
	}
	return markup.StateRevoked
}

// purgeEverywhere removes what is stored of the user, and has the other tabs do the same
// and end with that state.
func (s *basePage) purgeEverywhere(state string, then func()) {
	s.storage.Broadcast(purgedName, state)
	s.purgeStored(then)
}

// purgeStored removes what is stored of the user.
func (s *basePage) purgeStored(then func()) {
	s.storage.Purge(s.root.Attr(markup.AttrInstance), s.root.Attr(markup.AttrUser),
		func() { s.do(then) })
}
