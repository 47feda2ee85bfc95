package format

import (
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/alecthomas/chroma/v2"
)

func styleSheet(t *testing.T, name string) string {
	t.Helper()
	css, err := os.ReadFile(filepath.Join("..", "..", "..", "web", "static", "css", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(css)
}

// TestEveryClassIsStyled holds code.css and what highlighting writes together.
func TestEveryClassIsStyled(t *testing.T) {
	t.Parallel()
	var styled []string
	for _, match := range regexp.MustCompile(`\.([a-z][a-z0-9]*)\b`).FindAllStringSubmatch(styleSheet(t, "code.css"), -1) {
		styled = append(styled, match[1])
	}
	var written []string
	for kind := range chroma.StandardTypes {
		if class := class(kind); class != "" {
			written = append(written, class)
			if !slices.Contains(styled, class) {
				t.Errorf("code.css does not style .%s (%s)", class, kind)
			}
		}
	}
	for _, class := range styled {
		if !slices.Contains([]string{"chroma", "css"}, class) && !slices.Contains(written, class) {
			t.Errorf("code.css styles .%s, which is never written", class)
		}
	}
	if len(written) < 60 {
		t.Errorf("only %d classes", len(written))
	}
}

// TestCodeIsReadable holds every colour of code to WCAG AA (4.5 : 1) on the
// paper that code is on, light and dark.
func TestCodeIsReadable(t *testing.T) {
	t.Parallel()
	colour := regexp.MustCompile(`--(code-[a-z]+): (#[0-9a-f]{6});`)
	lightCSS, darkCSS, _ := strings.Cut(styleSheet(t, "code.css"), "@media screen and (prefers-color-scheme: dark)")
	lightTokens, darkTokens, _ := strings.Cut(styleSheet(t, "tokens.css"), "@media screen and (prefers-color-scheme: dark)")
	for scheme, css := range map[string]string{"light": lightCSS + lightTokens, "dark": darkCSS + darkTokens} {
		colours := map[string]string{}
		for _, match := range colour.FindAllStringSubmatch(css, -1) {
			colours[match[1]] = match[2]
		}
		if len(colours) != 9 || colours["code-paper"] == "" {
			t.Errorf("%s: colours %v", scheme, colours)
		}
		for name, value := range colours {
			if got := contrast(t, value, colours["code-paper"]); name != "code-paper" && got < 4.5 {
				t.Errorf("%s: --%s has a contrast of %.2f", scheme, name, got)
			}
		}
	}
}

// contrast is the contrast ratio of WCAG 2.2.
func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(t *testing.T, hex string) (sum float64) {
	t.Helper()
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		if v := float64(n) / 255; v <= 0.04045 {
			sum += weight * v / 12.92
		} else {
			sum += weight * math.Pow((v+0.055)/1.055, 2.4)
		}
	}
	return sum
}

func TestLexersByName(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"go": "Go", "golang": "Go", "js": "JavaScript", "javascript": "JavaScript", "ts": "TypeScript", "tsx": "TypeScript", "jsx": "react",
		"py": "Python", "python": "Python", "rb": "Ruby", "rs": "Rust", "sh": "Bash", "bash": "Bash", "zsh": "Bash", "shell": "Bash", "console": "Bash Session",
		"c": "C", "h": "C", "cpp": "C++", "c++": "C++", "cs": "C#", "c#": "C#", "java": "Java", "kt": "Kotlin", "swift": "Swift",
		"yml": "YAML", "yaml": "YAML", "json": "JSON", "toml": "TOML", "ini": "INI", "xml": "XML", "html": "HTML", "css": "CSS", "scss": "SCSS",
		"sql": "SQL", "diff": "Diff", "dockerfile": "Docker", "makefile": "Makefile", "make": "Makefile", "md": "markdown", "ps1": "PowerShell", "powershell": "PowerShell",
	} {
		if got := lexer(name); got == nil || got.Config().Name != want {
			t.Errorf("%q: got %v, want %s", name, got, want)
		}
	}
	for _, name := range []string{"", "text", "plaintext", "nonsense", "abap", "go.mod", "*.go"} {
		if got := lexer(name); got != nil {
			t.Errorf("%q: got %v", name, got)
		}
	}
}

// TestHighlightingKeepsTheCode takes every lexer through code that is not in
// its language: it must not change a letter.
func TestHighlightingKeepsTheCode(t *testing.T) {
	t.Parallel()
	codes := []string{"", "\n", " ", "\n\na", "a\n\n", "\t<b> & \"c\" 'd' `e` é\n", "func main() {\n\tx := \"a\\n\" // b\n}", "<script>\nlet a = `${b}`\n</script>", "$ ls -l /*\n# c", "- a: 'b\n- c", "+a\n-b\n@@ c"}
	for _, name := range highlighted {
		for _, code := range codes {
			var h highlighter
			html := h.html(strings.ToLower(name), code)
			if got := tokenMark.ReplaceAllString(html, ""); got != escape(code) {
				t.Errorf("%s: %q became %q", name, code, html)
			}
		}
	}
}

func TestHighlightingHasLimits(t *testing.T) {
	t.Parallel()
	code := "var x = 1 //\n"
	large := strings.TrimSuffix(code, "\n") + strings.Repeat("a", maxHighlight-len(code))
	for name, test := range map[string]struct {
		h    highlighter
		code string
		want bool
	}{
		"usual":           {code: code, want: true},
		"large":           {code: large, want: true},
		"too large":       {code: large + "a"},
		"time is used up": {code: code, h: highlighter{own: Page{spent: maxHighlightTime}}},
		"nearly no time":  {code: large, h: highlighter{own: Page{spent: maxHighlightTime - 1}}},
	} {
		html := test.h.html("go", test.code)
		if got := strings.Contains(html, `<span class="kd">var</span>`); got != test.want {
			t.Errorf("%s: highlighted: %v", name, got)
		}
		if !test.want && html != escape(test.code) {
			t.Errorf("%s: %.100q", name, html)
		}
	}
}
