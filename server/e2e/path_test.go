package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/gatehouse-chat/gatehouse/server/e2e/rig"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
)

// startUnderPath starts a gateway that nginx serves under /chat of a host, beside another
// program. outside returns the requests that did not go to /chat. passes is what nginx
// passes on, after the gateway's address: "" for whole paths, "/" for paths without /chat.
func startUnderPath(t *testing.T, passes string) (g *gatehouse, outside func() string) {
	t.Helper()
	nginx := rig.FindCommand(t, "nginx-light", "nginx", "/usr/sbin/nginx")
	dir, address := t.TempDir(), rig.FreeAddress(t)
	g = startGatehouse(t, `{ gateway: {
		public_url: "http://`+address+`/chat", trusted_proxies: ["127.0.0.1"],
	} }`)
	config := filepath.Join(dir, "nginx.conf")
	text := `
		daemon off;
		pid ` + dir + `/nginx.pid;
		events {}
		http {
			access_log off;
			client_body_temp_path ` + dir + `/body;
			proxy_temp_path ` + dir + `/proxy;
			server {
				listen ` + address + `;
				location / {
					access_log ` + dir + `/outside.log;
					return 404;
				}
				location /chat/ {
					proxy_pass http://` + g.Address + passes + `;
					proxy_http_version 1.1;
					proxy_request_buffering off;
					proxy_max_temp_file_size 0;
					proxy_set_header Upgrade $http_upgrade;
					proxy_set_header Connection $http_connection;
					proxy_set_header Host $http_host;
					proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
					proxy_set_header X-Forwarded-Proto $scheme;
				}
			}
		}`
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := rig.Start(t, rig.Command{Path: nginx, Args: []string{"-p", dir, "-e", "stderr", "-c", config}})
	p.AwaitPort(address)
	g.publicAddress = address + "/chat"
	return g, func() string {
		asked, err := os.ReadFile(filepath.Join(dir, "outside.log"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return string(asked)
	}
}

// TestUnderAPath pairs, chats and administers under a path of a host, behind nginx. Nothing
// may ask for anything outside the path.
func TestUnderAPath(t *testing.T) {
	t.Parallel()
	for name, passes := range map[string]string{"passes the path on": "", "removes the path": "/"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, outside := startUnderPath(t, passes)
			user, admin := pairedTabs(t, g)
			chatUnderPath(t, g, user)
			administerUnderPath(t, admin)
			user.click(actionSelector(markup.ActionSignOut))
			user.click(actionSelector(markup.ActionConfirmSignOut))
			user.wait("the gate", `document.body?.dataset.page === "`+markup.PagePairing+`" && location.pathname === "/chat/"`)
			// Opened on the gateway's own machine, a page leads to the path.
			user.run("open the gateway itself", chromedp.Navigate("http://"+g.Address+"/login?x=y#z"))
			user.wait("the path", `location.href === "http://`+g.Address+`/chat/login?x=y" && document.body?.dataset.boot === "ready"`)
			if asked := outside(); asked != "" {
				t.Errorf("asked outside of /chat:\n%s", asked)
			}
		})
	}
}

// chatUnderPath sends a file, goes back and forth, and reloads.
func chatUnderPath(t *testing.T, g *gatehouse, user *tab) {
	t.Helper()
	user.runAsync("attach a picture", `choose(await pictureFile("evening.png", 1200, 800))`)
	user.wait("it is uploaded", attachmentIs("evening.png", markup.FileReady))
	user.run("send with Enter", chromedp.Focus("#"+markup.IDComposerInput), enter)
	user.wait("an answer", replyIs(markup.StatusComplete))
	first := evaluate[string](user, `location.pathname`)
	if !strings.HasPrefix(first, "/chat/s/") {
		t.Errorf("the chat is at %s", first)
	}
	user.run("reload", chromedp.Reload())
	user.waitForClient()
	user.wait("connected again", connectionIs(markup.LinkConnected))
	user.wait("the picture", `(i => i?.complete && i.naturalWidth > 0)(document.querySelector('`+messages+` [data-kind="image"] img'))`)
	user.click(`#` + markup.IDSidebar + ` ` + actionSelector(markup.ActionNewSession))
	user.wait("a new chat", `document.querySelectorAll("`+messages+` > *").length === 0 && location.pathname === "/chat/"`)
	user.send("Hello there")
	user.wait("an answer", replyIs(markup.StatusComplete))
	user.run("go back", chromedp.NavigateBack())
	user.run("go back", chromedp.NavigateBack())
	user.wait("the first chat", `location.pathname === `+quote(first)+` && !!document.querySelector('`+messages+` [data-kind="image"]')`)
	cookies := evaluate[string](user, `document.cookie`)
	if cookies != "" {
		t.Errorf("scripts can read %q", cookies)
	}
	user.screenshot("chat")
	user.run("open with a slash", chromedp.Navigate(g.url("/docs/")))
	user.wait("the manual", `document.body?.dataset.page === "`+markup.PageDocs+`"`)
	user.run("follow a link", chromedp.Evaluate[chromedp.Void](
		`document.querySelector('#docs-main a[href*="/docs/"]').click()`))
	user.wait("another page", `location.pathname.startsWith("/chat/docs/") && document.body?.dataset.page === "`+markup.PageDocs+`"`)
	user.open(g.url("/"))
	user.wait("connected again", connectionIs(markup.LinkConnected))
}

// administerUnderPath visits the console's pages.
func administerUnderPath(t *testing.T, admin *tab) {
	t.Helper()
	for _, name := range []string{"Sessions", "Clients", "Keys", "Audit", "Status", "Pairings"} {
		admin.goTo(name)
		if path := evaluate[string](admin, `location.pathname`); !strings.HasPrefix(path, "/chat/admin") {
			t.Errorf("%s is at %s", name, path)
		}
	}
	admin.goTo("Audit")
	admin.fill(`.filter input[name="q"]`, "device")
	admin.run("press Enter", enter)
	admin.wait("the filter", `location.search === "?q=device" && location.pathname === "/chat/admin/audit"`)
	admin.screenshot("console")
}
