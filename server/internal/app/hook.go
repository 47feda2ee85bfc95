package app

import (
	"encoding/base64"
	"slices"
	"strings"
	"sync"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// probes are the User-Agents of gatehouse doctor and gatehouse conformance, which ask for
// pairings only to see whether that works. Whoever else names itself so is not announced
// by the webhook, but shown to admins like everybody.
var probes = []string{"gatehouse-doctor", "gatehouse-conformance"}

// maxProbed bounds the probes' requests that are remembered.
const maxProbed = 1000

// notifier passes the events of pairings on. Its fields gateway and hook are set before
// the first event.
type notifier struct {
	gateway *gateway.Gateway
	hook    *webhook.Sender

	// mu guards the following field.
	mu     sync.Mutex
	probed map[string]bool // the ids of the devices for which probes have asked
}

// PairingRequested notifies admins, and the webhook unless a probe has asked.
func (n *notifier) PairingRequested(p protocol.PendingDevice) {
	n.gateway.PairingRequested(p)
	if slices.Contains(probes, p.UserAgent) && n.remember(p.DeviceID) {
		return
	}
	n.hook.PairingRequested(p)
}

// PairingResolved notifies admins, the requester and the webhook. The webhook is not told
// how a request of a probe has ended, unless somebody has approved that.
func (n *notifier) PairingResolved(r protocol.DeviceResolved) {
	n.gateway.PairingResolved(r)
	if n.forget(r.DeviceID) && r.Status != protocol.PairingApproved {
		return
	}
	n.hook.PairingResolved(r)
}

// remember remembers a request of a probe, if there is room.
func (n *notifier) remember(deviceID string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.probed) >= maxProbed && !n.probed[deviceID] {
		return false
	}
	if n.probed == nil {
		n.probed = map[string]bool{}
	}
	n.probed[deviceID] = true
	return true
}

// forget reports whether the request was a probe's, and forgets that.
func (n *notifier) forget(deviceID string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	known := n.probed[deviceID]
	delete(n.probed, deviceID)
	return known
}

// CredentialRenewed has connections closed.
func (n *notifier) CredentialRenewed(deviceID string, old credential.Digest) {
	n.gateway.CredentialRenewed(deviceID, old)
}

// hookSettings makes the settings of the configured webhook. Without a valid secret
// there is no webhook, since every request must be signed.
func hookSettings(c config.Webhook) webhook.Settings {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.Secret.Reveal(), "whsec_"))
	if err != nil || len(key) == 0 {
		return webhook.Settings{}
	}
	return webhook.Settings{URL: c.URL, Key: key, Events: c.Events}
}
