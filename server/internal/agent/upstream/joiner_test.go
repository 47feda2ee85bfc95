package upstream

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

func TestJoiner(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pieces []string // insides of JSON strings
		want   []string // what each gives, and the rest
	}{
		"plain":               {[]string{"a", "b"}, []string{"a", "b", ""}},
		"escapes":             {[]string{`\n\"`, `\u00e4`}, []string{"\n\"", "ä", ""}},
		"halves":              {[]string{`a\ud83d`, `\ude00b`}, []string{"a", "😀b", ""}},
		"a half alone":        {[]string{`a\ud83d`, `b`}, []string{"a", "\uFFFDb", ""}},
		"a half at the end":   {[]string{`a\ud83d`}, []string{"a", "\uFFFD"}},
		"an escaped half":     {[]string{`a\\ud83d`, `\ude00`}, []string{`a\ud83d`, "\uFFFD", ""}},
		"after an escape":     {[]string{`a\\\ud83d`, `\ude00`}, []string{`a\`, "😀", ""}},
		"bytes":               {[]string{"a\xe4\xba", "\x8cb"}, []string{"a", "二b", ""}},
		"a byte each":         {[]string{"\xf0", "\x9f", "\x98", "\x80"}, []string{"", "", "", "😀", ""}},
		"bytes at the end":    {[]string{"a\xe4\xba"}, []string{"a", "\uFFFD\uFFFD"}},
		"no beginning":        {[]string{"a\xff", "b"}, []string{"a\uFFFD", "b", ""}},
		"an empty piece":      {[]string{`\ud83d`, ``, `\ude00`}, []string{"", "", "😀", ""}},
		"two whole":           {[]string{`\ud83d\ude00`, `\ud83d\ude00`}, []string{"😀", "😀", ""}},
		"a low half at first": {[]string{`\ude00a`}, []string{"\uFFFDa", ""}},
	} {
		var j Joiner
		for i, p := range c.pieces {
			if got := j.Add(json.RawMessage(`"` + p + `"`)); got != c.want[i] {
				t.Errorf("%s: piece %d gives %q, want %q", name, i, got, c.want[i])
			}
		}
		if got := j.Rest(); got != c.want[len(c.pieces)] {
			t.Errorf("%s: the rest is %q, want %q", name, got, c.want[len(c.pieces)])
		}
	}
	var j Joiner
	for _, raw := range []string{"", "null", "1", "{}", `["a"]`, `""`} {
		if got := j.Add(json.RawMessage(raw)); got != "" {
			t.Errorf("%s gives %q", raw, got)
		}
	}
}

// escaped returns s as ASCII, with escapes of UTF-16.
func escaped(s string) string {
	var b strings.Builder
	for _, r := range s {
		for _, unit := range utf16.Encode([]rune{r}) {
			const digits = "0123456789abcdef"
			b.WriteString(`\u`)
			for shift := 12; shift >= 0; shift -= 4 {
				b.WriteByte(digits[unit>>shift&15])
			}
		}
	}
	return b.String()
}

// Wherever a text is cut, it comes out whole.
func FuzzJoiner(f *testing.F) {
	f.Add("a😀二ä", 2)
	f.Fuzz(func(t *testing.T, s string, cut int) {
		if !utf8.ValidString(s) || cut < 0 {
			t.Skip()
		}
		const unit = len(`\u0000`)
		long := escaped(s)
		at := min(cut*unit, len(long))
		var j Joiner
		got := j.Add(json.RawMessage(`"`+long[:at]+`"`)) + j.Add(json.RawMessage(`"`+long[at:]+`"`))
		if got += j.Rest(); got != s {
			t.Errorf("%q in escapes, cut at %d, gives %q", s, at, got)
		}
		plain := strings.Map(func(r rune) rune {
			if r < ' ' || r == '"' || r == '\\' {
				return -1
			}
			return r
		}, s)
		at = min(cut, len(plain))
		got = j.Add(json.RawMessage(`"`+plain[:at]+`"`)) + j.Add(json.RawMessage(`"`+plain[at:]+`"`))
		if got += j.Rest(); got != plain {
			t.Errorf("%q, cut at %d, gives %q", plain, at, got)
		}
	})
}
