package pairing

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// TestNameOfUserAgent tests that a device without a name is named after its User-Agent,
// which is cleaned first. Package words tests the names of browsers.
func TestNameOfUserAgent(t *testing.T) {
	t.Parallel()
	for ua, want := range map[string]string{
		"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 " +
			"Safari/605.1.15 Epiphany/605.1.15": "GNOME Web on Linux",
		"curl/8.5.0":                                "curl",
		"Fire\xfffox/140.0 (Win\x00dows)":           "Firefox on Windows",
		strings.Repeat("x", maxUserAgent) + "curl/": "Unknown browser",
		"": "Unknown browser",
	} {
		if got := Name(ua, ""); got != want {
			t.Errorf("%q is called %q, want %q", ua, got, want)
		}
	}
}

func TestNameGiven(t *testing.T) {
	t.Parallel()
	const firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 " +
		"Firefox/140.0"
	for name, want := range map[string]string{
		"Anna's laptop":                         "Anna's laptop",
		"  Kitchen \t\r\n tablet ":              "Kitchen tablet",
		"书房电脑":                                  "书房电脑",
		"Büro 2":                                "Büro 2",
		"":                                      "Firefox on Windows",
		" \u200b\u3164\u2800 ":                  "Firefox on Windows",
		"f3a9c1d2e4b5a6f7":                      "Firefox on Windows",
		"019a2b3c-4d5e-7f00-8a9b-0c1d2e3f4a5b":  "Firefox on Windows",
		"00:1a:2b:3c:4d:5e":                     "Firefox on Windows",
		"facade":                                "facade",
		"Admin\x00\x1b[31m\nphone":              "Admin[31m phone",
		"safe\u202egpj.exe":                     "safegpj.exe",
		"\u2066admin\u2069":                     "admin",
		"<script>alert(1)</script>":             "scriptalert(1)/script",
		"bad\xff\xfebytes":                      "badbytes",
		"z\u0301\u0301\u0301\u0301\u0301\u0301": "z\u0301\u0301\u0301\u0301",
		"👩\u200d💻 de می\u200cخواهم":             "👩\u200d💻 de می\u200cخواهم",
		strings.Repeat("long ", 1000):           strings.Repeat("long ", 16)[:79],
		strings.Repeat("é", 81):                 strings.Repeat("é", 80),
	} {
		if got := Name(firefox, name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func FuzzName(f *testing.F) {
	f.Add("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "Anna's laptop")
	f.Add("curl/8", "\u202e<b>\x00")
	f.Add("\xff", "a\u0301\u0301\u0301 ")
	f.Fuzz(func(t *testing.T, ua, given string) {
		name := Name(ua, given)
		if name == "" || !utf8.ValidString(name) ||
			utf8.RuneCountInString(name) > protocol.MaxDeviceNameLength ||
			name != strings.TrimSpace(name) {
			t.Errorf("name %q", name)
		}
		for _, r := range name {
			if !unicode.IsGraphic(r) || r == '<' || r == '>' || unicode.IsSpace(r) && r != ' ' {
				t.Errorf("name %q has %U", name, r)
			}
		}
		if again := Name(ua, name); given != "" && again != name && !looksLikeID(name) {
			t.Errorf("name %q, cleaned again %q", name, again)
		}
	})
}
