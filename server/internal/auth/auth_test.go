package auth

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestToken(t *testing.T) {
	t.Parallel()
	token, same, other := NewToken("open sesame"), NewToken("open sesame"), NewToken("open sesamf")
	for candidate, want := range map[string]bool{"open sesame": true, "": false,
		"open sesam": false, "open sesame ": false, "Open sesame": false} {
		if got := token.Matches(candidate); got != want {
			t.Errorf("%q matches: %v, want %v", candidate, got, want)
		}
	}
	for name, none := range map[string]Token{"zero": {}, "empty": NewToken("")} {
		if none.Matches("") || none.Matches("open sesame") || none.Fingerprint() != "" ||
			none.Reveal() != "" {
			t.Errorf("the %s token matches", name)
		}
	}
	if f := token.Fingerprint(); len(f) != 64 || f != same.Fingerprint() ||
		f == other.Fingerprint() || strings.Contains(f, "sesame") {
		t.Errorf("fingerprints %q, %q of the same and %q of another", f, same.Fingerprint(),
			other.Fingerprint())
	}
}

func TestTokenDoesNotPrint(t *testing.T) {
	t.Parallel()
	values := struct {
		Token  Token
		hidden Token
		P      *Token
	}{NewToken("open sesame"), NewToken("open sesame"), nil}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("token", "token", values.Token, "values", values)
	encoded, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		fmt.Sprintf("%v %+v %#v %s %q %x "+
			"%d", values, values, values, values.Token, values.Token, values.Token, values),
		log.String(), string(encoded),
	} {
		if strings.Contains(text, "sesame") || strings.Contains(text, fmt.Sprintf("%x", "sesame")) {
			t.Errorf("the token shows in %s", text)
		}
	}
}

func TestLoadToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	generated, err := LoadToken(dir)
	if err != nil || !generated.Generated || generated.Warnings != nil ||
		generated.File != filepath.Join(dir, TokenFile) ||
		len(generated.Token.Reveal()) != len("gt_")+43 {
		t.Fatalf("generated: %+v, %v", generated, err)
	}
	info, err := os.Stat(generated.File)
	if err != nil || info.Mode() != 0o600 {
		t.Errorf("the file has mode %v, %v", info.Mode(), err)
	}
	stored, err := LoadToken(dir)
	if err != nil || stored.Generated || stored.Token.Reveal() != generated.Token.Reveal() {
		t.Errorf("stored: %+v, %v; want what was generated", stored, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v, %v; want only the token file", left, err)
	}
	other, err := LoadToken(t.TempDir())
	if err != nil || other.Token.Reveal() == generated.Token.Reveal() {
		t.Errorf("two directories have the same token, %v", err)
	}
}

func TestLoadTokenReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		content string
		mode    fs.FileMode
		want    string
		warning bool
	}{
		"with a line end":         {"secret-of-16-char\n", 0o600, "secret-of-16-char", false},
		"with a Windows line end": {" secret-of-16-char\r\n", 0o600, "secret-of-16-char", false},
		"without one":             {"secret-of-16-char", 0o400, "secret-of-16-char", false},
		"readable by the group":   {"secret-of-16-char\n", 0o640, "secret-of-16-char", true},
		"writable by the world":   {"secret-of-16-char\n", 0o602, "secret-of-16-char", true},
		"short":                   {"secret\n", 0o600, "secret", true},
		"empty":                   {"\n", 0o600, "", false},
		"two lines":               {"one\ntwo\n", 0o600, "", false},
		"not ASCII":               {"sécret\n", 0o600, "", false},
		"binary":                  {"\x00\x01", 0o600, "", false},
		"too long":                {strings.Repeat("a", 1025), 0o600, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			file := filepath.Join(dir, TokenFile)
			if err := errors.Join(os.WriteFile(file, []byte(c.content), 0o600),
				os.Chmod(file, c.mode)); err != nil {
				t.Fatal(err)
			}
			stored, err := LoadToken(dir)
			if stored.Token.Reveal() != c.want || (err == nil) != (c.want != "") ||
				(len(stored.Warnings) > 0) != c.warning || stored.Generated {
				t.Errorf("stored: %q, %+v, %v", stored.Token.Reveal(), stored, err)
			}
			if err != nil && !strings.Contains(err.Error(), file) {
				t.Errorf("refused with %q, want it to name %s", err, file)
			}
			if got, err := os.ReadFile(file); err != nil || string(got) != c.content {
				t.Errorf("the file was changed to %q, %v", got, err)
			}
		})
	}
}

func TestLoadTokenFails(t *testing.T) {
	t.Parallel()
	if stored, err := LoadToken(filepath.Join(t.TempDir(), "none")); err == nil ||
		stored.Token.Reveal() != "" {
		t.Errorf("without a directory: %+v, %v", stored, err)
	}
}

// Programs that start at the same time agree on one token.
func TestLoadTokenRace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tokens := make([]string, 16)
	var generated atomic.Int32
	var wg sync.WaitGroup
	for i := range tokens {
		wg.Go(func() {
			stored, err := LoadToken(dir)
			if err != nil {
				t.Error(err)
			}
			if stored.Generated {
				generated.Add(1)
			}
			tokens[i] = stored.Token.Reveal()
		})
	}
	wg.Wait()
	for _, token := range tokens {
		if token != tokens[0] || generated.Load() != 1 {
			t.Fatalf("%d were generated: %q", generated.Load(), tokens)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var links Links
		if links.Redeem("") || links.Redeem("anything") {
			t.Error("a link was redeemed before there was one")
		}
		once, late, soon := links.New(), links.New(), links.New()
		if len(once) != 43 || once == late {
			t.Errorf("codes %q and %q", once, late)
		}
		if !links.Redeem(once) || links.Redeem(once) {
			t.Error("a link is not valid exactly once")
		}
		time.Sleep(LinkLife - time.Nanosecond)
		if !links.Redeem(soon) {
			t.Error("a link is not valid until its end")
		}
		time.Sleep(time.Nanosecond)
		if links.Redeem(late) {
			t.Error("a link is valid after its end")
		}
	})
}

func TestLinksAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var links Links
		first := links.New()
		var last []string
		for range maxLinks {
			time.Sleep(time.Second)
			last = append(last, links.New())
		}
		if links.Redeem(first) {
			t.Error("the oldest of too many links is still valid")
		}
		for i, code := range last {
			if !links.Redeem(code) {
				t.Errorf("link %d is not valid", i)
			}
		}
	})
}

func TestLinksRace(t *testing.T) {
	t.Parallel()
	var links Links
	code := links.New()
	var won atomic.Int32
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if links.Redeem(code) {
				won.Add(1)
			}
		})
	}
	wg.Wait()
	if won.Load() != 1 {
		t.Errorf("one link was redeemed %d times", won.Load())
	}
}
