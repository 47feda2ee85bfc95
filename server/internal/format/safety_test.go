package format

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// attacks are texts that try to run a script, load something, or pass for a
// part of the page.
var attacks = []string{
	"<script>alert(1)</script>", "<SCRIPT SRC=//x.y></SCRIPT>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<svg><script>alert(1)</script>",
	"<iframe src=\"javascript:alert(1)\">", "<a href=\"javascript:alert(1)\">a</a>", "<body onload=alert(1)>", "<style>*{display:none}</style>", "<link rel=stylesheet href=//x.y>",
	"<meta http-equiv=refresh content=0>", "<base href=//x.y>", "<form action=//x.y><input>", "<math><mtext></mtext></math>", "<template><script></script></template>", "<!--><img src=x onerror=alert(1)>-->",
	"<![CDATA[<script>alert(1)</script>]]>", "<?php echo 1 ?>", "<!DOCTYPE a>", "</p></div><script>", "<<script>alert(1)//<</script>", "<script\n>alert(1)</script\n>", "&lt;script&gt;alert(1)&lt;/script&gt;", "&#60;script&#62;",
	"<details open ontoggle=alert(1)>", "<x style=\"a:b\">", "<p id=a class=b>", "<textarea><script>", "<title><img src=x onerror=alert(1)></title>", "<div>\n<script>\nalert(1)\n</script>\n</div>",

	"[a](javascript:alert(1))", "[a](JaVaScRiPt:alert(1))", "[a]( javascript:alert(1))", "[a](<javascript:alert(1)>)", "[a](<java\tscript:alert(1)>)", "[a](java&#115;cript:alert(1))", "[a](javascript&colon;alert(1))", "[a](javascript&#58;alert(1))",
	"[a](&#x6A&#x61;vascript:alert(1))", "[a](java&Tab;script:alert(1))", "[a](java&NewLine;script:alert(1))", "[a](&#1;javascript:alert(1))", "[a](\x01javascript:alert(1))", "[a](\u00a0javascript:alert(1))", "[a](\u2028javascript:alert(1))", "[a](javascript\\:alert(1))", "[a](\\javascript:alert(1))",
	"[a](data:text/html,<script>alert(1)</script>)", "[a](data:text/html;base64,PHNjcmlwdD4=)", "[a](vbscript:msgbox)", "[a](VBSCRIPT:msgbox)", "[a](file:///etc/passwd)", "[a](blob:https://x.y)", "[a](about:blank)", "[a](view-source:x)", "[a](filesystem:x)", "[a](intent:x)", "[a](tel:1)",
	"[a](//x.y)", "[a](/\\x.y)", "[a](\\\\x.y)", "[a](https:/x.y)", "[a](https:x.y)", "[a](https:\\\\x.y)", "[a](https&#58;//x.y)", "[a](h&#116;tps://x.y)", "[a](http://)", "[a](mailto:)", "[a](https://x\"y)", "[a](https://x.y/\"onclick=\"alert(1))", "[a](https://x.y/'><script>alert(1)</script>)", "[a](<https://x.y/ onclick=alert(1)>)", "[a](https://x.y \"\" onclick=alert(1)\")", "[a](https://x.y '\"><script>alert(1)</script>')", "[a](https://x.y/%22onclick=alert(1))", "[a](https://x.y/&quot;onclick=alert(1))",
	"<javascript:alert(1)>", "<JAVASCRIPT:alert(1)>", "<data:text/html,a>", "<vbscript:a>", "<https://x.y/\"onclick=alert(1)>", "<https://x.y/<script>>", "<a@b.c\"onclick=alert(1)>", "javascript:alert(1)", "https://x.y/\"onclick=\"alert(1)", "https://x.y/<script>alert(1)</script>", "https://x.y/'onclick='alert(1)", "www.x.y/\"><script>alert(1)</script>", "a@b.c\"><script>alert(1)</script>",
	"[a]: javascript:alert(1)\n\n[a]", "[a][b]\n\n[b]: javascript:alert(1)",
	"![a](javascript:alert(1))", "![a](data:image/svg+xml,<svg onload=alert(1)>)", "![<img src=x onerror=alert(1)>](https://x.y)", "![\"onerror=alert(1)](https://x.y)", "![a](https://x.y \"\"onerror=alert(1)\")", "![](https://x.y/\"onerror=alert(1))", "[![a](javascript:alert(1))](javascript:alert(1))",

	"```\"><script>alert(1)</script>\na\n```", "```html onclick=alert(1)\n<script>alert(1)</script>\n```", "``` \" onmouseover=alert(1) \"\na\n```", "```&quot;&gt;\na\n```", "~~~<script>\n</code></pre><script>alert(1)</script>\n~~~", "    <script>alert(1)</script>", "`<script>alert(1)</script>`", "```html\n<script>alert('</code>')</script><style>a{}</style>\n```", "```php\n<?php echo '<script>'; ?>\n```", "```svg\n<svg onload=alert(1)>\n```",
	"# a {#b onclick=alert(1)}", "# a {.code-copy}", "a {style=\"b\"}", "|<script>|\n|-|\n|<img src=x onerror=alert(1)>|", "|a|\n|:-|\n|`<script>`|", "- [x] <script>alert(1)</script>", "- <img src=x onerror=alert(1)>", "> <script>alert(1)</script>", "1. [a](javascript:alert(1))", "**<script>**", "~~<script>~~", "\\<script>alert(1)\\</script>",
	"$</math><script>alert(1)</script>$", "\\(\\text{</mtext><img src=x onerror=alert(1)>}\\)", "\\[\n\\href{javascript:alert(1)}{x}\n\\]", "$$\\unknown{<script>alert(1)</script>}$$",
	"\\(\\style{color:red\" onclick=\"alert(1)}{x}\\)", "$\\color{\"><script>}{x}$", "$\\begin{\"><script>}x\\end{\"><script>}$", "```math\n</annotation><script>alert(1)</script>\n```", "\\(\\operatorname{<svg/onload=alert(1)>}\\)", "$\\hspace{1em\" onclick=\"alert(1)}$", "\\begin{array}{c\" onclick=\"a} x \\end{array}", "<sub onclick=alert(1)>a</sub>", "<br onclick=alert(1)>", "a <sub><script></sub>",
	"\x00<script\x00>alert(1)</script>", "<scr\x00ipt>", "<\u0000script>", "\xff<script>", "<\xffscript>", "<script\xff>", "\u202e<script>", "<ſcript>",
}

var shown = regexp.MustCompile(`<[^>]*>`)

func TestAttacks(t *testing.T) {
	t.Parallel()
	for _, attack := range attacks {
		for _, text := range []string{attack, "a " + attack + " b", "- " + attack, "> " + attack, "*" + attack + "*", "[" + attack + "](https://x.y)", "| " + attack + " |\n|---|\n| " + attack + " |", "```html\n" + attack} {
			for _, block := range Blocks(text) {
				if _, err := checkBlock(block); err != nil {
					t.Errorf("%q: %v", text, err)
				}
			}
		}
	}
}

// TestMarkupIsShown holds that HTML is neither passed on nor dropped: people
// who write about HTML see what they wrote.
func TestMarkupIsShown(t *testing.T) {
	t.Parallel()
	for _, attack := range attacks {
		if !strings.HasPrefix(attack, "<") || !utf8.ValidString(attack) || strings.ContainsAny(attack, "\x00\n:@_*") {
			continue
		}
		text := shown.ReplaceAllString(strings.Join(Blocks(attack), ""), "")
		if want := escape(attack); text != want {
			t.Errorf("%q is shown as %q", attack, text)
		}
	}
}

func TestSafeURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"https://a.b":    "https://a.b",
		"HTTP://a.b?c&d": "HTTP://a.b?c&amp;d",
		"mailto:a@b.c":   "mailto:a@b.c",
		"https://":       "",
		"mailto:":        "",
		"http:/a":        "",
		" https://a.b":   "",
		"javascript://a": "",
		"xhttps://a.b":   "",
		"":               "",
		"https":          "",
		"https://a.b\"c": "https://a.b&quot;c",
	} {
		if got := safeURL([]byte(url)); got != want {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
}
