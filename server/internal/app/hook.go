package app

import (
	"encoding/base64"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// notifier passes the events of pairings on. Its fields are set before the first one.
type notifier struct {
	gateway *gateway.Gateway
	hook    *webhook.Sender
}

// PairingRequested notifies admins and the webhook.
func (n *notifier) PairingRequested(p protocol.PendingDevice) {
	n.gateway.PairingRequested(p)
	n.hook.PairingRequested(p)
}

// PairingResolved notifies admins, the requester and the webhook.
func (n *notifier) PairingResolved(r protocol.DeviceResolved) {
	n.gateway.PairingResolved(r)
	n.hook.PairingResolved(r)
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
