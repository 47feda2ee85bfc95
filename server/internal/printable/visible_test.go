package printable

import (
	"os"
	"strings"
	"testing"
)

func TestNames(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/names.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(strings.Split(strings.TrimSpace(string(file)), "\n"),
		"می\u200cخواهم",                          // Persian: a verb with its prefix
		"پی\u200cدی\u200cاف",                     //
		"اللَّه",                                 // shadda, fatha and a small alef on one letter
		"ه\u200d",                                // the abbreviation of Hijri
		"क्\u200dष",                              // Hindi: a half letter
		"ශ්\u200dරී ලංකා",                        // Sinhala
		"അവന്\u200d",                             // Malayalam: a final letter
		"র\u200d্যাব",                            // Bengali
		"葛\U000e0100城市",                          // a Japanese place with a variant of its letter
		"ᠮᠣᠩᠭᠣᠯ\u180bᠠ",                          // Mongolian
		"山田\u3000太郎",                             // the ideographic space
		"10\u202f000\u00a0km",                    // a narrow no-break space
		"שָׁלוֹם",                                // Hebrew with points
		"Nguye\u0302\u0303n Thi\u0323 A\u0301nh", // Vietnamese, decomposed
		"བསྒྲུབས",                                // Tibetan
		"❤\ufe0f ☕\ufe0f 1\ufe0f\u20e3",          // symbols as emoji
		"👩🏽\u200d❤\ufe0f\u200d👨🏻",                // skin tones
		"🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f Alba",
		"🇪🇺", "𠮷野家", "\U0001faea", // an emoji of a later Unicode
	) {
		if !Text(name) {
			t.Errorf("%+q is refused", name)
		}
		if Clean(name, 80) != strings.Join(strings.Fields(name), " ") {
			t.Errorf("%+q is cleaned to %+q", name, Clean(name, 80))
		}
		if again := Line(name, 80); again != name {
			t.Errorf("%+q is logged as %+q", name, again)
		}
	}
}

func TestHiddenCharacters(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"ad\u200dmin", "ad\u200cmin", "ad\ufe0fmin", "ad\u00admin", "ad\u2060min", "ad\u034fmin",
		"ад\u200dмин", "山\u200d田", "\u200d", "\u200c", " \u200d ", "👩\u200d", "\u200d👩",
		"👩\u200d\u200d💻", "می\u200c\u200cخ", "می\u200c", "می\u200c ", "a\u200bb", "\ufeffname",
		"safe\u202egpj.exe", "\u2066a\u2069", "\u200fname", "\u061cname", "\u206aname",
		"\u3164", "\u115f", "\u1160", "\uffa0", "\u2800", "\u17b4", "\ufe0f", "x\ufe0f",
		"👩\ufe0f\ufe0f", "\U000e0061dmin", "🏴\U000e0067\U000e0062", "🏴\U000e007f",
		"x\U000e0101", "\x1b[31m", "a\nb", "a\tb", "\u0085", "\u2028", "\u2029", "\u180e",
		"z" + strings.Repeat("\u0301", 5), "\U000e0001", "\ue000", "\uffff", "\u0378",
	} {
		if Text(name) {
			t.Errorf("%+q is accepted", name)
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		s     string
		limit int
		want  string
	}{
		{"", 3, ""}, {"abc", 3, "abc"}, {"abcd", 3, "abc"}, {"abc", 0, ""},
		{"ae\u0301x", 2, "a"}, {"ae\u0301x", 3, "ae\u0301"},
		{"x👩\u200d💻y", 3, "x"}, {"x👩\u200d💻y", 4, "x👩\u200d💻"},
		{"🇩🇪🇫🇷", 3, "🇩🇪"}, {"नमस्ते", 3, "नम"},
		{"می\u200cخواهم", 3, "می"},
	} {
		if got := Cut(c.s, c.limit); got != c.want {
			t.Errorf("%+q cut at %d is %+q, want %+q", c.s, c.limit, got, c.want)
		}
	}
}
