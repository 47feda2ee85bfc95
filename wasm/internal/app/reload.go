package app

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// reloadOnce reloads the page because the gateway will render another one for this
// browser by now. It reports false, and does nothing, if the last load of this page did
// so too: reloading did not help, and must not become a loop.
func (s *basePage) reloadOnce() bool {
	const name, once = "reloaded", "once"
	at := s.root.Attr(markup.AttrInstance) + " " + name
	if s.browser.TabValue(at) == once {
		s.browser.SetTabValue(at, "")
		return false
	}
	s.browser.SetTabValue(at, once)
	s.browser.Reload()
	return true
}

// clearReloaded notes that the page is the right one, so that reloadOnce may reload
// again.
func (s *basePage) clearReloaded() {
	s.browser.SetTabValue(s.root.Attr(markup.AttrInstance)+" reloaded", "")
}
