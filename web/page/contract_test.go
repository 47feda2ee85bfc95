package page

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/web/htmltest"
)

// constants returns the string constants of package markup by name.
func constants(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", "shared", "markup", "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no sources of package markup: %v", err)
	}
	found := map[string]string{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if spec, ok := n.(*ast.ValueSpec); ok {
				for i, value := range spec.Values {
					if literal, ok := value.(*ast.BasicLit); ok && literal.Kind == token.STRING {
						found[spec.Names[i].Name], _ = strconv.Unquote(literal.Value)
					}
				}
			}
			return true
		})
	}
	return found
}

func values(all map[string]string, prefixes ...string) []string {
	var out []string
	for name, value := range all {
		for _, prefix := range prefixes {
			rest, ok := strings.CutPrefix(name, prefix)
			if ok && rest != "" && rest[0] >= 'A' && rest[0] <= 'Z' {
				out = append(out, value)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// elements calls f for every element of every view, also for those in templates.
func elements(t *testing.T, f func(view string, n *htmltest.Node)) {
	t.Helper()
	for _, v := range views() {
		root := parse(t, v)
		for n := range root.Descendants() {
			if n.Type == htmltest.Element {
				f(v.name, n)
			}
		}
	}
}

func parse(t *testing.T, v view) *htmltest.Node {
	t.Helper()
	var out strings.Builder
	if err := v.page.Render(context.Background(), &out); err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	root, err := htmltest.Parse(out.String())
	if err != nil {
		t.Fatalf("%s: %v", v.name, err)
	}
	return root
}

func attr(n *htmltest.Node, key string) (string, bool) {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val, true
		}
	}
	return "", false
}

// TestPagesUseTheNamesOfMarkup checks that package markup has every name that a page uses,
// and that a page uses every name that package markup has.
func TestPagesUseTheNamesOfMarkup(t *testing.T) {
	t.Parallel()
	all := constants(t)
	used := map[string]map[string]bool{"id": {}, "template": {}, markup.AttrAction: {}, markup.AttrSlot: {}, "data": {}}
	elements(t, func(_ string, n *htmltest.Node) {
		for _, a := range n.Attr {
			switch {
			case a.Key == "id" && n.Data == "template":
				used["template"][a.Val] = true
			case a.Key == "id" && !unshared(a.Val):
				used["id"][a.Val] = true
			case a.Key == markup.AttrAction || a.Key == markup.AttrSlot:
				used[a.Key][a.Val] = true
			}
			if strings.HasPrefix(a.Key, "data-") && a.Key != "data-lang" { // the formatter's
				used["data"][a.Key] = true
			}
		}
	})
	for what, declared := range map[string][]string{
		"id": values(all, "ID"), "template": values(all, "Template"), "data": values(all, "Attr"),
		markup.AttrAction: values(all, "Action"), markup.AttrSlot: values(all, "Slot"),
	} {
		for name := range used[what] {
			if !slices.Contains(declared, name) {
				t.Errorf("%s %q is in a page but not in package markup", what, name)
			}
		}
		for _, name := range declared {
			if !used[what][name] {
				t.Errorf("%s %q is in package markup but in no page", what, name)
			}
		}
	}
}

// unshared reports whether only labels, aria attributes or icons refer to an id.
func unshared(id string) bool {
	return strings.HasPrefix(id, "icon-") || strings.HasSuffix(id, "-heading") || id == "token-help" || id == "docs-main"
}

func TestIDsAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	elements(t, func(view string, n *htmltest.Node) {
		if id, ok := attr(n, "id"); ok {
			if seen[view+" "+id] {
				t.Errorf("%s: id %q twice", view, id)
			}
			seen[view+" "+id] = true
		}
	})
}

// TestPagesObeyTheContentSecurityPolicy checks what the content security policy demands: no
// inline script or style, no handler attributes, nothing from elsewhere.
func TestPagesObeyTheContentSecurityPolicy(t *testing.T) {
	t.Parallel()
	elements(t, func(view string, n *htmltest.Node) {
		if n.Data == "style" || n.Data == "iframe" || n.Data == "object" || n.Data == "script" && len(n.Children) > 0 {
			t.Errorf("%s: inline <%s>", view, n.Data)
		}
		for _, a := range n.Attr {
			if a.Key == "style" || a.Key == "action" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s: <%s %s>", view, n.Data, a.Key)
			}
			loads := a.Key == "src" || a.Key == "href" && n.Data != "a"
			if loads && a.Val != "" && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
				t.Errorf("%s: <%s> loads %q", view, n.Data, a.Val)
			}
		}
	})
}

// TestControlsHaveAccessibleNames checks that every control has a name for screen readers.
func TestControlsHaveAccessibleNames(t *testing.T) {
	t.Parallel()
	elements(t, func(view string, n *htmltest.Node) {
		switch n.Data {
		case "button", "summary", "a":
			if _, labelled := attr(n, "aria-label"); labelled || textOf(n) != "" {
				return
			}
			if slot, _ := attr(n, markup.AttrSlot); slot == markup.SlotLink {
				return // in its template
			}
			t.Errorf("%s: a <%s> without a name", view, n.Data)
		case "input", "textarea":
			_, labelled := attr(n, "aria-label")
			for p := n.Parent; p != nil && !labelled; p = p.Parent {
				labelled = p.Data == "label" && textOf(p) != ""
			}
			if taskItem := n.Parent.Data == "li"; !labelled && !taskItem {
				t.Errorf("%s: an <%s> without a label", view, n.Data)
			}
		}
	})
}

func textOf(n *htmltest.Node) string {
	var out strings.Builder
	for d := range n.Descendants() {
		if d.Type == htmltest.Text {
			out.WriteString(d.Data)
		}
	}
	return strings.TrimSpace(out.String())
}

// TestEmptyListsAreEmpty checks that the style sheet can tell an empty list.
func TestEmptyListsAreEmpty(t *testing.T) {
	t.Parallel()
	lists := map[string][]string{
		"chat-new":    {markup.IDMessages, markup.IDSessionList},
		"admin-empty": {markup.IDPendingList, markup.IDDeviceList, markup.IDResolvedList, markup.IDKnownUsers, markup.IDPendingCount},
	}
	checked := 0
	elements(t, func(view string, n *htmltest.Node) {
		if id, _ := attr(n, "id"); slices.Contains(lists[view], id) {
			checked++
			if len(n.Children) > 0 {
				t.Errorf("%s: %s is not :empty", view, id)
			}
		}
	})
	if checked != 7 {
		t.Errorf("%d lists looked at, want 7", checked)
	}
}

func TestRootHasWhatTheClientNeeds(t *testing.T) {
	t.Parallel()
	root := parse(t, view{"chat", Chat(chatModel())})
	for n := range root.Descendants() {
		if n.Data != "body" {
			continue
		}
		for key, want := range map[string]string{
			"id": markup.IDRoot, markup.AttrPage: markup.PageChat, markup.AttrState: markup.StateReady, markup.AttrBoot: markup.BootLoading,
			markup.AttrInstance: "gh-4f1c", markup.AttrUser: "root", markup.AttrRole: "admin", markup.AttrDevice: "dev-root",
			markup.AttrSessionKey: "agent:default:ws:direct:1", markup.AttrEpoch: "e1", markup.AttrLastSeq: "42", markup.AttrHasMore: "true", markup.AttrOwner: "",
		} {
			if got, ok := attr(n, key); !ok || got != want {
				t.Errorf("%s = %q, want %q", key, got, want)
			}
		}
		return
	}
	t.Error("no body")
}

// TestPairingShellRevealsNothing checks that the neutral shell is the same for everybody.
func TestPairingShellRevealsNothing(t *testing.T) {
	t.Parallel()
	root := parse(t, view{"shell", Pairing(PairingModel{Site: site(), State: markup.StateConnecting})})
	for n := range root.Descendants() {
		for _, key := range []string{markup.AttrUser, markup.AttrRole, markup.AttrDevice, markup.AttrSessionKey, markup.AttrCode} {
			if got, _ := attr(n, key); got != "" {
				t.Errorf("the shell has %s = %q", key, got)
			}
		}
	}
}

func TestStatusesAndRolesAreTheProtocols(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{
		{markup.StatusQueued, string(protocol.StatusQueued)},
		{markup.StatusStreaming, string(protocol.StatusStreaming)},
		{markup.StatusComplete, string(protocol.StatusComplete)},
		{markup.StatusAborted, string(protocol.StatusAborted)},
		{markup.StatusFailed, string(protocol.StatusFailed)},
		{markup.StatusWithdrawn, string(protocol.StatusWithdrawn)},
		{markup.FromUser, string(protocol.FromUser)},
		{markup.FromAssistant, string(protocol.FromAssistant)},
		{markup.FromSystem, string(protocol.FromSystem)},
		{markup.RoleViewer, string(protocol.Viewer)},
		{markup.RoleOperator, string(protocol.Operator)},
		{markup.RoleAdmin, string(protocol.Admin)},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%q in package markup, %q in package protocol", pair[0], pair[1])
		}
	}
}

// TestApproveButtonNamesTheUserOnceThereIsOne checks that the style sheet hides the "for"
// of the button with its empty slot.
func TestApproveButtonNamesTheUserOnceThereIsOne(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	if err := approveDialog(nil).Render(t.Context(), &page); err != nil {
		t.Fatal(err)
	}
	const want = `<span class="around">for <span dir="auto" data-slot="who">`
	if !strings.Contains(page.String(), want) {
		t.Errorf("the dialog has no %s", want)
	}
}
