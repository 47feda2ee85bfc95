package printable

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestChecks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s               string
		text, ascii, id bool
	}{
		{"", true, true, false},
		{"anna@example.org", true, true, true},
		{"agent:main:ws:direct:1-2_3", true, true, true},
		{"a/b", true, true, false},
		{"Anna Blume", true, false, false},
		{"Büro 书房 e\u0301 😀", true, false, false},
		{"ü", true, false, false},
		{"bad\xff", true, false, false}, // an invalid byte reads as U+FFFD, which is a symbol
		{"line\nbreak", false, false, false},
		{"tab\t", false, false, false},
		{"no\u00a0break", true, false, false},
		{"\x00", false, false, false},
		{"del\x7f", false, false, false},
		{"zero\u200bwidth", false, false, false},
		{"safe\u202egpj.exe", false, false, false},
		{"\u2028", false, false, false},
	} {
		if text, ascii, id := Text(c.s), ASCII(c.s), ID(c.s); text != c.text || ascii != c.ascii ||
			id != c.id {
			t.Errorf("%q is a text: %v, ASCII: %v, an id: %v", c.s, text, ascii, id)
		}
	}
}

// An id is also ASCII, and ASCII is also printable text.
func TestChecksProperty(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`),
			rapid.StringMatching(`[A-Za-z0-9._:@-]*`)).Draw(t, "s")
		if ID(s) && !ASCII(s) || ASCII(s) && !Text(s) {
			t.Errorf("%q is an id: %v, ASCII: %v, a text: %v", s, ID(s), ASCII(s), Text(s))
		}
	})
}

func TestLine(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                      "",
		"plain ✓":               "plain ✓",
		"two\nlines":            "two lines",
		"bad\xff":               "bad ",
		"\u202eturned":          " turned",
		strings.Repeat("é", 12): strings.Repeat("é", 12),
		strings.Repeat("é", 13): strings.Repeat("é", 11) + "…",
	} {
		if got := Line(s, 12); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                                "",
		" \u200b\u3164\u2800 ":            "",
		"  Kitchen \t\r\n tablet ":        "Kitchen tablet",
		"Admin\x00\x1b[31m\nphone":        "Admin[31m phone",
		"safe\u202egpj.exe":               "safegpj.exe",
		"<b>bold</b>":                     "bbold/b",
		"bad\xff\xfebytes":                "badbytes",
		"z" + strings.Repeat("\u0301", 9): "z\u0301\u0301\u0301\u0301",
		strings.Repeat("x", 30):           strings.Repeat("x", 20),
		strings.Repeat("x", 20) + " y":    strings.Repeat("x", 20),
		strings.Repeat("x", 19) + "  yz":  strings.Repeat("x", 19),
	} {
		if got := Clean(s, 20); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("Anna's laptop", 5)
	f.Add("\u202e<b>\x00", 80)
	f.Add("a\u0301\u0301\u0301 ", 3)
	f.Add("<\ufe0f\u0645\u06cc\u200c\u062e", 2)
	f.Add("\U0001f469\u200d\U0001f4bb\ufffd\ufe0f", 2)
	f.Add("\U0001f3f4\U000e0067\U000e0062\U000e007f", 9)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(1, min(limit, 1000))
		clean, line := Clean(s, limit), Line(s, limit)
		if !Text(clean) || !utf8.ValidString(clean) || utf8.RuneCountInString(clean) > limit ||
			clean != strings.TrimSpace(clean) || Clean(clean, limit) != clean {
			t.Errorf("%q becomes %q, then %q", s, clean, Clean(clean, limit))
		}
		for _, r := range clean {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '<' || r == '>' ||
				unicode.IsSpace(r) && r != ' ' {
				t.Errorf("%q becomes %q, which has %U", s, clean, r)
			}
		}
		if !Text(line) || utf8.RuneCountInString(line) > limit || Line(line, limit) != line {
			t.Errorf("%q becomes the line %q", s, line)
		}
	})
}
