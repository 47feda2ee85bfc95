package terminal

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"":                                "",
		"plain ✓ ü 书":                     "plain ✓ ü 书",
		"\x1b[2J\x1b]0;title\x07 gone":    "[2J ]0;title gone",
		"one\r\ntwo\tthree   four":        "one two three four",
		"\u009b31mred":                    "31mred",
		"safe\u202egpj.exe\u2066":         "safe gpj.exe",
		"bad\xff\xfebytes":                "badbytes",
		strings.Repeat("é", 41):           strings.Repeat("é", 40) + "…",
		"zero\u200bwidth\ufeff\u00adhere": "zero width here",
	} {
		if got := Line(s, 40); got != want {
			t.Errorf("%q becomes %q, want %q", s, got, want)
		}
	}
}

func FuzzTerminal(f *testing.F) {
	f.Add("plain")
	f.Add("\x1b[31m\u009b\u202e\xff\n\U000e0001")
	f.Fuzz(func(t *testing.T, s string) {
		check := func(how, text string) {
			if !utf8.ValidString(text) {
				t.Errorf("%s of %q is not UTF-8", how, s)
			}
			for _, r := range text {
				if r != '\n' && !unicode.IsPrint(r) {
					t.Errorf("%s of %q has %U", how, s, r)
				}
			}
		}
		line := Line(s, 80)
		if check("the line", line); strings.Contains(line, "\n") || utf8.RuneCountInString(line) > 81 {
			t.Errorf("the line of %q is %q", s, line)
		}
		var text, object bytes.Buffer
		if n, err := Text(&text).Write([]byte(s)); n != len(s) || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		check("the text", text.String())
		e := json.NewEncoder(JSON(&object))
		e.SetEscapeHTML(false)
		if err := e.Encode(s); err != nil {
			t.Fatal(err)
		}
		check("the JSON", object.String())
		var back string
		if err := json.Unmarshal(object.Bytes(), &back); err != nil ||
			back != strings.ToValidUTF8(s, "\ufffd") && utf8.ValidString(s) {
			t.Errorf("%q becomes %s, which is %q, %v", s, object.String(), back, err)
		}
	})
}
