package e2e

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// modelAnswers are the answers of the model in the README's pictures.
var modelAnswers = []struct{ question, answer string }{
	{"Draft a letter to the landlord", "Dear Ms Brandt,\n\nthe heating in our flat has been cold since Monday."},
	{"A weekend in Lübeck with two children",
		"Begin at the Holstentor, and leave the afternoon to the ships."},
	{"Why does nginx answer 426?", "Because it drops the `Upgrade` header. Add `proxy_http_version 1.1;`."},
	{"How do I copy a SQLite database that is in use?",
		"Let SQLite make the copy. It takes a consistent snapshot while others read and write:\n\n" +
			"```sh\n# a snapshot, then a test of it\nsqlite3 chat.db \".backup copy.db\"\nsqlite3 copy.db \"PRAGMA integrity_check;\"\n```\n\n" +
			"Do **not** copy the file alone: recent changes may still be in the write-ahead log beside it.\n\n" +
			"| way | while in use | size |\n|:---|:---|---:|\n| `.backup` | yes | as the original |\n| `VACUUM INTO` | yes | as small as possible |\n| `cp` | no | as the original |"},
}

// startModelServer starts a server with OpenAI's API that gives those answers.
func startModelServer(t *testing.T) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, _ := io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "text/event-stream")
		for _, a := range modelAnswers {
			if !strings.Contains(string(asked), a.question) {
				continue
			}
			text, _ := json.Marshal(a.answer)
			_, _ = io.WriteString(w, `data: {"id":"1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":`+string(text)+
				`},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n")
			return
		}
		t.Errorf("no answer to %s", asked)
	}))
	t.Cleanup(server.Close)
	return server
}

// TestReadmePictures takes the README's pictures, into the directory E2E_README or else
// E2E_PICTURES.
func TestReadmePictures(t *testing.T) {
	dir := cmp.Or(os.Getenv("E2E_README"), os.Getenv("E2E_PICTURES"))
	if dir == "" {
		t.Skip("neither E2E_README nor E2E_PICTURES names a directory for the README's pictures")
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	g := &gatehouse{t: t, Gateway: rig.StartGateway(t,
		`{agents: {list: {default: {provider: "openai", base_url: "`+startModelServer(t).URL+`/v1", model: "llama3.2", label: "Llama 3.2"}}}}`)}
	user := newTab(t, browser(t))
	code := pairingCode(user, g)
	admin := rig.Connect(t, rig.Dial(t.Context(), rig.Options{URL: g.Socket()}),
		rig.AdminParams("admin"))
	admin.Must(protocol.MethodDeviceApprove,
		`{"code":"`+code+`","userId":"anna","label":"Anna’s laptop"}`)
	user.wait("the chat", `document.body?.dataset.page === "`+markup.PageChat+`"`)
	user.waitForClient()
	user.wait("connected", connectionIs(markup.LinkConnected))
	for i, a := range modelAnswers {
		if i > 0 {
			user.click(`#` + markup.IDSidebar + ` ` + actionSelector(markup.ActionNewSession))
			user.wait("a new chat", `document.body.dataset.sessionKey === ""`)
		}
		user.send(a.question)
		user.wait("an answer", replyIs(markup.StatusComplete))
	}
	for _, l := range viewports[:2] {
		user.emulate(l.width, 760, l.scheme)
		user.run("put the focus elsewhere", chromedp.Evaluate[chromedp.Void](`document.activeElement.blur(); void 0`))
		ctx, cancel := context.WithTimeout(user.ctx, waitLimit)
		png, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if len(png) > 120_000 {
			t.Errorf("%s has %d bytes", l.name, len(png))
		}
		if err := os.WriteFile(filepath.Join(dir, "chat-"+l.scheme+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
