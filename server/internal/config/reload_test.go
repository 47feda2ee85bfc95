package config

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestReload(t *testing.T) {
	t.Parallel()
	const before = `{gateway: {listen: ":1", token: "0123456789abcdef", rate_limit_rpm: 5},
		agents: {default: "a", list: {a: {provider: "builtin"}, b: {provider: "builtin", label: "B"}}}}`
	for name, c := range map[string]struct {
		after         string
		live, restart []string
	}{
		"nothing": {after: before},
		"what is live": {
			after: strings.Replace(before, "rate_limit_rpm: 5", `rate_limit_rpm: 6, pairing: false, allowed_origins: ["*"]`, 1),
			live:  []string{"gateway.allowed_origins", "gateway.rate_limit_rpm", "gateway.pairing"},
		},
		"what needs a restart": {
			after:   strings.NewReplacer(":1", ":2", "0123456789abcdef", "0123456789abcdeg").Replace(before),
			restart: []string{"gateway.listen", "gateway.token"},
		},
		"both":             {after: strings.NewReplacer(":1", ":2", "rpm: 5", "rpm: 6").Replace(before), live: []string{"gateway.rate_limit_rpm"}, restart: []string{"gateway.listen"}},
		"an agent's key":   {after: strings.Replace(before, `"B"`, `"Bee"`, 1), live: []string{"agents.list.b.label"}},
		"an agent came":    {after: strings.Replace(before, "b:", `c: {provider: "builtin"}, b:`, 1), live: []string{"agents.list.c"}},
		"an agent goes":    {after: strings.Replace(before, ", b:", ", // b:", 1) + "\n}}}", live: []string{"agents.list.b"}},
		"another default":  {after: strings.Replace(before, `"a"`, `"b"`, 1), live: []string{"agents.default"}},
		"nothing is given": {after: `{gateway: {listen: ":1", token: "0123456789abcdef"}}`, live: []string{"gateway.rate_limit_rpm", "agents.default", "agents.list.a", "agents.list.b", "agents.list.default"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, next := mustParse(t, before), mustParse(t, c.after)
			merged, changes := in.Reload(next)
			if !slices.Equal(changes.Live, c.live) || !slices.Equal(changes.Restart, c.restart) {
				t.Errorf("changes are %+v", changes)
			}
			if merged.Gateway.Listen != in.Gateway.Listen || !reflect.DeepEqual(merged.Gateway.Token, in.Gateway.Token) {
				t.Error("what needs a restart has changed")
			}
			if !reflect.DeepEqual(merged.Agents, next.Agents) || merged.Gateway.RateLimitRPM != next.Gateway.RateLimitRPM {
				t.Error("what is live has not changed")
			}
		})
	}
}

// Each merged value is from one of the two configurations, and a second reload changes
// nothing more.
func TestReloadOfAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in, next := drawConfig(t), drawConfig(t)
		merged, changes := in.Reload(next)
		again, rest := merged.Reload(next)
		if len(rest.Live) > 0 || !slices.Equal(rest.Restart, changes.Restart) || !reflect.DeepEqual(again, merged) {
			t.Errorf("after %+v it changes %+v", changes, rest)
		}
		if same, none := in.Reload(in); len(none.Live)+len(none.Restart) > 0 || !reflect.DeepEqual(same, in) {
			t.Errorf("what is in force changes %+v", none)
		}
		if reflect.DeepEqual(in, next) != (len(changes.Live)+len(changes.Restart) == 0) {
			t.Errorf("changes are %+v", changes)
		}
	})
}

func TestSettings(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `{gateway: {token: "0123456789abcdef", rate_limit_rpm: 7, allowed_origins: ["https://a.example"]}}`)
	values := map[string]string{}
	for _, s := range c.Settings() {
		if strings.Contains(s.Value, "0123456789abcdef") {
			t.Errorf("%s shows a secret", s.Key)
		}
		values[s.Key] = s.Value
	}
	for key, want := range map[string]string{
		"gateway.token": redacted, "gateway.rate_limit_rpm": "7", "gateway.allowed_origins": `["https://a.example"]`,
		"gateway.public_url": "", "retention.pieces": `"24h"`, "webhook.secret": "",
	} {
		if values[key] != want {
			t.Errorf("%s is %q, want %q", key, values[key], want)
		}
	}
}
