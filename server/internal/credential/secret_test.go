package credential

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSecret(t *testing.T) {
	t.Parallel()
	secret, none := NewSecret("open sesame"), NewSecret("")
	if !secret.IsSet() || secret.Reveal() != "open sesame" || none.IsSet() || none.Reveal() != "" ||
		none != (Secret{}) {
		t.Errorf("the secrets reveal %q and %q", secret.Reveal(), none.Reveal())
	}
	for candidate, want := range map[string]bool{
		"open sesame": true, "open sesamf": false, "open sesam": false, "open sesame ": false,
		"": false,
	} {
		if got := secret.Matches(candidate); got != want {
			t.Errorf("%q matches: %v, want %v", candidate, got, want)
		}
	}
	if none.Matches("") || none.Matches("[redacted]") {
		t.Error("an unset secret matches something")
	}
}

func TestSecretDoesNotPrint(t *testing.T) {
	t.Parallel()
	held := struct {
		Shown  Secret
		hidden Secret
		Inside struct{ Secret }
	}{Shown: NewSecret("open sesame"), hidden: NewSecret("open sesame"), Inside: struct{ Secret }{NewSecret("open sesame")}}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("secret", "secret", held.Shown, "held", held)
	encoded, err := json.Marshal(held)
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		fmt.Sprintf("%v %+v %#v %s %q %x %d", held, held, held, held.Shown, held.Inside,
			held.hidden, held),
		fmt.Sprint(held.Shown, &held.Shown), held.Shown.String(),
		errors.Join(fmt.Errorf("%w: %v", errors.New("why"), held.Shown)).Error(),
		log.String(), string(encoded),
	} {
		if strings.Contains(printed, "sesame") ||
			strings.Contains(printed, fmt.Sprintf("%x", "sesame")) {
			t.Errorf("it prints as %s", printed)
		}
	}
}
