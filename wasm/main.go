//go:build js

// Command wasm is the browser client of Gatehouse.
package main

import (
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/app"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/dom"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/socket"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/storage"
)

// version is set by the build: -ldflags "-X main.version=…".
var version = "devel"

func main() {
	setEventHandler(func() bool { return false })
	browser := dom.Open()
	a := app.New(app.Options{
		Browser:   browser,
		Transport: socket.Transport{URL: browser.SocketURL()},
		Storage:   storage.Storage{},
		Version:   version,
		Platform:  "browser",
		Locale:    browser.Locale(),
	})
	browser.OnAction(a.Act)
	browser.OnScroll(a.Scrolled)
	browser.OnNavigate(a.Navigated)
	browser.OnVisible(a.Visible)
	browser.OnHidden(a.Hidden)
	browser.OnNetwork(a.Network)
	browser.OnFiles(a.Files)
	browser.OnPrint(a.Print)
	browser.Listen()
	a.Start()
	browser.ByID(markup.IDRoot).SetAttr(markup.AttrBoot, markup.BootReady)
	select {} // the exports work as long as the program runs
}
