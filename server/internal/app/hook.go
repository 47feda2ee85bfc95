package app

import (
	"encoding/base64"
	"strings"

	"github.com/gatehouse-chat/gatehouse/server/internal/config"
	"github.com/gatehouse-chat/gatehouse/server/internal/gateway"
	"github.com/gatehouse-chat/gatehouse/server/internal/webhook"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// notifier passes on what the pairing desk says, once there is a gateway.
type notifier struct {
	gateway *gateway.Gateway
	hook    *webhook.Sender
}

// PairingRequested tells admins and the webhook.
func (n *notifier) PairingRequested(p protocol.PendingDevice) {
	n.gateway.PairingRequested(p)
	n.hook.PairingRequested(p)
}

// PairingResolved tells admins, the requester and the webhook.
func (n *notifier) PairingResolved(r protocol.DeviceResolved) {
	n.gateway.PairingResolved(r)
	n.hook.PairingResolved(r)
}

// hookSettings is the webhook that the configuration names, which was checked.
func hookSettings(c config.Webhook) webhook.Settings {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.Secret.Reveal(), "whsec_"))
	if err != nil || len(key) == 0 {
		return webhook.Settings{} // nothing goes out unsigned
	}
	return webhook.Settings{URL: c.URL, Key: key, Events: c.Events}
}
