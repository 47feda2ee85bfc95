package config

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// Webhook says which server is notified of pairings, by signed requests
// (https://www.standardwebhooks.com).
type Webhook struct {
	URL        string   // normalised; empty: no webhook
	Secret     Secret   // signs the requests: whsec_ and base64 of 24 to 64 bytes
	SecretFile string   // the file that Secret was read from, or empty
	Events     []string // of WebhookRequested and WebhookResolved
}

// The events of webhooks.
const (
	WebhookRequested = "device.pair.requested"
	WebhookResolved  = "device.pair.resolved"
)

func webhookKeys() []key {
	return []key{
		newKey("webhook.url", baseURL(), "",
			func(t target) *string { return &t.config.Webhook.URL },
			"Where a signed POST goes when a browser asks to be paired, and when the request is "+
				"resolved. Redirects are not followed.").live(),
		newKey("webhook.secret", signingSecret(), Secret{},
			func(t target) *Secret { return &t.config.Webhook.Secret },
			"The key that signs the requests, in the form of Standard Webhooks; `echo "+
				"whsec_$(openssl rand -base64 32)` makes one. Required with `webhook.url`.").live(),
		newKey("webhook.secret_file", filePath(), "",
			func(t target) *string { return &t.config.Webhook.SecretFile },
			"A file that holds the secret, instead of `webhook.secret`; only its owner should be "+
				"able to read it.").live(),
		newKey("webhook.events", listOf(webhookEvent()), []string{WebhookRequested,
			WebhookResolved},
			func(t target) *[]string { return &t.config.Webhook.Events },
			"Which events are sent.").live(),
	}
}

func webhookEvent() kind[string] {
	return oneOf(func(s string) string { return s }, WebhookRequested, WebhookResolved)
}

// signingSecret is a secret in the form of Standard Webhooks.
func signingSecret() kind[Secret] {
	const prefix, least, most = "whsec_", 24, 64
	k := secret(1)
	k.accepts = `"whsec_" followed by base64 of 24 to 64 random bytes`
	read := k.read
	k.read = func(n node) (Secret, []problem) {
		s, problems := read(n)
		if problems != nil {
			return Secret{}, []problem{{at: n.at, text: "must be " + k.accepts}}
		}
		text, ok := strings.CutPrefix(s.Reveal(), prefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(key) < least || len(key) > most {
			return Secret{}, []problem{{at: n.at, text: "must be " + k.accepts}}
		}
		return s, nil
	}
	return k
}

// webhookRules adds the faults of webhook keys that contradict each other.
func (d *draft) webhookRules() {
	w := d.config.Webhook
	switch {
	case w.URL != "" && !w.Secret.IsSet() && w.SecretFile == "" &&
		!d.faulted["webhook.secret_file"]:
		d.require("webhook.secret", "is required with webhook.url: give it, or secret_file")
	case w.URL == "" && w.Secret.IsSet() && !d.faulted["webhook.url"]:
		d.require("webhook.url", "is required with webhook.secret: where the requests go")
	case w.URL != "" && len(w.Events) == 0 && !d.faulted["webhook.events"]:
		d.fault(d.locationOf("webhook.events"), "webhook.events", fmt.Sprintf(
			"must name at least one of %q and %q, or leave webhook.url out: with an empty list "+
				"nothing is ever sent", WebhookRequested, WebhookResolved))
	}
}
