package format

import (
	"slices"
	"strings"
	"testing"
)

func TestDocument(t *testing.T) {
	t.Parallel()
	const page = "# The `title`\n\n<!-- begin -->\n| a | b |\n|---|--:|\n| 1 | [x](y.md#z) |\n<!-- end -->\n\n## Same\n\n## Same\n\n" +
		"[out](https://example.com) <b>raw</b>\n\n```sh\n<!-- kept -->\n```\n\n[none](nowhere)\n"
	d := NewDocument(page, func(destination string) string {
		if destination == "nowhere" {
			return ""
		}
		return "to:" + destination
	})
	want := []string{
		`<h1 id="the-title">The <code>title</code></h1>`,
		"<div class=\"table-frame\" tabindex=\"0\" role=\"group\" aria-label=\"Table, 2 columns\">\n<table>\n<thead>\n<tr>\n<th>a</th>\n<th align=\"right\">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td>1</td>\n<td align=\"right\"><a href=\"to:y.md#z\">x</a></td>\n</tr>\n</tbody>\n</table></div>",
		`<h2 id="same">Same <a class="anchor" href="#same" aria-label="Link to this section">#</a></h2>`,
		`<h2 id="same-1">Same <a class="anchor" href="#same-1" aria-label="Link to this section">#</a></h2>`,
		`<p><a href="to:https://example.com">out</a> &lt;b&gt;raw&lt;/b&gt;</p>`,
		`<div class="code" data-lang="sh"><pre tabindex="0" role="group" aria-label="Code, sh"><code class="chroma">&lt;!-- kept --&gt;</code></pre></div>`,
		`<p>none</p>`,
	}
	if len(d.Blocks) != len(want) {
		t.Fatalf("blocks %q", d.Blocks)
	}
	for i := range want {
		if strings.Contains(want[i], "kept") { // highlighted somehow
			if !strings.Contains(d.Blocks[i], "kept") || strings.Contains(d.Blocks[i], "button") {
				t.Errorf("code is %s", d.Blocks[i])
			}
			continue
		}
		if d.Blocks[i] != want[i] {
			t.Errorf("block %d is\n%s, want\n%s", i, d.Blocks[i], want[i])
		}
	}
	if headings := []Heading{{1, "the-title", "The title"}, {2, "same", "Same"}, {2, "same-1", "Same"}}; !slices.Equal(d.Headings, headings) {
		t.Errorf("headings %+v", d.Headings)
	}
}

// TestAnchor compares with what GitHub makes of headings.
func TestAnchor(t *testing.T) {
	t.Parallel()
	for heading, want := range map[string]string{
		"Behind nginx, Caddy or HAProxy": "behind-nginx-caddy-or-haproxy", "Behind nginx, Caddy, HAProxy or Traefik": "behind-nginx-caddy-haproxy-or-traefik", "Where config.json5 goes": "where-configjson5-goes",
		"Äpfel & Birnen": "äpfel--birnen", "a_b-c  d": "a_b-c--d", " x ": "x", "Log, reload, stop": "log-reload-stop",
	} {
		if got := Anchor(heading); got != want {
			t.Errorf("%q: %q, want %q", heading, got, want)
		}
	}
}
