package app

import "github.com/gatehouse-chat/gatehouse/shared/markup"

// reloadOnce reloads the page, when the gateway would render another page for this browser
// by now. If the page was reloaded by reloadOnce already, reloading did not help and could
// become a loop: then it does nothing and reports false.
func (b *basePage) reloadOnce() bool {
	const once = "once"
	if b.browser.TabValue(b.reloadedKey()) == once {
		b.browser.SetTabValue(b.reloadedKey(), "")
		return false
	}
	b.browser.SetTabValue(b.reloadedKey(), once)
	b.browser.Reload()
	return true
}

// clearReloaded notes that the page is the right one, so that reloadOnce may reload
// again.
func (b *basePage) clearReloaded() {
	b.browser.SetTabValue(b.reloadedKey(), "")
}

// reloadedKey is the name of the tab value that says that reloadOnce has reloaded the page.
func (b *basePage) reloadedKey() string {
	return b.root.Attr(markup.AttrInstance) + " reloaded"
}
