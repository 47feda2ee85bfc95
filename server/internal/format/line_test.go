package format

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLine(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"":                                  "",
		" \n\t\n":                           "",
		"Hi":                                "Hi",
		"  two \t words \r\n and more":      "two words",
		"\n \n# Heading\ntext":              "Heading",
		"> - **bold**":                      "bold",
		"###\nnext":                         "next",
		"```go\n\ncode()\nmore":             "code()",
		"    indented\n":                    "indented",
		"**a** _b_ ~~c~~ `d*e` ***f***":     "a b c d*e f",
		"see [the docs](https://e.org) now": "see the docs now",
		"![a picture](https://e.org/x)":     "a picture",
		"<https://e.org/x> and more":        "https://e.org/x and more",
		"https://e.org/a_b_c":               "https://e.org/a_b_c",
		"1. first\n2. second":               "first",
		"- [x] done":                        "done",
		"Title\n=====\ntext":                "Title",
		"---\n\nafter":                      "after",
		"snake_case and 2 * 3 * 4":          "snake_case and 2 * 3 * 4",
		"a \\*literal\\* &amp; 5 < 6":       "a *literal* & 5 < 6",
		"<b>tags</b>":                       "<b>tags</b>",
		"| a | b |\n|---|---|\n| c | d |":   "a",
		"**未完成":                             "**未完成",
		"Solve $x^2 = 4$ for \\(x\\)":       "Solve x^2 = 4 for x",
		"$E=mc^2$":                          "E=mc^2",
		"**Why** is $$a$$ here?":            "Why is a here?",
		"$$\nx = 1\n$$\nwhat is x?":         "x = 1",
		"\\[\n\\frac12\n\\]":                "\\frac12",
		"costs $5 to $10":                   "costs $5 to $10",
		"one<br>two":                        "one two",
	} {
		if got := Line(message); got != want {
			t.Errorf("the line of %q is %q, want %q", message, got, want)
		}
	}
}

func TestLineIsShort(t *testing.T) {
	t.Parallel()
	if got := Line(strings.Repeat("é", maxLineSource)); len(got) > maxLineSource || got == "" {
		t.Errorf("the line has %d bytes", len(got))
	}
	rapid.Check(t, func(t *rapid.T) {
		if got := Line(rapid.String().Draw(t, "message")); strings.ContainsAny(got, "\n\t") ||
			got != strings.TrimSpace(got) {
			t.Errorf("the line is %q", got)
		}
	})
}
