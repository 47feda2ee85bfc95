package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

func TestSecretShowsNothing(t *testing.T) {
	t.Parallel()
	const hidden = "correct horse"
	s := NewSecret(hidden)
	type nested struct{ secret Secret }
	values := map[string]any{
		"itself": s, "pointer": &s, "field": struct{ S Secret }{s}, "hidden field": nested{s},
		"pointer to hidden field": &nested{s}, "list": []Secret{s}, "map": map[string]Secret{"k": s},
		"agent": Agent{APIKey: s}, "config": Config{Gateway: Gateway{Token: s}},
	}
	for name, v := range values {
		for _, verb := range strings.Split("v +v #v s q x X d t p T 10s -20v", " ") {
			if out := fmt.Sprintf("%"+verb, v); strings.Contains(out, hidden) || strings.Contains(out, fmt.Sprintf("%x", hidden)) {
				t.Errorf("%s with %%%s: %s", name, verb, out)
			}
		}
		encoded, err := json.Marshal(v)
		if err != nil || strings.Contains(string(encoded), hidden) {
			t.Errorf("%s as JSON: %s, %v", name, encoded, err)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", v)
		if strings.Contains(log.String(), hidden) {
			t.Errorf("%s in a log: %s", name, log.String())
		}
	}
}

func TestSecretPlaceholder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		secret     Secret
		text, json string
	}{
		{NewSecret("x"), "[redacted]", `"[redacted]"`},
		{NewSecret(""), "", `""`},
		{Secret{}, "", `""`},
	} {
		encoded, err := json.Marshal(c.secret)
		if got := fmt.Sprintf("%s|%v|%#v", c.secret, c.secret, c.secret); got != c.text+"|"+c.text+"|"+c.text || string(encoded) != c.json || err != nil {
			t.Errorf("got %s and %s (%v), want %s and %s", got, encoded, err, c.text, c.json)
		}
		if c.secret.LogValue().String() != c.text || c.secret.String() != c.text || c.secret.GoString() != c.text {
			t.Errorf("LogValue, String and GoString must be %q", c.text)
		}
	}
}

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		secret    Secret
		candidate string
		want      bool
	}{
		{NewSecret("abc"), "abc", true},
		{NewSecret("abc"), "abd", false},
		{NewSecret("abc"), "abcd", false},
		{NewSecret("abc"), "", false},
		{Secret{}, "", false},
		{NewSecret(""), "", false},
	} {
		if got := c.secret.Equal(c.candidate); got != c.want {
			t.Errorf("%q against %q: got %v, want %v", c.secret.Reveal(), c.candidate, got, c.want)
		}
	}
	if !reflect.DeepEqual(NewSecret("abc"), NewSecret("abc")) || reflect.DeepEqual(NewSecret("abc"), NewSecret("abd")) {
		t.Error("DeepEqual must compare texts")
	}
}
