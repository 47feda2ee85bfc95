package e2e

import (
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// attack is a text that tries to become more than text.
type attack struct {
	id    int
	class string
	text  string
}

//go:embed testdata/xss.txt
var attackLines string

var character = regexp.MustCompile(`\{U\+([0-9A-F]{4})\}`)

// attacks reads the corpus. Lines before the first class are its preface.
func attacks(t *testing.T) []attack {
	t.Helper()
	var all []attack
	class := ""
	for line := range strings.Lines(attackLines) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "## "); ok {
			class = name
			continue
		}
		if class == "" || line == "" {
			continue
		}
		id := strconv.Itoa(len(all))
		text := strings.NewReplacer("{RUN}", "xss("+id+")", "{ID}", id).Replace(line)
		text = character.ReplaceAllStringFunc(text, func(s string) string {
			n, err := strconv.ParseInt(s[3:7], 16, 32)
			if err != nil {
				t.Fatal(err)
			}
			return string(rune(n))
		})
		all = append(all, attack{id: len(all), class: class, text: text})
	}
	return all
}

func TestAttacksAreSound(t *testing.T) {
	t.Parallel()
	seen, classes := map[string]bool{}, map[string]int{}
	for _, a := range attacks(t) {
		if seen[a.text] || !utf8.ValidString(a.text) || strings.Contains(a.text, "{RUN}") || strings.Contains(a.text, "{U+") {
			t.Errorf("%d %q is there twice, or badly written", a.id, a.text)
		}
		seen[a.text] = true
		classes[a.class]++
	}
	if len(seen) < 150 || len(classes) < 10 {
		t.Errorf("%d attacks of %d classes", len(seen), len(classes))
	}
}

// texts returns the attacks' texts.
func texts(all []attack) []string {
	list := make([]string, len(all))
	for i, a := range all {
		list[i] = a.text
	}
	return list
}

// name makes a name that no other attack has.
func (a attack) name(of string) string { return fmt.Sprintf("xss-%s-%03d", of, a.id) }
