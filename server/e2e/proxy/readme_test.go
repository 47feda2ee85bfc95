package proxy

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// section is where the README tells how to run behind a proxy.
const section = "### Run it behind "

// block gives the README's block of this language in that section.
func block(t testing.TB, language string) string {
	t.Helper()
	text, err := os.ReadFile("../../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(text), "\n"+section)
	if !found {
		t.Fatalf("the README has no section %q", section)
	}
	here, _, _ := strings.Cut(after, "\n### ")
	m := regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllStringSubmatch(here, -1)
	if len(m) != 1 {
		t.Fatalf("the section %q has %d blocks of %s", section, len(m), language)
	}
	return m[0][1]
}

// put puts texts in the place of others, each of which has to be there once.
func put(t testing.TB, text string, oldnew ...string) string {
	t.Helper()
	for i := 0; i < len(oldnew); i += 2 {
		if n := strings.Count(text, oldnew[i]); n != 1 {
			t.Fatalf("%q is there %d times:\n%s", oldnew[i], n, text)
		}
		text = strings.Replace(text, oldnew[i], oldnew[i+1], 1)
	}
	return text
}
