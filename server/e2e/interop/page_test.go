package interop

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/server/internal/docstest"
)

func readPage(t testing.TB) string {
	t.Helper()
	return docstest.Page(t, "troubleshooting")
}

// tables returns the first cells of all rows of the tables whose first column has this
// head.
func tables(page, head string) []string {
	var cells []string
	inside := false
	for line := range strings.Lines(page) {
		switch {
		case strings.HasPrefix(line, "| "+head+" |"):
			inside = true
		case !strings.HasPrefix(line, "|"):
			inside = false
		case inside && !strings.HasPrefix(line, "|---"):
			cell, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " |")
			cells = append(cells, cell)
		}
	}
	return cells
}

// TestTroubleshooting provokes each row of the page. What the row quotes has to be in
// what was seen.
func TestTroubleshooting(t *testing.T) {
	t.Parallel()
	rig.Binary(t)
	written := tables(readPage(t), "What you see")
	if len(written) == 0 {
		t.Fatal("the page has no rows")
	}
	for _, row := range written {
		if _, there := troubles[row]; !there {
			t.Errorf("nothing provokes the row %q", row)
		}
	}
	for row, provoke := range troubles {
		if !slices.Contains(written, row) {
			t.Errorf("the page has no row %q", row)
			continue
		}
		t.Run(row, func(t *testing.T) {
			t.Parallel()
			seen := provoke(t)
			for _, quoted := range quotes(row) {
				if !strings.Contains(seen, quoted) {
					t.Errorf("%q was not seen in: %s", quoted, seen)
				}
			}
		})
	}
}

var codeSpan = regexp.MustCompile("`([^`]+)`")

// quotes returns the texts in code spans, each up to its ellipsis.
func quotes(cell string) []string {
	var all []string
	for _, m := range codeSpan.FindAllStringSubmatch(cell, -1) {
		quoted, _, _ := strings.Cut(m[1], "…")
		all = append(all, quoted)
	}
	return all
}

func TestQuotes(t *testing.T) {
	t.Parallel()
	got := quotes("`A: b` and `C: …`, twice")
	if !slices.Equal(got, []string{"A: b", "C: "}) {
		t.Errorf("quotes: %q", got)
	}
}

// TestPageListsClients checks that the page lists the clients of the matrix.
func TestPageListsClients(t *testing.T) {
	t.Parallel()
	var tested []string
	for _, c := range clients {
		tested = append(tested, c.name)
	}
	if listed := tables(readPage(t), "Client"); !slices.Equal(listed, tested) {
		t.Errorf("the page lists %q, tested are %q", listed, tested)
	}
}

// TestCurl runs the page's command, and curl's own WebSocket where it has one.
func TestCurl(t *testing.T) {
	t.Parallel()
	curl := rig.FindCommand(t, "curl", "curl")
	g := rig.StartGateway(t, "")
	blocks := docstest.Blocks(t, "curl")
	if len(blocks) != 1 {
		t.Fatalf("the manual has %d commands with curl's own WebSocket", len(blocks))
	}
	command := blocks[0].Text
	if strings.Count(command, "http://localhost:8080") != 1 {
		t.Fatalf("the page's command is %q", command)
	}
	command = strings.Replace(command, "http://localhost:8080", "http://"+g.Address, 1)
	// The command ends at its own time limit, with an error.
	if out, _ := exec.CommandContext(t.Context(), "sh", "-c", command).Output(); !strings.HasPrefix(string(out), "HTTP/1.1 101 ") {
		t.Errorf("the command prints %q", out)
	}
	refused := strings.Replace(command, `-H "Upgrade: websocket"`, "", 1)
	if out, err := exec.CommandContext(t.Context(), "sh", "-c", refused).Output(); err != nil || !strings.HasPrefix(string(out), "HTTP/1.1 426 ") {
		t.Errorf("without Upgrade it prints %q, %v", out, err)
	}
	version, err := exec.CommandContext(t.Context(), curl, "--version").Output()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(strings.Fields(string(version)), "ws") {
		t.Log("this curl does not speak ws://")
		return
	}
	out, _ := exec.CommandContext(t.Context(), curl, "--include", "--no-buffer", "--max-time", "2", g.Socket()).Output()
	if !strings.HasPrefix(string(out), "HTTP/1.1 101 ") {
		t.Errorf("curl %s prints %q", g.Socket(), out)
	}
}
