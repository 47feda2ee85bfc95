package e2e

import (
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
)

// startRelay starts a relay to the gateway, and makes browsers use it.
func startRelay(t *testing.T, g *gatehouse) *rig.Relay {
	t.Helper()
	r := rig.StartRelay(t, g.Address)
	g.publicAddress = r.Address
	return r
}

// goOffline takes the network from a tab, and tells it so; goOnline undoes that. Open
// sockets stay open: Relay.Cut closes them.
func (b *tab) goOffline() { b.t.Helper(); b.run("go offline", setNetwork(false)) }
func (b *tab) goOnline()  { b.t.Helper(); b.run("go online", setNetwork(true)) }

func setNetwork(up bool) chromedp.Action[chromedp.Void] {
	rules := []*network.Conditions{}
	if !up {
		rules = []*network.Conditions{{Offline: true, DownloadThroughput: -1, UploadThroughput: -1}}
	}
	return chromedp.Steps(
		command(network.Enable, network.EnableParams{}),
		command(network.EmulateNetworkConditionsByRule,
			network.EmulateNetworkConditionsByRuleParams{MatchedNetworkConditions: rules}),
		command(network.OverrideNetworkState,
			network.OverrideNetworkStateParams{Offline: !up, DownloadThroughput: -1,
				UploadThroughput: -1}),
	)
}
