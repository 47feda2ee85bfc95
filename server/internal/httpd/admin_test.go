package httpd_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/auth"
	"github.com/gatehouse-chat/gatehouse/server/internal/httpd/httpdtest"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// consolePages are the paths of the admin console's pages.
var consolePages = []string{"/admin", "/admin/sessions", "/admin/clients", "/admin/keys",
	"/admin/audit", "/admin/status"}

func TestConsoleIsForAdmins(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	operator, _ := pair(t, h, protocol.Operator, "zoe", "")
	viewer, _ := pair(t, h, protocol.Viewer, "vic", "")
	for _, path := range consolePages {
		for cookie, want := range map[string]struct {
			status int
			has    string
		}{
			admin:    {http.StatusOK, `aria-current="page"`},
			operator: {http.StatusForbidden, "For admins"},
			viewer:   {http.StatusForbidden, "For admins"},
			"":       {http.StatusOK, `data-page="login"`},
		} {
			r := page(path, cookie).do(h)
			if body := text(t, r); r.StatusCode != want.status || !strings.Contains(body, want.has) {
				t.Errorf("%s: HTTP %d without %s: %.300s", path, r.StatusCode, want.has, body)
			}
		}
		link := page(path, "")
		link.header = http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}
		if body := text(t, link.do(h)); !strings.Contains(body, `data-page="pairing"`) {
			t.Errorf("a link from elsewhere to %s shows %.300s", path, body)
		}
	}
}

func TestConsoleWhileTheStoreFails(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	cookie, _ := pair(t, h, protocol.Admin, "boss", "")
	if err := h.Store.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range consolePages {
		if r := page(path, cookie).do(h); r.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: HTTP %d", path, r.StatusCode)
		}
	}
}

func TestEverybodysSessions(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	say(t, h, "zoe", "zoes", "A harbour wall")
	say(t, h, "ben", "bens", "Bread")
	for i := range 55 {
		say(t, h, "many", fmt.Sprintf("many%d", i), "Letter")
	}
	get := func(path string) string { return text(t, page(path, admin).do(h)) }
	for query, want := range map[string][2]string{ // what is there, what is not
		"?q=harbour":         {`<tr data-row="zoes"`, `<tr data-row="bens"`},
		"?q=bens":            {`<tr data-row="bens"`, `<tr data-row="zoes"`}, // by key
		"?q=zoe":             {`<tr data-row="zoes"`, `<tr data-row="bens"`}, // by user
		"?user=ben":          {`<tr data-row="bens"`, `<tr data-row="zoes"`},
		"?user=ben&q=nobody": {"No chats match", `<table`},
		"?after=nonsense":    {`<tr data-row="many54"`, `First page`},
	} {
		if body := get("/admin/sessions" + query); !strings.Contains(body, want[0]) ||
			strings.Contains(body, want[1]) {
			t.Errorf("%s has no %s, or %s", query, want[0], want[1])
		}
	}
	first := get("/admin/sessions?user=many")
	if n := strings.Count(first, "<tr data-row="); n != 50 {
		t.Fatalf("%d rows on the first page", n)
	}
	_, rest, _ := strings.Cut(first, `class="pager"`)
	_, rest, _ = strings.Cut(rest, `href="`)
	next, _, _ := strings.Cut(rest, `"`)
	second := get(strings.ReplaceAll(next, "&amp;", "&"))
	if n := strings.Count(second, "<tr data-row="); n != 5 || !strings.Contains(second, "First page") {
		t.Errorf("%d rows on the second page, %s", n, next)
	}
}

func TestReadingAnothersSessionIsNoted(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	own, _ := pair(t, h, protocol.Operator, "zoe", "")
	say(t, h, "zoe", "zoes", "my words")
	body := text(t, page("/s/zoes", admin).do(h))
	if !strings.Contains(body, `data-owner="zoe"`) || !strings.Contains(body, "my words") {
		t.Errorf("the admin's page of it: %.500s", body)
	}
	if body := text(t, page("/s/zoes", own).do(h)); !strings.Contains(body, `data-owner=""`) {
		t.Error("the owner's own page names an owner")
	}
	text(t, page("/admin/sessions", admin).do(h))
	text(t, page("/admin/sessions", admin).do(h))
	log := text(t, page("/admin/audit", admin).do(h))
	for _, want := range []string{audit.SessionRead, `href="/s/zoes"`, audit.SessionsList} {
		if !strings.Contains(log, want) {
			t.Errorf("the audit log has no %s", want)
		}
	}
	if n := strings.Count(log, `<span class="row-title">`+audit.SessionsList); n != 1 {
		t.Errorf("%d lines of a list that was read twice", n)
	}
}

func TestAuditPage(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	for i := range 120 {
		who := audit.Actor{UserID: "boss", Role: protocol.Admin, Via: "token", Address: "10.0.0.7"}
		if i%2 == 1 {
			who.UserID = "deputy"
		}
		ended, err := h.Audit.Begin(t.Context(), who,
			audit.Act{Action: audit.Disconnect, Target: fmt.Sprint("connection:", i)})
		if err != nil {
			t.Fatal(err)
		}
		if i == 119 {
			ended(protocol.Refuse(protocol.NotFound, "there is no such connection any more"))
		}
	}
	get := func(path string) string { return text(t, page(path, admin).do(h)) }
	newest := get("/admin/audit")
	if n := strings.Count(newest, "<tr data-row="); n != 100 ||
		!strings.Contains(newest, `data-topics="audit"`) {
		t.Errorf("%d rows on the first page, or it is not live", n)
	}
	if !strings.Contains(newest, "failed</span>") ||
		!strings.Contains(newest, "no such connection any more") {
		t.Error("the failed act is not shown as failed")
	}
	older := get("/admin/audit?before=21")
	if n := strings.Count(older, "<tr data-row="); n != 20 ||
		strings.Contains(older, `data-topics="audit"`) {
		t.Errorf("%d rows before 21, or they are live", n)
	}
	day := time.Now().Format(time.DateOnly)
	for query, want := range map[string]int{
		"user=deputy": 60, "q=connection:11": 11, "action=" + audit.Reload: 0, "since=" + day: 100,
		"until=" + day:     100,
		"since=2999-01-01": 0, "until=1999-01-01": 0, "since=nonsense": 100, "before=x": 100,
	} {
		body := get("/admin/audit?" + query)
		if n := strings.Count(body, "<tr data-row="); n != want {
			t.Errorf("%s: %d rows, want %d", query, n, want)
		}
		name, value, _ := strings.Cut(query, "=")
		if csv := "/admin/audit.csv?" + (url.Values{name: {value}}).Encode(); name != "before" &&
			!strings.Contains(body, csv) {
			t.Errorf("%s: no link to %s", query, csv)
		}
	}
}

func TestKeysPage(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	made, err := h.Keys.Create(t.Context(), "boss",
		protocol.KeysCreateParams{Name: "Nightly", UserID: "reports", Role: protocol.Viewer},
		auth.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	old, err := h.Keys.Create(t.Context(), "boss",
		protocol.KeysCreateParams{Name: "Old", UserID: "reports", Role: protocol.Viewer},
		auth.GenerateKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.Keys.Revoke(t.Context(), "boss", old.ID); err != nil {
		t.Fatal(err)
	}
	body := text(t, page("/admin/keys", admin).do(h))
	for _, want := range []string{`data-row="` + made.ID, "Nightly", made.Prefix, "reports",
		">revoked<"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	for _, secret := range []string{made.Key, old.Key} {
		if strings.Contains(body, secret) {
			t.Error("the page has a key")
		}
	}
	if n := strings.Count(body, `data-action="revoke-key"`); n != 1 {
		t.Errorf("%d keys can be revoked", n)
	}
}

func TestClientsAndStatus(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, device := pair(t, h, protocol.Admin, "boss", "")
	web := httptest.NewServer(h)
	defer web.Close()
	c := httpdtest.Dial(t, web.URL, http.Header{"User-Agent": {"probe/1.0"}})
	c.Call("connect", `{"token":"`+httpdtest.Token+`","user_id":"program","client":{"name":"probe","version":"1.0"}}`)
	own := httpdtest.Dial(t, web.URL, http.Header{"Cookie": {admin}, "Origin": {web.URL}})
	own.Call("connect", `{}`)
	body := text(t, page("/admin/clients", admin).do(h))
	for _, want := range []string{"program", "probe 1.0", "gateway token", "127.0.0.1",
		"2 connections of 2 users"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of clients has no %s", want)
		}
	}
	if n := strings.Count(body, ">this browser<"); n != 1 {
		t.Errorf("%d connections are this browser's, %s", n, device.DeviceID)
	}
	if body := text(t, page("/admin/clients?q=PROBE", admin).do(h)); strings.Count(body,
		"<tr data-row=") != 1 {
		t.Error("the filter does not find one connection")
	}
	body = text(t, page("/admin/status", admin).do(h))
	for _, want := range []string{"Version", ">test<", "Connections", ">ok<",
		"There is no config file.", "<h2>Active settings</h2>"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of the state has no %s", want)
		}
	}
}

// TestConsoleShowsHostileWords proves that texts of others are shown, not run.
func TestConsoleShowsHostileWords(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	const evil = `"'><img src=x onerror=alert(1)><script>alert(2)</script></title><!--`
	admin, _ := pair(t, h, protocol.Admin, "boss", evil)
	say(t, h, evil, "theirs", evil)
	if _, err := h.Keys.Create(t.Context(), "boss",
		protocol.KeysCreateParams{Name: evil, UserID: evil, Role: protocol.Viewer},
		auth.GenerateKey()); err != nil {
		t.Fatal(err)
	}
	label := evil
	if _, err := h.Sessions.Patch(t.Context(),
		session.Caller{UserID: evil, Role: protocol.Operator}.To("theirs"), &label, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := h.Audit.Begin(t.Context(), audit.Actor{UserID: evil, Via: evil, Address: evil},
		audit.Act{Action: audit.Disconnect, Target: "session:" + evil, Detail: evil}); err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, path := range append(consolePages, "/s/theirs") {
		for _, query := range []string{"", "?q=" + url.QueryEscape(evil) + "&user=" +
			url.QueryEscape(evil) + "&since=" + url.QueryEscape(evil)} {
			body := text(t, page(path+query, admin).do(h))
			for _, never := range []string{"<img src=x", "<script>alert", "<!--", "onerror=alert(1)>"} {
				if i := strings.Index(body, never); i >= 0 {
					t.Errorf("%s has %s: …%s…", path+query, never, body[max(0, i-200):min(len(body), i+100)])
				}
			}
			shown += strings.Count(body, "alert(2)")
		}
	}
	if shown == 0 {
		t.Error("the words themselves are not shown")
	}
}

// TestPairingsPage checks what the page says of requests that have left or borrow a name, of
// sign-outs, and which users it offers.
func TestPairingsPage(t *testing.T) {
	t.Parallel()
	h := httpdtest.New(t, httpdtest.Options{})
	admin, _ := pair(t, h, protocol.Admin, "boss", "")
	gone, _ := pair(t, h, protocol.Operator, "gone-by-now", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0")
	if r := api("DELETE", gone, "").do(h); r.StatusCode != http.StatusNoContent {
		t.Fatalf("sign-out: HTTP %d", r.StatusCode)
	}
	keyOf(t, h, protocol.Viewer, "known-by-key", 0)
	say(t, h, "known-by-chat", "k", "hello")
	if _, err := h.Pairings.Request(t.Context(), pairing.Requester{Secret: pairing.NewCredential(),
		Address: netip.MustParseAddr("192.0.2.77"), DeviceName: "Вoss"}); err != nil { // a Cyrillic В
		t.Fatal(err)
	}
	page := text(t, page("/admin", admin).do(h))
	for _, words := range []string{
		`data-state="signed-out"`, `<option value="gone-by-now">`, `<option value="known-by-key">`,
		`<option value="known-by-chat">`, `data-slot="resembles">boss (admin)<`, `data-left="`,
	} {
		if !strings.Contains(page, words) {
			t.Errorf("the page lacks %s", words)
		}
	}
	if strings.Contains(page, `<li class="resolved" data-state="revoked"`) {
		t.Error("a sign-out is shown as a revocation")
	}
}
