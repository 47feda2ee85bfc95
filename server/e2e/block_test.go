package e2e

import "github.com/chromedp/cdproto/network"

// blockWasm keeps the client from loading, so that only what the server has
// rendered is there; unblock lets it load again.
var (
	blockWasm = command(network.SetBlockedURLs, network.SetBlockedURLsParams{
		URLPatterns: []*network.BlockPattern{{URLPattern: "*://*:*/static/*.wasm", Block: true}},
	})
	unblock = command(network.SetBlockedURLs, network.SetBlockedURLsParams{})
)
