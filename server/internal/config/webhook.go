package config

import (
	"encoding/base64"
	"strings"
)

// Webhook says who is told of pairings, by signed requests
// (https://www.standardwebhooks.com).
type Webhook struct {
	URL        string // normalised; empty: nobody
	Secret     Secret // whsec_ and base64 of 24 to 64 bytes
	SecretFile string // where Secret was read from; empty when it came from elsewhere
	Events     []string
}

// The events that a webhook may be told of.
const (
	HookRequested = "device.pair.requested"
	HookResolved  = "device.pair.resolved"
)

func webhookKeys() []key {
	return []key{
		at("webhook.url", baseURL(), "", func(t target) *string { return &t.config.Webhook.URL },
			"Where a signed POST goes when a browser asks to be paired, and when that is settled. Redirects are not followed.").live(),
		at("webhook.secret", signingSecret(), Secret{}, func(t target) *Secret { return &t.config.Webhook.Secret },
			"What the requests are signed with, as Standard Webhooks has it; `echo whsec_$(openssl rand -base64 32)` makes one. Needed with `webhook.url`.").live(),
		at("webhook.secret_file", filePath(), "", func(t target) *string { return &t.config.Webhook.SecretFile },
			"A file that holds the secret, instead of `webhook.secret`; only its owner should be able to read it.").live(),
		at("webhook.events", listOf(hookEvent()), []string{HookRequested, HookResolved}, func(t target) *[]string { return &t.config.Webhook.Events },
			"What it is told of.").live(),
	}
}

func hookEvent() kind[string] {
	return oneOf(func(s string) string { return s }, HookRequested, HookResolved)
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

// webhookRules adds the faults of webhook keys that do not fit each other.
func (d *draft) webhookRules() {
	w := d.config.Webhook
	switch {
	case w.URL != "" && !w.Secret.IsSet() && w.SecretFile == "" && !d.faulted["webhook.secret_file"]:
		d.require("webhook.secret", "is required with webhook.url: give it, or secret_file")
	case w.URL == "" && w.Secret.IsSet() && !d.faulted["webhook.url"]:
		d.require("webhook.url", "is required with webhook.secret: where the requests go")
	}
}
