package pairing

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/credential"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

func TestNewCredential(t *testing.T) {
	t.Parallel()
	c := NewCredential()
	if !ValidCredential(c) || !credential.Device.Valid(c) ||
		ValidCredential(credential.APIKey.Generate().Reveal()) {
		t.Errorf("%q is not a device's credential, or another kind is accepted as one", c)
	}
}

func TestNewCode(t *testing.T) {
	t.Parallel()
	const codes = 4000
	count := map[rune]int{}
	for range codes {
		code := newCode()
		if got, ok := ParseCode(code); !ok || got != code {
			t.Fatalf("%q is not a code", code)
		}
		for _, r := range code {
			count[r]++
		}
	}
	// Each letter is expected 1000 times; 200 away is six standard deviations.
	for _, r := range protocol.PairingAlphabet {
		if n := count[r]; n < 800 || n > 1200 {
			t.Errorf("%q was chosen %d times of about %d", r, n,
				codes*protocol.PairingCodeLength/len(protocol.PairingAlphabet))
		}
	}
}

func TestParseCode(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"ABCD2345": "ABCD2345", "abcd2345": "ABCD2345", " ABCD-2345 ": "ABCD2345",
		"A B C D – 2 3 4 5": "ABCD2345", "abcd\u00a02345": "ABCD2345",
		"": "", "ABCD234": "", "ABCD23456": "", "ABCD2340": "", "ABCD234O": "", "ABCD234ı": "",
		"ABC\nD2345": "", "ABCD_2345": "",
		strings.Repeat("-", 100) + "ABCD2345": "",
	} {
		if got, ok := ParseCode(text); ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v; want %q", text, got, ok, want)
		}
	}
}

func FuzzParseCode(f *testing.F) {
	for _, s := range []string{"ABCD2345", "abcd-2345", "ſſſſſſſſ", ""} {
		f.Add(s)
	}
	form := regexp.MustCompile(`^[A-HJ-NP-Z2-9]{8}$`)
	f.Fuzz(func(t *testing.T, s string) {
		code, ok := ParseCode(s)
		if ok && !form.MatchString(code) {
			t.Errorf("%q gives %q", s, code)
		}
	})
}

func TestIDs(t *testing.T) {
	t.Parallel()
	now := time.UnixMilli(1_700_000_000_000)
	early, late := newDeviceID(now), newDeviceID(now.Add(time.Millisecond))
	if form := regexp.MustCompile(`^dev-[0-9a-v]{16}$`); !form.MatchString(early) ||
		!form.MatchString(late) || early >= late {
		t.Errorf("device ids %q and %q, want two in the order of their times", early, late)
	}
	if user := newUserID(); !regexp.MustCompile(`^user-[0-9a-v]{8}$`).MatchString(user) ||
		!validUserID(user) {
		t.Errorf("user id %q", user)
	}
}
