package format

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// allowed are the tags that Blocks may write, to the letter: the elements'
// names, with the attributes each may have.
var allowed = func() *regexp.Regexp {
	const (
		link     = `a href="(?i:https?://|mailto:)[!#-;=?-~]+" rel="noopener noreferrer nofollow ugc" target="_blank"`
		cell     = `t[hd]( align="(left|center|right)")?`
		checkbox = `input( checked="")? disabled="" type="checkbox" aria-label="[^"<>]+"`
		block    = `div class="code" data-lang="[a-z0-9.+_#-]*"|div class="code-head"|span class="code-lang"|button type="button" class="code-copy" aria-label="Copy [a-z0-9.+_# -]*code" data-action="copy-code"|pre tabindex="0" role="group" aria-label="Code( \d+)?(, [a-z0-9.+_#-]+)?"|p class="tex"|code class="tex"|div class="math" tabindex="0" role="group" aria-label="Formula( \d+)?"|div class="table-frame" tabindex="0" role="group" aria-label="Table( \d+)?, \d+ columns?"|code class="chroma"|span class="[a-z][a-z0-9]{0,2}"`
		plain    = `p|h[2-6]|ul|ol( start="\d+")?|li|blockquote|hr|br|em|strong|del|sub|sup|kbd|mark|code|table|thead|tbody|tr`
	)
	const math = `math( display="block")?|semantics|annotation encoding="application/x-tex"|m(row|n|text|frac|sqrt|root|sub|sup|subsup|under|over|underover|td|tr|table|phantom|i)|mi mathvariant="normal"|mspace width="-?[0-9.]+(em|ex|pt|px|cm|mm|in)"|mfrac linethickness="0"|` +
		`mo( (stretchy|fence|movablelimits)="(true|false)"| form="(prefix|infix|postfix)"| (minsize|maxsize|lspace|rspace)="[0-9.]+em")*|mover accent="true"|munder accentunder="true"|` +
		`m(table|tr|td|row)( class="[a-z -]+")?( displaystyle="true")?|mstyle displaystyle="(true|false)" scriptlevel="\d"|mpadded( (width|height|depth)="0")+`
	return regexp.MustCompile(`^(` + strings.Join([]string{plain, link, cell, checkbox, block, math}, "|") + `)$`)
}()

// known remembers the tags that were found to be allowed.
var known sync.Map

var (
	reference = regexp.MustCompile(`^&(amp|lt|gt|quot);`)
	void      = []string{"br", "hr", "input"}
)

// checkBlock fails unless html is exactly one element of safe, well nested HTML,
// and returns how deep it nests.
func checkBlock(html string) (depth int, err error) {
	if !strings.HasPrefix(html, "<") || !strings.HasSuffix(html, ">") {
		return 0, fmt.Errorf("text around the element: %q", html)
	}
	var open []string
	for rest := html; rest != ""; {
		text, after, _ := strings.Cut(rest, "<")
		tag, after, ended := strings.Cut(after, ">")
		if err := checkText(text); err != nil {
			return 0, err
		}
		if !ended || len(open) == 0 && len(rest) < len(html) {
			return 0, fmt.Errorf("more than one element: %q", html)
		}
		rest = after
		if name, closing := strings.CutPrefix(tag, "/"); closing {
			if len(open) == 0 || open[len(open)-1] != name {
				return 0, fmt.Errorf("</%s> closes %v: %q", name, open, html)
			}
			open = open[:len(open)-1]
			continue
		}
		if _, ok := known.Load(tag); !ok {
			if !allowed.MatchString(tag) {
				return 0, fmt.Errorf("<%s> is not allowed: %q", tag, html)
			}
			known.Store(tag, true)
		}
		name, _, _ := strings.Cut(tag, " ")
		if name == "a" && slices.Contains(open, "a") {
			return 0, fmt.Errorf("link in a link: %q", html)
		}
		if !slices.Contains(void, name) {
			open = append(open, name)
			depth = max(depth, len(open))
		}
	}
	if len(open) > 0 {
		return 0, fmt.Errorf("open at the end: %v: %q", open, html)
	}
	return depth, nil
}

func checkText(text string) error {
	for i := range len(text) {
		switch c := text[i]; {
		case c == '<' || c == '>' || c == 0:
			return fmt.Errorf("%q in text %q", c, text)
		case c == '&' && !reference.MatchString(text[i:]):
			return fmt.Errorf("stray & in text %q", text)
		}
	}
	return nil
}

// TestCheckBlock shows that the check the other tests rely on can fail.
func TestCheckBlock(t *testing.T) {
	t.Parallel()
	for _, html := range []string{
		"", "text", "<p>a</p>b", "<p>a</p><p>b</p>", "<p>a", "<p><em>a</p></em>", "<p>a & b</p>", "<p>a < b</p>",
		"<script>a</script>", `<p onclick="a">b</p>`, `<p style="a">b</p>`, `<h1 id="a">b</h1>`, `<img src="https://a">`,
		`<a href="https://a">b</a>`, `<a href="javascript:a" rel="noopener noreferrer nofollow ugc" target="_blank">b</a>`,
	} {
		if _, err := checkBlock(html); err == nil {
			t.Errorf("passed: %q", html)
		}
	}
}
