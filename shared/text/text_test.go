package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestAsPackageStrings(t *testing.T) {
	t.Parallel()
	word := rapid.StringOfN(rapid.SampledFrom([]rune("ab é\t")), 0, 6, -1)
	rapid.Check(t, func(t *rapid.T) {
		s, p := word.Draw(t, "s"), word.Draw(t, "p")
		after, found := CutPrefix(s, p)
		wantAfter, wantFound := strings.CutPrefix(s, p)
		if HasPrefix(s, p) != strings.HasPrefix(s, p) || HasSuffix(s, p) != strings.HasSuffix(s, p) ||
			after != wantAfter || found != wantFound || TrimPrefix(s, p) != strings.TrimPrefix(s, p) ||
			Contains(s, p) != strings.Contains(s, p) || HasByte(s, 'a') != strings.Contains(s, "a") ||
			TrimAround(s, " ", "\t", "é") != strings.Trim(s, " \té") {
			t.Fatalf("%q and %q differ from package strings", s, p)
		}
	})
}

func TestBuilderKeepsWhatItGave(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b Builder
		var want strings.Builder
		given := map[string]string{}
		for range rapid.IntRange(0, 20).Draw(t, "writes") {
			if rapid.IntRange(0, 9).Draw(t, "reset") == 0 {
				b.Reset()
				want.Reset()
			}
			s := rapid.String().Draw(t, "s")
			b.Write(s)
			want.WriteString(s)
			given[b.String()] = strings.Clone(want.String())
		}
		for got, was := range given {
			if got != was {
				t.Fatalf("%q became %q", was, got)
			}
		}
	})
}

// A text that is cut anywhere ends with the bytes of one character at most, which the rest
// of the text completes.
func TestPartialRune(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int{
		"": 0, "a": 0, "\u00e9": 0, "\xc3": 1, "a\xe2\x82": 2, "\xf0\x9f\x98": 3, "\xf0\x9f\x98\x80": 0,
		"\x80": 0, "\x80\x80\x80\x80": 0, "\xffa": 0, "\xff": 0, "\xe2a": 0,
	} {
		if got := PartialRune(s); got != want || PartialRune([]byte(s)) != want {
			t.Errorf("%q ends with %d bytes of a character, want %d", s, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		at := rapid.IntRange(0, len(s)).Draw(t, "at")
		if n := PartialRune(s[:at]); !utf8.ValidString(s[:at-n]) || !utf8.ValidString(s[at-n:]) {
			t.Errorf("%q cut at %d ends with %d bytes of a character", s, at, n)
		}
	})
}
